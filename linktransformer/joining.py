"""The linked rows of two tables next to each other, as pandas.merge puts them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import frames
from linktransformer.errors import InvalidArgumentError
from linktransformer.links import Links

__all__ = ["check_how", "joined"]

HOW = ("left", "inner", "right", "outer")


def check_how(how: str) -> None:
    """Refuse what is no kind of join.

    Args:
        how: "left", "inner", "right" or "outer".

    Raises:
        InvalidArgumentError: It is something else.
    """
    if how not in HOW:
        raise InvalidArgumentError(f"how={how!r} is not one of {', '.join(map(repr, HOW))}.")


def joined(
    links: Links,
    *,
    how: str = "left",
    suffixes: tuple[str | None, str | None] = ("_x", "_y"),
    indicator: bool = False,
    score_column: str = "score",
) -> Any:
    """Put the linked rows next to each other: the second half of `merge`.

    Args:
        links: From `link`.
        how: As for `merge`.
        suffixes: As for `merge`.
        indicator: As for `merge`.
        score_column: As for `merge`.

    Returns:
        As `merge`.

    Raises:
        InvalidArgumentError: `how` is none of the four.
    """
    check_how(how)
    a, b = _with_unlinked(links, how)
    taken = [*links.left.columns, *links.right.columns]
    score = np.full(len(a), np.nan, dtype=np.float32)
    of_pair = (a >= 0) & (b >= 0)
    order = np.lexsort((links.left_rows, links.right_rows)) if how == "right" else np.arange(len(links))
    score[of_pair] = links.score[order]
    extra: dict[str, NDArray[Any]] = {frames.free_name(score_column, taken): score}
    if indicator:
        state = np.where(of_pair, "both", np.where(a >= 0, "left_only", "right_only")).astype(object)
        extra[frames.free_name("_merge", [*taken, *extra])] = state
    return frames.beside(links.left, links.right, a, b, suffixes, extra)


def _with_unlinked(links: Links, how: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
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
