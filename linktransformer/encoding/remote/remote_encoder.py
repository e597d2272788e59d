"""Vectors of a remote model as one more encoder: "openai:NAME"."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from linktransformer.arrays import Doubles, Floats
from linktransformer.encoding.remote.client import Outcome, Patience, post_all
from linktransformer.encoding.remote.endpoint import Endpoint
from linktransformer.encoding.remote.response_cache import CacheFolder, ResponseCache, request_key
from linktransformer.errors import ModelError

__all__ = ["RemoteEncoder", "chunks"]

PATH = "embeddings"
MAX_TEXTS = 256  # in one request
MAX_CHARACTERS = 100_000  # in one request
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
        self.name = f"openai:{endpoint.model}"
        self._endpoint = endpoint
        self._patience = Patience() if patience is None else patience
        self._cache = cache

    def encode(self, texts: Sequence[str], batch_size: int | None = None) -> Floats:
        """(n_texts, d) float32 unit rows; at most `batch_size` and 256 chunks in one request.

        Raises ModelError where the server gives no vectors, or of different lengths.
        """
        chunks_of = [chunks(text) for text in texts]
        key_of = {chunk: self._key([chunk]) for one_text in chunks_of for chunk in one_text}
        with ResponseCache(self._cache, f"vectors-{self._key([])[:16]}") as responses:
            stored = {chunk: _decoded(responses.get(key)) for chunk, key in key_of.items()}
            vectors = {chunk: vector for chunk, vector in stored.items() if vector is not None}
            missing = [chunk for chunk in key_of if chunk not in vectors]
            vectors |= self._request(missing, batch_size or MAX_TEXTS, responses, key_of)
        sizes = sorted({len(vector) for vector in vectors.values()})
        if len(sizes) > 1:
            raise ModelError(f"model={self.name!r} gave vectors of different lengths: {sizes}.")
        rows = np.zeros((len(texts), sizes[0] if sizes else 1), dtype=np.float64)
        for row, one_text in enumerate(chunks_of):
            weights = np.array([len(chunk) for chunk in one_text], dtype=np.float64)
            rows[row] = _unit(weights @ np.stack([_unit(vectors[chunk]) for chunk in one_text]))
        return rows.astype(np.float32)

    def _payload(self, texts: Sequence[str]) -> dict[str, object]:
        return {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}

    def _key(self, texts: Sequence[str]) -> str:
        return request_key(self._endpoint.base_url, PATH, self._payload(texts))

    def _request(
        self, texts: list[str], batch_size: int, responses: ResponseCache, key_of: Mapping[str, str]
    ) -> dict[str, Floats]:
        """Ask for the vectors of texts, and store each."""
        batches = list(_batches(texts, min(batch_size, MAX_TEXTS)))
        vectors: dict[str, Floats] = {}
        errors: list[str] = []

        def done(number: int, outcome: Outcome) -> None:
            rows = None if outcome.value is None else _rows(outcome.value, len(batches[number]))
            if rows is None:
                errors.append(outcome.error or "the reply has no vectors of the right number and shape")
                return
            for text, vector in zip(batches[number], rows, strict=True):
                responses.put(key_of[text], base64.b64encode(vector.astype("<f4").tobytes()).decode())
                vectors[text] = vector

        post_all(self._endpoint, PATH, map(self._payload, batches), self._patience, done)
        if errors:
            raise ModelError(
                f"model={self.name!r}: {len(errors)} of {len(batches)} requests gave no vectors, such as: "
                f"{errors[0]}. Call again: what was answered is kept and not asked for again."
            )
        return vectors


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


def _rows(value: Mapping[str, object], n_texts: int) -> list[Floats] | None:
    """The vectors of a reply in the order of the texts; None for a reply of any other shape."""
    data = value.get("data")
    if not isinstance(data, list) or len(data) != n_texts:
        return None
    rows: dict[int, Floats] = {}
    for place, item in enumerate(data):
        index = item.get("index", place) if isinstance(item, Mapping) else None
        if not isinstance(index, int) or index in rows or not 0 <= index < n_texts:
            return None
        try:
            vector = np.asarray(item["embedding"], dtype=np.float32)
        except (KeyError, TypeError, ValueError):
            return None
        if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
            return None
        rows[index] = vector
    return [rows[index] for index in range(n_texts)]


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
