"""F1 of the default merge, no label and no threshold, beside character TF-IDF on every two-table set."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import data, ours, probes
from .report import Report, Table, say
from .score import mean, score_pairs

BASELINE = ("hit@1", "best F1", "mutual F1", "oracle F1")
HARD = "febrl4_hard"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[], help="only these data sets")
    parser.add_argument("--tasks", action="store_true", help="a row for each task of a group too")
    parser.add_argument(
        "--model", default=None, help="the model argument of merge; 'prefix:FOLDER' as for probes"
    )
    parser.add_argument(
        "--cache-baseline", type=Path, default=None, metavar="DIR", help="keep the baseline here"
    )


def run(options: argparse.Namespace) -> Report:
    """Measure every data set; the two tables are the sets and the summary of them."""
    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("zero_label", skipped=[gone])
    rows: list[dict[str, Any]] = []
    task_rows: list[dict[str, Any]] = []
    wanted = data.names(options.names)
    smallest = min((folder for name in wanted for folder in data.tasks(name)), key=data.size)
    settings = {"model": options.model, "check": same_as_merge(smallest, options)}
    for name in wanted:
        folders = data.tasks(name)
        measured = [measure(folder, options) for folder in folders]
        rows.append(measured[0] if len(folders) == 1 else averaged(name, measured))
        if len(folders) > 1:
            task_rows += measured
        say(progress_line(rows[-1]), note=True)
    tables = [Table("tasks", task_rows)] if options.tasks else []
    tables += [Table("zero_label", rows), Table("summary", [summary(rows)])]
    return Report("zero_label", tables, settings=settings)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """One folder: our links and the baseline in the same run."""
    tables = data.load(folder)
    outcome = ours.link(tables, **chosen(options))
    score = score_pairs(outcome.pairs, tables.truth)
    reference = data.baseline_scores(folder, options.cache_baseline)
    floor = max(reference["best F1"], reference["mutual F1"])
    return {
        "data set": tables.name,
        "F1": score.f1,
        "precision": score.precision,
        "recall": score.recall,
        **{name: reference[name] for name in BASELINE},
        "F1 - max(best, mutual)": score.f1 - floor,
        "dense weight": dense_weight(outcome),
        "seconds": outcome.seconds,
        "CPU s": outcome.cpu_seconds,
    }


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of merge that the command line sets; everything else stays the default."""
    if options.model is not None and options.model.startswith("prefix:"):
        return {"model": Prefixed(options.model)}
    return {} if options.model is None else {"model": options.model}


class Prefixed:
    """A model of e5's kind as merge takes any object that encodes.

    Args:
        model: "prefix:" and its folder.
    """

    def __init__(self, model: str) -> None:
        self.name, self._encode = probes.called(model), probes.encoder(model)

    def encode(self, texts: list[str]) -> Any:
        """Unit rows."""
        return self._encode(texts)


def dense_weight(outcome: ours.Outcome) -> float | None:
    """The weight of the dense view as the report names it."""
    value = ours.find(outcome.report, "dense_weight", "weights.dense", "weight.dense", "weight")
    return float(value) if isinstance(value, int | float) else None


def averaged(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of the tasks of a group; the difference is that of the means, seconds are summed."""
    first = rows[0]
    row: dict[str, Any] = {"data set": name}
    for column in list(first)[1:]:
        values = [item[column] for item in rows if item[column] is not None]
        row[column] = mean(values) if values else None
    row["F1 - max(best, mutual)"] = row["F1"] - max(row["best F1"], row["mutual F1"])
    for column in ("seconds", "CPU s"):
        row[column] = sum(item[column] for item in rows)
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the data sets, the worst difference, and the set with half its rows unmatched."""
    worst = min(rows, key=lambda row: float(row["F1 - max(best, mutual)"]))
    hard = next((row["F1"] for row in rows if row["data set"] == HARD), None)
    return {
        "data sets": len(rows),
        "mean F1": mean(row["F1"] for row in rows),
        "mean max(best, mutual)": mean(max(row["best F1"], row["mutual F1"]) for row in rows),
        "mean oracle": mean(row["oracle F1"] for row in rows),
        "difference": mean(row["F1 - max(best, mutual)"] for row in rows),
        "worst difference": worst["F1 - max(best, mutual)"],
        "worst set": worst["data set"],
        HARD: hard,
    }


def same_as_merge(folder: Path, options: argparse.Namespace) -> str:
    """Check on one data set that merge holds the pairs of link, which is what is scored."""
    tables = data.load(folder)
    linked, merged = ours.link(tables, **chosen(options)).pairs, ours.merged_pairs(tables, **chosen(options))
    if linked != merged:
        raise SystemExit(
            f"merge and link differ on {tables.name}: {len(linked ^ merged)} pairs; nothing is reported"
        )
    return f"merge gives the pairs of link on {tables.name}"


def progress_line(row: dict[str, Any]) -> str:
    """What is said while the run goes on."""
    floor = f"best {row['best F1']:.3f}, mutual {row['mutual F1']:.3f}"
    return f"{row['data set']}: F1 {row['F1']:.3f} ({floor}) {row['seconds']:.1f} s"
