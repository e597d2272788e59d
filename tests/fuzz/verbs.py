"""Runs one verb on the tables of a case, and holds what comes out against what any job must keep."""

from __future__ import annotations

import json
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import linktransformer as lt
from linktransformer.tables.normalize import is_blank
from tests.fuzz.build import arrow, build
from tests.fuzz.cases import LINKED, TWO, Case
from tests.fuzz.cells import Broken, added, columns_of, is_null, pairs_of, unchanged
from tests.fuzz.command import command
from tests.fuzz.estimators import deduplicator, linker
from tests.fuzz.tables import without_null_values

__all__ = ["native", "run"]


def native(case: Case, side: str, library: str | None = None) -> Any:
    """The left or right table in a library."""
    index = case.index
    if index == "repeated" and case.verb in ("Linker", "Deduplicator"):
        index = "range"
    twice = case.twice and (library or case.library) not in ("polars", "pandas_arrow")
    return build(
        getattr(case, side), library or case.library, index, case.seed + (side == "right"), twice=twice
    )


def run(case: Case, library: str | None = None) -> Any:
    """Pairs with scores, or the cluster of each row; everything is checked on the way.

    Raises:
        Broken: A promise was broken.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", lt.LinkWarning)
        left = native(case, "left", library)
        if case.verb == "command":
            return command(case)
        if case.verb == "evaluate_pairs":
            return _scored(case, left)
        if case.verb not in TWO:
            return _of_one(case, left, library)
        right = native(case, "right", library)
        if case.verb in LINKED:
            return {"merge": _merge, "link": _link, "evaluate": _evaluate, "link_files": _link_files}[
                case.verb
            ](case, left, right)
        if case.verb == "Linker":
            return linker(case, left, right)
        return _near(case, left, right)


def _link(case: Case, left: Any, right: Any) -> Any:
    links = lt.link(left, right, **case.keys, **case.options)
    pairs = list(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))
    _valid(pairs, case.options.get("validate"))
    _probable(links.score.tolist())
    threshold = case.options.get("threshold")
    if isinstance(threshold, float) and any(score < threshold - 1e-6 for score in links.score.tolist()):
        raise Broken("threshold: a link lies below it")
    json.dumps(links.report(), allow_nan=False)
    rows = columns_of(links.unlinked)
    sides = Counter(rows["side"])
    linked = len({a for a, _ in pairs}), len({b for _, b in pairs})
    if (sides["left"] + linked[0], sides["right"] + linked[1]) != (case.left.n_rows, case.right.n_rows):
        raise Broken("unlinked: rows are neither linked nor unlinked")
    if pairs and not next(iter(columns_of(links.explain(0)).values()), []):
        raise Broken("explain: an explanation without a row")
    if case.seed % 16 == 0:
        links.to_html(Path("/dev/null"))
    return sorted(zip(pairs, np.round(links.score, 5).tolist(), strict=True))


def _evaluate(case: Case, left: Any, right: Any) -> Any:
    """The figures of `evaluate` in three forms of truth, beside a count by hand."""
    links = lt.link(left, right, **case.keys, **case.options)
    pairs = set(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))
    rng = np.random.default_rng(case.seed)
    drawn = [
        (int(a), int(b))
        for a, b in zip(
            rng.integers(0, max(1, case.left.n_rows), 20),
            rng.integers(0, max(1, case.right.n_rows), 20),
            strict=True,
        )
        if a < case.left.n_rows and b < case.right.n_rows
    ]
    truth = sorted({pair for pair in pairs if rng.random() < 0.7} | set(drawn))
    if not truth:
        return None
    hit = len(pairs & set(truth))
    want = (hit / len(pairs) if pairs else 1.0, hit / len(truth))
    labels = [(_label(left, a), _label(right, b)) for a, b in truth]
    for form in (labels, [*labels, labels[0]], [(a, b, 1) for a, b in labels]):
        got = links.evaluate(form)
        if not np.allclose((got["precision"], got["recall"]), want):
            raise Broken(f"evaluate: {got} in place of {want}")
    return sorted(pairs)


def _label(table: Any, row: int) -> Any:
    return table.index[row] if hasattr(table, "index") and hasattr(table, "iloc") else row


def _said(case: Case, table: Any) -> dict[str, Any]:
    """The options with pairs of row numbers as pairs of labels; rows that are not there are left out."""
    options = dict(case.options)
    for name in ("must_link", "cannot_link"):
        pairs = [(a, b) for a, b in options.get(name, []) if max(a, b) < case.left.n_rows]
        if pairs:
            options[name] = [(_label(table, a), _label(table, b)) for a, b in pairs]
        else:
            options.pop(name, None)
    return options


def _constrained(case: Case, labels: Sequence[int]) -> None:
    for name, want in (("must_link", True), ("cannot_link", False)):
        for a, b in case.options.get(name, []):
            if max(a, b) < len(labels) and (labels[a] == labels[b]) != want:
                raise Broken(f"{name}: rows {a} and {b} are {'not ' if want else ''}in one cluster")


def _link_files(case: Case, left: Any, right: Any) -> Any:
    """The rows and cells of `merge`, from files and into one."""
    import pyarrow.parquet as parquet

    tables = arrow(case.left), arrow(case.right)
    with TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.parquet" for name in ("left", "right", "out")]
        for table, file in zip(tables, files, strict=False):
            parquet.write_table(table, file)
        links = lt.link_files(*files, **case.keys, **case.options)
        json.dumps(links.report(), allow_nan=False)
        frame = parquet.read_table(files[2])
        left_over = {file.name for file in Path(folder).iterdir()} - {file.name for file in files}
    if left_over:
        raise Broken(f"files: left over: {left_over}")
    return _checked(case, tables, frame)


def _merge(case: Case, left: Any, right: Any) -> Any:
    return _checked(case, (left, right), lt.merge(left, right, **case.keys, **case.options))


def _checked(case: Case, tables: tuple[Any, Any], merged: Any) -> Any:
    """The pairs of rows of a merged table whose rows and cells are right."""
    frame, how = columns_of(merged), case.options["how"]
    ends = case.options.get("suffixes", ("_x", "_y"))
    left, right = frame[f"row{ends[0]}"], frame[f"row{ends[1]}"]
    pairs = pairs_of(left, right)
    if how in ("left", "outer") and {a for a in left if not is_null(a)} != set(range(case.left.n_rows)):
        raise Broken(f"rows: how={how} lost left rows")
    if how in ("right", "outer") and {b for b in right if not is_null(b)} != set(range(case.right.n_rows)):
        raise Broken(f"rows: how={how} lost right rows")
    if how == "inner" and len(pairs) != len(left):
        raise Broken("rows: how=inner has rows without a match")
    alone = [a for a, b in zip(left, right, strict=True) if not is_null(a) and is_null(b)]
    if len(set(alone)) != len(alone) or set(alone) & {a for a, _ in pairs}:
        raise Broken("rows: an unmatched row is there twice")
    _valid(pairs, case.options["validate"])
    _probable(
        [score for score in added(frame, case.options.get("score_column", "score")) if not is_null(score)]
    )
    _cells_kept(case, tables, frame)
    if "images" not in case.options and set(_keyless(case)) & {a for a, _ in pairs}:
        raise Broken("null: a row without any key is linked")
    if case.options["indicator"]:
        want = [
            "both" if not is_null(a) and not is_null(b) else "left_only" if is_null(b) else "right_only"
            for a, b in zip(left, right, strict=True)
        ]
        if [str(value) for value in added(frame, "_merge")] != want:
            raise Broken("indicator: it says another thing than the rows")
    return sorted(pairs)


def _keyless(case: Case) -> list[int]:
    """The left rows without any key."""
    cells = [case.left.columns[name] for name in case.on]
    return [row for row in range(case.left.n_rows) if all(column[row] is None for column in cells)]


def _cells_kept(case: Case, tables: tuple[Any, Any], frame: dict[str, list[Any]]) -> None:
    shared = set(case.left.columns) & set(case.right.columns)
    ends = case.options.get("suffixes", ("_x", "_y"))
    for table, cells, end in zip(tables, (case.left, case.right), ends, strict=True):
        names = {name: f"{name}{end}" if name in shared and end else name for name in cells.columns}
        unchanged(table, frame, f"row{end}", names)


def _near(case: Case, left: Any, right: Any) -> Any:
    verb = lt.merge_knn if case.verb == "merge_knn" else lt.merge_range
    frame = columns_of(verb(left, right, **case.keys, **case.options))
    pairs = pairs_of(frame["row_x"], frame["row_y"])
    most = max(Counter(a for a, _ in pairs).values(), default=0)
    if case.verb == "merge_knn" and most > case.options["k"]:
        raise Broken(f"k: a row has {most} matches")
    lowest = case.options.get("sim_threshold", case.options.get("drop_sim_threshold"))
    scores = [score for score in added(frame, "score") if not is_null(score)]
    if lowest is not None and any(score < lowest - 1e-5 for score in scores):
        raise Broken("threshold: a pair lies below it")
    _cells_kept(case, (left, right), frame)
    return sorted(pairs)


def _scored(case: Case, table: Any) -> Any:
    names = [name for name in case.left.columns if name != "row"]
    frame = columns_of(lt.evaluate_pairs(table, left_on=names[0], right_on=names[1:], **case.options))
    if frame["row"] != list(range(case.left.n_rows)):
        raise Broken("rows: evaluate_pairs lost, added or moved rows")
    unchanged(table, frame, "row", {name: name for name in case.left.columns})
    return [None if is_null(score) else round(score, 5) for score in added(frame, "score")]


def _of_one(case: Case, table: Any, library: str | None) -> Any:
    options, n = _said(case, table), case.left.n_rows
    same = {name: name for name in case.left.columns}
    if case.verb == "cluster_rows":
        frame = columns_of(lt.cluster_rows(table, on=case.on, **options))
        if frame["row"] != list(range(n)):
            raise Broken("rows: cluster_rows lost, added or moved rows")
        unchanged(table, frame, "row", same)
        _of_pairs_and_values(case, added(frame, "cluster"))
        return added(frame, "cluster")
    if case.verb == "dedup_rows":
        answer = lt.dedup_rows(table, on=case.on, **options)
        if options["return_members"]:
            kept, members = map(columns_of, answer)
            if sorted(members["row"]) != list(range(n)) or len(set(added(members, "cluster"))) != len(
                kept["row"]
            ):
                raise Broken("rows: dedup_rows has other members than rows")
            unchanged(table, members, "row", same)
        frame = columns_of(answer[0] if options["return_members"] else answer)
        if len(set(frame["row"])) != len(frame["row"]) or not set(frame["row"]) <= set(range(n)):
            raise Broken("rows: dedup_rows invents or repeats rows")
        free = {"must_link", "images"} & set(options)  # such a row is one with others all the same
        nameless = [] if free else _keyless(case)
        if not set(nameless) <= set(frame["row"]):
            raise Broken("null: a row without any key was dropped")
        unchanged(table, frame, "row", same)
        return frame["row"]
    if case.verb == "Deduplicator":
        return deduplicator(case, table, options)
    tables = {"a": table, "b": native(case, "right", library)} if case.verb == "cluster_several" else table
    n += case.right.n_rows if case.verb == "cluster_several" else 0
    clusters = lt.cluster(tables, on=case.on, **options)
    json.dumps(clusters.report(), allow_nan=False)
    if len(clusters.label) != n:
        raise Broken("rows: cluster lost or added rows")
    _probable(clusters.score.tolist())
    if case.verb == "cluster":
        _of_pairs_and_values(case, clusters.label.tolist())
    elif options.get("duplicates") is False:
        table_of = [0] * case.left.n_rows + [1] * case.right.n_rows
        _one_per(clusters.label.tolist(), table_of)
    return clusters.label.tolist()


def _of_pairs_and_values(case: Case, labels: Sequence[int]) -> None:
    _constrained(case, labels)
    if "one_per" in case.options and "must_link" not in case.options:
        table = without_null_values(case.left, case.on, case.options.get("null_values"))
        _one_per(labels, table.columns[case.options["one_per"]])


def _one_per(labels: Sequence[int], cells: Sequence[Any]) -> None:
    there = [
        (label, repr(cell))
        for label, cell in zip(labels, cells, strict=True)
        if not (is_null(cell) or is_blank(cell))
    ]
    if len(set(there)) < len(there):
        raise Broken("one_per: a cluster has two rows of one value")


def _valid(pairs: Sequence[tuple[Any, Any]], validate: str | None) -> None:
    most_left = max(Counter(a for a, _ in pairs).values(), default=0)
    most_right = max(Counter(b for _, b in pairs).values(), default=0)
    validate = validate or "m:1"
    if (validate[-1] == "1" and most_left > 1) or (validate[0] == "1" and most_right > 1):
        raise Broken(f"validate: {validate} has a row in {max(most_left, most_right)} links")


def _probable(scores: Sequence[float]) -> None:
    if any(not 0 <= score <= 1 for score in scores):
        raise Broken("score: not a probability")
