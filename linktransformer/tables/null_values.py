"""null_values: what the caller writes where a value is missing, read as null in key columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.progress import stage
from linktransformer.tables import cells, columns, frames, normalize
from linktransformer.tables.frames import Table

__all__ = ["NullValues", "check", "emptied"]

NullValues: TypeAlias = str | Sequence[Any] | Mapping[str, Any] | None


def check(null_values: NullValues, on: Sequence[str]) -> dict[str, frozenset[str]]:
    """The texts that mean null, by key column.

    Args:
        null_values: One or several values for all key columns, or by column; None for none.
        on: The key columns; of both tables where there are two.

    Returns:
        Folded texts by column.

    Raises:
        InvalidArgumentError: Something else was given, or a name is no key column.

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
            near = get_close_matches(str(name), on, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InvalidArgumentError(
                f"null_values= names {name!r}, which is not a key column.{hint} Those are: {sorted(set(on))}."
            )
    return {name: _folded(values, null_values) for name, values in null_values.items()}


@stage("read")
def emptied(
    table: Table, on: Sequence[str], texts: Mapping[str, frozenset[str]]
) -> tuple[Table, dict[str, int]]:
    """The table as it is compared: with null where a key column has one of these texts.

    Cells are compared as numbers, dates and texts are written, without differences of case, white space and
    Unicode form.

    Args:
        table: The caller's table, which is not changed.
        on: Its key columns.
        texts: From `check`.

    Returns:
        The table, and how many cells were taken as null by column.
    """
    null, counts = {}, {}
    for name in on:
        if texts.get(name):
            shown = normalize.folded(frames.joined(table, [name], " ", False))
            found = np.fromiter(map(texts[name].__contains__, shown.tolist()), dtype=bool, count=len(shown))
            counts[name] = int(found.sum())
            if found.any():
                null[name] = found
    if not null:
        return table, counts
    return Table(columns.emptied_where(table.frame, null), table.name, table.n_rows), counts


def _folded(values: Any, given: Any) -> frozenset[str]:
    listed = [values] if isinstance(values, str) else values
    if not isinstance(listed, (Sequence, set, frozenset, np.ndarray)) or isinstance(listed, (str, bytes)):
        raise InvalidArgumentError(
            f"null_values={given!r} is not understood. Give a list of values such as ['unknown', 'n/a'], or "
            "lists by key column such as {'born': ['1900-01-01']}."
        )
    return frozenset(normalize.folded(cells.from_objects(list(listed))).tolist()) - {""}
