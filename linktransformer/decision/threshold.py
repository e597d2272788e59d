"""The threshold that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard

import numpy as np

from linktransformer import check
from linktransformer.errors import InvalidArgumentError

__all__ = ["Threshold", "check_reached", "check_threshold", "is_number"]

Threshold = str | float | Mapping[str, float] | None


def check_threshold(threshold: Threshold) -> None:
    """Raise InvalidArgumentError unless it is "auto", a number, {"precision": p} or None."""
    if threshold is None or (isinstance(threshold, str) and threshold == "auto"):
        return
    if isinstance(threshold, Mapping):
        precision = threshold.get("precision")
        if set(threshold) == {"precision"} and is_number(precision) and 0 < float(precision) < 1:
            return
    elif is_number(threshold):
        check_reached(threshold)
        return
    raise InvalidArgumentError(
        f"threshold={check.shown(threshold)} is not understood. Give 'auto', a number such as 0.8, "
        "{'precision': 0.95} with a precision between 0 and 1, or None."
    )


def check_reached(threshold: float, name: str = "threshold") -> None:
    """Raise InvalidArgumentError for a number that no score reaches, such as one in percent."""
    number = float(threshold)
    if not number <= 1:
        hint = f", such as {number / 100:g}" if 2 <= number <= 100 else ""
        raise InvalidArgumentError(
            f"{name}={check.shown(threshold)} "
            f"is reached by no pair: scores are at most 1. Give a number up to 1{hint}."
        )


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number of Python or NumPy below 1e30 in size, and no truth value.

    Example:
        >>> is_number(np.float32(0.8)), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    if isinstance(value, int):  # compared as an integer: no float holds some of them
        return not isinstance(value, bool) and abs(value) < 10**30
    return isinstance(value, (float, np.integer, np.floating)) and -1e30 < float(value) < 1e30
