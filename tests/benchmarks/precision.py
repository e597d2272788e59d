"""Asked for a precision without labels: what is it in truth, and what does the report say of it?

On every labelled two-table set, and on tables of a chosen overlap that are made from the large ones, where
only few rows or none may have a match. Labels are for scoring only.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from tools import data
from tools.data import TwoTables
from tools.report import Report, Table, say

from . import calibrated, decision_files, ours, overlaps
from .score import mean

WANTED = (0.8, 0.9, 0.95, 0.99)
AUTO = "auto"
HINT = "expected_overlap"
HINTS = {"truth": 1.0, "twice": 2.0, "half": 0.5}
NOTHING = "nothing"
PARTS = ("visible", "made")
BUNDLED = "default"
COUNTING = (
    f"met: true precision at least what was asked for less {calibrated.SLACK}; only cells with "
    f"{calibrated.FEWEST_LINKS} links or more count"
)

Cell = dict[str, Any]


@dataclass(slots=True)
class Found:
    """What the calls of one part gave; `bins` has an entry for each set, `matches` one for each cell."""

    cells: list[Cell] = field(default_factory=list)
    matches: list[int] = field(default_factory=list)
    bins: list[list[dict[str, float]]] = field(default_factory=list)
    empty: list[Cell] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Take in what another one has."""
        self.cells += other.cells
        self.matches += other.matches
        self.bins += other.bins
        self.empty += other.empty


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[], help="only these data sets")
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=list(PARTS), help="what to measure on")
    parser.add_argument("--tasks", action="store_true", help="a row for each task of a group too")
    parser.add_argument("--model", default=None, help="the model argument of link, on the sets themselves")
    parser.add_argument(
        "--made-model", default="lexical", help="the same on the made tables; 'default' is the bundled model"
    )
    parser.add_argument("--wanted", nargs="*", type=float, default=list(WANTED), help="precisions to ask for")
    parser.add_argument(
        "--hints", nargs="*", choices=list(HINTS), default=list(HINTS), help=f"what {HINT} is given as"
    )
    parser.add_argument(
        "--hint-wanted", nargs="*", type=float, default=None, help="precisions asked for with it; as --wanted"
    )
    parser.add_argument("--shares", nargs="*", type=float, default=list(overlaps.SHARES), help="overlaps")
    parser.add_argument("--rows", type=int, default=5_000, help="the most rows a side of the made tables")
    parser.add_argument("--seed", type=int, default=overlaps.SEED, help="of the made tables")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Ask for each precision, on the sets and on the made tables."""
    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("precision", skipped=[gone])
    bases = overlaps.bases(options.names)
    data.names([name for name in options.names if not overlaps.is_of(name, bases)])  # says what is unknown
    if "made" in options.parts:
        decision_files.check((base.name for base in bases), options)
    if "visible" in options.parts:
        decision_files.check(visible(options), options)
    tables: list[Table] = []
    if "visible" in options.parts:
        tables += of_sets(options)
    if "made" in options.parts:
        tables += of_made(options)
    skipped = [] if ours.takes(HINT) or not options.hints else [f"{HINT} is not an argument of link here"]
    say(COUNTING)
    say(f"decision: {decision_files.described(options)}")
    settings = {
        "counting": COUNTING,
        "decision": decision_files.described(options),
        "model": options.model,
        "model on made tables": options.made_model,
        "seed": options.seed,
    }
    return Report("precision", tables, skipped, settings)


def visible(options: argparse.Namespace) -> list[str]:
    """The two-table sets among the wanted names, all of them where no name is given."""
    known = data.names()
    wanted = [name for name in options.names if name in known]
    return data.whole(wanted) if wanted or not options.names else []


def of_sets(options: argparse.Namespace) -> list[Table]:
    """The labelled sets as they are; the tasks of a group count together as one set."""
    found, tasks = Found(), Found()
    for name in visible(options):
        folders = data.tasks(name)
        measured = [measure(data.load(folder), options, options.model) for folder in folders]
        for part in measured:
            found.bins.append(part.bins[0])
            if len(folders) > 1:
                tasks.add(part)
        if len(folders) > 1:
            # a set weighs the same in the bins however many tasks it has
            found.bins[-len(folders) :] = [averaged(found.bins[-len(folders) :])]
        for place, same in enumerate(zip(*(part.cells for part in measured), strict=True)):
            matches = [part.matches[place] for part in measured]
            found.cells.append(same[0] if len(same) == 1 else calibrated.together(name, same, matches))
            found.matches.append(sum(matches))
        say(progress_line(found.cells, name), note=True)
    if not found.cells:
        return []
    tables = [Table("tasks", tasks.cells)] if options.tasks and tasks.cells else []
    summaries = list(summaries_of("sets", found.cells, by_overlap=False))
    if tasks.cells:
        summaries += list(summaries_of("tasks of groups", tasks.cells, by_overlap=False))
    rows = calibrated.reliability(found.bins)
    error = calibrated.calibration_error(rows)
    return [
        *tables,
        Table("precision", found.cells),
        Table("summary", summaries),
        Table("reliability of the score", rows),
        Table(
            "calibration",
            [{"over": "sets", "expected calibration error": error}],
        ),
    ]


def of_made(options: argparse.Namespace) -> list[Table]:
    """Tables of every overlap from every base."""
    found = Found()
    model = None if options.made_model == BUNDLED else options.made_model
    for base in overlaps.bases(options.names):
        whole = overlaps.load(base)
        for share in options.shares:
            tables = overlaps.made(whole, min(base.rows, options.rows), share, options.seed)
            part = measure(tables, options, model, share)
            found.add(part)
            say(f"{share:.0%} of {len(tables.left)}: " + progress_line(part.cells, base.name), note=True)
    if not found.cells:
        return []
    rows = calibrated.reliability(found.bins)
    errors = [{"over": "made tables", "expected calibration error": calibrated.calibration_error(rows)}]
    tables = [
        Table("made tables", found.cells),
        Table("made tables, summary", list(summaries_of("made tables", found.cells, by_overlap=True))),
        Table("made tables, reliability of the score", rows),
        Table("made tables, calibration", errors),
    ]
    if found.empty:
        total = {"data set": "mean", "rows": sum(row["rows"] for row in found.empty)}
        total |= {"links": sum(row["links"] for row in found.empty)}
        total |= {"share linked": mean(row["share linked"] for row in found.empty)}
        tables.append(Table("no overlap, threshold 'auto'", [*found.empty, total]))
    return tables


def measure(
    tables: TwoTables, options: argparse.Namespace, model: str | None, share: float | None = None
) -> Found:
    """Every call on two tables: all scores first, then "auto", each precision, each hint."""
    given = {} if model is None else {"model": model}
    true = len({left for left, _ in tables.truth}) / len(tables.left) if share is None else share
    found = Found()
    keeping = nullcontext() if model == "lexical" else ours.encoding_once()
    with decision_files.deciding(tables.name, options), keeping:
        scores = ours.link(tables, threshold=None, **given).scores
        found.bins.append(calibrated.bins_of(scores, tables.truth))
        auto = ours.link(tables, threshold=AUTO, **given)
        found.cells.append(calibrated.cell(tables.name, true, AUTO, NOTHING, auto, tables.truth))
        for told, asked, hint in calls(options, true):
            outcome = ours.link(tables, threshold={"precision": asked}, **hint, **given)
            found.cells.append(calibrated.cell(tables.name, true, asked, told, outcome, tables.truth))
    found.matches = [len(tables.truth)] * len(found.cells)
    if not tables.truth:
        linked = len({left for left, _ in auto.pairs})
        rows = len(tables.left)
        found.empty = [
            {"data set": tables.name, "rows": rows, "links": linked, "share linked": linked / rows}
        ]
    return found


def calls(options: argparse.Namespace, true: float) -> Iterator[tuple[str, float, dict[str, float]]]:
    """What `expected_overlap` is called, the precision asked for, and the argument itself."""
    for asked in options.wanted:
        yield NOTHING, asked, {}
    if not ours.takes(HINT):
        return
    for told in options.hints:
        for asked in options.wanted if options.hint_wanted is None else options.hint_wanted:
            yield told, asked, {HINT: min(1.0, true * HINTS[told])}


def averaged(of_tasks: Sequence[Sequence[dict[str, float]]]) -> list[dict[str, float]]:
    """The bins of the tasks of a group as those of one set."""
    return [
        {
            name: sum(part[name] for part in parts) / (1 if name == "links" else len(of_tasks))
            for name in parts[0]
        }
        for parts in zip(*of_tasks, strict=True)
    ]


def summaries_of(what: str, cells: Sequence[Cell], *, by_overlap: bool) -> Iterator[dict[str, Any]]:
    """Over all cells that were asked for a precision, by precision and overlap, and the same by hint."""
    for told in dict.fromkeys(cell["told"] for cell in cells):
        name = what if told == NOTHING else f"{what}, {HINT}: {told}"
        of_hint = [cell for cell in cells if cell["told"] == told and cell["asked"] != AUTO]
        if not of_hint:
            continue
        yield calibrated.summary(name, of_hint)
        for asked in dict.fromkeys(cell["asked"] for cell in of_hint):
            yield calibrated.summary(
                f"{name}, asked for {asked}", [cell for cell in of_hint if cell["asked"] == asked]
            )
        for share in dict.fromkeys(cell["overlap"] for cell in of_hint) if by_overlap else ():
            yield calibrated.summary(
                f"{name}, overlap {share:.0%}", [cell for cell in of_hint if cell["overlap"] == share]
            )
    yield calibrated.summary(f"{what}, threshold 'auto'", [cell for cell in cells if cell["asked"] == AUTO])


def progress_line(cells: Sequence[Cell], name: str) -> str:
    """What is said while the run goes on."""
    shown = (
        f"{cell['asked']}: {'no links' if cell['precision'] is None else format(cell['precision'], '.3f')}"
        for cell in cells
        if cell["data set"] == name and cell["told"] == NOTHING
    )
    return f"{name}: " + ", ".join(shown)
