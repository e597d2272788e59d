"""The tables that the package ships, as CSV files, in the library that the caller names."""

from __future__ import annotations

import csv
from importlib import import_module, resources

import numpy as np

from linktransformer import check
from linktransformer.arrays import Column
from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.tables.columns import Native, written

__all__ = ["LIBRARIES", "packaged_table"]

LIBRARIES = ("pandas", "polars", "pyarrow")


def packaged_table(package: str, name: str, library: str) -> Native:
    """Read a CSV file of a package. An empty cell is null; columns of numbers without one are numbers.

    Raises:
        InvalidArgumentError: The library is not one of `LIBRARIES`.
        MissingExtraError: It is not installed.
    """
    if library not in LIBRARIES:
        raise InvalidArgumentError(
            f"library={check.shown(library)} is not one of {', '.join(map(repr, LIBRARIES))}."
        )
    try:
        module = import_module(library)
    except ImportError as error:
        raise MissingExtraError(
            f"{library} is not installed ({error}). Install it with:  pip install {library}"
        ) from error
    text = resources.files(package).joinpath("files", name).read_text(encoding="utf-8")
    header, *rows = csv.reader(text.splitlines())
    columns = zip(*rows, strict=True)
    return written(module, library, dict(zip(header, map(_typed, columns), strict=True)), None)


def _typed(cells: tuple[str, ...]) -> Column:
    for dtype in (np.int64, np.float64):
        try:
            return np.array([dtype(cell) for cell in cells])
        except ValueError:
            continue
    return np.array([cell or None for cell in cells], dtype=object)
