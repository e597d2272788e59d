"""HTTP to one registry: let in when asked, tried again when the line drops, keys kept from other hosts."""

from __future__ import annotations

import errno
import http.client
import json
import logging
import os
import socket
import ssl
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from model_hub.errors import AccessError, ModelHubError, ModelNotFoundError, TransferError, UnreachableError
from model_hub.oci_auth import Challenge, Credentials, challenge

logger = logging.getLogger(__name__)
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds between tries
TIMEOUT = 30.0  # seconds without a byte
T = TypeVar("T")
BUSY = (408, 429, 500, 502, 503, 504)
BROKEN = (OSError, http.client.HTTPException)  # what a dropped connection looks like


class Body(Protocol):
    """What is uploaded: opened anew for each try."""

    @property
    def size(self) -> int:
        """Number of bytes."""

    def open(self) -> Any:
        """A stream of bytes.

        Returns:
            A readable stream, or bytes.
        """


@dataclass(frozen=True, slots=True)
class Bytes:
    """A short body."""

    content: bytes = b""

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.content)

    def open(self) -> Any:
        """The bytes as they are.

        Returns:
            The bytes.
        """
        return self.content


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, read to its end."""

    status: int
    headers: Mapping[str, str]
    content: bytes = b""


@dataclass(slots=True)
class Registry:
    """One registry.

    Args:
        host: Its name, with the port.
        known: What to show when it asks.
        insecure: Whether it may be spoken to without encryption; another program on this machine always may.
    """

    host: str
    known: Credentials = field(repr=False)
    insecure: bool = False
    _header: str = field(default="", repr=False)

    @property
    def root(self) -> str:
        """Its address, without the path."""
        return ("http://" if self.plain else "https://") + self.host

    @property
    def plain(self) -> bool:
        """Whether it is spoken to without encryption."""
        named = os.environ.get("LINKTRANSFORMER_OCI_INSECURE", "").replace(",", " ").split()
        return self.insecure or self.host in named or is_loopback(self.host)

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        good: tuple[int, ...] = (200,),
        limit: int = 8 << 20,
    ) -> Answer:
        """Send a request and read the answer; busy servers and dropped connections are tried again.

        Args:
            method: GET, HEAD, POST, PUT or PATCH.
            path: Path or address.
            headers: Further headers.
            body: What to send.
            good: Status codes that are an answer; any other is an error.
            limit: An answer longer than this is refused.

        Returns:
            The answer.

        Raises:
            ModelNotFoundError: It answers 404.
            AccessError: It answers 401 or 403.
            TransferError: It did not answer, or is busy, after several tries.
            ModelHubError: It answers anything else.
        """

        def once() -> Answer:
            with self.stream(method, path, headers=headers, body=body, good=good) as found:
                try:
                    content = found.read(limit + 1)
                except BROKEN as error:
                    raise _broken(method, path, error) from None
                if len(content) > limit:
                    raise ModelHubError(
                        "The registry's answer is too long.", show(path), "Check the address."
                    )
                return Answer(found.status, found.headers, content)

        return again(once)

    def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Body | None = None,
        good: tuple[int, ...] = (200,),
    ) -> Any:
        """Send a request once and hand over the open answer, see `ask`.

        Args:
            method: GET, HEAD, POST, PUT or PATCH.
            path: Path or address.
            headers: Further headers.
            body: What to send.
            good: Status codes that are an answer.

        Returns:
            The open answer.
        """
        url = self._url(path)
        found = self._send(method, url, headers or {}, body)
        if found.status == 401:
            content = _said(found)
            if not self._let_in(found.headers):
                raise _refused(method, url, 401, content)
            found = self._send(method, url, headers or {}, body)
        if found.status in good:
            return found
        raise _refused(method, url, found.status, _said(found))

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Body | None) -> Any:
        request = urllib.request.Request(url, method=method, headers=dict(headers))
        request.add_unredirected_header("User-Agent", "linktransformer")
        content: Any = None
        if body is not None:
            request.data = content = body.open()
            request.add_header("Content-Length", str(body.size))
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/octet-stream")
        own = urllib.parse.urlsplit(url).netloc == self.host
        if own and (header := self._header or (f"Bearer {self.known.bearer}" if self.known.bearer else "")):
            request.add_unredirected_header("Authorization", header)
        try:
            return urllib.request.build_opener(_Redirects(self.plain)).open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            return error
        except ModelHubError:  # some are OSErrors too
            raise
        except BROKEN as error:
            raise _broken(method, url, error) from None  # the cause is told; its request holds keys
        finally:
            if hasattr(content, "close"):
                content.close()

    def _let_in(self, headers: Any) -> bool:
        """Get what the registry asks for; False when there is nothing to try."""
        wanted = [challenge(line) for line in headers.get_all("WWW-Authenticate") or []]
        for one in wanted:
            if one.scheme == "bearer" and one.realm:
                self._header = "Bearer " + self._token(one)
                return True
            if one.scheme == "basic" and self.known.basic:
                self._header = self.known.basic
                return True
        return False

    def _token(self, wanted: Challenge) -> str:
        if not wanted.realm.startswith("https://") and not self.plain:
            raise AccessError(
                "The registry asks to send the password without encryption.", show(wanted.realm), "Do not."
            )
        pairs = {"service": wanted.service, "scope": wanted.scope}
        values = {name: value for name, value in pairs.items() if value}
        headers = {"Authorization": self.known.basic} if self.known.basic else {}
        url, body = wanted.realm, None
        if self.known.refresh:
            values |= {"grant_type": "refresh_token", "refresh_token": self.known.refresh}
            body = urllib.parse.urlencode({**values, "client_id": "linktransformer"}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        elif values:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(values)

        def once() -> str:
            request = urllib.request.Request(url, data=body, method="POST" if body else "GET")
            for name, value in headers.items():
                request.add_unredirected_header(name, value)
            try:
                opener = urllib.request.build_opener(_Redirects(self.plain))
                with opener.open(request, timeout=TIMEOUT) as found:
                    answer = json.loads(found.read(1 << 20))
                    return str(answer.get("token") or answer["access_token"])
            except urllib.error.HTTPError as error:
                error.close()
                raise _refused("GET", url, error.code, b"") from None
            except ModelHubError:
                raise
            except BROKEN as error:
                raise _broken("GET", url, error) from None
            except (ValueError, KeyError, AttributeError):
                raise AccessError(
                    "The token service gave no token.", show(url), "Check the address."
                ) from None

        return again(once)

    def _url(self, path: str) -> str:
        url = urllib.parse.urljoin(self.root + "/", path)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "http" and not self.plain:  # a registry behind a proxy may not know of https
            if parts.netloc != self.host:
                raise AccessError(
                    "The registry leads to an address without encryption.", show(url), "Do not."
                )
            url = "https" + url[4:]
        return url


def again(once: Callable[[], T], moved: Callable[[], int] = lambda: 0) -> T:
    """Do something again when the connection drops, with longer and longer pauses.

    Args:
        once: What to do.
        moved: How far it is; the count starts anew each time that it gets further than ever before.

    Returns:
        What `once` gives.

    Raises:
        TransferError: It failed after the last pause.
    """
    tries, furthest = 0, moved()
    while True:
        try:
            return once()
        except UnreachableError:
            raise
        except TransferError as error:
            if (now := moved()) > furthest:
                tries, furthest = 0, now
            if tries >= len(PAUSES):
                raise
            logger.info("trying again in %s s: %s", PAUSES[tries], error)
            time.sleep(PAUSES[tries])
            tries += 1


def is_loopback(host: str) -> bool:
    """Whether a host is this machine.

    Args:
        host: A name, maybe with a port.

    Returns:
        True for localhost and 127.x.x.x.

    Example:
        >>> is_loopback("127.0.0.1:5000"), is_loopback("127.example.org")
        (True, False)
    """
    name = host.rpartition(":")[0] or host
    numbers = name.split(".")
    return name == "localhost" or (
        len(numbers) == 4 and numbers[0] == "127" and all(part.isdigit() for part in numbers)
    )


def show(url: str) -> str:
    """An address as it may be told: without its query, which can hold keys.

    Args:
        url: An address or path.

    Returns:
        The address.
    """
    return urllib.parse.urlsplit(url)._replace(query="", fragment="").geturl()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects of downloads; the key is not sent along, and encryption is not given up."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() not in ("GET", "HEAD"):
            return None
        if not self.plain and not newurl.startswith("https://"):
            raise AccessError("The registry leads to an address without encryption.", show(newurl), "Do not.")
        return urllib.request.Request(newurl, headers=dict(req.headers), method=req.get_method())


def _broken(method: str, url: str, error: Exception) -> ModelHubError:
    reason = getattr(error, "reason", error)
    given = f"{method} {show(url)}: {reason or type(reason).__name__}"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return AccessError(
            "The registry's certificate is not one that this machine trusts.",
            given,
            "Name your organisation's certificates in the environment variable SSL_CERT_FILE.",
        )
    # a time-out while connecting comes wrapped, one while reading does not
    silent = isinstance(error, urllib.error.URLError) and isinstance(reason, TimeoutError)
    nowhere = getattr(reason, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    if isinstance(reason, (ConnectionRefusedError, socket.gaierror)) or silent or nowhere:
        return UnreachableError(
            "The registry cannot be reached.", given, "Check its name and port, and the network."
        )
    return TransferError(
        "The connection to the registry broke.", given, "Try again: what has come so far is kept."
    )


def _refused(method: str, url: str, status: int, content: bytes) -> ModelHubError:
    given = f"{method} {show(url)} gave {status}{_reasons(content)}"
    if status in (401, 403):
        return AccessError(
            "The registry does not let us in.",
            given,
            "Set LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, or run `docker login`.",
        )
    if status == 404:
        return ModelNotFoundError(
            "The registry has no such model.", given, "Check the name and the tag, or `model_hub.list(...)`."
        )
    if status in BUSY:
        return TransferError("The registry is busy or in trouble.", given, "Try again later.")
    return ModelHubError("The registry refused.", given, "Ask those who run it.")


def _said(answer: Any) -> bytes:
    """The start of what an error brings, which may break off too."""
    with answer:
        try:
            return bytes(answer.read(2000))
        except BROKEN:
            return b""


def _reasons(content: bytes) -> str:
    """The registry's own words, where it gave any in the form that its protocol asks for."""
    try:
        errors = json.loads(content)["errors"]
        found = [f"{error['code']}: {error.get('message', '')}".strip() for error in errors[:3]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f" ({'; '.join(found)[:300]})"
