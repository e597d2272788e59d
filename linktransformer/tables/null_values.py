"""`null_values=`: values that the caller writes for a missing one, read as null in key columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from linktransformer import check as checks
from linktransformer.errors import InvalidArgumentError, did_you_mean
from linktransformer.progress import stage
from linktransformer.tables import cells, columns, frames, normalize
from linktransformer.tables.frames import Table

__all__ = ["NullValues", "check", "emptied"]

NullValues: TypeAlias = str | Sequence[object] | Mapping[str, object] | None


def check(null_values: NullValues, on: Sequence[str]) -> dict[str, frozenset[str]]:
    """The folded texts that mean null, by key column.

    Args:
        null_values: One or several values for all key columns, or by column; None for none.
        on: The key columns, of both tables where there are two.

    Raises:
        InvalidArgumentError: The value has another form, or a name is not a key column.

    Example:
        >>> sorted(check([" N/A ", 0], ["name"])["name"]), dict(check({"born": "1900"}, ["name", "born"]))
        (['0', 'n/a'], {'born': frozenset({'1900'})})
    """
    if null_values is None:
        return {}
    if not isinstance(null_values, Mapping):
        return dict.fromkeys(on, _folded(null_values, null_values))
    for name in null_values:
        if name not in on:
            raise InvalidArgumentError(
                f"null_values= names {name!r}, which is not a key column.{did_you_mean(str(name), on)} "
                f"Those are: {sorted(set(on))}."
            )
    return {name: _folded(values, null_values) for name, values in null_values.items()}


@stage("read")
def emptied(
    table: Table, on: Sequence[str], texts: Mapping[str, frozenset[str]]
) -> tuple[Table, dict[str, int]]:
    """The table with nulls in key columns where a cell has one of the texts, and their number by column.

    Cells are compared as they are written, without differences of case, white space and Unicode form.
    """
    null, counts = {}, {}
    for name in on:
        if texts.get(name):
            written = normalize.folded(frames.joined(table, [name], " ", False))
            is_null = np.fromiter(
                map(texts[name].__contains__, written.tolist()), dtype=bool, count=table.n_rows
            )
            counts[name] = int(is_null.sum())
            if is_null.any():
                null[name] = is_null
    if not null:
        return table, counts
    return Table(columns.emptied_where(table.frame, null), table.name, table.n_rows), counts


def _folded(values: object, null_values: object) -> frozenset[str]:
    listed = [values] if isinstance(values, str) else values
    several = isinstance(listed, (Sequence, set, frozenset)) or getattr(listed, "ndim", 0) == 1
    if not several or not isinstance(listed, Iterable) or isinstance(listed, (str, bytes)):
        raise InvalidArgumentError(
            f"null_values={checks.shown(null_values)} "
            "is not a list of values. Give a list such as ['unknown', "
            "'n/a'], or lists by key column such as {'born': ['1900-01-01']}."
        )
    return frozenset(normalize.folded(cells.from_objects(list(listed))).tolist()) - {""}
