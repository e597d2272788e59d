"""Long texts encoded passage by passage."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.encoding.cached_encoder import uncached
from linktransformer.encoding.model_plan import Encoder, embed
from linktransformer.search.passages import Passages

__all__ = ["encode_passages", "splits"]

Split = Callable[[Sequence[str]], list[list[str]]]


def splits(encoder: object) -> Split | None:
    """What splits texts into passages that a model reads whole; None for a model that cannot tell."""
    split: Split | None = getattr(uncached(encoder), "passages", None)
    return split


def encode_passages(encoder: Encoder, texts: Sequence[str], *, batch_size: int | None = None) -> Passages:
    """The passages of texts as vectors; a text that the model reads whole is one passage, "" has none.

    Equal passages are encoded once.
    """
    split = splits(encoder)
    if split is None:
        raise ValueError("this model cannot split texts")
    of_texts = [passages if any(passages) else [] for passages in split(texts)]
    number: dict[str, int] = {}
    place = [number.setdefault(passage, len(number)) for passages in of_texts for passage in passages]
    vectors: Floats = np.asarray(embed(encoder, list(number), batch_size=batch_size), dtype=np.float32)
    counts = np.fromiter(map(len, of_texts), np.int64, len(of_texts))
    return Passages(vectors[place], np.append(0, np.cumsum(counts)).astype(np.int64))
