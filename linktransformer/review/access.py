"""Who may use the application: a token, a cookie, the address and the origin of each request."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["HEADERS", "Access"]

HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True)
class Access:
    """The secrets of one run.

    Args:
        port: The port on 127.0.0.1; requests to another host or port are refused.
        token: What the first address has.
        session: What the cookie has.
    """

    port: int
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def cookie_name(self) -> str:
        """With the port, since browsers send the cookies of one port to all others."""
        return f"review_{self.port}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The values of a Host header that are accepted."""
        return f"127.0.0.1:{self.port}", f"localhost:{self.port}"

    def knows_token(self, token: str) -> bool:
        """Whether it is the token."""
        return secrets.compare_digest(token.encode(), self.token.encode())

    def set_cookie(self) -> str:
        """The header that lets a browser in."""
        return f"{self.cookie_name}={self.session}; HttpOnly; SameSite=Strict; Path=/"

    def refusal(self, method: str, headers: Mapping[str, str]) -> str | None:
        """Why a request is refused, None where it is not; the cookie is checked by `knows_session`."""
        host = headers.get("host", "")
        if host not in self.hosts:  # a name of another site that was pointed at this machine
            return "This address is not that of the review."
        if method not in ("GET", "HEAD") and headers.get("origin", "") != f"http://{host}":
            return "This form was not sent by the review."
        if headers.get("sec-fetch-site", "same-origin") == "cross-site" and method not in ("GET", "HEAD"):
            return "This form was not sent by the review."
        return None

    def knows_session(self, headers: Mapping[str, str]) -> bool:
        """Whether a request has the cookie."""
        cookies = [part.strip().partition("=") for part in headers.get("cookie", "").split(";")]
        values = [value for name, _, value in cookies if name == self.cookie_name]
        return any(secrets.compare_digest(value.encode(), self.session.encode()) for value in values)
