"""N-grams of long texts by passage: copies of a part of a text have all of their passages in the whole."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.progress import stage
from linktransformer.search import lexical
from linktransformer.search.passages import Form, Passages, unbiased

__all__ = ["LENGTH", "by_passage", "split_words"]

LENGTH = 512  # characters of a passage: about the 128 tokens that the bundled model reads


@stage("n-grams by passage")
def by_passage(
    left_texts: Sequence[str], right_texts: Sequence[str], *, same: bool = False, form: Form = "shorter"
) -> tuple[Passages, Passages]:
    """The n-grams of the passages of two tables' texts, or of one, weighed by how rare they are in passages.

    They hold no `whole`.

    Example:
        >>> one = "a b " * 200
        >>> left, right = by_passage([one], [one + "c d " * 600], form="shorter")
        >>> left.counts.tolist(), right.counts.tolist()
        ([2], [7])
    """
    sides = [
        [split_words(text) for text in side]
        for side in ((left_texts,) if same else (left_texts, right_texts))
    ]
    flat = [[passage for passages in side for passage in passages] for side in sides]
    view = lexical.fit(flat[0], [] if same else flat[1])
    counts = [np.fromiter(map(len, side), np.int64, len(side)) for side in sides]
    starts: list[Integers] = [np.append(0, np.cumsum(count)).astype(np.int64) for count in counts]
    left = Passages(view.left, starts[0], form=form)
    right = left if same else replace(left, vectors=view.right, starts=starts[1])
    return unbiased(left, right, (left_texts, left_texts if same else right_texts), same=same)


def split_words(text: str) -> list[str]:
    """Passages of about equal length, whole words and at most `LENGTH` characters but for a longer word."""
    if len(text) <= LENGTH:
        return [text] if text else []
    words = text.split()
    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)) + 1)
    n = int(-(-ends[-1] // LENGTH))
    part = np.minimum((ends - 1) * n // ends[-1], n - 1)
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(words)]
    return [" ".join(words[start:stop]) for start, stop in itertools.pairwise(edges)]
