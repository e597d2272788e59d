"""Requests to a language model: several at a time, repeated after errors that may pass."""

from __future__ import annotations

import contextlib
import email.utils
import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from linktransformer.encoding.remote.connections import Connections, Reply, TransportError
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.errors import InvalidArgumentError, ModelError

__all__ = ["Outcome", "Patience", "post_all"]

logger = logging.getLogger(__name__)

RETRIED = (200, 408, 409, 425, 429, 500, 502, 503, 504)  # 200: with broken JSON
REFUSED = (401, 402, 403, 404)  # every other request would fail too
GRACE = 5.0  # seconds for answers under way when a call ends early
GIVE_UP_AFTER = 10  # requests in a row that failed because of the server


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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reply to one request as JSON, or why there is none; and how often the request was sent."""

    value: Mapping[str, object] | None
    error: str | None = None
    tries: int = 1


def post_all(
    endpoint: Endpoint,
    path: str,
    payloads: Iterable[Mapping[str, object]],
    patience: Patience,
    done: Callable[[int, Outcome], None],
) -> None:
    """Send JSON requests to a path below the base URL, several at a time.

    `done` is called with the number of a request and its outcome as soon as it is there, in the thread that
    sent it: what is paid for is stored even if the call ends by an error or an interrupt. No thread and no
    connection is left afterwards. Raises ModelError where the server refuses every request.
    """
    requests = _Requests(endpoint, path, patience)
    numbered, lock = enumerate(payloads), threading.Lock()

    def work() -> None:
        while not requests.stop.is_set():
            with lock:
                number, payload = next(numbered, (-1, None))
            if payload is None:
                return
            try:
                outcome = requests.send(payload)
            except BaseException:
                requests.stop.set()  # before another thread takes the next request
                raise
            if not requests.stop.is_set() or outcome.value is not None:
                done(number, outcome)

    pool = ThreadPoolExecutor(patience.at_once, "language-model")
    pending: set[Future[None]] = set()
    try:
        pending = {pool.submit(work) for _ in range(patience.at_once)}
        while pending:
            # a short wait: on Windows an interrupt is only noticed between waits
            ended, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in ended:
                future.result()
    finally:
        requests.stop.set()
        wait(pending, timeout=GRACE)
        requests.connections.close()
        pool.shutdown(wait=True)


class _Requests:
    """State that the threads of one call share."""

    def __init__(self, endpoint: Endpoint, path: str, patience: Patience) -> None:
        self.endpoint, self.path, self.patience = endpoint, path, patience
        self.connections = Connections(endpoint, patience.timeout)
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.not_before = 0.0
        self.failed_in_a_row = 0

    def send(self, payload: Mapping[str, object]) -> Outcome:
        """Send one request until it is answered or all repeats are used."""
        if self.failed_in_a_row >= GIVE_UP_AFTER:
            return Outcome(None, f"not asked: {GIVE_UP_AFTER} questions in a row had failed", 0)
        error, tries = "", self.patience.retries + 1
        for attempt in range(tries):
            self._pause(attempt)
            if self.stop.is_set():
                return Outcome(None, "not asked: called off", attempt)
            try:
                reply = self.connections.post(self.path, payload)
            except TransportError as failure:
                error = str(failure)
            else:
                value = self._read(reply)
                if value is not None or reply.status not in RETRIED:
                    self._count(failed=False)
                    refusal = f"the server answered {reply.status}: {self._reason(reply)}"
                    return Outcome(value, refusal if value is None else None, attempt + 1)
                error = f"the server answered {reply.status}"
                error += " with broken JSON" if reply.status == 200 else ""
                self._hold_all(_seconds(reply.retry_after))
            logger.debug("question failed (%s), try %d", error, attempt + 1)
        self._count(failed=True)
        return Outcome(None, f"{error}, {tries} times", tries)

    def _read(self, reply: Reply) -> Mapping[str, object] | None:
        """The JSON of a good reply, None for any other; raises where every request would be refused."""
        if reply.status == 200:
            try:
                value = json.loads(reply.body)
            except (ValueError, RecursionError):
                return None
            return value if isinstance(value, dict) else {"": value}
        if reply.status in REFUSED or (reply.status == 429 and b"insufficient_quota" in reply.body):
            raise ModelError(
                f"The server of model {self.endpoint.model!r} refuses ({reply.status}): "
                f"{self._reason(reply)}. Look at the key, the model's name and the account; what was "
                "answered before is kept."
            )
        return None

    def _reason(self, reply: Reply) -> str:
        """The message in a server's error, short and without keys."""
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

    def _hold_all(self, seconds: float) -> None:
        """Let all requests wait for a Retry-After: the limit belongs to the account, not to the request."""
        with self.lock:
            wait_for = min(seconds, self.patience.longest_wait)
            self.not_before = max(self.not_before, time.monotonic() + wait_for)

    def _pause(self, attempt: int) -> None:
        """Wait before an attempt: longer each time, and at least as long as Retry-After says."""
        seconds = 0.0
        if attempt:
            longest = min(self.patience.first_wait * 2 ** (attempt - 1), self.patience.longest_wait)
            seconds = longest * random.uniform(0.5, 1)
        with self.lock:
            seconds = max(seconds, self.not_before - time.monotonic())
        if seconds > 0:
            self.stop.wait(seconds)


def _seconds(retry_after: str | None) -> float:
    """A Retry-After header in seconds: it holds a number or a date; 0 where it is missing or neither."""
    with contextlib.suppress(ValueError, TypeError):
        return max(0.0, float(retry_after or 0))
    with contextlib.suppress(ValueError, TypeError):
        date = email.utils.parsedate_to_datetime(retry_after or "")
        return max(0.0, date.timestamp() - time.time())
    return 0.0
