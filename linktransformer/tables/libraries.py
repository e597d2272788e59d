"""A new table in a dataframe library that the caller names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import numpy as np

from linktransformer import check
from linktransformer.arrays import Column
from linktransformer.errors import InvalidArgumentError, MissingExtraError
from linktransformer.tables.columns import Native, written

__all__ = ["LIBRARIES", "table_in"]

LIBRARIES = ("pandas", "polars", "pyarrow")


def table_in(library: str, columns: Mapping[str, Column]) -> Native:
    """A table of NumPy columns, (n,) each. Objects of several types become text, but for pandas.

    Raises:
        InvalidArgumentError: The library is not one of `LIBRARIES`.
        MissingExtraError: It is not installed.

    Example:
        >>> table_in("pandas", {"name": np.array(["Acme", None], dtype=object)})["name"].isna().tolist()
        [False, True]
    """
    if library not in LIBRARIES:
        raise InvalidArgumentError(
            f"library={check.shown(library)} is not one of {', '.join(map(repr, LIBRARIES))}."
        )
    try:
        module = import_module(library)
    except ImportError as error:
        raise MissingExtraError(
            f"{library} is needed and not installed ({error}). Install it with:  pip install {library}"
        ) from error
    if library != "pandas":
        columns = {name: _of_one_type(column) for name, column in columns.items()}
    return written(module, library, columns, None)


def _of_one_type(column: Column) -> Column:
    """Objects as they are if they have one type, else as text."""
    if column.dtype != object or len({type(value) for value in column.tolist() if value is not None}) <= 1:
        return column
    texts = [None if value is None else str(value) for value in column.tolist()]
    return np.array(texts, dtype=object)
