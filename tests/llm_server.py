"""A server on loopback that speaks like OpenAI's, and misbehaves as it is told.

`ANSWERED` and `REFUSED` are ways to answer a question of any function that asks a chat model: replies that
hold the right answer in another form, and replies that hold none.
"""

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


def said(text: object, finish: object = "stop", **message: Any) -> Step:
    """An answer with more in its message, or with a content that is not a text."""
    body = chat("", "stop")
    body["choices"][0] |= {"finish_reason": finish, "message": {"content": text, **message}}
    return Step(body=body)


def failed(message: str, status: int = 200, **more: Any) -> Step:
    """An error as servers write it."""
    return Step(status=status, body={"error": {"message": message, **more}})


Way = Callable[[str, str], Step]  # from the right answer and a wrong draft of it

ANSWERED: dict[str, Way] = {
    "plain": lambda right, draft: Step(right),
    "think": lambda right, draft: Step(f"<think>{draft}</think>\n{right}"),
    "closing tag alone": lambda right, draft: Step(f"{draft}\n</think>\n\n{right}"),
    "thinking": lambda right, draft: Step(f"<thinking>{draft}</thinking>\n{right}"),
    "reasoning": lambda right, draft: Step(f"<reasoning>{draft}</reasoning>{right}"),
    "thought, capitals": lambda right, draft: Step(f"<Thought>{draft}</Thought>{right}"),
    "brackets": lambda right, draft: Step(f"[THINK]{draft}[/THINK]{right}"),
    "two thoughts": lambda right, draft: Step(f"<think>{draft}</think>hm<think>{draft}</think>{right}"),
    "thoughts, answer tag": lambda right, draft: Step(f"<think>{draft}</think><answer>{right}</answer>"),
    "channels": lambda right, draft: Step(
        f"<|channel|>analysis<|message|>{draft}<|end|><|start|>assistant<|channel|>final<|message|>{right}<|return|>"
    ),
    "channels, bare": lambda right, draft: Step(f"<|channel|>analysis {draft}<|channel|>final {right}"),
    "channels, markers lost": lambda right, draft: Step(f"analysis{draft}assistantfinal{right}"),
    "fenced": lambda right, draft: Step(f"```\n{right}\n```"),
    "thoughts and fence": lambda right, draft: Step(f"<think>{draft}</think>\n```json\n{right}\n```\n"),
    "parts": lambda right, draft: said(
        [{"type": "text", "text": right[:3]}, {"type": "text", "text": right[3:]}]
    ),
    "thinking part": lambda right, draft: said([{"type": "thinking", "thinking": [draft]}, {"text": right}]),
    "reasoning field": lambda right, draft: said(right, reasoning=draft, refusal=None),
    "no finish_reason": lambda right, draft: said(right, None),
    "end_turn": lambda right, draft: said(right, "end_turn"),
    "eos": lambda right, draft: said(right, "eos"),
    "STOP": lambda right, draft: said(right, "STOP"),
    "error null": lambda right, draft: Step(body={**chat(right), "error": None}),
    "byte order mark": lambda right, draft: Step(body="\ufeff".encode() + json.dumps(chat(right)).encode()),
    "status 201": lambda right, draft: Step(right, status=201),
}
REFUSED: dict[str, tuple[Way, str]] = {
    "opening tag alone": (lambda right, draft: Step(f"<think>{draft} {right}"), "breaks off in its thoughts"),
    "thoughts alone": (
        lambda right, draft: Step(f"<think>{right}</think>"),
        "only thought; raise max_tokens",
    ),
    "no final channel": (lambda right, draft: Step(f"<|channel|>analysis<|message|>{right}"), "only thought"),
    **{
        name: (lambda right, draft, name=name: said(right, name), f"not whole: finish_reason is '{name}'")  # type: ignore[misc]
        for name in (
            "length",
            "max_tokens",
            "model_length",
            "content_filter",
            "abort",
            "tool_calls",
            "new_word",
        )
    },
    "refusal": (lambda right, draft: said(None, refusal="Not allowed."), "the model refuses: Not allowed."),
    "refusal beside text": (
        lambda right, draft: said(right, refusal="Not so."),
        "the model refuses: Not so.",
    ),
    "refusal part": (
        lambda right, draft: said(
            [{"type": "text", "text": right}, {"type": "refusal", "refusal": "Never."}]
        ),
        "the model refuses: Never.",
    ),
    "picture part": (lambda right, draft: said([{"type": "image_url"}, {"text": right}]), "type 'image_url'"),
    "reasoning alone": (lambda right, draft: said("", reasoning=right), "only thought .* raise max_tokens"),
    "reasoning_content alone": (
        lambda right, draft: said(None, "length", reasoning_content=right),
        "'length', and the model only thought; raise max_tokens",
    ),
    "null": (lambda right, draft: said(None), "the reply has no text"),
    "blank": (lambda right, draft: said(" "), "the reply is empty"),
    "no message": (lambda right, draft: Step(body={"choices": [{"text": right}]}), "the reply has no text"),
    "error in 200, 400": (lambda right, draft: failed("bad words", code=400), "answered 400: bad words"),
    "error in 200, text": (lambda right, draft: failed("no room", code="503"), "answered 503: no room"),
    "error in 200, word": (lambda right, draft: failed("slow", code="rate_limit_exceeded"), "429: slow"),
    "error in a choice": (
        lambda right, draft: Step(body={"choices": [{"error": {"code": 502, "message": "lost"}}]}),
        "answered 502: lost",
    ),
    "error in a list": (
        lambda right, draft: Step(status=400, body=[{"error": {"message": "listed"}}]),
        "answered 400: listed",
    ),
    "choices null": (lambda right, draft: Step(body={"choices": None}), "200 with no 'choices' .3 times"),
    "choices empty": (lambda right, draft: Step(body={"choices": []}), "200 with no 'choices' .3 times"),
    "a list": (lambda right, draft: Step(body=[right]), "200 with no 'choices' .3 times"),
    "broken JSON": (lambda right, draft: Step(body=b'{"choices": [{'), "200 with broken JSON .3 times"),
    "a stream": (
        lambda right, draft: Step(
            body=b'data: {"choices": []}', headers={"Content-Type": "text/event-stream"}
        ),
        "200 with a stream .text/event-stream.",
    ),
    "a stream, unnamed": (lambda right, draft: Step(body=b'data: {"x": 1}\n\ndata: [DONE]'), "with a stream"),
    "HTML": (
        lambda right, draft: Step(body=b"<!DOCTYPE html><html><title>Log in</title></html>"),
        "200 with an HTML page .Log in. and no JSON",
    ),
    "HTML of a gateway": (
        lambda right, draft: Step(status=502, body=b"<html><h1>Bad Gateway</h1></html>"),
        "answered 502: an HTML page .Bad Gateway. .*3 times",
    ),
    "detail": (
        lambda right, draft: Step(status=422, body={"detail": [{"msg": "no role"}]}),
        "422: .*no role",
    ),
    **{
        str(status): (lambda right, draft, status=status: failed("busy", status), f"{status}: busy .3 times")  # type: ignore[misc]
        for status in (408, 409, 425, 429, 500, 502, 503, 504, 507, 520, 524, 529, 599)
    },
    **{
        str(status): (
            lambda right, draft, status=status: failed("never", status),
            f"answered {status}: never$",
        )  # type: ignore[misc]
        for status in (400, 413, 422, 501, 505)
    },
}


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
