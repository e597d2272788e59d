"""How often a request is repeated, and how long a server asks to wait."""

from __future__ import annotations

import contextlib
import email.utils
import time
from dataclasses import dataclass

from linktransformer.errors import InvalidArgumentError

__all__ = ["Patience", "seconds_of"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a request is repeated, and how many run at a time.

    Args:
        retries: How often a request is repeated.
        first_wait: Seconds before the first repeat; doubled each time, shortened by up to half at random.
        longest_wait: Seconds, also for a server's Retry-After.
        timeout: Seconds for one answer.
        at_once: Requests at the same time.
    """

    retries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 120.0
    timeout: float = 120.0
    at_once: int = 8

    def __post_init__(self) -> None:
        for value, least, kind, argument in (
            (self.retries, 0, int, "max_retries"),
            (self.first_wait, 0, float, "ratelimit_sleep_time"),
            (self.timeout, 1e-3, float, "timeout"),
            (self.at_once, 1, int, "concurrency"),
        ):
            number = isinstance(value, (int, kind)) and not isinstance(value, bool)
            if not number or not value >= least:
                noun = "whole number" if kind is int else "number"
                raise InvalidArgumentError(f"{argument}={value!r} cannot work. Give a {noun} from {least:g}.")


def seconds_of(retry_after: str | None) -> float:
    """A Retry-After header in seconds: it holds a number or a date; 0 where it is missing or neither."""
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, float(retry_after or 0))
    with contextlib.suppress(ValueError, TypeError):
        date = email.utils.parsedate_to_datetime(retry_after or "")
        return max(0.0, date.timestamp() - time.time())
    return 0.0
