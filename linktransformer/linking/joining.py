"""The linked rows of two tables next to each other, as pandas.merge puts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.progress import stage
from linktransformer.results.links import Links
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

__all__ = ["check", "joined", "rows_of"]

HOW = ("left", "inner", "right", "outer")


def check(
    left: Table,
    right: Table,
    how: str,
    suffixes: tuple[str | None, str | None],
    indicator: Any,
    score_column: Any,
) -> None:
    """Refuse, before the long work begins, what `joined` could not do.

    Raises:
        InvalidArgumentError: An argument is not what it should be, or two columns would have one name.
    """
    if how not in HOW:
        raise InvalidArgumentError(f"how={how!r} is not one of {', '.join(map(repr, HOW))}.")
    if not isinstance(score_column, str) or not score_column:
        raise InvalidArgumentError(f"score_column={score_column!r} is no column name. Give such as 'score'.")
    if not isinstance(indicator, (bool, str)):
        raise InvalidArgumentError(f"indicator={indicator!r} is neither True, False nor a column name.")
    frames.check_beside(left, right, suffixes, _added(left, right, indicator, score_column))


def _added(left: Table, right: Table, indicator: bool | str, score_column: str) -> list[str]:
    """Names of the columns that are added, none of which a table has."""
    taken = [*left.columns, *right.columns]
    names = [frames.free_name(score_column, taken)]
    if indicator:
        wanted = indicator if isinstance(indicator, str) else "_merge"
        names.append(frames.free_name(wanted, [*taken, *names]))
    return names


@stage("table")
def joined(
    links: Links,
    *,
    how: str = "left",
    suffixes: tuple[str | None, str | None] = ("_x", "_y"),
    indicator: bool | str = False,
    score_column: str = "score",
) -> Any:
    """Put the linked rows next to each other: the second half of `merge`.

    Raises:
        InvalidArgumentError: An argument is not what it should be, or two columns would have one name.
    """
    check(links.left, links.right, how, suffixes, indicator, score_column)
    a, b, extra = rows_of(links, how, indicator, score_column)
    return frames.beside(links.left, links.right, a, b, suffixes, extra)


def rows_of(
    links: Links, how: str, indicator: bool | str, score_column: str
) -> tuple[Integers, Integers, dict[str, NDArray[Any]]]:
    """Which rows stand next to each other in the result, and the columns that are added.

    Left and right row numbers of the result, -1 for none, (n,) int64 each; and columns by name.
    """
    a, b = _with_unlinked(links, how)
    names = _added(links.left, links.right, indicator, score_column)
    score = np.full(len(a), np.nan, dtype=np.float32)
    of_pair = (a >= 0) & (b >= 0)
    order = np.lexsort((links.left_rows, links.right_rows)) if how == "right" else np.arange(len(links))
    score[of_pair] = links.score[order]
    extra: dict[str, NDArray[Any]] = {names[0]: score}
    if indicator:
        state = np.where(of_pair, "both", np.where(a >= 0, "left_only", "right_only")).astype(object)
        extra[names[1]] = state
    return a, b, extra


def _with_unlinked(links: Links, how: str) -> tuple[Integers, Integers]:
    """Row numbers of the result, -1 for none, in the order that pandas.merge would give."""
    a, b = links.left_rows, links.right_rows
    if how in ("left", "outer"):
        alone = np.setdiff1d(np.arange(links.left.n_rows), a)
        a, b = np.concatenate([a, alone]), np.concatenate([b, np.full(len(alone), -1)])
        order = np.argsort(a, kind="stable")
        a, b = a[order], b[order]
    if how in ("right", "outer"):
        alone = np.setdiff1d(np.arange(links.right.n_rows), links.right_rows)
        a, b = np.concatenate([a, np.full(len(alone), -1)]), np.concatenate([b, alone])
    if how == "right":
        order = np.lexsort((a, b))
        a, b = a[order], b[order]
    return a.astype(np.int64), b.astype(np.int64)
