"""Words of many texts as numbers, found and compared as arrays of characters, in threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.parallel import mapped

__all__ = ["Tokens", "tokens"]

CHUNK = 2**19  # characters at a time; it changes the speed, not the result
FACTOR = np.uint64(0x9E3779B97F4A7C13)  # 3 modulo 8: of a power of it less one few low bits are 0

Kind = Callable[[str], int]
Hashes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True, eq=False)
class Tokens:
    """The words of texts in their order.

    Args:
        spelled: The different words in alphabetic order.
        number: Of each word of each text, its place in `spelled`, (n_words,) int32.
        count: How many words each text has, (n_texts,) int64.
    """

    spelled: list[str]
    number: NDArray[np.int32]
    count: Integers


def tokens(texts: Sequence[str], kind: Kind) -> Tokens:
    """Split texts into words: runs of characters of one kind. Characters of the kind 0 are between words.

    Words are told apart by 64 bits of a hash: of a million different words two are taken for one with a
    probability of 3e-8.

    Example:
        >>> found = tokens(["tea for two", "two"], lambda character: not character.isspace())
        >>> found.spelled, found.number.tolist(), found.count.tolist()
        (['for', 'tea', 'two'], [1, 0, 2, 2], [3, 1])
    """
    length = np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))
    chunk = (np.cumsum(length) - length) // CHUNK
    edges = [*np.flatnonzero(np.diff(chunk, prepend=-1)).tolist(), len(texts)]
    bounds = list(pairwise(edges))

    def found(bound: tuple[int, int]) -> _Chunk:
        return _found(texts[bound[0] : bound[1]], length[bound[0] : bound[1]], kind)

    parts = list(mapped(found, bounds))
    if not parts:
        return Tokens([], np.empty(0, dtype=np.int32), length)
    hashes, first, place = np.unique(
        np.concatenate([part.hashes for part in parts]), return_index=True, return_inverse=True
    )
    words = list(chain.from_iterable(part.spelled for part in parts))
    once = [words[number] for number in first.tolist()]
    order = sorted(range(len(hashes)), key=once.__getitem__)
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    starts = np.append(0, np.cumsum([len(part.hashes) for part in parts]))
    of_part = [rank[place[a:b]] for a, b in pairwise(starts.tolist())]
    number = np.concatenate([ranks[part.number] for ranks, part in zip(of_part, parts, strict=True)])
    return Tokens([once[number] for number in order], number, np.concatenate([part.count for part in parts]))


@dataclass(frozen=True, slots=True, eq=False)
class _Chunk:
    """The words of some texts, numbered in the order of the hashes of the different ones among them."""

    hashes: Hashes
    spelled: list[str]
    number: Integers
    count: Integers


def _found(texts: Sequence[str], length: Integers, kind: Kind) -> _Chunk:
    whole = "\n".join([*texts, ""])
    points = np.frombuffer(whole.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    present = np.zeros(int(points.max(initial=0)) + 1, dtype=bool)
    present[points] = True
    characters = np.flatnonzero(present)
    kinds = np.zeros(len(present), dtype=np.int8)
    kinds[characters] = [kind(chr(point)) for point in characters.tolist()]
    numbers = np.zeros(len(present), dtype=np.uint64)
    numbers[characters] = _random(characters.astype(np.uint64))
    ends = np.cumsum(length + 1)  # of texts, after the line end
    kinds_of = kinds[points]
    kinds_of[ends - 1] = 0
    inside = np.flatnonzero(kinds_of)
    # a word begins where the character before is of another kind, and so one of the kind 0
    before = np.append(np.int8(0), kinds_of[:-1])
    begins = np.flatnonzero((kinds_of != 0) & (kinds_of != before))
    if not len(begins):
        none = np.empty(0, dtype=np.int64)
        return _Chunk(np.empty(0, dtype=np.uint64), [], none, np.zeros(len(texts), dtype=np.int64))
    start = np.searchsorted(inside, begins)
    size = np.diff(start, append=len(inside))
    power = np.cumprod(np.full(int(size.max()), FACTOR, dtype=np.uint64))
    place = np.arange(len(inside)) - np.repeat(start, size)
    hashes = np.add.reduceat(numbers[points[inside]] * power[place], start)
    different, first, number = np.unique(hashes, return_index=True, return_inverse=True)
    at = zip(begins[first].tolist(), (begins + size)[first].tolist(), strict=True)
    count = np.diff(np.searchsorted(begins, ends), prepend=0)
    return _Chunk(different, [whole[a:b] for a, b in at], number, count)


def _random(number: Hashes) -> Hashes:
    """Each number as one that looks random (S. Vigna, splitmix64, 2015)."""
    mixed = number * np.uint64(0x9E3779B97F4A7C15) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(mixed ^ (mixed >> np.uint64(31)))
