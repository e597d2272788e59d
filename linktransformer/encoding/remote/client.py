"""Requests to a language model: several at a time, repeated after errors that may pass."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from linktransformer.encoding.remote.address import path_advice
from linktransformer.encoding.remote.connections import Connections, TransportError
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.parameters import Changes, changed, described, refused
from linktransformer.encoding.remote.patience import Patience, seconds_of
from linktransformer.encoding.remote.reply_body import SHOWN, Body, read_body
from linktransformer.errors import ModelError

__all__ = ["Outcome", "Patience", "Requests", "Route"]

logger = logging.getLogger(__name__)

GRACE = 5.0  # seconds for answers under way when a call ends early
GIVE_UP_AFTER = 10  # requests in a row that failed because of the server
FIRST_REFUSED = 10  # questions that were refused by one and the same status, and none was answered


@dataclass(frozen=True, slots=True)
class Outcome:
    """The reply to one request as JSON, or why there is none.

    Args:
        value: The reply.
        error: Why there is none.
        tries: How often the request was sent.
        too_large: Whether the server refused it as such, and may answer a smaller one.
        passing: Whether the error may pass.
    """

    value: Mapping[str, object] | None
    error: str | None = None
    tries: int = 1
    too_large: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go below the base URL, and what is known of them.

    Args:
        path: Such as "chat/completions".
        field: The list that a reply has.
        given: Names of parameters that the caller gave: they are never left out.
        argument: The caller's argument of the parameters, None for none.
        first: So many refused questions end a call in which nothing was answered; None for no such end.
        known: Whether answers of earlier calls are reused: then refused questions never end the call.
    """

    path: str
    field: str
    given: frozenset[str] = frozenset()
    argument: str | None = None
    first: int | None = FIRST_REFUSED
    known: bool = False


class Requests:
    """Requests of one call, several at a time; no thread and no connection is left after the `with` block.

    Example:
        >>> route = Route("embeddings", "data")
        >>> with Requests(Endpoint("m", "http://127.0.0.1:9/v1"), route, Patience()) as requests:
        ...     requests.send_all([], print)
    """

    def __init__(self, endpoint: Endpoint, route: Route, patience: Patience) -> None:
        self.endpoint, self.route, self.patience = endpoint, route, patience
        self.changes: Changes = {}
        self._connections = Connections(endpoint, patience.timeout)
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._not_before = 0.0
        self._failed_in_a_row = 0
        self._answered = False
        self._refusals: list[int] = []  # statuses of questions that were refused before any was answered
        self._last_refusal = ""
        self._failed = False

    def __enter__(self) -> Requests:
        return self

    def __exit__(self, *_: object) -> None:
        self._connections.close()

    def send_all(
        self, payloads: Iterable[Mapping[str, object]], done: Callable[[int, Outcome], None]
    ) -> None:
        """Send JSON requests, and call `done` with the number and the outcome of each.

        `done` is called as soon as the outcome is there, in the thread that sent the request: what is paid
        for is stored even if the call ends by an error or an interrupt. Raises ModelError where the server
        refuses every request.
        """
        numbered, lock = enumerate(payloads), threading.Lock()

        def work() -> None:
            while not self._stop.is_set():
                with lock:
                    number, payload = next(numbered, (-1, None))
                if payload is None:
                    return
                try:
                    outcome = self._send(payload)
                except BaseException:
                    self._stop.set()  # before another thread takes the next request
                    raise
                if not self._stop.is_set() or outcome.value is not None:
                    done(number, outcome)

        pool = ThreadPoolExecutor(self.patience.at_once, "language-model")
        pending: set[Future[None]] = set()
        complete = False
        try:
            pending = {pool.submit(work) for _ in range(self.patience.at_once)}
            while pending:
                # a short wait: on Windows an interrupt is only noticed between waits
                ended, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
                for future in ended:
                    future.result()
            complete = True
        finally:
            if not complete:
                self._stop.set()
                pending = {future for future in pending if not future.cancel()}
            try:
                wait(pending, timeout=GRACE)
            finally:
                if not complete:
                    self._connections.close()
                pool.shutdown(wait=True)
        if not self._answered and not self._failed and set(self._refusals) == {403}:
            raise self._refused_all(403, len(self._refusals))

    def _send(self, payload: Mapping[str, object]) -> Outcome:
        """Send one request until it is answered or all repeats are used."""
        if self._failed_in_a_row >= GIVE_UP_AFTER:
            return Outcome(None, f"not asked: {GIVE_UP_AFTER} questions in a row had failed", 0, passing=True)
        error, attempt, sent, own = "", 0, 0, dict[str, str | None]()
        while attempt <= self.patience.retries:
            self._pause(attempt)
            if self._stop.is_set():
                return Outcome(None, "not asked: called off", sent, passing=True)
            with self._lock:
                changes = {**self.changes, **own}
            request = changed(payload, changes)
            sent += 1
            try:
                reply = self._connections.post(self.route.path, request)
            except TransportError as failure:
                error, attempt = str(failure), attempt + 1
            else:
                body = read_body(reply, self.route.field, self.endpoint)
                if body.value is not None:
                    self._count(failed=False)
                    self._remember(own)
                    return Outcome(body.value, None, sent)
                if (change := self._change(request, changes, body)) is not None:
                    own |= change
                    continue
                self._end_if_refused(body)
                if not body.passing:
                    self._count(failed=False)
                    return Outcome(None, body.error, sent, body.too_large)
                error, attempt = body.error, attempt + 1
                self._hold_all(seconds_of(reply.retry_after))
            logger.debug("question failed (%s), try %d", error, attempt)
        self._count(failed=True)
        return Outcome(None, f"{error} ({attempt} times)", sent, passing=True)

    def _change(
        self, request: Mapping[str, object], changes: Changes, body: Body
    ) -> dict[str, str | None] | None:
        """What to change before a refused request is sent again at once; None for nothing."""
        if body.status not in (400, 422):
            return None
        with self._lock:
            if any(name in request for name in self.changes):  # another question has found out meanwhile
                return {}
            if self._answered:
                return None
        return refused(request, self.route.given, body) or None

    def _remember(self, own: Changes) -> None:
        """A question was answered with these changes: all later ones are sent with them."""
        with self._lock:
            # what others were answered with needs no change
            new = {} if self._answered else {n: newer for n, newer in own.items() if n not in self.changes}
            self._answered = True
            self.changes = {**self.changes, **new}
        for words in described(new):
            logger.warning("model %r: %s, as the server refuses it", self.endpoint.model, words)

    def _end_if_refused(self, body: Body) -> None:
        """Raise where every request would be refused, or the first questions were."""
        if body.hopeless:
            advice = "Look at the key, the model's name and the account"
            if body.status in (404, 405):
                url = f"{self.endpoint.base_url}/{self.route.path}"
                path = path_advice(self.endpoint.base_url, self.route.path)
                advice = f"Look at the model's name and the address: {url} was asked; {path}"
            raise ModelError(
                f"The server of model {self.endpoint.model!r} refuses ({body.status}): {body.words[:SHOWN]}. "
                f"{advice}. What was answered before is kept, unless cache=False."
            )
        if body.passing:
            return
        with self._lock:
            if self._answered or self.route.known:
                return
            self._refusals.append(body.status)
            self._last_refusal = body.words[:SHOWN]
            n = len(self._refusals)
        if n == self.route.first and len(set(self._refusals)) == 1:
            raise self._refused_all(body.status, n)

    def _refused_all(self, status: int, n: int) -> ModelError:
        advice = "Look at the key, the model's name and the account."
        if self.route.argument is not None and status != 403:
            advice = (
                f"Parameters are changed by {self.route.argument}=, such as {self.route.argument}="
                "{'temperature': None} to leave one out."
            )
        first = f"the first {n} questions" if n > 1 else "the first question"
        server = f"The server of model {self.endpoint.model!r} at {self.endpoint.host}"
        return ModelError(
            f"{server} refuses {first} ({status}): {self._last_refusal}. Nothing was answered. {advice}"
        )

    def _count(self, *, failed: bool) -> None:
        with self._lock:
            self._failed_in_a_row = self._failed_in_a_row + 1 if failed else 0
            self._failed |= failed

    def _hold_all(self, seconds: float) -> None:
        """Let all requests wait for a Retry-After: the limit belongs to the account, not to the request."""
        with self._lock:
            wait_for = min(seconds, self.patience.longest_wait)
            self._not_before = max(self._not_before, time.monotonic() + wait_for)

    def _pause(self, attempt: int) -> None:
        """Wait before an attempt: longer each time, and at least as long as Retry-After says."""
        seconds = 0.0
        if attempt:
            longest = min(self.patience.first_wait * 2 ** (attempt - 1), self.patience.longest_wait)
            seconds = longest * random.uniform(0.5, 1)
        with self._lock:
            seconds = max(seconds, self._not_before - time.monotonic())
        if seconds > 0:
            self._stop.wait(seconds)
