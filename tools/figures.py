"""Figures in the tables of the pages, compared with the JSON in docs/runs that they are from.

python -m tools.figures            the cells that differ
python -m tools.figures --write    writes the figures of the JSON into the pages
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import fmean
from typing import Any

from tools.report import say

DOCS = Path(__file__).resolve().parents[1] / "docs"
NUMBER = re.compile(r"(?<![\w.])(?:\d[\d,]*(?:\.\d+)?|\.\d+)")
MEAN = "mean"  # the label of a row with the means of a column


@dataclass(frozen=True, slots=True)
class Source:
    """Where the numbers of a column are from.

    Args:
        runs: The files of docs/runs, without suffix.
        tables: Their tables; the first one that has the row counts.
        fields: The field of each number of a cell, in order; further numbers of the cell are not compared.
        keys: The fields that name a row.
        where: What other fields of the row must be.
    """

    runs: tuple[str, ...]
    tables: tuple[str, ...]
    fields: tuple[str, ...]
    keys: tuple[str, ...] = ("data set",)
    where: Mapping[str, object] = field(default_factory=dict)

    def values(self, labels: tuple[str, ...]) -> list[float] | None:
        """The numbers of a row, None where there is no such row."""
        rows = [row for run in self.runs for name in self.tables for row in _tables(run)[name]]
        rows = [row for row in rows if all(row.get(name) == value for name, value in self.where.items())]
        if labels[0] == MEAN:
            return [fmean(row[name] for row in rows) for name in self.fields]
        named = [row for row in rows if tuple(str(row[key]) for key in self.keys) == labels]
        if not named:
            return None
        return [float(named[0][name]) for name in self.fields]


@dataclass(frozen=True, slots=True)
class Figures:
    """A table of a page.

    Args:
        page: The page.
        head: How its first line begins.
        columns: The source of some columns, by number from 0.
        labels: How many first columns name a row; an empty one has the label above.
        names: Labels of the page that have another name in the run.
    """

    page: str
    head: str
    columns: Mapping[int, Source]
    labels: int = 1
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Difference:
    """A cell that is not what the run has."""

    page: str
    line: int
    column: int
    shown: str
    right: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """Figures in the text of a page.

    Args:
        page: The page.
        pattern: A regular expression with a group for each figure; a space is any white space.
        values: The run, table, field and other fields of the row of each figure.
    """

    page: str
    pattern: str
    values: Sequence[tuple[str, str, str, Mapping[str, object]]]


def wrong_figures(sentence: Sentence, page: str) -> list[str]:
    """The figures of a sentence that are not those of its runs.

    Raises:
        LookupError: The page has no such sentence, or a run no such row.
    """
    found = re.search(sentence.pattern.replace(" ", r"\s+"), page, re.S)
    if found is None:
        raise LookupError(f"{sentence.page} has no sentence {sentence.pattern!r}")
    texts = []
    for shown, (run, table, name, where) in zip(found.groups(), sentence.values, strict=True):
        rows = [row for row in _tables(run)[table] if all(row[key] == value for key, value in where.items())]
        if len(rows) != 1:
            raise LookupError(f"{len(rows)} rows of {run}.json, {table}, have {dict(where)}")
        right = written(shown, [abs(float(rows[0][name]))])
        if right != shown:
            texts.append(f"{sentence.page}: {shown} is {right} ({run}.json, {table}, {name})")
    return texts


@cache
def _tables(run: str) -> dict[str, list[dict[str, Any]]]:
    loaded = json.loads((DOCS / "runs" / f"{run}.json").read_text(encoding="utf-8"))
    tables: dict[str, list[dict[str, Any]]] = loaded["tables"]
    return tables


def written(cell: str, values: Sequence[float]) -> str:
    """The cell with these numbers, each in the form that its number has.

    Example:
        >>> written("4.2 s, 1,564 MB, .989", [4.26, 12000.4, 1.0])
        '4.3 s, 12,000 MB, 1.000'
    """
    rest = iter(values)

    def one(found: re.Match[str]) -> str:
        value = next(rest, None)
        if value is None:
            return found[0]
        decimals = len(found[0].partition(".")[2])
        if abs(value - float(found[0].replace(",", ""))) <= 0.5 * 10**-decimals + 1e-9:
            return found[0]
        comma = "," if "," in found[0] or value >= 1000 else ""
        text = f"{value:{comma}.{decimals}f}"
        return text.removeprefix("0") if found[0].startswith((".", "1.000")) and value < 1 else text

    return NUMBER.sub(one, cell)


def differences(figures: Figures, lines: Sequence[str]) -> Iterator[Difference]:
    """The cells of a table that are not what its runs have.

    Raises:
        LookupError: The page has no such table, or a filled cell is of no row of a run.
    """
    start = next((n for n, line in enumerate(lines) if line.startswith(figures.head)), None)
    if start is None:
        raise LookupError(f"{figures.page} has no table that begins {figures.head!r}")
    above = [""] * figures.labels
    for number in range(start + 2, len(lines)):
        if not lines[number].startswith("|"):
            return
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", lines[number])[1:-1]]
        above = [cell or old for cell, old in zip(cells, above, strict=False)][: figures.labels]
        plain = [re.sub(r" \(.*\)$", "", label) for label in above]
        labels = tuple(figures.names.get(label, label) for label in plain)
        for column, source in figures.columns.items():
            if not NUMBER.search(cells[column]):
                continue
            values = source.values(labels)
            if values is None:
                raise LookupError(f"{figures.page}, line {number + 1}: {labels} is not in {source.runs}")
            right = written(cells[column], values)
            if right != cells[column]:
                yield Difference(figures.page, number, column, cells[column], right)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the cells that differ, or write them."""
    from tools.figure_tables import SENTENCES, TABLES

    write = "--write" in (sys.argv[1:] if arguments is None else arguments)
    wrong = 0
    for figures in TABLES:
        path = DOCS / figures.page
        lines = path.read_text(encoding="utf-8").split("\n")
        for cell in differences(figures, lines):
            wrong += 1
            say(f"{cell.page}, line {cell.line + 1}, column {cell.column + 1}: {cell.shown} is {cell.right}")
            if write:
                parts = lines[cell.line].split("|")
                parts[cell.column + 1] = f" {cell.right} "
                lines[cell.line] = "|".join(parts)
        if write:
            path.write_text("\n".join(lines), encoding="utf-8")
    texts = [
        text
        for sentence in SENTENCES
        for text in wrong_figures(sentence, (DOCS / sentence.page).read_text(encoding="utf-8"))
    ]
    for text in texts:  # these are not written: the words around a figure may no longer be true
        say(text)
    return 1 if texts or (wrong and not write) else 0


if __name__ == "__main__":
    sys.exit(main())
