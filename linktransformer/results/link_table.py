"""Links as tables, as an iterable of pairs, and as text on a console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from linktransformer.arrays import Column, Integers
from linktransformer.results import console
from linktransformer.results.link_values import LinkValues
from linktransformer.results.unlinked import unlinked_rows
from linktransformer.tables import frames, libraries
from linktransformer.tables.columns import Native
from linktransformer.tables.frames import IntoDataFrame, Table
from linktransformer.tables.row_labels import Label

__all__ = ["LinkTable", "LinkedPair"]


class LinkedPair(NamedTuple):
    """A link: labels of its rows (index labels in pandas, row numbers elsewhere) and its score."""

    left: Label
    right: Label
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class LinkTable(LinkValues):
    """The methods of `linktransformer.Links` that show its pairs."""

    def __iter__(self) -> Iterator[LinkedPair]:
        left = frames.index_labels(self.left, self.left_rows).tolist()
        right = frames.index_labels(self.right, self.right_rows).tolist()
        return map(LinkedPair, left, right, self.score.tolist())

    def __repr__(self) -> str:
        counts = (
            f"Links({len(self)} links; {int((self.left_reason > 0).sum())} of {self.left.n_rows} left and "
            f"{int((self.right_reason > 0).sum())} of {self.right.n_rows} right rows unlinked)"
        )
        if not self._has_rows:
            return counts
        some = slice(0, console.SHOWN)
        lines = console.linked(
            self.score[some],
            console.keys(self.left.rows(self.left_rows[some]), self.details["left_on"]),
            console.keys(self.right.rows(self.right_rows[some]), self.details["right_on"]),
        )
        estimate = console.estimates({n: self.details.get(n) for n in ("precision", "recall")})
        return "\n".join([counts, *estimate, *lines, *console.more(len(self))])

    @property
    def rank(self) -> Integers:
        """The place of each link among those of its left row, from 1, (n,) int64."""
        starts = np.flatnonzero(np.diff(self.left_rows, prepend=-1))
        count = np.diff(np.append(starts, len(self)))
        return np.arange(len(self), dtype=np.int64) - np.repeat(starts, count) + 1

    @property
    def pairs(self) -> IntoDataFrame:
        """The links as a table in the caller's library.

        Columns: left and right (index labels in pandas, row numbers elsewhere), score, one `score_<view>`
        a view, rank.
        """
        return frames.new_frame(self.left, self._columns())

    @property
    def unlinked(self) -> IntoDataFrame:
        """The rows without a link as a table in the caller's library.

        Columns: side, row (label), reason, nearest (label of the row of the other table that is most similar,
        null for none) and its score.
        """
        return unlinked_rows(self)

    def head(self, n: int = 5) -> IntoDataFrame:
        """The first links, to look at.

        Args:
            n: How many.

        Returns:
            The key columns of both rows and the score, in the caller's library; of links of files the
            numbers of the rows.

        Example:
            >>> import linktransformer as lt
            >>> firms = lt.datasets.load_firms()
            >>> links = lt.link(firms.left, firms.right, on="name", model="lexical")
            >>> list(links.head(3).columns), len(links.head(3))
            (['name_x', 'name_y', 'score'], 3)
        """
        some = slice(0, max(int(n), 0))
        if not self._has_rows:
            return frames.new_frame(self.left, {name: of[some] for name, of in self._columns().items()})
        left, right = (
            Table(table.frame.select(list(dict.fromkeys(on))), table.name, table.n_rows)
            for table, on in ((self.left, self.details["left_on"]), (self.right, self.details["right_on"]))
        )
        extra = {frames.free_name("score", [*left.columns, *right.columns]): self.score[some]}
        return frames.beside(left, right, self.left_rows[some], self.right_rows[some], extra=extra)

    def to_pandas(self) -> Native:
        """The table `pairs` as a pandas DataFrame.

        Returns:
            Its columns. Labels of a pandas MultiIndex are tuples here, and row numbers in the other two.
        """
        return libraries.table_in("pandas", self._columns())

    def to_polars(self) -> Native:
        """The table `pairs` as a polars DataFrame.

        Returns:
            Its columns. Labels of several types are text.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return libraries.table_in("polars", self._plain_columns())

    def to_arrow(self) -> Native:
        """The table `pairs` as a pyarrow Table.

        Returns:
            Its columns. Labels of several types are text.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return libraries.table_in("pyarrow", self._plain_columns())

    def _columns(self) -> dict[str, Column]:
        columns: dict[str, Column] = {
            "left": frames.index_labels(self.left, self.left_rows),
            "right": frames.index_labels(self.right, self.right_rows),
            "score": self.score,
        }
        columns |= {f"score_{name.replace(' ', '_')}": score for name, score in self.views.items()}
        return columns | {"rank": self.rank}

    def _plain_columns(self) -> dict[str, Column]:
        labels = {
            "left": frames.plain_labels(self.left, self.left_rows),
            "right": frames.plain_labels(self.right, self.right_rows),
        }
        return self._columns() | labels

    @property
    def _has_rows(self) -> bool:
        """Whether the rows are in memory; those of `link_files` are not."""
        return len(self.left.frame) == self.left.n_rows and len(self.right.frame) == self.right.n_rows
