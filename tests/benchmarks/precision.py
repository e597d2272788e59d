"""Asked for a precision without labels: what is it in truth?"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import data, ours
from .report import Report, Table, say
from .score import PairScore, mean, score_pairs
from .zero_label import chosen

WANTED = (0.8, 0.9, 0.95)
SLACK = 0.10
REACHABLE = 0.01  # below this share of right best links, no threshold can reach the precision
COUNTING = (
    "a cell without links counts as met (no link is wrong) and stays out of the gap; "
    "'share, empty as missed' counts it as missed"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[], help="only these data sets")
    parser.add_argument("--tasks", action="store_true", help="a row for each task of a group too")
    parser.add_argument("--model", default=None, help="the model argument of link")
    parser.add_argument("--wanted", nargs="*", type=float, default=list(WANTED), help="precisions to ask for")


def run(options: argparse.Namespace) -> Report:
    """Ask for each precision on every data set; the tasks of a group are counted together as one set."""
    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("precision", skipped=[gone])
    cells: list[dict[str, Any]] = []
    task_cells: list[dict[str, Any]] = []
    for name in data.names(options.names):
        folders = data.tasks(name)
        measured = [measure(folder, options) for folder in folders]
        cells += cells_of(
            name, [sum_scores(column) for column in zip(*measured, strict=True)], options.wanted
        )
        if len(folders) > 1:
            for folder, scores in zip(folders, measured, strict=True):
                task_cells += cells_of(f"{name}/{folder.name}", scores, options.wanted)
        say(progress_line(cells[-len(options.wanted) :]), note=True)
    tables = [Table("tasks", task_cells)] if options.tasks else []
    summaries = [summary("data sets", cells)]
    summaries += [
        summary(f"data sets, asked for {wanted}", asked(cells, wanted)) for wanted in options.wanted
    ]
    summaries += [summary("tasks of groups", task_cells)] if task_cells else []
    tables += [Table("precision", cells), Table("summary", summaries)]
    say(COUNTING)
    return Report(
        "precision", tables, settings={"slack": SLACK, "reachable": REACHABLE, "counting": COUNTING}
    )


def measure(folder: Path, options: argparse.Namespace) -> list[PairScore]:
    """Counts of one folder: without a threshold first, then at each wanted precision."""
    tables = data.load(folder)
    thresholds: list[Any] = [None, *({"precision": wanted} for wanted in options.wanted)]
    with ours.encoding_once():
        links = [ours.link(tables, threshold=threshold, **chosen(options)).pairs for threshold in thresholds]
    return [score_pairs(pairs, tables.truth) for pairs in links]


def sum_scores(scores: Sequence[PairScore]) -> PairScore:
    """The counts of several sets together."""
    return sum(scores, PairScore(0, 0, 0))


def cells_of(name: str, scores: Sequence[PairScore], wanted: Sequence[float]) -> list[dict[str, Any]]:
    """A row for each wanted precision; the first score is the one without a threshold."""
    best = scores[0]
    reachable = best.correct > 0 and best.precision >= REACHABLE
    return [
        {
            "data set": name,
            "asked": asked_for,
            "precision": score.precision if score.links else None,
            "gap": score.precision - asked_for if score.links else None,
            "recall": score.recall,
            "links": score.links,
            "met (- .10)": met(score, asked_for),
            "reachable": reachable,
            "best links right": best.precision,
        }
        for score, asked_for in zip(scores[1:], wanted, strict=True)
    ]


def met(score: PairScore, asked_for: float) -> bool:
    """Whether the true precision is at most .10 below what was asked for; no links: yes."""
    return score.precision >= asked_for - SLACK


def asked(cells: Sequence[dict[str, Any]], wanted: float) -> list[dict[str, Any]]:
    """The cells of one wanted precision."""
    return [cell for cell in cells if cell["asked"] == wanted]


def summary(what: str, cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Share of reachable cells that are met and how far the true precision lies from the asked one."""
    counted = [cell for cell in cells if cell["reachable"]]
    linked = [cell for cell in counted if cell["links"]]
    return {
        "over": what,
        "cells": len(counted),
        "share met": mean(float(cell["met (- .10)"]) for cell in counted),
        "share, empty as missed": mean(float(cell["met (- .10)"] and cell["links"] > 0) for cell in counted),
        "without links": len(counted) - len(linked),
        "mean gap": mean(cell["gap"] for cell in linked),
        "mean absolute gap": mean(abs(cell["gap"]) for cell in linked),
        "mean recall": mean(cell["recall"] for cell in counted),
        "unreachable cells": len(cells) - len(counted),
    }


def progress_line(cells: Sequence[dict[str, Any]]) -> str:
    """What is said while the run goes on."""
    shown = (
        f"{cell['asked']}: {'no links' if cell['gap'] is None else format(cell['precision'], '.3f')}"
        for cell in cells
    )
    return f"{cells[0]['data set']}: " + ", ".join(shown)
