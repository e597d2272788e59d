"""Counts of texts without the texts in memory: by a 64-bit hash of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers

__all__ = ["HashedCounts", "hashes"]

Hashes = NDArray[np.uint64]


def hashes(texts: Iterable[str]) -> Hashes:
    """BLAKE2b hashes of texts, (n,) uint64, the same in any process."""
    digest = hashlib.blake2b
    digests = b"".join(digest(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts)
    return np.frombuffer(digests, dtype=np.uint64)


class HashedCounts:
    """How often each of many texts was counted: 16 bytes for each different one.

    Two of ten million texts have the same hash with a probability of 3e-6; they are then counted as one.

    Example:
        >>> counts = HashedCounts()
        >>> counts.add(["tea", "coffee"], np.array([2, 1]))
        >>> counts.add(["tea"], np.array([3]))
        >>> counts.of(["coffee", "tea", "milk"]).tolist()
        [1, 5, 0]
    """

    def __init__(self) -> None:
        self._hashes: Hashes = np.empty(0, dtype=np.uint64)
        self._counts: Integers = np.empty(0, dtype=np.int64)
        self._new: list[tuple[Hashes, Integers]] = []

    def add(self, texts: Iterable[str], counts: Integers) -> None:
        """Add to the counts of texts; counts are (n,) int64."""
        self._new.append((hashes(texts), counts.astype(np.int64)))
        if sum(len(new) for new, _ in self._new) > max(2**18, len(self._hashes)):
            self.settle()

    def of(self, texts: Iterable[str]) -> Integers:
        """The counts of texts, (n,) int64, 0 for a text that was never added."""
        self.settle()
        keys = hashes(texts)
        counts = np.zeros(len(keys), dtype=np.int64)
        if len(self._hashes):
            place = np.minimum(np.searchsorted(self._hashes, keys), len(self._hashes) - 1)
            is_known = self._hashes[place] == keys
            counts[is_known] = self._counts[place[is_known]]
        return counts

    def values(self) -> Integers:
        """The counts of all texts, in no particular order, (n_texts,) int64."""
        self.settle()
        return self._counts

    def settle(self) -> None:
        """Put together what was added, before several threads ask."""
        if not self._new:
            return
        keys = np.concatenate([self._hashes, *(new for new, _ in self._new)])
        counts = np.concatenate([self._counts, *(count for _, count in self._new)])
        self._new = []
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        first = np.flatnonzero(np.append(True, keys[1:] != keys[:-1])[: len(keys)])
        self._hashes = keys[first]
        self._counts = np.add.reduceat(counts, first) if len(first) else counts
