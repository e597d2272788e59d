"""Questions to a language model: repeated where the server stumbles, several at a time, answers in order."""

from __future__ import annotations

import email.utils
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from linktransformer.encoding.llm_endpoint import Endpoint
from linktransformer.encoding.llm_http import Connections, Reply, TransportError
from linktransformer.errors import InvalidArgumentError, ModelError

__all__ = ["Outcome", "Patience", "post_all"]

logger = logging.getLogger(__name__)

AGAIN = (408, 409, 425, 429, 500, 502, 503, 504)
HOPELESS = (401, 402, 403, 404)  # no other question would fare better
GRACE = 5.0  # seconds for answers under way when a call ends early
GIVE_UP_AFTER = 10  # questions in a row that failed for the server's sake


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a server is waited for.

    Args:
        retries: How often a question is asked again.
        first_wait: Seconds before the first time; doubled each time, shortened by up to half at random.
        longest_wait: Seconds, also for what a server's Retry-After asks for.
        timeout: Seconds for one answer.
        at_once: Questions at the same time.

    Raises:
        InvalidArgumentError: A number that cannot work.
    """

    retries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 120.0
    timeout: float = 120.0
    at_once: int = 8

    def __post_init__(self) -> None:
        for name, value, least, argument in (
            ("retries", self.retries, 0, "max_retries"),
            ("first_wait", self.first_wait, 0, "ratelimit_sleep_time"),
            ("timeout", self.timeout, 1e-3, "timeout"),
            ("at_once", self.at_once, 1, "concurrency"),
        ):
            whole = name in ("retries", "at_once")
            kinds = int if whole else (int, float)
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
                what = "whole number" if whole else "number"
                raise InvalidArgumentError(f"{argument}={value!r} cannot work. Give a {what} from {least:g}.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one question.

    Args:
        value: The reply as JSON; None where there is none.
        error: Why there is none.
        tries: How often it was sent.
    """

    value: dict[str, Any] | None
    error: str | None = None
    tries: int = 1


class _Run:
    """The state that the threads of one call share."""

    def __init__(self, endpoint: Endpoint, path: str, patience: Patience) -> None:
        self.endpoint, self.path, self.patience = endpoint, path, patience
        self.connections = Connections(endpoint, patience.timeout)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.not_before = 0.0
        self.failed_in_a_row = 0

    def ask(self, payload: Mapping[str, Any]) -> Outcome:
        """Ask one question until it is answered or patience ends.

        Args:
            payload: The request as JSON values.

        Returns:
            The reply, or why there is none, and the number of tries.
        """
        if self.failed_in_a_row >= GIVE_UP_AFTER:
            return Outcome(None, f"not asked: {GIVE_UP_AFTER} questions in a row had failed", 0)
        error = ""
        for attempt in range(self.patience.retries + 1):
            self._pause(attempt)
            if self.stop.is_set():
                return Outcome(None, "not asked: called off", attempt)
            asked: float | None = None
            try:
                reply = self.connections.post(self.path, payload)
                value = self._read(reply)
                if value is not None:
                    self._count(failed=False)
                    return Outcome(value, None, attempt + 1)
                error = f"the server answered {reply.status}" + (
                    "" if reply.status != 200 else " with broken JSON"
                )
                if reply.status not in (*AGAIN, 200):
                    self._count(failed=False)
                    return Outcome(None, f"{error}: {self._said(reply)}", attempt + 1)
                asked = _seconds(reply.retry_after)
            except TransportError as failure:
                error = str(failure)
            if asked is not None:  # all wait: the limit is the account's and not the question's
                with self.lock:
                    self.not_before = max(
                        self.not_before, time.monotonic() + min(asked, self.patience.longest_wait)
                    )
            logger.debug("question failed (%s), try %d", error, attempt + 1)
        self._count(failed=True)
        return Outcome(None, f"{error}, {self.patience.retries + 1} times", self.patience.retries + 1)

    def _read(self, reply: Reply) -> dict[str, Any] | None:
        """The JSON of a good reply; None for one to be asked again; raises where nothing can help."""
        if reply.status == 200:
            try:
                value = json.loads(reply.body)
            except (ValueError, RecursionError):
                return None
            return value if isinstance(value, dict) else {"": value}
        if reply.status in HOPELESS or (reply.status == 429 and b"insufficient_quota" in reply.body):
            raise ModelError(
                f"The server of model {self.endpoint.model!r} refuses ({reply.status}): {self._said(reply)}. "
                "Look at the key, the model's name and the account; what was answered before is kept."
            )
        return None

    def _said(self, reply: Reply) -> str:
        """What a server says of an error, short and without keys."""
        try:
            value = json.loads(reply.body)
            inner = value.get("error", value) if isinstance(value, dict) else value
            text = inner.get("message", inner) if isinstance(inner, dict) else inner
        except (ValueError, RecursionError):
            text = reply.body[:2000].decode("utf-8", "replace")
        return " ".join(self.endpoint.without_key(str(text)).split())[:300] or "no reason given"

    def _count(self, *, failed: bool) -> None:
        with self.lock:
            self.failed_in_a_row = self.failed_in_a_row + 1 if failed else 0

    def _pause(self, attempt: int) -> None:
        """Wait before a try: longer each time, and for as long as the server asked."""
        seconds = 0.0
        if attempt:
            longest = min(self.patience.first_wait * 2 ** (attempt - 1), self.patience.longest_wait)
            seconds = longest * random.uniform(0.5, 1)
        with self.lock:
            seconds = max(seconds, self.not_before - time.monotonic())
        if seconds > 0:
            self.stop.wait(seconds)


def post_all(
    endpoint: Endpoint,
    path: str,
    payloads: Sequence[Mapping[str, Any]],
    patience: Patience,
    done: Callable[[int, Outcome], None],
) -> None:
    """Ask all questions, several at a time, and hand on each outcome as soon as it is there.

    When it ends, also by an error or an interrupt, no thread and no connection is left.

    Args:
        endpoint: Whom.
        path: Below its base URL.
        payloads: The questions as JSON.
        patience: How often and how many at a time.
        done: Called with the number of a question and its outcome, in the thread that asked.

    Raises:
        ModelError: The server refuses every question: a wrong key, model or account.
    """
    run = _Run(endpoint, path, patience)

    def one(number: int) -> None:
        if not run.stop.is_set():
            try:
                outcome = run.ask(payloads[number])
            except BaseException:
                run.stop.set()  # at once, before another thread takes the next question
                raise
            if not run.stop.is_set() or outcome.value is not None:
                done(number, outcome)

    numbers = iter(range(len(payloads)))
    waiting: set[Future[None]] = set()
    pool = ThreadPoolExecutor(min(patience.at_once, max(1, len(payloads))), "language-model")
    try:
        waiting = {
            pool.submit(one, number) for _, number in zip(range(2 * patience.at_once), numbers, strict=False)
        }
        while waiting:
            # a short wait, so that an interrupt is heard on every platform
            ended, waiting = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
            # `ended` first: zip takes from its first argument before it sees that the other is at its end
            waiting |= {pool.submit(one, number) for _, number in zip(ended, numbers, strict=False)}
    finally:
        run.stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
        if waiting:  # what is under way may be paid for: its answers are still taken
            wait(waiting, timeout=GRACE)
        run.connections.close()
        pool.shutdown(wait=True)


def _seconds(retry_after: str | None) -> float | None:
    """A Retry-After in seconds: a number, or a date."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except (TypeError, ValueError):
        return None
