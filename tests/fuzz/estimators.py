"""Linker and Deduplicator: fitted, saved, loaded, asked in parts, and given more rows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import linktransformer as lt
from tests.fuzz.cases import Case
from tests.fuzz.cells import Broken, columns_of, head, is_null, tail

__all__ = ["deduplicator", "linker"]


def linker(case: Case, left: Any, right: Any) -> Any:
    """The answers of a Linker.

    Raises:
        Broken: A row was lost, a loaded one answers differently, or a row by itself.
    """
    options = {name: value for name, value in case.options.items() if name not in ("k",)}
    fitted = lt.Linker(**case.keys, **options).fit(right)
    answer = columns_of(fitted.predict(left))
    if len(answer["score"]) != case.left.n_rows:
        raise Broken("rows: predict lost or added rows")
    if any(not 0 <= score <= 1 for score in answer["score"] if not is_null(score)):
        raise Broken("score: not a probability")
    with TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "saved")
        again = columns_of(lt.Linker.load(Path(folder) / "saved").predict(left))
    if [str(v) for v in answer["reference"]] != [str(v) for v in again["reference"]]:
        raise Broken("load: other answers")
    first = [] if not case.left.n_rows else [columns_of(fitted.predict(head(left, 1)))["reference"][0]]
    if first and str(answer["reference"][0]) != str(first[0]):
        raise Broken("batch: a row asked by itself has another answer")
    if case.right.n_rows > 1 and case.seed % 3 == 0:
        _added_to_linker(case, left, right, options)
    return [None if is_null(v) else str(v) for v in answer["reference"]]


def _added_to_linker(case: Case, left: Any, right: Any, options: dict[str, Any]) -> None:
    """More rows than it was fitted on: none lost, and only labels that are there are given."""
    half = case.right.n_rows // 2
    grown = lt.Linker(**case.keys, **options).fit(head(right, half))
    if grown.add(tail(right, half)) is not grown:
        raise Broken("add: it returns another object")
    answer = columns_of(grown.predict(left))["reference"]
    labels = (
        {str(label) for label in right.index}
        if hasattr(right, "iloc")
        else set(map(str, range(case.right.n_rows)))
    )
    if len(answer) != case.left.n_rows or {str(v) for v in answer if not is_null(v)} - labels:
        raise Broken("add: rows are lost, or a label is given that no row has")


def deduplicator(case: Case, table: Any, options: dict[str, Any]) -> Any:
    """The clusters of a Deduplicator.

    Raises:
        Broken: A row was lost, or a loaded one answers differently.
    """
    fitted = lt.Deduplicator(on=case.on, **options).fit(table)
    labels = np.asarray(fitted.labels_).tolist()
    if len(labels) != case.left.n_rows:
        raise Broken("rows: Deduplicator lost or added rows")
    if not labels:
        return labels
    few = head(table, 3)
    answer = columns_of(fitted.predict(few))
    if len(answer["cluster"]) != min(3, len(labels)):
        raise Broken("rows: Deduplicator.predict lost or added rows")
    with TemporaryDirectory() as folder:
        fitted.save(Path(folder) / "saved")
        loaded = lt.Deduplicator.load(Path(folder) / "saved")
    if np.asarray(loaded.labels_).tolist() != labels:
        raise Broken("load: other clusters")
    if list(map(str, columns_of(loaded.predict(few))["cluster"])) != list(map(str, answer["cluster"])):
        raise Broken("load: other answers")
    if len(labels) > 1 and case.seed % 3 == 0 and not {"must_link", "cannot_link"} & set(options):
        half = len(labels) // 2
        grown = lt.Deduplicator(on=case.on, **options).fit(head(table, half)).add(tail(table, half))
        if len(np.asarray(grown.labels_)) != len(labels):
            raise Broken("add: Deduplicator lost or added rows")
    return labels
