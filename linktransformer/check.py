"""Values of arguments: checks that many functions share, and how a value is written in a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeGuard

import numpy as np

from linktransformer.errors import InvalidArgumentError

__all__ = ["column_name", "device", "flag", "is_whole", "one_of", "shown", "whole"]

WIDEST = 120  # characters of a value that a message has


def shown(value: object) -> str:
    """The repr of any value on one line, short, and without an error of its own.

    Example:
        >>> shown("acme"), len(shown("x" * 10_000))
        ("'acme'", 120)
    """
    try:
        text = " ".join(repr(value).split()) if not isinstance(value, str) else repr(value[: 2 * WIDEST])
    except Exception:  # the repr of a caller's object
        text = f"<{type(value).__name__}>"
    return text if len(text) <= WIDEST else text[: WIDEST - 4] + " ..."


def one_of(argument: str, value: object, allowed: Sequence[str]) -> None:
    """Raise InvalidArgumentError unless the value is one of these texts."""
    if not isinstance(value, str) or value not in allowed:
        raise InvalidArgumentError(
            f"{argument}={shown(value)} is not one of {', '.join(map(repr, allowed))}."
        )


def flag(argument: str, value: object) -> None:
    """Raise InvalidArgumentError unless the value is True or False, of Python or NumPy."""
    if not isinstance(value, (bool, np.bool_)):
        raise InvalidArgumentError(f"{argument}={shown(value)} is neither True nor False. Give one of them.")


def is_whole(value: object, least: int = 1) -> TypeGuard[int]:
    """Whether the value is a whole number of Python or NumPy, from `least`, and no truth value."""
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and bool(value >= least)


def whole(argument: str, value: object, unit: str) -> None:
    """Raise InvalidArgumentError unless the value is a whole number from 1."""
    if not is_whole(value):
        raise InvalidArgumentError(
            f"{argument}={shown(value)} is not a number of {unit}. Give a whole number from 1."
        )


def column_name(argument: str, value: object, example: str) -> None:
    """Raise InvalidArgumentError unless the value can name a new column."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidArgumentError(
            f"{argument}={shown(value)} is not a column name. Give such as {example!r}."
        )


def device(value: object) -> None:
    """Raise InvalidArgumentError unless the value can be a device: "cuda:0", 0, or the object of torch."""
    named = isinstance(value, str) and bool(value.strip())
    if not (value is None or named or is_whole(value, 0) or type(value).__name__ == "device"):
        raise InvalidArgumentError(
            f"device={shown(value)} is not a device. Give 'cpu', 'cuda', 'cuda:0' or None, which takes a GPU "
            "when there is one."
        )
