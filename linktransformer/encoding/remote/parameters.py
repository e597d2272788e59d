"""Parameters of a request that a server refuses: left out, or sent by their newer name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from linktransformer.encoding.remote.reply_body import Body

__all__ = ["Changes", "changed", "described", "refused"]

RENAMED = {"max_tokens": "max_completion_tokens"}
CONTENT = ("model", "messages", "input")
_OF_THE_TEXT = re.compile(r"context|too long|exceed", re.IGNORECASE)

Changes = Mapping[str, str | None]  # the newer name of a parameter, None where it is left out


def refused(payload: Mapping[str, object], given: Collection[str], body: Body) -> dict[str, str | None]:
    """The change that a server's error asks for; empty where it names no parameter of ours.

    Args:
        payload: The request as it was sent.
        given: Parameters that the caller gave: they may be renamed, and are never left out.
        body: The error.
    """
    for name in sorted(set(payload) - set(CONTENT), key=len, reverse=True):
        in_words = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", body.words)
        of_the_text = name.startswith("max_") and _OF_THE_TEXT.search(body.words)
        if body.parameter != name and (not in_words or of_the_text):
            continue
        newer = RENAMED.get(name)
        older = next((old for old, new in RENAMED.items() if new == name), name)
        if newer is not None and newer not in payload:
            return {name: newer}
        if not {name, older} & set(given):
            return {name: None}
    return {}


def changed(payload: Mapping[str, object], changes: Changes) -> dict[str, object]:
    """A request with changes, in the order in which they were made.

    Example:
        >>> changed({"max_tokens": 9, "temperature": 0}, {"max_tokens": "max_completion_tokens"})
        {'temperature': 0, 'max_completion_tokens': 9}
    """
    request = dict(payload)
    for name, newer in changes.items():
        value = request.pop(name, None)
        if newer is not None and value is not None:
            request[newer] = value
    return request


def described(changes: Changes) -> tuple[str, ...]:
    """Changes in words.

    Example:
        >>> described({"temperature": None})
        ('temperature left out',)
    """
    return tuple(
        f"{name} left out" if newer is None else f"{name} sent as {newer}" for name, newer in changes.items()
    )
