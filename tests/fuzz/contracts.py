"""Runs one job and holds what comes out against what any job must keep."""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np

import linktransformer as lt
from tests.fuzz.cases import LIBRARIES, TWO, Case
from tests.fuzz.tables import Table, build

__all__ = ["Broken", "check"]

Pairs = set[tuple[Any, Any]]


class Broken(AssertionError):  # noqa: N818 - a broken promise
    """A promise that the package did not keep; the first word names it."""


def check(case: Case) -> str:
    """Run a job.

    Returns:
        "done", or the name of the error of ours that was raised.

    Raises:
        Broken: A promise was broken.
    """
    before = _cells_of(_native(case, "left"))
    try:
        first = _run(case)
    except lt.LinkTransformerError as error:
        if len(str(error)) < 20:
            raise Broken(f"message: {error}") from error
        return f"{type(error).__name__} {error}"
    if _cells_of(_native(case, "left")) != before:
        raise Broken("input: the caller's table was changed")
    _same(first, _run(case), "repeat: the second run gives another answer")
    if case.verb in ("link", "cluster"):
        _order(case, first)
    if case.library in ("polars", "pyarrow") and "polars" in LIBRARIES:
        other = "pyarrow" if case.library == "polars" else "polars"
        _same(first, _run(case, library=other), f"library: {other} gives another answer")
    return "done"


def _order(case: Case, first: Any) -> None:
    """Rows in another order: the same links, or the same clusters."""
    if any(_ambiguous(table, case.on) for table in (case.left, case.right)) or "null_values" in case.options:
        return
    rng = np.random.default_rng(case.seed)
    left, right = rng.permutation(case.left.n_rows), rng.permutation(case.right.n_rows)
    moved = replace(case, left=case.left.take(left.tolist()), right=case.right.take(right.tolist()))
    again = _run(moved)
    if case.verb == "cluster":
        back = dict(zip(left.tolist(), again, strict=True))
        if _groups(first) != _groups([back[row] for row in range(case.left.n_rows)]):
            raise Broken("order: rows in another order give other clusters")
        return
    old = Counter((_key(case.left, case.on, a), _key(case.right, case.on, b), s) for (a, b), s in first)
    new = Counter((_key(moved.left, case.on, a), _key(moved.right, case.on, b), s) for (a, b), s in again)
    if case.options.get("validate") not in (None, "m:1"):  # several assignments may be the best
        old, new = (Counter(key[2] for key in counts.elements()) for counts in (old, new))
    if old != new:
        raise Broken(f"order: rows in another order give other links: {old - new} {new - old}")


def _ambiguous(table: Table, on: list[str]) -> bool:
    """Whether rows of equal key text hold it in different columns, such as (None, "x") and ("x", None)."""
    keys = {_key(table, on, row) for row in range(table.n_rows)}
    texts = {" ".join(_text(cell) for cell in key if cell is not None).strip() for key in keys}
    return len(texts) < len(keys)


def _text(cell: Any) -> str:
    return f"{cell:g}" if isinstance(cell, int | float) else str(cell)


def _key(table: Table, on: list[str], row: int) -> tuple[Any, ...]:
    return tuple(table.columns[name][row] for name in on)


def _groups(labels: Sequence[Any]) -> set[frozenset[int]]:
    groups: dict[Any, list[int]] = {}
    for row, label in enumerate(labels):
        groups.setdefault(label, []).append(row)
    return {frozenset(rows) for rows in groups.values()}


def _native(case: Case, side: str, library: str | None = None) -> Any:
    table: Table = getattr(case, side)
    index = case.index
    if index == "repeated" and case.verb in ("Linker", "Deduplicator"):
        index = "range"
    return build(table, library or case.library, index, case.seed + (side == "right"))


def _run(case: Case, library: str | None = None) -> Any:
    """Pairs with scores, or the cluster of each row; everything is checked on the way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lt.LinkWarning)
        left = _native(case, "left", library)
        if case.verb in TWO:
            return _of_two(case, left, _native(case, "right", library))
        return _of_one(case, left)


def _of_two(case: Case, left: Any, right: Any) -> Any:
    if case.verb == "merge":
        return _merged(case, left, right, lt.merge(left, right, on=case.on, **case.options))
    if case.verb == "link":
        links = lt.link(left, right, on=case.on, **case.options)
        pairs = list(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))
        _valid(pairs, case.options.get("validate"))
        _probable(links.score.tolist())
        threshold = case.options.get("threshold")
        if isinstance(threshold, float) and any(score < threshold - 1e-6 for score in links.score.tolist()):
            raise Broken("threshold: a link lies below it")
        links.report()
        _explained(links, pairs)
        if _rows(links.unlinked) and len(pairs) > case.left.n_rows * max(1, case.right.n_rows):
            raise Broken("unlinked: too many links")
        return sorted(zip(pairs, np.round(links.score, 5).tolist(), strict=True))
    if case.verb == "merge_knn":
        frame = _columns(lt.merge_knn(left, right, on=case.on, **case.options))
        pairs = [pair for pair in zip(frame["row_x"], frame["row_y"], strict=True) if not _is_null(pair[1])]
        most = max(Counter(a for a, _ in pairs).values(), default=0)
        if most > case.options["k"]:
            raise Broken(f"k: a row has {most} matches")
        _unchanged(left, frame, "row_x", "_x")
        _unchanged(right, frame, "row_y", "_y")
        return sorted(pairs)
    options = {
        name: value for name, value in case.options.items() if name in ("model", "threshold", "block_on")
    }
    linker = lt.Linker(on=case.on, **options).fit(right)
    answer = _columns(linker.predict(left))
    if len(answer["score"]) != case.left.n_rows:
        raise Broken("rows: predict lost or added rows")
    _probable([score for score in answer["score"] if not _is_null(score)])
    _kept(case, linker, left, answer)
    alone = [] if not case.left.n_rows else [_columns(linker.predict(_head(left, 1)))["reference"][0]]
    if alone and not _is_null(alone[0]) and _is_null(answer["reference"][0]) != _is_null(alone[0]):
        raise Broken("batch: a row asked by itself has another answer")
    return [None if _is_null(v) else str(v) for v in answer["reference"]]


def _of_one(case: Case, table: Any) -> Any:
    options, n = dict(case.options), case.left.n_rows
    if case.verb == "cluster_rows":
        frame = _columns(lt.cluster_rows(table, on=case.on, **options))
        if frame["row"] != list(range(n)):
            raise Broken("rows: cluster_rows lost, added or moved rows")
        _unchanged(table, frame, "row", "")
        return frame["cluster"]
    if case.verb == "dedup_rows":
        frame = _columns(lt.dedup_rows(table, on=case.on, **options))
        if len(set(frame["row"])) != len(frame["row"]) or not set(frame["row"]) <= set(range(n)):
            raise Broken("rows: dedup_rows invents or repeats rows")
        nameless = [row for row in range(n) if all(case.left.columns[name][row] is None for name in case.on)]
        if not set(nameless) <= set(frame["row"]):
            raise Broken("null: a row without any key was dropped")
        _unchanged(table, frame, "row", "")
        return frame["row"]
    if case.verb == "cluster":
        clusters = lt.cluster(table, on=case.on, **options)
        clusters.report()
        if len(clusters.label) != n:
            raise Broken("rows: cluster lost or added rows")
        _probable(clusters.score.tolist())
        return clusters.label.tolist()
    options.pop("null_values", None)
    fitted = lt.Deduplicator(on=case.on, **options).fit(table)
    labels = np.asarray(fitted.labels_).tolist()
    if len(labels) != n:
        raise Broken("rows: Deduplicator lost or added rows")
    if n:
        answer = _columns(fitted.predict(_head(table, 3)))
        if len(answer["cluster"]) != min(3, n):
            raise Broken("rows: Deduplicator.predict lost or added rows")
    return labels


def _merged(case: Case, left_table: Any, right_table: Any, native: Any) -> Any:
    frame, how, validate = _columns(native), case.options["how"], case.options["validate"] or "m:1"
    left, right = frame["row_x"], frame["row_y"]
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if not _is_null(a) and not _is_null(b)]
    if how in ("left", "outer") and {a for a in left if not _is_null(a)} != set(range(case.left.n_rows)):
        raise Broken(f"rows: how={how} lost left rows")
    if how in ("right", "outer") and {b for b in right if not _is_null(b)} != set(range(case.right.n_rows)):
        raise Broken(f"rows: how={how} lost right rows")
    if how == "inner" and len(pairs) != len(left):
        raise Broken("rows: how=inner has rows without a match")
    alone = [a for a, b in zip(left, right, strict=True) if not _is_null(a) and _is_null(b)]
    if len(set(alone)) != len(alone) or set(alone) & {a for a, _ in pairs}:
        raise Broken("rows: an unmatched row is there twice")
    _valid(pairs, validate)
    _probable([score for score in frame["score"] if not _is_null(score)])
    _unchanged(left_table, frame, "row_x", "_x")
    _unchanged(right_table, frame, "row_y", "_y")
    keyless = {
        row
        for row in range(case.left.n_rows)
        if all(case.left.columns[name][row] is None for name in case.on)
    }
    if keyless & {a for a, _ in pairs}:
        raise Broken("null: a row without any key is linked")
    if case.options["indicator"]:
        want = [
            "both" if not _is_null(a) and not _is_null(b) else "left_only" if _is_null(b) else "right_only"
            for a, b in zip(left, right, strict=True)
        ]
        if [str(value) for value in frame["_merge"]] != want:
            raise Broken("indicator: it says another thing than the rows")
    return sorted((int(a), int(b)) for a, b in pairs)


def _explained(links: lt.Links, pairs: Sequence[tuple[Any, Any]]) -> None:
    """The parts of an explanation add up to its match weight."""
    if not pairs:
        return
    frame = _columns(links.explain(0))
    if not next(iter(frame.values()), []):
        raise Broken("explain: an explanation without a row")


def _kept(case: Case, linker: lt.Linker, left: Any, answer: Any) -> None:
    """A saved linker answers as before."""
    with TemporaryDirectory() as folder:
        linker.save(Path(folder) / "saved")
        again = _columns(lt.Linker.load(Path(folder) / "saved").predict(left))
    _same([str(v) for v in answer["reference"]], [str(v) for v in again["reference"]], "load: other answers")


def _valid(pairs: Sequence[tuple[Any, Any]], validate: str | None) -> None:
    most_left = max(Counter(a for a, _ in pairs).values(), default=0)
    most_right = max(Counter(b for _, b in pairs).values(), default=0)
    validate = validate or "m:1"
    if (validate[-1] == "1" and most_left > 1) or (validate[0] == "1" and most_right > 1):
        raise Broken(f"validate: {validate} has a row in {max(most_left, most_right)} links")


def _probable(scores: Sequence[float]) -> None:
    if any(not 0 <= score <= 1 for score in scores):
        raise Broken("score: not a probability")


def _unchanged(native: Any, frame: dict[str, list[Any]], row: str, suffix: str) -> None:
    """Every cell of a result is the cell of the caller."""
    for name, cells in _columns(native).items():
        shown = frame[name + suffix]
        for at, value in zip(frame[row], shown, strict=True):
            if _is_null(at):
                if not _is_null(value):
                    raise Broken(f"cells: {name} has a value where there is no row")
            elif not _equal(cells[int(at)], value):
                raise Broken(f"cells: {name} was {cells[int(at)]!r} and is {value!r}")


def _equal(a: Any, b: Any) -> bool:
    if _is_null(a) or _is_null(b):
        return _is_null(a) and _is_null(b)
    if isinstance(a, bool) or isinstance(b, bool | np.bool_):
        return bool(a) == bool(b)
    if isinstance(a, int):
        return not isinstance(b, str) and int(b) == a and float(b) == float(a)
    if hasattr(a, "isoformat") and hasattr(b, "isoformat"):
        plain = str(a)[:10] == str(b)[:10]
        zoned = getattr(a, "tzinfo", None) is not None and getattr(b, "tzinfo", None) is not None
        return plain or (zoned and a == b)
    return bool(a == b)


def _columns(native: Any) -> dict[str, list[Any]]:
    frame = nw.from_native(native, eager_only=True)
    return {name: frame[name].to_list() for name in frame.columns}


def _cells_of(native: Any) -> Any:
    return repr(_columns(native))


def _rows(native: Any) -> int:
    return len(nw.from_native(native, eager_only=True))


def _head(native: Any, n: int) -> Any:
    return nw.from_native(native, eager_only=True).head(n).to_native()


def _is_null(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, float) and math.isnan(value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def _same(one: Any, other: Any, message: str) -> None:
    if one != other:
        raise Broken(message)
