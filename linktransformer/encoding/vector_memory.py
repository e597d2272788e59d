"""Vectors in the memory of the process, bounded in size: a second call encodes only new texts."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.encoding.cache_settings import bytes_of_environment

if TYPE_CHECKING:
    from clippings.text.text_encoder import TextEncoder

__all__ = ["VARIABLE", "VectorMemory", "encode"]

VARIABLE = "LINKTRANSFORMER_VECTOR_MEMORY"
DEFAULT_BYTES = 64 * 10**6
ENTRY = 300  # bytes of an entry beside its vector and the characters of its text


class VectorMemory:
    """Vectors by model and text, in at most `max_bytes` with texts and entries; for several threads.

    Example:
        >>> memory = VectorMemory(10**6)
        >>> memory.put("model", ["tea"], np.ones((1, 2), np.float32))
        >>> tea, cup = memory.take("model", ["tea", "cup"])
        >>> np.frombuffer(tea, np.float32).tolist(), cup
        ([1.0, 1.0], None)
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self.size = max_bytes, 0
        self._rows: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = Lock()

    def take(self, model: str, texts: Sequence[str]) -> list[bytes | None]:
        """The float32 numbers of each text's vector as bytes, None for a text that is not stored."""
        with self._lock:
            rows = [self._rows.get((model, text)) for text in texts]
            for text, row in zip(texts, rows, strict=True):
                if row is not None:
                    self._rows.move_to_end((model, text))
            return rows

    def put(self, model: str, texts: Sequence[str], vectors: Floats) -> None:
        """Store (n_texts, d) float32 vectors, and drop the least recently used ones."""
        with self._lock:
            for text, vector in zip(texts, vectors, strict=True):
                if (model, text) not in self._rows:
                    self._rows[model, text] = row = vector.tobytes()
                    self.size += _bytes(text, row)
            while self.size > self.max_bytes:
                (_, text), row = self._rows.popitem(last=False)
                self.size -= _bytes(text, row)


def encode(
    encoder: TextEncoder, texts: list[str], batch_size: int | None, tick: Callable[[int], object]
) -> Floats:
    """(n_texts, d) float32 of any encoder, a new array; of `OnnxTextEncoder` on a CPU vectors are remembered.

    Only there does a vector depend on its text alone.
    """
    from clippings import OnnxTextEncoder

    if not (
        isinstance(encoder, OnnxTextEncoder)
        and encoder.device == "cpu"
        and all(isinstance(text, str) for text in texts)
    ):
        return np.asarray(encoder.encode(texts, batch_size=batch_size, progress=tick), dtype=np.float32)
    memory, key = _memory(os.getpid()), encoder.cache_key
    rows = memory.take(key, texts)
    stored = np.array([row is not None for row in rows], dtype=bool)
    new = [text for text, row in zip(texts, rows, strict=True) if row is None]
    tick(len(texts) - len(new))
    fresh = encoder.encode(new, batch_size=batch_size, progress=tick)
    memory.put(key, new, fresh)
    if len(new) == len(texts):
        return fresh
    old = np.frombuffer(b"".join(row for row in rows if row is not None), np.float32)
    vectors = np.empty((len(texts), encoder.dim), np.float32)
    vectors[stored] = old.reshape(-1, encoder.dim)
    vectors[~stored] = fresh
    return vectors


@lru_cache(maxsize=1)
def _memory(process: int) -> VectorMemory:
    """The memory of this process: a forked one begins empty, with a lock of its own."""
    return VectorMemory(bytes_of_environment(VARIABLE, DEFAULT_BYTES))


def _bytes(text: str, row: bytes) -> int:
    return len(row) + 4 * len(text) + ENTRY
