"""The linked rows of two tables next to each other, as pandas.merge puts them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Suffixes
from linktransformer.progress import stage
from linktransformer.results.links import Links
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["Join", "joined", "with_unpaired"]

HOW = ("left", "inner", "right", "outer")


@dataclass(frozen=True, slots=True)
class Join:
    """How linked rows are put next to each other, by the arguments of `merge`.

    Raises:
        InvalidArgumentError: An argument is not what it should be.
    """

    how: str = "left"
    suffixes: Suffixes = ("_x", "_y")
    indicator: bool | str = False
    score_column: str = "score"

    def __post_init__(self) -> None:
        check.one_of("how", self.how, HOW)
        check.column_name("score_column", self.score_column, "score")
        indicator: object = self.indicator
        if not isinstance(indicator, (bool, str)) or (isinstance(indicator, str) and not indicator.strip()):
            raise InvalidArgumentError(
                f"indicator={check.shown(indicator)} is neither True, False nor a column name."
            )

    def check(self, left: Table, right: Table) -> None:
        """Refuse, before the long work begins, two columns of one name in the result."""
        frames.check_beside(left, right, self.suffixes, self.added(left, right))

    def added(self, left: Table, right: Table) -> list[str]:
        """Names of the columns that are added, none of which a table has."""
        taken = [*left.columns, *right.columns]
        names = [frames.free_name(self.score_column, taken)]
        if self.indicator:
            name = self.indicator if isinstance(self.indicator, str) else "_merge"
            names.append(frames.free_name(name, [*taken, *names]))
        return names

    def rows(self, links: Links) -> tuple[Integers, Integers, Mapping[str, NDArray[np.generic]]]:
        """Left and right rows of the result, -1 for none, (n,) int64; and the columns that are added."""
        a, b = _with_unlinked(links, self.how)
        names = self.added(links.left, links.right)
        score = np.full(len(a), np.nan, dtype=np.float32)
        of_pair = (a >= 0) & (b >= 0)
        by_right = np.lexsort((links.left_rows, links.right_rows))
        score[of_pair] = links.score[by_right] if self.how == "right" else links.score
        state = np.where(of_pair, "both", np.where(a >= 0, "left_only", "right_only")).astype(object)
        columns: tuple[NDArray[np.generic], ...] = (score, state)
        return a, b, dict(zip(names, columns, strict=False))


@stage("table")
def joined(links: Links, join: Join) -> IntoDataFrame:
    """The linked rows of two tables next to each other: the second half of `merge`."""
    join.check(links.left, links.right)
    a, b, columns = join.rows(links)
    return frames.beside(links.left, links.right, a, b, join.suffixes, columns)


def with_unpaired(rows: Integers, n_rows: int) -> tuple[Integers, Integers]:
    """All rows of a table in their order, those of several pairs several times, and the pair of each.

    Rows without a pair, -1 there, come once. Both (n,) int64.
    """
    all_rows = np.concatenate([rows, np.setdiff1d(np.arange(n_rows), rows)])
    order = np.argsort(all_rows, kind="stable")
    return all_rows[order], np.where(order < len(rows), order, -1)


def _with_unlinked(links: Links, how: str) -> tuple[Integers, Integers]:
    """Row numbers of the result, -1 for none, in the order that pandas.merge would give."""
    a, b = links.left_rows, links.right_rows
    if how in ("left", "outer"):
        a, pair = with_unpaired(a, links.left.n_rows)
        b = np.append(b, -1)[pair]
    if how in ("right", "outer"):
        unlinked = np.setdiff1d(np.arange(links.right.n_rows), links.right_rows)
        a, b = np.concatenate([a, np.full(len(unlinked), -1)]), np.concatenate([b, unlinked])
    if how == "right":
        order = np.lexsort((a, b))
        a, b = a[order], b[order]
    return a.astype(np.int64), b.astype(np.int64)
