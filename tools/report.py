"""What a benchmark says: markdown tables, and the same numbers as JSON."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a title; the columns are the keys of the rows in order of first appearance."""

    title: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Report:
    """The result of one benchmark; `skipped` says what was not measured and why."""

    name: str
    tables: Sequence[Table] = ()
    skipped: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def say(line: str = "", *, note: bool = False) -> None:
    """Write a line: results to stdout, notes on the way (`note=True`) to stderr."""
    stream = sys.stderr if note else sys.stdout
    stream.write(line + "\n")
    stream.flush()


def cell(value: Any) -> str:
    """A value as it stands in a table: three decimals, thousands with commas, nothing for None.

    Example:
        >>> cell(0.12345), cell(66.21), cell(12345), cell(None)
        ('0.123', '66.2', '12,345', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value != value:
            return "nan"
        return f"{value:.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return str(value).replace("|", "\\|")


def columns_of(rows: Sequence[Row]) -> list[str]:
    """The keys of all rows, in order of first appearance."""
    return list(dict.fromkeys(key for row in rows for key in row))


def markdown(table: Table) -> str:
    """The table in markdown, with its title above."""
    columns = columns_of(table.rows)
    lines = [f"### {table.title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(name)) for name in columns) + " |" for row in table.rows]
    return "\n".join(lines)


def destination(name: str, options: argparse.Namespace) -> Path | None:
    """The file of the numbers; in a folder it is called by what tells runs of one benchmark apart."""
    out: Path | None = options.out
    if out is None or out.suffix:
        return out
    arms = [str(arm).replace(" ", "-") for arm in getattr(options, "arms", [])]
    seed = [f"seed{options.seed}"] if hasattr(options, "seed") else []
    return out / ("-".join([name, *arms, *seed]) + ".json")


def write(report: Report, out: Path | None) -> None:
    """Write the JSON when asked."""
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(as_dict(report), indent=1, default=plain) + "\n", encoding="utf-8")


def publish(report: Report, out: Path | None) -> None:
    """Write the JSON when asked, then print what was skipped and the tables last."""
    write(report, out)
    for line in report.skipped:
        say(f"skipped: {line}")
    for table in report.tables:
        if table.rows:
            say("\n" + markdown(table))


def as_dict(report: Report) -> dict[str, Any]:
    """The report as JSON holds it, with the versions that it was measured on."""
    return {
        "benchmark": report.name,
        "settings": dict(report.settings),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "tables": {table.title: [dict(row) for row in table.rows] for table in report.tables},
        "skipped": list(report.skipped),
    }


def plain(value: Any) -> Any:
    """A NumPy number, a path or anything else as something that JSON can hold."""
    return value.item() if hasattr(value, "item") else str(value)
