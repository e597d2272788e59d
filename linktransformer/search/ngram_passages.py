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
MOST = 32  # passages of the usual text of the table with longer texts: the time of a pair is their square


@stage("n-grams by passage")
def by_passage(
    left_texts: Sequence[str], right_texts: Sequence[str], *, same: bool = False, form: Form = "shorter"
) -> tuple[Passages, Passages]:
    """The n-grams of the passages of two tables' texts, or of one, weighed by how rare they are in passages.

    They hold no `whole`. A passage has 512 characters, more where the usual text would have more than 32.

    Example:
        >>> one = "a b " * 200
        >>> left, right = by_passage([one], [one + "c d " * 600], form="shorter")
        >>> left.counts.tolist(), right.counts.tolist()
        ([2], [7])
    """
    both = (left_texts,) if same else (left_texts, right_texts)
    usual = max(float(np.median([len(text) for text in side])) if len(side) else 0.0 for side in both)
    size = max(LENGTH, int(usual / MOST))
    sides = [[split_words(text, size) for text in side] for side in both]
    flat = [[passage for passages in side for passage in passages] for side in sides]
    view = lexical.fit(flat[0], [] if same else flat[1])
    counts = [np.fromiter(map(len, side), np.int64, len(side)) for side in sides]
    starts: list[Integers] = [np.append(0, np.cumsum(count)).astype(np.int64) for count in counts]
    left = Passages(view.left, starts[0], form=form)
    right = left if same else replace(left, vectors=view.right, starts=starts[1])
    return unbiased(left, right, (left_texts, left_texts if same else right_texts), same=same)


def split_words(text: str, size: int = LENGTH) -> list[str]:
    """Passages of about equal length, at most `size` characters and the end of a word; of whole words.

    A text with a longer word is split between characters.
    """
    if len(text) <= size:
        return [text] if text else []
    words = text.split()
    if max(map(len, words)) > size:  # Chinese and Japanese have no spaces
        n = -(-len(text) // size)
        return [text[part * len(text) // n : (part + 1) * len(text) // n] for part in range(n)]
    ends = np.cumsum(np.fromiter(map(len, words), np.int64, len(words)) + 1)
    n = int(-(-ends[-1] // size))
    part = np.minimum((ends - 1) * n // ends[-1], n - 1)
    edges = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(words)]
    return [" ".join(words[start:stop]) for start, stop in itertools.pairwise(edges)]
