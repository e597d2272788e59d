"""Samples of records that depend on their texts alone: not on the order of rows, columns or tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import eq, le

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.search.blocking import Nodes

__all__ = ["Drawing", "drawn", "first_side", "in_order"]


def in_order(texts: Sequence[str], text_of_record: Integers | None = None) -> Integers:
    """Sort records by their text.

    Returns records, (n_records,) int64; those of one text in order of their numbers.
    """
    if text_of_record is not None:  # records are often numbered in order of their texts
        of_records = list(map(texts.__getitem__, text_of_record.tolist()))
        if all(map(le, of_records, of_records[1:])):
            equal = np.fromiter(map(eq, of_records, of_records[1:]), dtype=bool)
            if (np.diff(text_of_record)[equal] >= 0).all():
                return np.arange(len(of_records))
    order = np.array(sorted(range(len(texts)), key=texts.__getitem__), dtype=np.int64)
    if text_of_record is None:
        return order
    rank = np.empty(len(texts), dtype=np.int64)
    rank[order] = np.arange(len(texts))
    return np.argsort(rank[text_of_record], kind="stable")


def first_side(left: Sequence[str], right: Sequence[str]) -> int:
    """The side that is drawn from first, so that two tables that are swapped give the same sample."""
    return int((len(right), list(right)) < (len(left), list(left)))


def drawn(ordered: Integers, most: int) -> Integers:
    """Draw records without replacement.

    Returns the drawn ones, rising, (min(n_records, most),) int64; all of them where there are no more.
    """
    if len(ordered) <= most:
        return np.sort(ordered)
    return np.sort(ordered[np.random.default_rng(0).choice(len(ordered), most, replace=False)])


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """From what records are drawn.

    Args:
        ordered: The records of the left and of the right table in order of their texts.
        first: The side that is drawn from first.
        same: Both sides are one table.
    """

    ordered: tuple[Integers, Integers]
    first: int
    same: bool = False

    @classmethod
    def of(cls, texts: Sequence[Sequence[str]], nodes: tuple[Nodes, Nodes], *, same: bool = False) -> Drawing:
        """Put the records of two tables in order."""
        left = in_order(texts[0], nodes[0].text)
        if same:
            return cls((left, left), 0, same=True)
        right = in_order(texts[1], nodes[1].text)
        sides = [
            [side_texts[place] for place in side.text[order].tolist()]
            for side_texts, side, order in zip(texts, nodes, (left, right), strict=True)
        ]
        return cls((left, right), first_side(*sides))

    def pairs(self, how_many: int, seed: int = 0) -> tuple[Integers, Integers]:
        """Draw pairs of records with replacement.

        Returns left and right records, (how_many,) int64 each.
        """
        draw = np.random.default_rng(seed)
        drawn = {
            side: self.ordered[side][draw.integers(0, len(self.ordered[side]), how_many)]
            for side in (self.first, 1 - self.first)
        }
        return drawn[0], drawn[1]
