"""The threshold that a caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np

from linktransformer.errors import InvalidArgumentError

__all__ = ["check_reached", "check_threshold", "is_number"]

Threshold = str | float | Mapping[str, float] | None


def check_threshold(threshold: Threshold) -> None:
    """Refuse what is no threshold.

    Args:
        threshold: "auto", a number, {"precision": p} or None.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if threshold is None or (isinstance(threshold, str) and threshold == "auto"):
        return
    if isinstance(threshold, Mapping):
        wanted = threshold.get("precision")
        if set(threshold) == {"precision"} and is_number(wanted) and 0 < float(wanted) < 1:
            return
    elif is_number(threshold):
        check_reached(threshold)
        return
    raise InvalidArgumentError(
        f"threshold={threshold!r} is not understood. Give 'auto', a number such as 0.8, "
        "{'precision': 0.95} with a precision between 0 and 1, or None."
    )


def check_reached(threshold: Any, name: str = "threshold") -> None:
    """Refuse a number that no score reaches, such as one in percent.

    Args:
        threshold: A number.
        name: Of the argument.

    Raises:
        InvalidArgumentError: It is above 1, or no number.
    """
    number = float(threshold)
    if not number <= 1:
        hint = f", such as {number / 100:g}" if 2 <= number <= 100 else ""
        raise InvalidArgumentError(
            f"{name}={threshold!r} is reached by no pair: scores are at most 1. Give a number up to 1{hint}."
        )


def is_number(value: Any) -> TypeGuard[float]:
    """Whether it is a finite number of Python or NumPy, and no truth value.

    Args:
        value: Anything.

    Returns:
        True or False.

    Example:
        >>> is_number(np.float32(0.8)), is_number(True), is_number(float("nan"))
        (True, False, False)
    """
    return _is_real(value) and -1e30 < float(value) < 1e30


def _is_real(value: Any) -> bool:
    if isinstance(value, int):  # one that no float can hold is no score
        return not isinstance(value, bool) and abs(value) < 10**30
    return isinstance(value, (float, np.integer, np.floating))
