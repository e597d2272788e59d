"""One population split into three tables, clustered at once: beside one table, pairwise merges and Splink."""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table

from . import dedup, peer
from .dedup_peers import SOURCE
from .jobs import peak_mb
from .measure import JobError, environment, run_job

SETS = ("febrl3_persons", "fake_contacts_1k")
TABLES = ("a", "b", "c")
DUPLICATES = frozenset({"a", "b"})  # c has one row of each thing
SCORES = ("f1", "precision", "recall", "b_cubed_f1")
SEED = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(SETS), help="these one-table data sets")
    parser.add_argument("--peer-venv", type=Path, default=None, help="the environment of Splink")
    parser.add_argument("--timeout", type=float, default=3_600, help="seconds that a set may take")


def run(options: argparse.Namespace) -> Report:
    """Every way on every set, each in a fresh process."""
    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("tables", skipped=[gone])
    rows: list[dict[str, Any]] = []
    python, why = peer.find_dedup(options.peer_venv)
    skipped = [why] if why else []
    for name in options.names:
        for way in WAYS:
            command = [sys.executable, "-m", f"{__package__}.tables", name, way]
            try:
                measured = run_job(command, environment(data.ROOT), options.timeout)
            except JobError as error:
                skipped.append(f"{name}, {way}: {error}")
                continue
            rows.append({"data set": name, "by": way, **measured.result, "peak MB": measured.peak_mb})
        if python is not None and name in SETS:
            try:
                rows.append(by_splink(python, name, options.timeout))
            except JobError as error:
                skipped.append(f"splink, {name}: {error}")
    return Report("tables", [Table("tables", rows)] if rows else [], skipped)


def split(name: str) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Three tables of a set by name, and the true cluster of each of their rows.

    Each row goes to a table by chance; of a cluster's rows in the last table the first one stays, the others
    go to the first table.
    """
    np: Any = importlib.import_module("numpy")
    table, truth = dedup.load(name, 0)
    table = table.reset_index(drop=True).replace("", None)
    which = np.random.default_rng(SEED).integers(0, len(TABLES), len(table))
    last = np.flatnonzero(which == len(TABLES) - 1)
    _, first = np.unique(np.array(truth)[last], return_index=True)
    which[np.delete(last, first)] = 0
    places = {one: np.flatnonzero(which == number) for number, one in enumerate(TABLES)}
    tables = {one: table.iloc[rows].reset_index(drop=True) for one, rows in places.items()}
    return tables, {one: [truth[row] for row in rows.tolist()] for one, rows in places.items()}


def at_once(tables: dict[str, Any]) -> list[int]:
    """`cluster` of the tables, told which have no duplicates."""
    lt: Any = importlib.import_module("linktransformer")
    return list(lt.cluster(tables, columns(tables), duplicates=DUPLICATES, progress=False).label)


def at_once_untold(tables: dict[str, Any]) -> list[int]:
    """`cluster` of the tables, any of which may have duplicates."""
    lt: Any = importlib.import_module("linktransformer")
    return list(lt.cluster(tables, columns(tables), progress=False).label)


def concatenated(tables: dict[str, Any]) -> list[int]:
    """`cluster` of one table of all rows."""
    lt: Any = importlib.import_module("linktransformer")
    pd: Any = importlib.import_module("pandas")
    table = pd.concat(tables.values(), ignore_index=True)
    return list(lt.cluster(table, columns(tables), progress=False).label)


def pairwise(tables: dict[str, Any]) -> list[int]:
    """Links of every two tables, many to many, and their connected components."""
    return _components(tables, inside=False)


def pairwise_and_inside(tables: dict[str, Any]) -> list[int]:
    """The same, together with the clusters of each table that has duplicates."""
    return _components(tables, inside=True)


def _components(tables: dict[str, Any], *, inside: bool) -> list[int]:
    lt: Any = importlib.import_module("linktransformer")
    np: Any = importlib.import_module("numpy")
    components = importlib.import_module("linktransformer.results.agglomerate").components
    ends = np.cumsum([len(table) for table in tables.values()])
    starts = dict(zip(tables, ends - [len(table) for table in tables.values()], strict=True))
    keys = columns(tables)
    left, right = [], []
    for one, other in itertools.combinations(tables, 2):
        links = lt.link(tables[one], tables[other], keys, validate="m:m", progress=False)
        left.append(starts[one] + links.left_rows)
        right.append(starts[other] + links.right_rows)
    for name in sorted(DUPLICATES) if inside else ():
        label = lt.cluster(tables[name], keys, progress=False).label
        _, first = np.unique(label, return_index=True)
        left.append(starts[name] + np.arange(len(label)))
        right.append(starts[name] + first[label])
    return list(components(int(ends[-1]), np.concatenate(left), np.concatenate(right)))


WAYS = {
    "at once": at_once,
    "at once, duplicates not told": at_once_untold,
    "one table": concatenated,
    "pairwise": pairwise,
    "pairwise and each table": pairwise_and_inside,
}


def columns(tables: dict[str, Any]) -> list[str]:
    """The key columns: all of them."""
    return list(next(iter(tables.values())).columns)


def scores_of(label: list[Any], truth: dict[str, list[Any]]) -> dict[str, float]:
    """The scores over all rows of all tables."""
    lt: Any = importlib.import_module("linktransformer")
    every = list(itertools.chain(*truth.values()))
    scores = asdict(lt.metrics.score_clusters(every, label))
    return {score: scores[score] for score in SCORES}


def measure(name: str, way: str) -> dict[str, Any]:
    """One way on one set."""
    tables, truth = split(name)
    wall, cpu = time.perf_counter(), time.process_time()
    label = [int(one) for one in WAYS[way](tables)]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rows = {"rows": sum(map(len, tables.values())), "clusters": len(set(label))}
    return {**rows, **scores_of(label, truth), "seconds": wall, "CPU s": cpu, "peak_mb": peak_mb()}


def by_splink(python: Path, name: str, timeout: float) -> dict[str, Any]:
    """Splink's link_and_dedupe of the same tables."""
    pd: Any = importlib.import_module("pandas")
    tables, truth = split(name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tables.csv"
        parts = [table.assign(**{SOURCE: one}) for one, table in tables.items()]
        pd.concat(parts).to_csv(path, index=False)
        command = [str(python), str(dedup.PEERS), "splink", name, "--table", str(path)]
        measured = run_job(command, environment(), timeout)
    label = measured.result["label"]
    rows = {"data set": name, "by": "Splink", "rows": len(label), "clusters": len(set(label))}
    times = {"seconds": measured.result["seconds"], "CPU s": measured.result["CPU s"]}
    return {**rows, **scores_of(label, truth), **times, "peak MB": measured.peak_mb}


if __name__ == "__main__":
    result = Path(sys.argv[sys.argv.index("--result") + 1])
    result.write_text(json.dumps(measure(*sys.argv[1:3])), encoding="utf-8")
