"""Explanations as text to print: one line each, without columns that say nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def of_columns(columns: Mapping[str, NDArray[Any]]) -> str:
    """Write an explanation as text.

    Args:
        columns: Its columns, of one length.

    Returns:
        A line of names, and one for each line; the sums of contributions below.

    Example:
        >>> items = np.array(["base line", "name"], dtype=object)
        >>> print(of_columns({"item": items, "contribution": np.array([-6.5, 8])}))
        item       bits
        base line  -6.50
        name       +8.00
        sum        +1.50
    """
    shown = {name: values for name, values in columns.items() if not all(map(_is_null, values.tolist()))}
    written = {name: [_cell(name, value) for value in values.tolist()] for name, values in shown.items()}
    if "contribution" in shown:
        for name, cells in written.items():
            if name == "item":
                cells.append("sum")
            else:
                cells.append(f"{np.nansum(shown[name]):+.2f}" if name.endswith("contribution") else "")
    rows = list(zip(*written.values(), strict=True))
    wide = [any(row[1:]) or "item" not in written for row in rows]  # a remark takes the whole line
    parts = []
    for name, cells in written.items():
        head = HEADS.get(name, name)
        width = max([len(head), *(len(cell) for cell, of in zip(cells, wide, strict=True) if of)])
        parts.append([cell.ljust(width) for cell in (head, *cells)])
    return "\n".join("  ".join(row).rstrip() for row in zip(*parts, strict=True))


def _cell(name: str, value: Any) -> str:
    if _is_null(value):
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, float):
        return f"{value:+.2f}" if name in BITS else f"{value:.3f}"
    text = " ".join(str(value).split())
    if name in ("item", "reason") or len(text) <= LONGEST:
        return text
    return text[: LONGEST - 1] + "…"


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
