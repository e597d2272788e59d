"""HTTP client of a registry: auth challenges, retries, no credentials on cross-host redirects."""

from __future__ import annotations

import contextlib
import errno
import http.client
import json
import os
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from email.message import Message
from typing import IO

from model_hub.errors import AccessError, ModelHubError, ModelNotFoundError, TransferError, UnreachableError
from model_hub.oci.auth import Challenge, Credentials, challenge
from model_hub.remote import retry, without_query

TIMEOUT = 30.0  # seconds without a byte
BUSY = (408, 429, 500, 502, 503, 504)
BROKEN = (OSError, http.client.HTTPException)  # what a dropped connection raises
Reply = http.client.HTTPResponse | urllib.error.HTTPError
PLAIN_REMEDY = "Ask its operator for an https address; insecure=True allows plain HTTP."


@dataclass(frozen=True, slots=True)
class Upload:
    """A body that is sent block by block, opened again for each try."""

    size: int
    blocks: Callable[[], Generator[bytes, None, None]]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end."""

    status: int
    headers: Message
    content: bytes = b""


@dataclass(slots=True)
class Registry:
    """One registry: its host with the port, the credentials to show, and whether plain HTTP is allowed.

    A registry on this machine is always spoken to over plain HTTP.
    """

    host: str
    credentials: Credentials = field(repr=False)
    insecure: bool = False
    _header: str = field(default="", repr=False)

    @property
    def root(self) -> str:
        """The address without the path."""
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
        body: bytes | Upload | None = None,
        good: tuple[int, ...] = (200,),
        limit: int = 8 << 20,
    ) -> Answer:
        """Send a request and read the answer, of at most `limit` bytes; retried when busy or broken.

        Status codes outside of `good` raise: 404 ModelNotFoundError, 401 and 403 AccessError, busy ones
        TransferError, others ModelHubError.
        """

        def once() -> Answer:
            with self.stream(method, path, headers=headers, body=body, good=good) as reply:
                try:
                    content = reply.read(limit + 1)
                except BROKEN as error:
                    raise _broken(method, path, error) from None
                if len(content) > limit:
                    raise ModelHubError(
                        "The registry's answer is too long.", without_query(path), "Check the address."
                    )
                return Answer(reply.status or 0, reply.headers, content)

        return retry(once)

    def stream(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | Upload | None = None,
        good: tuple[int, ...] = (200,),
    ) -> Reply:
        """Send a request once, after its auth challenge, and return the open response; see `ask`."""
        url = self._url(path)
        reply = self._send(method, url, headers or {}, body)
        if reply.status == 401:
            content = _first_bytes(reply)
            if not self._authenticate(reply.headers):
                raise self._refused(method, url, 401, content)
            reply = self._send(method, url, headers or {}, body)
        if reply.status in good:
            return reply
        raise self._refused(method, url, reply.status or 0, _first_bytes(reply))

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | Upload | None) -> Reply:
        request = urllib.request.Request(url, method=method, headers=dict(headers))
        request.add_unredirected_header("User-Agent", "linktransformer")
        if urllib.parse.urlsplit(url).netloc == self.host:
            bearer = f"Bearer {self.credentials.bearer}" if self.credentials.bearer else ""
            if header := self._header or bearer:
                request.add_unredirected_header("Authorization", header)
        if body is None:
            return self._open(request)
        size = len(body) if isinstance(body, bytes) else body.size
        with contextlib.closing(_blocks(body)) as blocks:
            request.data = blocks  # before the headers: a change of it removes Content-Length
            request.add_header("Content-Length", str(size))
            if not request.has_header("Content-type"):
                request.add_header("Content-Type", "application/octet-stream")
            return self._open(request)

    def _open(self, request: urllib.request.Request) -> Reply:
        try:
            opener = urllib.request.build_opener(_Redirects(self.plain))
            reply: http.client.HTTPResponse = opener.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            return error
        except ModelHubError:  # some are OSErrors too
            raise
        except BROKEN as error:
            # without the cause: its request holds keys
            raise _broken(request.get_method(), request.full_url, error) from None
        return reply

    def _authenticate(self, headers: Message) -> bool:
        """Answer an auth challenge; False when there is nothing to try."""
        for line in headers.get_all("WWW-Authenticate") or []:
            demand = challenge(line)
            if demand.scheme == "bearer" and demand.realm:
                self._header = "Bearer " + self._token(demand)
                return True
            if demand.scheme == "basic" and self.credentials.basic:
                self._header = self.credentials.basic
                return True
        return False

    def _token(self, demand: Challenge) -> str:
        if not demand.realm.startswith("https://") and not self.plain:
            raise AccessError(
                "The registry asks to send the password without encryption.",
                without_query(demand.realm),
                PLAIN_REMEDY,
            )
        pairs = {"service": demand.service, "scope": demand.scope}
        values = {name: value for name, value in pairs.items() if value}
        headers = {"Authorization": self.credentials.basic} if self.credentials.basic else {}
        url, body = demand.realm, None
        if self.credentials.refresh:
            values |= {"grant_type": "refresh_token", "refresh_token": self.credentials.refresh}
            body = urllib.parse.urlencode({**values, "client_id": "linktransformer"}).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
        elif values:
            url += ("&" if "?" in url else "?") + urllib.parse.urlencode(values)

        def once() -> str:
            request = urllib.request.Request(url, data=body, method="POST" if body else "GET")
            for name, value in headers.items():
                request.add_unredirected_header(name, value)
            with self._open(request) as reply:
                if reply.status != 200:
                    raise self._refused("GET", url, reply.status or 0, b"")
                try:
                    answer = json.loads(reply.read(1 << 20))
                    return str(answer.get("token") or answer["access_token"])
                except BROKEN as error:
                    raise _broken("GET", url, error) from None
                except (ValueError, KeyError, AttributeError):
                    raise AccessError(
                        "The token service gave no token.", without_query(url), "Check the address."
                    ) from None

        return retry(once)

    def _refused(self, method: str, url: str, status: int, content: bytes) -> ModelHubError:
        context = f"{method} {without_query(url)} gave {status}{_reasons(content)}"
        if status in (401, 403):
            remedy = "Set LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, or run `docker login`."
            if helper := self.credentials.helper:
                remedy = (
                    f"The keys are kept by the program docker-credential-{helper}, which is not run. Set "
                    "LINKTRANSFORMER_OCI_USER and LINKTRANSFORMER_OCI_PASSWORD, or give token='NAME:KEY'."
                )
            return AccessError("The registry does not let us in.", context, remedy)
        if status == 404:
            return ModelNotFoundError(
                "The registry has no such model.",
                context,
                "Check the name and the tag, or `model_hub.list(...)`.",
            )
        if status in BUSY:
            return TransferError("The registry is busy or in trouble.", context, "Try again later.")
        return ModelHubError("The registry refused.", context, "Ask its operator.")

    def _url(self, path: str) -> str:
        url = urllib.parse.urljoin(self.root + "/", path)
        parts = urllib.parse.urlsplit(url)
        if parts.scheme == "http" and not self.plain:  # a registry behind a proxy may not know of https
            if parts.netloc != self.host:
                raise _unencrypted(url)
            url = "https" + url[4:]
        return url


def is_loopback(host: str) -> bool:
    """Whether a host, maybe with a port, is this machine: localhost or 127.x.x.x."""
    name = host.rpartition(":")[0] or host
    numbers = name.split(".")
    return name == "localhost" or (
        len(numbers) == 4 and numbers[0] == "127" and all(part.isdigit() for part in numbers)
    )


def _blocks(body: bytes | Upload) -> Generator[bytes, None, None]:
    if isinstance(body, bytes):
        yield body
    else:
        yield from body.blocks()


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows redirects of downloads, without the key, and never from https to http."""

    def __init__(self, plain: bool) -> None:
        self.plain = plain

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        if req.get_method() not in ("GET", "HEAD"):
            return None
        if not self.plain and not newurl.startswith("https://"):
            raise _unencrypted(newurl)
        return urllib.request.Request(newurl, headers=dict(req.headers), method=req.get_method())


def _unencrypted(url: str) -> AccessError:
    return AccessError(
        "The registry leads to an address without encryption.", without_query(url), PLAIN_REMEDY
    )


def _broken(method: str, url: str, error: Exception) -> ModelHubError:
    reason = getattr(error, "reason", error)
    context = f"{method} {without_query(url)}: {reason or type(reason).__name__}"
    if isinstance(reason, ssl.SSLCertVerificationError):
        return AccessError(
            "The registry's certificate is not one that this machine trusts.",
            context,
            "Name your organisation's certificates in the environment variable SSL_CERT_FILE.",
        )
    # a time-out while connecting comes wrapped, one while reading does not
    silent = isinstance(error, urllib.error.URLError) and isinstance(reason, TimeoutError)
    no_route = getattr(reason, "errno", None) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    if isinstance(reason, (ConnectionRefusedError, socket.gaierror)) or silent or no_route:
        return UnreachableError(
            "The registry cannot be reached.", context, "Check its name and port, and the network."
        )
    return TransferError(
        "The connection to the registry broke.",
        context,
        "Try again: the download continues where it stopped.",
    )


def _first_bytes(reply: Reply) -> bytes:
    """The start of an error's body, which may break off too."""
    with reply:
        try:
            return reply.read(2000)
        except BROKEN:
            return b""


def _reasons(content: bytes) -> str:
    """The registry's error messages, where they have the form of the protocol."""
    try:
        errors = json.loads(content)["errors"]
        messages = [f"{error['code']}: {error.get('message', '')}".strip() for error in errors[:3]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return f" ({'; '.join(messages)[:300]})"
