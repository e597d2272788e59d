"""Vectors of a remote model as one more encoder: "openai:NAME"."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from linktransformer.arrays import Doubles, Floats
from linktransformer.encoding.remote.batches import Received, request_vectors
from linktransformer.encoding.remote.client import Patience, Requests, Route
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.response_cache import CacheFolder, ResponseCache, request_key
from linktransformer.errors import ModelError

__all__ = ["RemoteEncoder", "chunks"]

ROUTE = Route("embeddings", "data", first=None)
MAX_TEXTS = 256  # in one request
MOST_TEXTS = {"gemini": 100}  # the provider's own limit
CHUNK = 5_000  # characters: some 1,250 tokens of English, and below 8,192 in any script

Vector = TypeVar("Vector", Floats, Doubles)


class RemoteEncoder:
    """A model that gives vectors over HTTP, with the `encode` of any other model.

    The vector of a text of several `chunks` is the mean of theirs, weighted by length. Every vector is stored
    as soon as it is there, and not asked for again.

    Example:
        >>> from linktransformer.encoding.remote.endpoint import endpoint
        >>> RemoteEncoder(endpoint("openai:small@http://127.0.0.1:8080/v1"), cache=False).name
        'openai:small'
    """

    def __init__(
        self, endpoint: Endpoint, patience: Patience | None = None, cache: CacheFolder = None
    ) -> None:
        self.name = f"{endpoint.provider}:{endpoint.model}"
        self._endpoint = endpoint
        self._patience = Patience() if patience is None else patience
        self._cache = cache
        self._most = MOST_TEXTS.get(endpoint.provider, MAX_TEXTS)  # in one request; less once one was refused

    def encode(self, texts: Sequence[str], batch_size: int | None = None) -> Floats:
        """(n_texts, d) float32 unit rows; at most `batch_size` and 256 chunks in one request.

        A request that the server refuses as too large is halved, down to a single chunk.

        Raises ModelError where the server gives no vectors, or of different lengths.
        """
        chunks_of = [chunks(text) for text in texts]
        key_of = {chunk: self._key([chunk]) for one_text in chunks_of for chunk in one_text}
        with ResponseCache(self._cache, f"vectors-{self._key([])[:16]}") as responses:
            stored = {chunk: _decoded(responses.get(key)) for chunk, key in key_of.items()}
            vectors = {chunk: vector for chunk, vector in stored.items() if vector is not None}
            missing = [chunk for chunk in key_of if chunk not in vectors]

            def keep(text: str, vector: Floats) -> None:
                responses.put(key_of[text], base64.b64encode(vector.astype("<f4").tobytes()).decode())

            size = min(batch_size or self._most, self._most)
            with Requests(self._endpoint, ROUTE, self._patience) as requests:
                received = request_vectors(requests, missing, size, self._payload, keep)
            self._most = min(self._most, received.size) if received.size < size else self._most
            self._check(received, chunks_of, responses.on_disk)
            n_stored, vectors = len(vectors), vectors | received.vectors
            self._check_lengths(vectors, n_stored, responses)
        sizes = {len(vector) for vector in vectors.values()}
        rows = np.zeros((len(texts), max(sizes, default=1)), dtype=np.float64)
        for row, one_text in enumerate(chunks_of):
            weights = np.array([len(chunk) for chunk in one_text], dtype=np.float64)
            rows[row] = _unit(weights @ np.stack([_unit(vectors[chunk]) for chunk in one_text]))
        return rows.astype(np.float32)

    def _payload(self, texts: Sequence[str]) -> dict[str, object]:
        return {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}

    def _key(self, texts: Sequence[str]) -> str:
        return request_key(self._endpoint.base_url, ROUTE.path, self._payload(texts))

    def _check(self, received: Received, chunks_of: list[list[str]], on_disk: bool) -> None:
        """Raise where texts have no vector: errors for good first, then those of a text."""
        name = f"model={self.name!r}"
        if received.malformed:
            n = len(received.malformed)
            small = received.size > 1 and not received.vectors
            raise ModelError(
                f"{name}: {n} of {received.n_requests} requests gave no vectors: {received.malformed[0]}. "
                + ("Give batch_size=1, or take" if small else "Take")
                + " another model or server: the same request will be answered in the same way."
            )
        if received.refused:
            refused = [one for one in chunks_of if not received.refused.keys().isdisjoint(one)]
            words = next(iter(received.refused.values()))
            longest = max(len(chunk) for chunk in received.refused)
            if not received.vectors:
                raise ModelError(
                    f"{name}: the server at {self._endpoint.host} refuses single texts too: {words}. Look at "
                    "the model's name and at the length of the texts."
                )
            raise ModelError(
                f"{name}: the server refuses {len(refused)} of {len(chunks_of)} texts, each sent alone (up "
                f"to {longest} characters): {words}. Shorten them or leave them out, or take a model that "
                "reads longer texts."
            )
        if received.failed:
            kept = " Call again: what was answered is kept and not asked for again." if on_disk else ""
            raise ModelError(
                f"{name}: {len(received.failed)} of {received.n_requests} requests gave no vectors, such as: "
                f"{received.failed[0]}.{kept}"
            )

    def _check_lengths(self, vectors: dict[str, Floats], n_stored: int, responses: ResponseCache) -> None:
        lengths = [len(vector) for vector in vectors.values()]
        if len(set(lengths)) < 2:
            return
        advice = "Take another model or server."
        if len({*lengths[:n_stored]}) == len({*lengths[n_stored:]}) == 1:
            advice = f"The model of this name has changed since some were stored: delete {responses.path}."
        raise ModelError(
            f"model={self.name!r} gave vectors of different lengths: {sorted(set(lengths))}. {advice}"
        )


def chunks(text: str) -> list[str]:
    """Split a long text at 5,000 characters, at a blank where there is one in the last tenth.

    No piece is blank, but for a single blank for a blank text.

    Example:
        >>> [len(piece) for piece in chunks("word " * 1500)]
        [4999, 2499]
    """
    pieces, rest = [], text.strip()
    while len(rest) > CHUNK:
        end = rest.rfind(" ", CHUNK - CHUNK // 10, CHUNK + 1)
        end = CHUNK if end < 0 else end
        pieces.append(rest[:end].rstrip())
        rest = rest[end:].lstrip()
    return [piece for piece in [*pieces, rest] if piece] or [" "]


def _decoded(value: object) -> Floats | None:
    """A stored vector, None where there is none."""
    try:
        encoded = base64.b64decode(value, validate=True) if isinstance(value, str) else b""
        return np.frombuffer(encoded, dtype="<f4") if encoded else None
    except ValueError:
        return None


def _unit(vector: Vector) -> Vector:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector
