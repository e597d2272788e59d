"""A server on loopback that speaks like OpenAI's, and misbehaves as it is told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

KEY = "sk-TESTKEY-do-not-show-0123456789"


@dataclass
class Step:
    """One answer: words or a whole body, status, headers; `cut` sends few bytes, `close` hangs up after."""

    text: str | None = None
    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hang: float = 0.0
    finish: str = "stop"
    close: bool = False


@dataclass
class Server:
    """What was asked, and the rule by which it is answered."""

    rule: Callable[[Server, dict[str, Any]], Step]
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    authorization: list[str | None] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    most_at_once: int = 0
    at_once: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def times(self, text: str) -> int:
        """How often a text was asked so far."""
        return sum(text_of(request) == text for request in self.asked)


def text_of(request: dict[str, Any]) -> str:
    """The user's text of a chat request."""
    return str(request["messages"][-1]["content"]) if "messages" in request else str(request["input"])


def chat(text: str | None, finish: str = "stop") -> dict[str, Any]:
    """A body of the right shape."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_POST(self) -> None:
        state: Server = self.server.state
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with state.lock:
            state.asked.append(request)
            state.authorization.append(self.headers.get("Authorization"))
            state.at_once += 1
            state.most_at_once = max(state.most_at_once, state.at_once)
        try:
            step = state.rule(state, request)
            if step.hang:
                state.released.wait(step.hang)
            self._answer(state, request, step)
        finally:
            with state.lock:
                state.at_once -= 1

    def _answer(self, state: Server, request: dict[str, Any], step: Step) -> None:
        body = step.body if step.body is not None else chat(step.text, step.finish)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.send_response(step.status)
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw if step.cut is None else raw[: step.cut])
        except OSError:  # nobody waits for it any more
            self.close_connection = True
            return
        self.close_connection = self.close_connection or step.close or step.cut is not None
        if step.cut is None and step.status == 200:
            with state.lock:
                state.answered.append(text_of(request))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


class _Threads(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


@contextmanager
def serving(rule: Callable[[Server, dict[str, Any]], Step]) -> Iterator[Server]:
    """Run a server for as long as the block."""
    http = _Threads(("127.0.0.1", 0), _Handler)
    state = Server(rule)
    state.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    http.state = state  # type: ignore[attr-defined]  # the handler's way to it
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        http.shutdown()
        thread.join()
        http.server_close()
