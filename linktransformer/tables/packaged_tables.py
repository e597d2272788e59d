"""The tables that the package ships, as CSV files."""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np

from linktransformer.arrays import Column
from linktransformer.tables.columns import Native
from linktransformer.tables.libraries import table_in

__all__ = ["packaged_table"]


def packaged_table(package: str, name: str, library: str) -> Native:
    """Read a CSV file of a package. An empty cell is null; columns of numbers without one are numbers."""
    text = resources.files(package).joinpath("files", name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    columns = zip(*rows, strict=True)
    return table_in(library, dict(zip(header, map(_typed, columns), strict=True)))


def _typed(cells: tuple[str, ...]) -> Column:
    for dtype in (np.int64, np.float64):
        try:
            return np.array([dtype(cell) for cell in cells])
        except ValueError:
            continue
    return np.array([cell or None for cell in cells], dtype=object)
