"""Rows that were drawn, with ids that say nothing about the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tools.recipes.decision.domains.draw import Draw

Row: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class Made:
    """Tables by name; the truth is one of them."""

    tables: dict[str, list[Row]]

    def write(self, folder: Path, name: str) -> None:
        """One CSV file a table: name.part.csv."""
        for part, rows in self.tables.items():
            with (folder / f"{name}.{part}.csv").open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
                writer.writeheader()
                writer.writerows(rows)


def with_ids(draw: Draw, rows: Sequence[tuple[int, Row]], letter: str) -> list[tuple[int, Row]]:
    """The rows in drawn order, numbered in that order."""
    return [(of, {"id": f"{letter}{at:03d}", **row}) for at, (of, row) in enumerate(draw.mixed(rows), 1)]


def numbered(
    draw: Draw, left: Sequence[tuple[int, Row]], right: Sequence[tuple[int, Row]], letters: tuple[str, str]
) -> Made:
    """Two tables of (thing, row), and the pairs of ids that are of one thing."""
    lefts, rights = with_ids(draw, left, letters[0]), with_ids(draw, right, letters[1])
    truth = [
        {"left_id": a["id"], "right_id": b["id"]} for of, a in lefts for other, b in rights if of == other
    ]
    return Made({"left": [row for _, row in lefts], "right": [row for _, row in rights], "truth": truth})


def clustered(draw: Draw, rows: Sequence[tuple[int, Row]], letter: str) -> Made:
    """One table of (thing, row), and the thing of each id."""
    drawn = with_ids(draw, rows, letter)
    truth = [{"id": row["id"], "cluster": str(of)} for of, row in drawn]
    return Made({"table": [row for _, row in drawn], "truth": truth})
