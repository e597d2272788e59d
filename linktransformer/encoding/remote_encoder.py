"""Vectors of a remote model as one more encoder: "openai:NAME"."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats
from linktransformer.encoding.llm_client import Outcome, Patience, post_all
from linktransformer.encoding.llm_endpoint import Endpoint
from linktransformer.encoding.llm_store import Store, question_key
from linktransformer.errors import ModelError

__all__ = ["RemoteEncoder", "chunks"]

PATH = "embeddings"
MOST_TEXTS = 256  # in one request
MOST_CHARACTERS = 100_000  # in one request
LONGEST = 5_000  # characters of a chunk: some 1,250 tokens of English, and below 8,192 in any script

Vectors = Floats


class RemoteEncoder:
    """A model that gives vectors over HTTP, with the `encode` of any other model.

    A text longer than 5,000 characters is cut into chunks, at a blank where there is one in the last tenth;
    its vector is the mean of theirs, each weighted by its length. Every vector is kept on disk as soon as it
    is there, and is not asked for again.

    Args:
        endpoint: Where the model is.
        patience: How often and how many requests at a time.
        cache: Folder of stored vectors; None (the default) is the user's cache folder, False keeps them in
            memory only.

    Example:
        >>> from linktransformer.encoding.llm_endpoint import endpoint
        >>> RemoteEncoder(endpoint("openai:small@http://127.0.0.1:8080/v1"), cache=False).name
        'openai:small'
    """

    def __init__(
        self,
        endpoint: Endpoint,
        patience: Patience | None = None,
        cache: str | os.PathLike[str] | bool | None = None,
    ) -> None:
        self.name = f"openai:{endpoint.model}"
        self._endpoint = endpoint
        self._patience = Patience() if patience is None else patience
        self._cache = cache

    def encode(self, texts: Sequence[str], batch_size: int | None = None) -> Vectors:
        """Ask for the vectors of texts.

        Args:
            texts: Texts.
            batch_size: Texts in one request, 256 at most.

        Returns:
            (n_texts, d) float32 unit rows.

        Raises:
            ModelError: The server gives no vectors, or of different lengths.
        """
        parts = [chunks(text) for text in texts]
        flat = [part for of_text in parts for part in of_text]
        key_of = {part: self._key(part) for part in dict.fromkeys(flat)}
        vectors: dict[str, Vectors] = {}
        with Store(
            self._cache, f"vectors-{question_key(self._endpoint.base_url, PATH, self._asks())[:16]}"
        ) as store:
            for part, key in key_of.items():
                if (kept := _read(store.get(key))) is not None:
                    vectors[part] = kept
            rest = [part for part in key_of if part not in vectors]
            self._ask(rest, batch_size or MOST_TEXTS, store, key_of, vectors)
        sizes = sorted({len(vector) for vector in vectors.values()})
        if len(sizes) > 1:
            raise ModelError(f"model={self.name!r} gave vectors of different lengths: {sizes}.")
        made = np.zeros((len(texts), sizes[0] if sizes else 1), dtype=np.float64)
        for row, of_text in enumerate(parts):
            weights = np.array([len(part) for part in of_text], dtype=np.float64)
            made[row] = weights @ np.stack([_unit(vectors[part]) for part in of_text])
            made[row] = _unit(made[row])
        return made.astype(np.float32)

    def _asks(self, texts: Sequence[str] = ()) -> dict[str, Any]:
        return {"model": self._endpoint.model, "input": list(texts), "encoding_format": "float"}

    def _key(self, text: str) -> str:
        return question_key(self._endpoint.base_url, PATH, self._asks([text]))

    def _ask(
        self,
        texts: list[str],
        at_once: int,
        store: Store,
        key_of: Mapping[str, str],
        vectors: dict[str, Vectors],
    ) -> None:
        batches = list(_batches(texts, min(at_once, MOST_TEXTS)))
        failed: list[str] = []

        def done(number: int, outcome: Outcome) -> None:
            found = None if outcome.value is None else _vectors(outcome.value, len(batches[number]))
            if found is None:
                failed.append(outcome.error or "the reply has no vectors of the right number and shape")
                return
            for text, vector in zip(batches[number], found, strict=True):
                store.put(key_of[text], base64.b64encode(vector.astype("<f4").tobytes()).decode())
                vectors[text] = vector

        post_all(self._endpoint, PATH, [self._asks(batch) for batch in batches], self._patience, done)
        if failed:
            raise ModelError(
                f"model={self.name!r}: {len(failed)} of {len(batches)} requests gave no vectors, such as: "
                f"{failed[0]}. Call again: what was answered is kept and not asked for again."
            )


def chunks(text: str) -> list[str]:
    """Cut a long text into pieces that a remote model takes.

    Args:
        text: A text.

    Returns:
        Pieces of at most 5,000 characters, none of them blank; one of a single blank for a blank text.

    Example:
        >>> [len(piece) for piece in chunks("word " * 1500)]
        [4999, 2499]
    """
    pieces, rest = [], text.strip()
    while len(rest) > LONGEST:
        cut = rest.rfind(" ", LONGEST - LONGEST // 10, LONGEST + 1)
        cut = LONGEST if cut < 0 else cut
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [piece for piece in [*pieces, rest] if piece] or [" "]


def _batches(texts: list[str], most: int) -> Iterator[list[str]]:
    """Texts in order, few enough and short enough together for one request."""
    batch: list[str] = []
    size = 0
    for text in texts:
        if batch and (len(batch) >= most or size + len(text) > MOST_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(text)
        size += len(text)
    if batch:
        yield batch


def _vectors(value: Mapping[str, Any], n_texts: int) -> list[Vectors] | None:
    """The vectors of a reply in the order of the texts; None for a reply of any other shape."""
    data = value.get("data")
    if not isinstance(data, list) or len(data) != n_texts:
        return None
    placed: dict[int, Vectors] = {}
    for place, item in enumerate(data):
        index = item.get("index", place) if isinstance(item, Mapping) else None
        if not isinstance(index, int) or index in placed or not 0 <= index < n_texts:
            return None
        try:
            vector = np.asarray(item["embedding"], dtype=np.float32)
        except (KeyError, TypeError, ValueError):
            return None
        if vector.ndim != 1 or not len(vector) or not np.isfinite(vector).all():
            return None
        placed[index] = vector
    return [placed[index] for index in range(n_texts)]


def _read(value: Any) -> Vectors | None:
    try:
        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4") if value else None
    except (TypeError, ValueError):
        return None


def _unit(vector: NDArray[Any]) -> NDArray[Any]:
    length = float(np.linalg.norm(vector))
    return vector / length if length > 0 else vector
