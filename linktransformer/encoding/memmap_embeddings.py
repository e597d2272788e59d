"""Vectors of many texts in a memory-mapped file, so that not all of them are in memory at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from linktransformer import progress
from linktransformer.arrays import Floats
from linktransformer.encoding import model_plan

__all__ = ["AT_ONCE", "embed_on_disk"]

AT_ONCE = 2**16  # texts: a multiple of what a wrapped encoder is given at once, so that vectors are the same


def embed_on_disk(
    encoder: model_plan.Encoder | None,
    texts: list[str],
    path: Path,
    *,
    batch_size: int | None = None,
    at_once: int = AT_ONCE,
) -> Floats:
    """Encode unique texts; (n_texts, d) float32 unit rows, of more than `at_once` texts in a new .npy file.

    Example:
        >>> class Lengths:
        ...     def encode(self, texts):
        ...         return [[len(text), 0.0] for text in texts]
        >>> import tempfile
        >>> from linktransformer.encoding.model_plan import plan
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = Path(folder) / "vectors.npy"
        ...     embed_on_disk(plan(Lengths()).encoder, ["a", "bb", "c"], file, at_once=2).tolist()
        [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    """
    if len(texts) <= at_once:
        return model_plan.embed(encoder, texts, batch_size=batch_size, remember=False)
    mapped: np.memmap[tuple[int, ...], np.dtype[np.float32]] | None = None
    with progress.stage("encode", len(texts)):
        for start in range(0, len(texts), at_once):
            part = texts[start : start + at_once]
            vectors = model_plan.embed(encoder, part, batch_size=batch_size, remember=False)
            if mapped is None:
                mapped = open_memmap(path, mode="w+", dtype=np.float32, shape=(len(texts), vectors.shape[1]))
            mapped[start : start + at_once] = vectors
    if mapped is not None:
        mapped.flush()
    del mapped
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
