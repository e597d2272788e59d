"""Answers to the question whether a pair of rows matches: 1 and 0, true and false, yes and no."""

from __future__ import annotations

from collections.abc import Sequence

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.cells import is_null

__all__ = ["ANSWERS", "NULL", "SHOWN", "answers", "examples", "is_answers"]

ANSWERS = ("label", "match")  # names of columns of answers
TRUTH = {
    **dict.fromkeys(("1", "1.0", "true", "t", "yes", "y"), 1),
    **dict.fromkeys(("0", "0.0", "false", "f", "no", "n"), 0),
}
NULL, INVALID = -1, -2  # answers that are neither 1 (match) nor 0 (non-match)
SHOWN = 3  # examples in a message


def answers(values: Sequence[object], where: str) -> list[int]:
    """1, 0 or NULL of each value: a number, a truth value or a text such as "yes".

    Raises:
        InvalidArgumentError: A value is none of these; `where` it is begins the message.

    Example:
        >>> answers([1, False, "Yes", None], "labels")
        [1, 0, 1, -1]
    """
    read = [_answer(value) for value in values]
    if INVALID in read:
        wrong = [value for value, answer in zip(values, read, strict=True) if answer == INVALID]
        raise InvalidArgumentError(
            f"{where} holds {wrong[0]!r}, which is not an answer "
            f"({len(wrong)} such values: {examples(wrong)}). "
            "Give 1 for a match and 0 for a non-match; true and false, yes and no are understood."
        )
    return read


def is_answers(values: Sequence[object]) -> bool:
    """Whether all values are answers, and one of them is not null."""
    read = set(map(_answer, values))
    return INVALID not in read and (not read or read != {NULL})


def examples(values: Sequence[object]) -> str:
    """Up to three different values for a message."""
    return ", ".join(list(dict.fromkeys(map(repr, values)))[:SHOWN])


def _answer(value: object) -> int:
    return NULL if is_null(value) else TRUTH.get(str(value).strip().lower(), INVALID)
