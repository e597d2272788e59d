"""Vectors of texts that were encoded before in this process; the least recently used are dropped first."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.encoding.cache_settings import told_bytes

__all__ = ["VARIABLE", "VectorMemory", "encode"]

VARIABLE = "LINKTRANSFORMER_VECTOR_MEMORY"
DEFAULT_BYTES = 64 * 10**6
ENTRY = 300  # bytes of an entry beside its vector and the characters of its text


class VectorMemory:
    """Vectors of texts by model, at most so many bytes of them; safe to use from several threads.

    Args:
        max_bytes: What vectors, texts and their entries may take together.

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
        """Look for the vectors of texts.

        Args:
            model: What the vectors depend on beside the text.
            texts: Texts.

        Returns:
            The float32 numbers of each vector as bytes; None for a text that is not there.
        """
        with self._lock:
            for key in [(model, text) for text in texts if (model, text) in self._rows]:
                self._rows.move_to_end(key)
            return [self._rows.get((model, text)) for text in texts]

    def put(self, model: str, texts: Sequence[str], vectors: Floats) -> None:
        """Keep the vectors of texts, and drop those that were not used for longest.

        Args:
            model: What the vectors depend on beside the text.
            texts: Texts.
            vectors: (n_texts, d) float32.
        """
        with self._lock:
            for text, vector in zip(texts, vectors, strict=True):
                if (model, text) not in self._rows:
                    self._rows[model, text] = row = vector.tobytes()
                    self.size += _bytes(text, row)
            while self.size > self.max_bytes:
                (_, text), row = self._rows.popitem(last=False)
                self.size -= _bytes(text, row)


def encode(encoder: Any, texts: list[str], batch_size: int | None, tick: Callable[[int], None]) -> Floats:
    """Encode texts; vectors that depend on their text alone are read from memory where they are there.

    Args:
        encoder: Any encoder. Vectors of `OnnxTextEncoder` on a CPU are kept, no others.
        texts: Texts.
        batch_size: For the encoder.
        tick: Called with the number of texts done since its last call.

    Returns:
        (n_texts, d) float32; the array belongs to the caller.
    """
    from clippings import OnnxTextEncoder

    kept = isinstance(encoder, OnnxTextEncoder) and encoder.device == "cpu"
    if not kept or not all(isinstance(text, str) for text in texts):
        return np.asarray(encoder.encode(texts, batch_size=batch_size, progress=tick), dtype=np.float32)
    memory, key = _memory(os.getpid()), encoder.cache_key
    rows = memory.take(key, texts)
    missing = [at for at, row in enumerate(rows) if row is None]
    new = [texts[at] for at in missing]
    tick(len(texts) - len(new))
    fresh: Floats = encoder.encode(new, batch_size=batch_size, progress=tick)
    memory.put(key, new, fresh)
    if len(new) == len(texts):
        return fresh
    found = np.empty((len(texts), encoder.dim), np.float32)
    old = np.frombuffer(b"".join(row for row in rows if row is not None), np.float32)
    found[[at for at, row in enumerate(rows) if row is not None]] = old.reshape(-1, encoder.dim)
    found[missing] = fresh
    return found


@lru_cache(maxsize=1)
def _memory(process: int) -> VectorMemory:
    """The memory of this process: one that was forked begins with nothing, and with a lock of its own."""
    return VectorMemory(told_bytes(VARIABLE, DEFAULT_BYTES))


def _bytes(text: str, row: bytes) -> int:
    return len(row) + 4 * len(text) + ENTRY
