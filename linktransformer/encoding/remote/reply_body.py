"""The body of a server's reply: the JSON that was asked for, or what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from linktransformer.encoding.remote.connections import Reply
from linktransformer.encoding.remote.endpoint import Endpoint

__all__ = ["Body", "read_body"]

NOT_REPEATED = (501, 505)  # of 500 and above
REPEATED = (408, 409, 425, 429)
HOPELESS = (401, 402, 404, 405)  # every other request would fail too
TOO_LARGE = (400, 413, 422)
MOST, SHOWN = 20_000, 300  # characters of an error that are read, and that are shown
# codes in words, of an error in a body whose status says 200
CODES = {
    "rate_limit_exceeded": 429, "rate_limit_error": 429, "resource_exhausted": 429, "insufficient_quota": 429,
    "unavailable": 503, "overloaded_error": 503, "server_error": 500, "internal_error": 500,
    "invalid_request_error": 400, "invalid_argument": 400, "context_length_exceeded": 400,
    "content_policy_violation": 400, "content_filter": 400, "authentication_error": 401,
    "invalid_api_key": 401, "permission_denied": 403, "permission_error": 403, "not_found": 404,
    "not_found_error": 404, "model_not_found": 404,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Body:
    """A reply as it was read.

    Args:
        status: That of the reply, or the code of an error in its body.
        value: The JSON that was asked for, None for an error.
        words: What the server said of an error, without keys.
        parameter: The parameter that the server names as wrong, where it has a field for it.
        broken: Whether the status says 200 and the body is not what was asked for.
    """

    status: int
    value: Mapping[str, object] | None = None
    words: str = ""
    parameter: str | None = None
    broken: bool = False

    @property
    def error(self) -> str:
        """The error as a sentence."""
        return f"the server answered {self.status}{' with' if self.broken else ':'} {self.words[:SHOWN]}"

    @property
    def passing(self) -> bool:
        """Whether the same request may be answered later."""
        if self.status >= 500:
            return self.status not in NOT_REPEATED and not self.too_large
        return self.broken or self.status in REPEATED

    @property
    def too_large(self) -> bool:
        """Whether a smaller request may be answered: servers have no one code for it."""
        large = self.status >= 500 and re.search(r"too (large|long)", self.words, re.IGNORECASE)
        return self.status in TOO_LARGE or bool(large)

    @property
    def hopeless(self) -> bool:
        """Whether every other request would be refused too."""
        return self.status in HOPELESS or (self.status == 429 and "insufficient_quota" in self.words)


def read_body(reply: Reply, field: str, endpoint: Endpoint) -> Body:
    """Read a reply that should be a JSON object with a list `field` that is not empty."""
    good = 200 <= reply.status < 300
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        words = endpoint.without_key(_of_text(reply))
        return Body(
            reply.status, words=words or "broken JSON" if good else _of_text_error(words), broken=good
        )
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # Google's servers wrap an error in a list
    error = _error_in(value)
    if error is None and good:
        rows = value.get(field) if isinstance(value, dict) else None
        if isinstance(rows, list) and rows:
            return Body(reply.status, value)
        return Body(reply.status, words=f"no {field!r}", broken=True)
    status = _code(error) if good else reply.status
    words = _words(value if error is None else error)
    parameter = error.get("param") if isinstance(error, Mapping) else None
    code = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
    if code == "insufficient_quota" and code not in words:
        words = f"{words} ({code})"
    named = parameter if isinstance(parameter, str) else None
    return Body(status, None, endpoint.without_key(words) or "no reason given", named)


def _error_in(value: object) -> object:
    """The error of a body or of its first choice, None for none."""
    if not isinstance(value, Mapping):
        return None
    choices = value.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    inner = first.get("error") if isinstance(first, Mapping) else None
    return value.get("error") or inner or None


def _code(error: object) -> int:
    """The status that an error in a body stands for; 500 where it has none."""
    if not isinstance(error, Mapping):
        return 500
    for name in ("code", "status_code", "status", "type"):
        code = error.get(name)
        if isinstance(code, str):
            code = int(code) if code.isdecimal() else CODES.get(code.casefold())
        if isinstance(code, int) and 400 <= code < 600:
            return int(code)
    return 500


def _words(error: object) -> str:
    """The message in an error."""
    for name in ("message", "detail", "error"):
        if isinstance(error, Mapping) and error.get(name):
            error = error[name]
    return " ".join(str(error)[:MOST].split())


def _of_text(reply: Reply) -> str:
    """What a body that is no JSON is, in words: a stream, a page, or nothing known."""
    text = reply.body[: 4 * MOST].decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
    kind = (reply.content_type or "").casefold()
    if "event-stream" in kind or re.match(r"(data|event|id|retry)?:", text):
        return 'a stream (text/event-stream), although "stream": false was sent'
    if "html" in kind or re.match(r"<!doctype html|<html", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>|<h1[^>]*>(.*?)</h1>", text, re.IGNORECASE | re.DOTALL)
        named = " ".join((title.group(1) or title.group(2) or "").split()) if title else ""
        return f"an HTML page{f' ({named})' if named else ''} and no JSON: is the address right?"
    return "" if 200 <= reply.status < 300 else " ".join(text.split())


def _of_text_error(words: str) -> str:
    return words.removesuffix(": is the address right?") or "no reason given"
