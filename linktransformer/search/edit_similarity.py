"""How similar the spelling of two texts is: normalised edit distance of many pairs at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.parallel import cores

__all__ = ["edit_similarity", "threads"]

LONGEST = 512  # characters of a text that are compared: what is longer differs before that
MANY = 20_000  # pairs of texts: fewer are compared before threads have started


def edit_similarity(
    left_texts: Sequence[str],
    right_texts: Sequence[str],
    a: Integers,
    b: Integers,
    *,
    longest: int | None = LONGEST,
) -> Floats:
    """One minus the edit distance (Levenshtein 1966) over the length of the longer text, (n_pairs,) float32.

    `a` and `b` are the left and the right text of each pair; only the first `longest` characters are
    compared. Case and Unicode forms count as they are: normalise the texts first.

    Example:
        >>> both = np.array([0, 0])
        >>> edit_similarity(["Baxter Steel"], ["Baxtcr Steel", ""], both, np.array([0, 1])).tolist()
        [0.916..., 0.0]
    """
    from rapidfuzz import process
    from rapidfuzz.distance import Levenshtein

    left, right = ([text[:longest] for text in texts] for texts in (left_texts, right_texts))
    pairs = [left[i] for i in a.tolist()], [right[j] for j in b.tolist()]
    length = np.maximum(*(np.fromiter(map(len, texts), np.int64, len(texts)) for texts in pairs))
    distance = process.cpdist(
        *pairs, scorer=Levenshtein.distance, dtype=np.int64, workers=threads(len(length))
    )
    return np.asarray(1 - distance / np.maximum(1, length), dtype=np.float32)


def threads(n: int) -> int:
    """How many threads compare n pairs of texts: one for each core, one where there are few pairs."""
    return cores() if n >= MANY else 1
