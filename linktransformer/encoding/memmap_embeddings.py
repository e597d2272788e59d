"""Vectors of many texts in a file that is mapped into memory, so that they need not all be there at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from linktransformer import progress
from linktransformer.arrays import Floats
from linktransformer.encoding import model_plan

__all__ = ["AT_ONCE", "embed_on_disk"]

AT_ONCE = 2**16  # texts: a multiple of what a wrapped encoder is given at once, so that vectors are the same


def embed_on_disk(
    encoder: Any,
    texts: list[str],
    path: Path,
    *,
    batch_size: int | None = None,
    at_once: int = AT_ONCE,
) -> Floats:
    """Encode texts; the vectors of many are written to a file as they are made.

    Args:
        encoder: From `encode.plan`.
        texts: Unique texts.
        path: The file, .npy, which belongs to the caller; it is made only for more than `at_once` texts.
        batch_size: For the encoder.
        at_once: Texts whose vectors are held in memory.

    Returns:
        (n_texts, d) float32 unit rows: in memory, or the file as a read-only array.

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
    told: dict[str, Any] = {"batch_size": batch_size, "remember": False}
    if len(texts) <= at_once:
        return model_plan.embed(encoder, texts, **told)
    into: Any = None
    with progress.stage("encode", len(texts)):
        for start in range(0, len(texts), at_once):
            some = model_plan.embed(encoder, texts[start : start + at_once], **told)
            if into is None:
                into = open_memmap(path, mode="w+", dtype=np.float32, shape=(len(texts), some.shape[1]))
            into[start : start + at_once] = some
    into.flush()
    del into
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
