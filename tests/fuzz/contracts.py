"""What any job must keep beyond its own rows: a second run, another library, another order, a threshold."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import linktransformer as lt
from linktransformer.tables import frames
from linktransformer.tables.block_keys import folded_cells
from tests.fuzz.build import build
from tests.fuzz.cases import LIBRARIES, Case
from tests.fuzz.cells import Broken, cells_of
from tests.fuzz.tables import Table, without_null_values
from tests.fuzz.verbs import native, run

__all__ = ["Broken", "check"]

UNLIKE = ("zoned", "large")  # kinds whose cells differ between libraries: local time, integers beside nulls


def check(case: Case) -> str:
    """Run a job.

    Returns:
        "done", or the name of the error of ours that was raised.

    Raises:
        Broken: A promise was broken.
    """
    table = native(case, "left")
    before = cells_of(table)
    try:
        first = run(case)
    except lt.LinkTransformerError as error:
        if len(str(error)) < 20:
            raise Broken(f"message: {error}") from error
        return f"{type(error).__name__} {error}"
    if case.twice and "row" in case.left.columns and case.verb not in ("link_files", "command"):
        raise Broken("twice: columns of one name are taken")
    if cells_of(native(case, "left")) != before:
        raise Broken("input: the caller's table was changed")
    _same(first, run(case), "repeat: the second run gives another answer")
    if case.options.get("reader") != 0.05:  # seconds of a core
        _order(case, first)
    if case.verb == "link" and case.seed % 4 == 0:
        _threshold(case, first)
    if case.verb != "command":
        _libraries(case, first)
    return "done"


def _libraries(case: Case, first: Any) -> None:
    """The same answer in another library."""
    kinds = set(case.left.kinds.values())
    if case.library in ("polars", "pyarrow"):
        other = {"polars": "pyarrow", "pyarrow": "polars"}[case.library]
    elif case.library in ("pandas_arrow", "pandas_object") and not kinds & {
        *UNLIKE,
        "mixed",
        "tuples",
        "huge",
    }:
        other = "pyarrow"
    else:
        return
    index = case.index not in ("range", "repeated") and case.verb in ("Linker", "evaluate")
    if other in LIBRARIES and not index and case.verb != "link_files" and not kinds & {"surrogates"}:
        if case.verb in ("Linker", "evaluate", "cluster_several"):
            case = replace(case, index="range")
        _same(first, run(case, library=other), f"library: {other} gives another answer than {case.library}")


def _threshold(case: Case, first: Any) -> None:
    """A higher threshold gives some of the links."""
    threshold = case.options.get("threshold")
    if not isinstance(threshold, float) or case.options.get("validate") not in (None, "m:1", "m:m"):
        return
    higher = replace(case, options=case.options | {"threshold": (threshold + 1) / 2})
    if not {pair for pair, _ in run(higher)} <= {pair for pair, _ in first}:
        raise Broken("threshold: a higher one gives links that a lower one does not")


def _order(case: Case, first: Any) -> None:
    """Rows in another order: the same links, or the same clusters."""
    rng = np.random.default_rng(case.seed)
    if case.verb == "link":
        _order_of_links(case, first, rng)
    elif case.verb == "cluster" and not {"one_per", "must_link", "cannot_link"} & set(case.options):
        # with those, which of several equal rows is taken is not said
        _order_of_clusters(case, first, rng.permutation(case.left.n_rows))


def _order_of_clusters(case: Case, first: Any, rows: Any) -> None:
    if _keys(case, case.left, case.on, 0)[1]:
        return
    again = run(replace(case, left=case.left.take(rows.tolist())))
    back = dict(zip(rows.tolist(), again, strict=True))
    if _groups(first) != _groups([back[row] for row in range(case.left.n_rows)]):
        raise Broken("order: rows in another order give other clusters")


def _order_of_links(case: Case, first: Any, rng: np.random.Generator) -> None:
    keys, unclear = zip(
        *(_keys(case, case.left, case.on, 0), _keys(case, case.right, case.right_on, 1)), strict=True
    )
    if any(unclear):
        return
    left, right = rng.permutation(case.left.n_rows), rng.permutation(case.right.n_rows)
    again = run(replace(case, left=case.left.take(left.tolist()), right=case.right.take(right.tolist())))
    old = Counter((keys[0][a], keys[1][b], s) for (a, b), s in first)
    new = Counter((keys[0][left[a]], keys[1][right[b]], s) for (a, b), s in again)
    if old != new:
        raise Broken(f"order: rows in another order give other links: {old - new} {new - old}")


def _keys(case: Case, table: Table, on: Sequence[str], side: int) -> tuple[list[str], bool]:
    """The key text of each row as the package writes it, with its block.

    True where rows of one key text hold it in different columns, such as (None, "x") and ("x", None): which
    of them stands for the text is not said.
    """
    table = without_null_values(table, on, case.options.get("null_values"))
    wrapped = frames.wrap(build(table, case.library), "table")
    columns = [frames.joined(wrapped, [name], " ", False, compared=True).tolist() for name in on]
    texts = frames.joined(wrapped, on, " ", False, compared=True).tolist()
    block = case.options.get("block_on")
    block = block[side] if isinstance(block, tuple) else block
    columns_of_block = [] if block is None else [block] if isinstance(block, str) else block
    cells = [map(_block_text, folded_cells(wrapped, name)) for name in columns_of_block]
    blocks = list(map("|".join, zip(*cells, strict=True))) if cells else [""] * table.n_rows
    keys = [f"{text}|{block}" for text, block in zip(texts, blocks, strict=True)]
    return keys, len(set(texts)) < len(set(zip(*columns, strict=True)))


def _block_text(value: object) -> str:
    """A block key as a text, one for equal keys: 7 is 7.0 and True is 1, but not "7"."""
    number = isinstance(value, (bool, float)) and value == value and value not in (math.inf, -math.inf)
    return repr(int(value)) if number and value == int(value) else repr(value)


def _groups(labels: Sequence[Any]) -> set[frozenset[int]]:
    groups: dict[Any, list[int]] = {}
    for row, label in enumerate(labels):
        groups.setdefault(label, []).append(row)
    return {frozenset(rows) for rows in groups.values()}


def _same(one: Any, other: Any, message: str) -> None:
    if one != other:
        raise Broken(f"{message}: {_difference(one, other)}")


def _difference(one: Any, other: Any) -> str:
    try:
        return f"{sorted(set(one) - set(other))[:3]} {sorted(set(other) - set(one))[:3]}"
    except TypeError:
        places = [i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b][:3]
        return f"at {places}: {[one[i] for i in places]} {[other[i] for i in places]}"
