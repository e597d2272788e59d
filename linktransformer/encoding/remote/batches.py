"""Texts sent for their vectors in batches, which are halved where the server refuses them as too large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from linktransformer.arrays import Floats
from linktransformer.encoding.remote.client import Outcome, Requests
from linktransformer.encoding.remote.vector_reply import vectors_in

__all__ = ["Received", "request_vectors"]

MAX_CHARACTERS = 100_000  # in one request
ALONE = 3  # texts that are refused alone, before any is answered: the server refuses all

Payload = Callable[[Sequence[str]], Mapping[str, object]]
Keep = Callable[[str, Floats], None]


@dataclass(frozen=True, slots=True)
class Received:
    """What came of requests.

    Args:
        vectors: By text.
        refused: The server's words, by text that it refused alone.
        too_large: Batches of two or more texts that it refused.
        failed: Errors of whole requests that may pass.
        malformed: Errors of replies of the wrong shape, and of requests that were refused for good.
        n_requests: How many batches were sent.
        size: Texts in a request that the server takes.
    """

    vectors: dict[str, Floats] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    too_large: tuple[list[str], ...] = ()
    failed: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()
    n_requests: int = 0
    size: int = 0

    def and_(self, later: Received) -> Received:
        """What came of both; batches that are too large are those of the later one."""
        return Received(
            self.vectors | later.vectors,
            self.refused | later.refused,
            later.too_large,
            self.failed + later.failed,
            self.malformed + later.malformed,
            self.n_requests + later.n_requests,
        )


@dataclass(frozen=True, slots=True)
class _Sender:
    """How a batch is sent, and what is done at once with each text and vector."""

    requests: Requests
    payload: Payload
    keep: Keep

    def send(self, batches: list[list[str]]) -> Received:
        """Send batches, several at a time."""
        parts: list[Received] = []

        def done(number: int, outcome: Outcome) -> None:
            parts.append(_of_outcome(batches[number], outcome))
            for text, vector in parts[-1].vectors.items():
                self.keep(text, vector)

        self.requests.send_all(map(self.payload, batches), done)
        vectors = {text: vector for part in parts for text, vector in part.vectors.items()}
        refused = {text: words for part in parts for text, words in part.refused.items()}
        return Received(
            vectors,
            refused,
            sum((part.too_large for part in parts), ()),
            sum((part.failed for part in parts), ()),
            sum((part.malformed for part in parts), ()),
            len(batches),
        )

    def send_halving(self, batches: list[list[str]]) -> Received:
        """Send batches, and halves of those that are refused, until none is left."""
        received = self.send(batches)
        while received.too_large:
            halves = [h for b in received.too_large for h in (b[: len(b) // 2], b[len(b) // 2 :])]
            received = received.and_(self.send(halves))
        return received


def request_vectors(
    requests: Requests, texts: Sequence[str], size: int, payload: Payload, keep: Keep
) -> Received:
    """The vectors of texts, at most `size` in a request.

    The first batch is sent alone and halved until one is answered; the rest of it is sent in batches of that
    size, and so are all others, unless it was a single text that made it too large. `keep` is called with
    each text and vector as soon as it is there.
    """
    sender, received, rest, now = _Sender(requests, payload, keep), Received(), list(texts), size
    while rest and not received.vectors:
        batch = next(_batches(rest, now))
        received = received.and_(sender.send([batch]))
        if received.failed or received.malformed:
            return replace(received, size=now)
        if received.too_large:
            now = max(1, len(batch) // 2)
            continue
        rest = rest[len(batch) :]
        if not received.vectors:  # a text was refused alone
            now = size
            if len(received.refused) == ALONE:
                return replace(received, size=now)
    begun = rest[: max(0, size - now)] if now < size else []
    received = received.and_(sender.send_halving(list(_batches(begun, now))))
    now = size if received.refused else now
    rest = rest[len(begun) :]
    return replace(received.and_(sender.send_halving(list(_batches(rest, now)))), size=now)


def _of_outcome(batch: list[str], outcome: Outcome) -> Received:
    """What came of one request."""
    if outcome.value is None:
        error = outcome.error or ""
        if outcome.too_large:
            return Received(too_large=(batch,)) if len(batch) > 1 else Received(refused={batch[0]: error})
        return Received(failed=(error,)) if outcome.passing else Received(malformed=(error,))
    try:
        return Received(dict(zip(batch, vectors_in(outcome.value, len(batch)), strict=True)))
    except ValueError as error:
        return Received(malformed=(str(error),))


def _batches(texts: list[str], max_texts: int) -> Iterator[list[str]]:
    """Texts in order, few enough and short enough together for one request."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) >= max_texts or size + len(text) > MAX_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch
