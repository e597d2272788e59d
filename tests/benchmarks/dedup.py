"""Clusters without labels on every one-table set, beside TF-IDF at its best threshold, and peers."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
import tempfile
import time
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from . import decision_files, peer
from .jobs import peak_mb
from .measure import JobError, environment, run_job
from .score import mean

NOT_KEYS = ("id", "cluster_id", "SourceID", "source_record_id")
SYNTHETIC = "synthetic_firms"
FIRMS = ("peers", "synthetic_firms.py")
CLEAN = ("dblp_acm", "febrl4_persons", "abt_buy", "autofj/Song", "autofj/Hospital")  # their left tables
SPLINK = ("febrl3_persons", "historical_figures_50k")  # its documentation has settings for them
PEERS = Path(__file__).with_name("dedup_peers.py")
SCORES = ("f1", "precision", "recall", "b_cubed_f1", "ari")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[], help="only these data sets")
    parser.add_argument("--model", default=None, help="the model argument of cluster")
    parser.add_argument("--peer-venv", type=Path, default=None, help="the environment of Splink and semhash")
    parser.add_argument("--rows", type=int, default=10_000, help="rows of the synthetic firms")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a set may take")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Every set in a fresh process, for its memory; the floor is measured on the same tables."""
    gone = data.missing("data", "baseline_dedup.py")
    if gone:
        return Report("dedup", skipped=[gone])
    rows: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    python, why = peer.find_dedup(options.peer_venv)
    skipped = [why] if why else []
    for name in names(options.names):
        arguments = [name, str(options.rows), *([options.model] if options.model else [])]
        command = [sys.executable, "-m", f"{__package__}.dedup", *arguments]
        try:
            with decision_files.deciding(name, options) if name != SYNTHETIC else nullcontext():
                measured = run_job(command, environment(data.ROOT), options.timeout)
        except JobError as error:
            skipped.append(f"{name}: {error}")
            continue
        rows.append({"data set": name, **measured.result, "peak MB": measured.peak_mb})
        say(f"{name}: F1 {rows[-1]['f1']:.3f}, floor {rows[-1]['oracle F1']:.3f}", note=True)
        others.append(line("ours", name, rows[-1], measured.peak_mb))
        if python is not None:
            others += by_peers(python, name, options, skipped)
    tables = [Table("dedup", rows), Table("summary", [summary(rows)])] if rows else []
    if python is not None:
        tables.append(Table("beside peers", others))
    if not options.names:
        tables.insert(0, Table("tables without duplicates", [kept(name, options) for name in CLEAN]))
    settings = {"decision": decision_files.described(options), "decision on synthetic_firms": "shipped"}
    return Report("dedup", tables, skipped, settings)


def by_peers(
    python: Path, name: str, options: argparse.Namespace, skipped: list[str]
) -> list[dict[str, Any]]:
    """The peers' clusters of the same table, scored as ours are."""
    lt: Any = importlib.import_module("linktransformer")
    table, truth = load(name, options.rows)
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        table.to_csv(path, index=False)
        for other in ("splink", "semhash"):
            if other == "splink" and name not in SPLINK:
                continue
            try:
                command = [str(python), str(PEERS), other, name, "--table", str(path)]
                measured = run_job(command, environment(), options.timeout)
            except JobError as error:
                skipped.append(f"{other}, {name}: {error}")
                continue
            scores = asdict(lt.metrics.score_clusters(truth, measured.result["label"]))
            found.append(line(other, name, {**measured.result, **scores}, measured.peak_mb))
    return found


def line(who: str, name: str, values: dict[str, Any], peak: float) -> dict[str, Any]:
    """A line of the table with the peers."""
    shown = {score: values[score] for score in SCORES}
    times = {"seconds": values["seconds"], "CPU s": values["CPU s"], "peak MB": peak}
    return {"data set": name, "by": who, **shown, **times}


def kept(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """How many rows dedup leaves of a table in which every row is a thing of its own."""
    lt: Any = importlib.import_module("linktransformer")
    table = data.baseline().read(data.shared() / "data" / name, "left")
    keys = [key for key in table.columns if key not in NOT_KEYS]
    with decision_files.deciding(name, options):
        found = lt.cluster(table, keys, model=options.model, progress=False)
    return {"data set": f"{name}, left", "rows": len(table), "kept": len(found) / len(table)}


def names(wanted: list[str]) -> list[str]:
    """The one-table sets that are there, and the synthetic firms."""
    found = sorted(path.parent.name for path in (data.shared() / "data").glob("*/table.csv*"))
    found += [SYNTHETIC] if data.missing(*FIRMS) is None else []
    return [name for name in found if not wanted or name in wanted]


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means, and the set where we are furthest below the floor."""
    worst = min(rows, key=lambda row: float(row["f1 - oracle"]))
    return {
        "data sets": len(rows),
        "mean F1": mean(row["f1"] for row in rows),
        "mean oracle F1": mean(row["oracle F1"] for row in rows),
        "difference": mean(row["f1 - oracle"] for row in rows),
        "worst difference": worst["f1 - oracle"],
        "worst set": worst["data set"],
    }


def load(name: str, n_rows: int) -> tuple[Any, list[str]]:
    """The table and its true clusters."""
    if name == SYNTHETIC:
        table = data.module(*FIRMS).dirty_table(n_rows)
        return table[["name"]], table["gid"].tolist()
    table = data.baseline().read(data.shared() / "data" / name, "table")
    keys = [column for column in table.columns if column not in NOT_KEYS]
    return table[keys], table["cluster_id"].tolist()


def measure(name: str, n_rows: int, model: str | None) -> dict[str, Any]:
    """Our clusters by defaults and the memory until then; then the floor, by its own script."""
    lt: Any = importlib.import_module("linktransformer")
    table, truth = load(name, n_rows)
    wall, cpu = time.perf_counter(), time.process_time()
    clusters = lt.cluster(table, list(table.columns), model=model, progress=False)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ours_peak = peak_mb()
    scores, report = clusters.evaluate(truth), clusters.report()
    floor = floor_of(name, table, truth)
    return {
        "rows": len(table),
        **{score: scores[score] for score in SCORES},
        "clusters": len(clusters),
        "true clusters": len(set(truth)),
        "threshold": report["threshold"],
        "oracle F1": floor["oracle F1"],
        "oracle B-cubed": floor["B-cubed F1"],
        "f1 - oracle": scores["f1"] - floor["oracle F1"],
        "seconds": wall,
        "CPU s": cpu,
        "peak_mb": ours_peak,
    }


def floor_of(name: str, table: Any, truth: list[Any]) -> dict[str, float]:
    """The script of the floor, on a set of the folder or on a table that is made here."""
    sys.path.insert(0, str(data.shared() / "data"))  # it imports its neighbour
    floor = data.module("data", "baseline_dedup.py")
    if name != SYNTHETIC:
        return {key: float(value) for key, value in floor.measure(data.shared() / "data" / name).items()}
    made = table.assign(cluster_id=truth, id=range(len(table)))
    floor.read = lambda *_: made.astype(str)
    return {key: float(value) for key, value in floor.measure(Path()).items()}


if __name__ == "__main__":
    result = Path(sys.argv[sys.argv.index("--result") + 1])
    given = sys.argv[1 : sys.argv.index("--result")]
    found = measure(given[0], int(given[1]), given[2] if len(given) > 2 else None)
    result.write_text(json.dumps(found), encoding="utf-8")
