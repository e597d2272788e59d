"""One request at a time to a server that redirects, stalls, breaks off or never ends."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from linktransformer.encoding.remote import connections
from linktransformer.encoding.remote.connections import Connections, Reply, TransportError
from linktransformer.encoding.remote.endpoint import Endpoint, Secret

Talk = Callable[[socket.socket, bytes], bool]  # answers one request; whether the connection stays open


def answer(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def request_of(connection: socket.socket) -> bytes:
    """The next request with its body, nothing where the other side has gone."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = connection.recv(2**16)
        if not part:
            return b""
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    length = [int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line]
    while length and len(body) < length[0]:
        body += connection.recv(2**16)
    return head + b"\r\n\r\n" + body


@contextmanager
def server(talk: Talk) -> Iterator[tuple[str, list[bytes], list[int]]]:
    """The address of a server, what it was asked, and the connections that it has taken."""
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []
    taken: list[int] = []

    def hold(connection: socket.socket) -> None:
        with connection:
            while request := request_of(connection):
                asked.append(request)
                if not talk(connection, request):
                    return

    def accept() -> None:
        while True:
            try:
                connection, address = listener.accept()
            except OSError:
                return
            taken.append(address[1])
            threading.Thread(target=hold, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked, taken
    finally:
        listener.close()


def always(raw: bytes, *, stay: bool = True) -> Talk:
    def talk(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(raw)
        return stay

    return talk


def post(talk: Talk, timeout: float = 5.0, key: str | None = None) -> Reply:
    with server(talk) as (url, _, _):
        connections = Connections(Endpoint("m", f"{url}/v1", Secret(key) if key else None), timeout)
        try:
            return connections.post("chat/completions", {"x": 1})
        finally:
            connections.close()


def test_a_connection_is_kept_and_a_stale_one_is_opened_again() -> None:
    with server(always(answer(b'{"a": 1}', "200 OK", "Retry-After: 7"))) as (url, asked, taken):
        connections = Connections(Endpoint("m", f"{url}/v1", Secret("abc")), 5)
        for _ in range(2):
            assert connections.post("embeddings", {"input": "é"}) == Reply(200, "7", None, b'{"a": 1}')
        assert len(taken) == 1
        assert asked[0].startswith(b"POST /v1/embeddings") and b"Authorization: Bearer abc" in asked[0]
        assert asked[0].endswith('{"input": "é"}'.encode())
        connections.close()
    closing = always(answer(), stay=False)  # the server closes each connection without a word of it
    with server(closing) as (url, _, taken):
        connections = Connections(Endpoint("m", url), 5)
        for number in range(3):
            assert connections.post("x", {}).status == 200
            time.sleep(0.05)
            assert len(taken) == number + 1
        connections.close()


def test_a_redirect_within_the_host_is_followed_with_the_same_request() -> None:
    def talk(connection: socket.socket, request: bytes) -> bool:
        moved = request.startswith(b"POST /v1/")
        connection.sendall(answer(b"", "308 Moved", "Location: /v2/chat") if moved else answer(b"there"))
        return True

    with server(talk) as (url, asked, _):
        connections = Connections(Endpoint("m", f"{url}/v1"), 5)
        assert connections.post("chat", {"x": 1}).body == b"there"
        assert [request.split(b" ")[1] for request in asked] == [b"/v1/chat", b"/v2/chat"]
        assert asked[0].rpartition(b"\r\n")[2] == asked[1].rpartition(b"\r\n")[2]
        connections.close()


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            answer(b"", "307 T", "Location: http://elsewhere.invalid/v1/chat"),
            "another host .elsewhere.invalid",
        ),
        (answer(b"", "308 T", "Location: https://127.0.0.1/v1/chat"), "another host"),
        (answer(b"", "302 T", "Location: /v1/other"), "answered 302"),
        (answer(b"", "307 T", "Location: /v1/again"), "more than 3 redirects"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "IncompleteRead"),
        (b"no HTTP at all\r\n\r\n", "BadStatusLine"),
    ],
)
def test_what_is_no_whole_reply_is_an_error(raw: bytes, said: str) -> None:
    with pytest.raises(TransportError, match=said):
        post(always(raw, stay=b"307" in raw or b"308" in raw))


def test_a_reply_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_BYTES", 1000)
    with pytest.raises(TransportError, match="ValueError"):
        post(always(answer(b"x" * 5000)))
    assert len(post(always(answer(b"x" * 1000))).body) == 1000


def test_a_server_that_sends_a_byte_now_and_then_is_late() -> None:
    def talk(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            try:
                connection.sendall(b"x")
            except OSError:
                return False
            time.sleep(0.05)
        return False

    start = time.monotonic()
    with pytest.raises(TransportError, match=r"no answer in 0\.3 s"):
        post(talk, timeout=0.3)
    assert time.monotonic() - start < 3


def test_closing_ends_a_request_that_waits_and_refuses_later_ones() -> None:
    waiting = threading.Event()

    def talk(connection: socket.socket, _: bytes) -> bool:
        waiting.set()
        time.sleep(0.5)
        return False

    with server(talk) as (url, _, _):
        connections = Connections(Endpoint("m", url), 30)
        errors: list[Exception] = []

        def ask() -> None:
            try:
                connections.post("x", {})
            except TransportError as error:
                errors.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        assert waiting.wait(5)
        connections.close()
        thread.join(5)
        assert not thread.is_alive() and len(errors) == 1
        with pytest.raises(TransportError, match="the call was ended"):
            connections.post("x", {})


def test_https_goes_through_the_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("NO_PROXY", "")
    with server(always(answer(b"", "502 Bad"), stay=False)) as (url, asked, _):
        for proxy in (url, url.removeprefix("http://")):
            monkeypatch.setenv("https_proxy", proxy)
            connections = Connections(Endpoint("m", "https://llm.invalid/v1", Secret("abc")), 5)
            with pytest.raises(TransportError, match="OSError"):
                connections.post("chat", {})
            connections.close()
    assert [request.split(b" ")[:2] for request in asked] == [[b"CONNECT", b"llm.invalid:443"]] * 2
    assert not any(b"abc" in request for request in asked)  # the key goes through the tunnel only
