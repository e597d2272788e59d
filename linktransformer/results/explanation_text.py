"""Explanations as text: one line each, without empty columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from linktransformer.arrays import Column
from linktransformer.tables.cells import is_null

__all__ = ["of_columns"]

LONGEST = 24  # characters of a cell: a line of two rows and the next one fits on a wide screen
BITS = ("contribution", "match_weight", "runner_up_contribution")
HEADS = {
    "match_weight": "weight",
    "contribution": "bits",
    "runner_up": "runner-up",
    "runner_up_score": "score",
    "runner_up_contribution": "bits",
}


def of_columns(columns: Mapping[str, Column]) -> str:
    """An explanation as text: a header, its lines, and the sums of contributions.

    Example:
        >>> items = np.array(["base line", "name"], dtype=object)
        >>> print(of_columns({"item": items, "contribution": np.array([-6.5, 8])}))
        item       bits
        base line  -6.50
        name       +8.00
        sum        +1.50
    """
    shown = {name: values for name, values in columns.items() if not all(map(is_null, values.tolist()))}
    written = {name: [_cell(name, value) for value in values.tolist()] for name, values in shown.items()}
    if "contribution" in shown:
        for name, cells in written.items():
            if name == "item":
                cells.append("sum")
            else:
                cells.append(f"{np.nansum(shown[name]):+.2f}" if name.endswith("contribution") else "")
    rows = list(zip(*written.values(), strict=True))
    counts = [any(row[1:]) or "item" not in written for row in rows]  # a remark takes the whole line
    parts = []
    for name, cells in written.items():
        head = HEADS.get(name, name)
        width = max([len(head), *(len(cell) for cell, counted in zip(cells, counts, strict=True) if counted)])
        parts.append([cell.ljust(width) for cell in (head, *cells)])
    return "\n".join("  ".join(row).rstrip() for row in zip(*parts, strict=True))


def _cell(name: str, value: object) -> str:
    if is_null(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:+.2f}" if name in BITS else f"{value:.3f}"
    text = " ".join(str(value).split())
    if name in ("item", "reason") or len(text) <= LONGEST:
        return text
    return text[: LONGEST - 1] + "…"
