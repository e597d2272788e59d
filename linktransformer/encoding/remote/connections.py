"""POST requests to one endpoint over connections that are kept open; no redirect to another host."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from linktransformer.encoding.remote.endpoint import Endpoint

__all__ = ["Connections", "Reply", "TransportError"]

MAX_BYTES = 256 * 2**20  # of a reply
MAX_REDIRECTS = 3
STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class TransportError(Exception):
    """No whole reply came; the message holds no key."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Status, the headers Retry-After, Location and Content-Type where the server sent them, and the body."""

    status: int
    retry_after: str | None
    location: str | None
    body: bytes
    content_type: str | None = None


class Connections:
    """Connections to one endpoint for several threads; `close` also ends requests under way."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._all: list[http.client.HTTPConnection] = []
        self._closed = False
        self._tls = ssl.create_default_context() if endpoint.base_url.startswith("https:") else None

    def post(self, path: str, payload: Mapping[str, object]) -> Reply:
        """Send JSON to a path below the base URL and read the whole reply, whatever its status.

        Raises TransportError where no whole reply comes in time, or a redirect leads to another host.
        """
        url = f"{self._endpoint.base_url}/{path}"
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        origin = urlsplit(url)
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._send(urlsplit(url).path, body)
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            url = urljoin(url, reply.location or "")
            target = urlsplit(url)
            if (target.scheme, target.netloc) != (origin.scheme, origin.netloc):
                raise TransportError(f"redirect to another host ({target.hostname}): nothing was sent there")
            if reply.status not in (307, 308):
                raise TransportError(f"the server answered {reply.status}, a redirect without the request")
        raise TransportError(f"more than {MAX_REDIRECTS} redirects")

    def close(self) -> None:
        """Close all connections; a request that waits for its reply fails at once."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()
        for connection in self._all:  # the thread that uses it closes it
            if (sock := connection.sock) is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)

    def _send(self, path: str, body: bytes) -> Reply:
        connection = self._take()
        reused = connection.sock is not None
        deadline = time.monotonic() + self._timeout
        try:
            try:
                return self._exchange(connection, path, body, deadline)
            except STALE:
                if not reused:
                    raise
                connection.close()  # the server closed it while it was idle: connect once more
                return self._exchange(connection, path, body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            timed_out = isinstance(error, TimeoutError)
            reason = (
                f"no answer in {self._timeout:g} s"
                if timed_out
                else f"no whole answer ({type(error).__name__})"
            )
            raise TransportError(reason) from None
        except BaseException:
            connection.close()
            raise
        finally:
            self._give_back(connection)

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, deadline: float
    ) -> Reply:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._endpoint.key is not None:
            headers["Authorization"] = f"Bearer {self._endpoint.key.reveal()}"
        if connection.sock is None:
            connection.connect()
            if self._closed:  # `close` came before there was a socket to shut down
                raise OSError("closed")
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        parts, size = [], 0
        while part := response.read1(2**16):
            parts.append(part)
            size += len(part)
            if size > MAX_BYTES:
                raise ValueError("the reply has no end")
            if time.monotonic() > deadline:  # the socket's time-out is for one read, this for the reply
                raise TimeoutError
        response.close()  # read1 leaves it open, and the connection waits for that
        length = response.getheader("Content-Length")
        if length is not None and length.isdigit() and size < int(length):
            raise http.client.IncompleteRead(b"", int(length) - size)
        if response.will_close:
            connection.close()
        retry_after, location = response.getheader("Retry-After"), response.getheader("Location")
        kind = response.getheader("Content-Type")
        return Reply(response.status, retry_after, location, b"".join(parts), kind)

    def _take(self) -> http.client.HTTPConnection:
        with self._lock:
            if self._closed:
                raise TransportError("the call was ended")
            if not self._idle:
                self._idle.append(self._new())
                self._all.append(self._idle[-1])
            return self._idle.pop()

    def _give_back(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _new(self) -> http.client.HTTPConnection:
        """A connection that is not open yet, through the proxy of the environment where there is one."""
        url = urlsplit(self._endpoint.base_url)
        host = url.hostname or ""
        if self._tls is None:
            return http.client.HTTPConnection(host, url.port, timeout=self._timeout)
        proxy = None if proxy_bypass(host) else getproxies().get("https")
        if not proxy:
            return http.client.HTTPSConnection(host, url.port, timeout=self._timeout, context=self._tls)
        address = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        tunnel = http.client.HTTPSConnection(
            address.hostname or "", address.port or 3128, timeout=self._timeout, context=self._tls
        )
        tunnel.set_tunnel(host, url.port or 443)
        return tunnel
