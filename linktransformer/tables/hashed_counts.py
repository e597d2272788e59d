"""Counts of texts in memory that does not hold the texts: by 64 bits of a hash of each."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers

__all__ = ["HashedCounts", "hashes"]

Hashes = NDArray[np.uint64]


def hashes(texts: Iterable[str]) -> Hashes:
    """Hash texts, each to the same number in any process.

    Args:
        texts: The texts, n.

    Returns:
        (n,) uint64.
    """
    digest = hashlib.blake2b
    said = b"".join(digest(t.encode("utf-8", "surrogatepass"), digest_size=8).digest() for t in texts)
    return np.frombuffer(said, dtype=np.uint64)


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
        """Count texts.

        Args:
            texts: The texts, n.
            counts: How often each is there, (n,) int64.
        """
        self._new.append((hashes(texts), counts.astype(np.int64)))
        if sum(len(new) for new, _ in self._new) > max(2**18, len(self._hashes)):
            self._merge()

    def of(self, texts: Iterable[str]) -> Integers:
        """How often texts were counted.

        Args:
            texts: The texts, n.

        Returns:
            (n,) int64, 0 for one that was not.
        """
        self._merge()
        wanted = hashes(texts)
        found = np.zeros(len(wanted), dtype=np.int64)
        if len(self._hashes):
            place = np.minimum(np.searchsorted(self._hashes, wanted), len(self._hashes) - 1)
            known = self._hashes[place] == wanted
            found[known] = self._counts[place[known]]
        return found

    def _merge(self) -> None:
        if not self._new:
            return
        every = np.concatenate([self._hashes, *(new for new, _ in self._new)])
        counts = np.concatenate([self._counts, *(count for _, count in self._new)])
        self._new = []
        order = np.argsort(every, kind="stable")
        every, counts = every[order], counts[order]
        first = np.flatnonzero(np.append(True, every[1:] != every[:-1])[: len(every)])
        self._hashes = every[first]
        self._counts = np.add.reduceat(counts, first) if len(first) else counts
