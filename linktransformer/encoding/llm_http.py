"""One request to a language model: kept connections, time-outs, no redirect to another host."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

from linktransformer.encoding.llm_endpoint import Endpoint

__all__ = ["Connections", "Reply", "TransportError"]

LARGEST = 256 * 2**20  # bytes of a reply
REDIRECTS = 3
_STALE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class TransportError(Exception):
    """No whole reply came; the message may be shown."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered.

    Args:
        status: Such as 200.
        retry_after: The header of that name, None where there is none.
        body: As it came.
    """

    status: int
    retry_after: str | None
    body: bytes


class Connections:
    """Connections to one endpoint, kept open for the next request and closed from outside at will."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._busy: set[http.client.HTTPConnection] = set()
        self._closed = False
        self._tls = ssl.create_default_context() if endpoint.base_url.startswith("https:") else None

    def post(self, path: str, payload: Mapping[str, Any]) -> Reply:
        """Send one request and read the whole reply.

        Args:
            path: Below the base URL, such as "chat/completions".
            payload: What is sent, as JSON.

        Returns:
            The reply, whatever its status.

        Raises:
            TransportError: No whole reply came in time, or it leads to another host.
        """
        url = f"{self._endpoint.base_url}/{path}"
        body = json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")
        origin = urlsplit(url)
        for _ in range(REDIRECTS + 1):
            reply, location = self._send(urlsplit(url).path, body)
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            url = urljoin(url, location or "")
            there = urlsplit(url)
            if (there.scheme, there.netloc) != (origin.scheme, origin.netloc):
                raise TransportError(
                    f"the server sends us on to another host ({there.hostname}): nothing was sent"
                )
            if reply.status not in (307, 308):
                raise TransportError(f"the server answered {reply.status} and not with an answer")
        raise TransportError(f"the server sends us on more than {REDIRECTS} times")

    def close(self) -> None:
        """Close all connections; a request that waits for its reply fails at once."""
        with self._lock:
            self._closed = True
            idle, busy = self._idle, list(self._busy)
            self._idle = []
        for connection in idle:
            connection.close()
        for connection in busy:  # its own thread closes it
            sock = connection.sock
            if sock is not None:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def _send(self, path: str, body: bytes) -> tuple[Reply, str | None]:
        connection, used = self._take()
        deadline = time.monotonic() + self._timeout
        try:
            try:
                found = self._exchange(connection, path, body, deadline)
            except _STALE:
                if not used:
                    raise
                self._drop(connection)  # the server closed it while it lay idle
                connection = self._new()
                found = self._exchange(connection, path, body, deadline)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self._drop(connection)
            late = isinstance(error, TimeoutError)
            what = f"no answer in {self._timeout:g} s" if late else f"{type(error).__name__}"
            raise TransportError(self._endpoint.without_key(what)) from None
        except BaseException:
            self._drop(connection)
            raise
        self._give(connection)
        return found

    def _exchange(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, deadline: float
    ) -> tuple[Reply, str | None]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._endpoint.key is not None:
            headers["Authorization"] = f"Bearer {self._endpoint.key.reveal()}"
        if connection.sock is None:
            connection.connect()
            if self._closed:  # while it was being opened, when `close` could not yet shut it down
                raise OSError("called off")
        connection.request("POST", path, body=body, headers=headers)
        response = connection.getresponse()
        parts, size = [], 0
        while part := response.read1(2**16):
            parts.append(part)
            size += len(part)
            if size > LARGEST:
                raise ValueError("the reply has no end")
            if time.monotonic() > deadline:  # a server that sends a byte now and then is late too
                raise TimeoutError
        response.close()  # read1 leaves it open, and the connection waits for that
        wanted = response.getheader("Content-Length")
        if wanted is not None and wanted.isdigit() and size < int(wanted):
            raise http.client.IncompleteRead(b"", int(wanted) - size)
        if response.will_close:
            connection.close()
        return (
            Reply(response.status, response.getheader("Retry-After"), b"".join(parts)),
            response.getheader("Location"),
        )

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._idle and not self._closed:
                connection = self._idle.pop()
                self._busy.add(connection)
                return connection, connection.sock is not None
        return self._new(), False

    def _new(self) -> http.client.HTTPConnection:
        connection = self._made()
        with self._lock:
            if self._closed:
                raise TransportError("it was called off")
            self._busy.add(connection)
        return connection

    def _made(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._endpoint.base_url)
        host = parts.hostname or ""
        if self._tls is None:
            return http.client.HTTPConnection(host, parts.port, timeout=self._timeout)
        proxy = None if proxy_bypass(host) else getproxies().get("https")
        if not proxy:
            return http.client.HTTPSConnection(host, parts.port, timeout=self._timeout, context=self._tls)
        through = urlsplit(proxy if "//" in proxy else f"//{proxy}")
        made = http.client.HTTPSConnection(
            through.hostname or "", through.port or 3128, timeout=self._timeout, context=self._tls
        )
        made.set_tunnel(host, parts.port or 443)
        return made

    def _give(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._busy.discard(connection)
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()
        with self._lock:
            self._busy.discard(connection)
