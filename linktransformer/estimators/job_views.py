"""The views of a job: which vectors they go by, and what they say of records without a text or a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.gaps import line_of
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.records import Records

__all__ = ["JobViews", "Viewed", "of_pictures", "of_texts", "with_line"]


OF_TEXTS = ("lexical", "key column", "dense")
FUSED = "fused"


class Viewed(Protocol):
    """Rows that were read and encoded."""

    @property
    def records(self) -> Records:
        """Their texts, "" for a record that has a picture alone."""

    @property
    def matrices(self) -> Mapping[str, Any]:
        """By name, the vectors of the records."""

    @property
    def shown(self) -> Any:
        """What is known of their pictures."""


@dataclass(frozen=True, slots=True)
class JobViews:
    """The views by which pairs are described.

    Args:
        names: Them.
        pictures: The vectors of the view "dense" where rows have pictures: "image", or "fused" where one side
            has no picture; None for rows without pictures.
        line: Slope and level of the cosine of pictures over that of the fused vectors; None for no line.
    """

    names: tuple[str, ...]
    pictures: str | None = None
    line: tuple[float, float] | None = None

    def searched(self, of: Viewed) -> dict[str, Any]:
        """The vectors by which neighbours are searched, under the names that they have.

        Args:
            of: The rows.

        Returns:
            Name -> (n_records, d).
        """
        names = dict.fromkeys(
            self.pictures if name == "dense" and self.pictures else name for name in self.names
        )
        if self.pictures is not None:
            names[FUSED] = None
        return {name: of.matrices[name] for name in names}

    def named(self, of: Viewed) -> dict[str, Any]:
        """The vectors of each view, and the fused ones of rows with pictures.

        Args:
            of: The rows.

        Returns:
            View -> (n_records, d).
        """
        found = self.searched(of)
        if self.pictures is not None:
            found["dense"] = of.matrices[self.pictures]
            found.pop("image", None)
        return found

    def known(self, of: Viewed) -> dict[str, Bools]:
        """Which records have what a view goes by; a view that is not there knows all.

        Args:
            of: The rows.

        Returns:
            View -> (n_records,) bool.
        """
        if self.pictures is None:
            return {}
        found = {"lexical": np.asarray(of.records.texts != "", dtype=bool)}
        return found | ({"dense": of.shown.has_picture} if self.pictures == "image" else {})

    def scores(
        self,
        matrices: tuple[Mapping[str, Any], Mapping[str, Any]],
        known: tuple[Mapping[str, Bools], Mapping[str, Bools]],
        a: Integers,
        b: Integers,
    ) -> dict[str, Floats]:
        """The similarity of pairs in each view.

        A missing text says nothing for or against a pair. Where a picture is missing, what pictures have on
        average at this cosine of the fused vectors stands for their cosine.

        Args:
            matrices: From `named`, of left and of right rows.
            known: From `known`, of left and of right rows: which records have what each view reads.
            a: Left record of each pair, (n_pairs,) int64.
            b: Right record.

        Returns:
            View -> (n_pairs,) float32, NaN for unknown.
        """
        found = {name: pair_scores(matrices[0][name], matrices[1][name], a, b) for name in self.names}
        for name in (name for name in self.names if name in known[1]):
            there = known[0][name][a] & known[1][name][b]
            other = np.full(len(a), np.nan, dtype=np.float32)
            if name == "dense":
                other = pair_scores(matrices[0][FUSED], matrices[1][FUSED], a, b)
                if self.line is not None:
                    slope, level = np.float32(self.line[0]), np.float32(self.line[1])
                    other = np.clip(level + slope * other, -1, 1)
            found[name] = np.where(there, found[name], other).astype(np.float32)
        return found


def of_texts(of: Viewed) -> JobViews:
    """The views of rows without pictures.

    Args:
        of: The rows.

    Returns:
        The views.
    """
    return JobViews(tuple(name for name in OF_TEXTS if name in of.matrices))


def of_pictures(left: Viewed, right: Viewed) -> JobViews:
    """The views of rows with pictures, without the line.

    Args:
        left: Left rows.
        right: Right rows.

    Returns:
        The views: n-grams where there is a text, and pictures.
    """
    by = "image" if all(of.shown.has_picture.any() for of in (left, right)) else FUSED
    texts = any((of.records.texts != "").any() for of in (left, right))
    return JobViews(("lexical", "dense") if texts else ("dense",), by)


def with_line(views: JobViews, sides: tuple[Viewed, Viewed], a: Integers, b: Integers) -> JobViews:
    """Fit the line through pairs of records that both have a picture.

    Args:
        views: The views.
        sides: Left and right rows.
        a: Left record of each pair, (n_pairs,) int64.
        b: Right record.

    Returns:
        The views with the line, where there is such a pair.
    """
    if views.pictures != "image":
        return views
    known = [views.known(of)["dense"] for of in sides]
    there = known[0][a] & known[1][b]
    if not there.any():
        return views
    x, y = (
        pair_scores(sides[0].matrices[name], sides[1].matrices[name], a[there], b[there])
        for name in (FUSED, "image")
    )
    return JobViews(views.names, views.pictures, line_of(x, y))
