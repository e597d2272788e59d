"""Links and clusters by a decision that `fit_decision` learned, beside the one without labels.

Half of the entities (rows without a match are entities of their own) are for labels; only rows of the other
half are scored, linked or clustered with all rows of the tables. Kinds of labels: "judged", the best
candidate of random rows with its answer; "complete", random (left) rows with all their matches or none;
"matches" alone; "others", wrong best candidates alone; "wrong", judged ones of which 5 % are turned round.
With `--folds`, every set is decided by a model that has seen no set of its family.
"""

from __future__ import annotations

import argparse
import importlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from . import decision_files
from .labelled_training import entities
from .score import mean

LINKS = (
    "abt_buy", "amazon_google", "dm_amazon_google", "countries_dbpedia_mondial", "autofj/Artwork",
    "autofj/Country", "autofj/Hospital", "autofj/Museum", "autofj/Reptile", "autofj/Song",
)  # fmt: skip
CLUSTERS = ("fake_contacts_1k", "cora", "affiliations")
NOT_KEYS = ("id", "cluster_id", "SourceID", "source_record_id")
SIZES = (1, 10, 50, 200, 0)  # labels; 0 is all there are
KINDS = {"judged": SIZES, "complete": SIZES, "matches": SIZES, "others": (10, 50, 0), "wrong": (50, 200, 0)}
TURNED = 0.05
LEAST = 0.005  # of the probability of a best candidate that anybody would look at


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[*LINKS, *CLUSTERS], help="only these data sets")
    parser.add_argument("--kinds", nargs="*", default=list(KINDS), help="only these kinds of labels")
    parser.add_argument("--model", default="lexical", help="the model argument of merge and cluster")
    parser.add_argument("--seeds", type=int, default=2, help="how many seeds")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Every set, kind, number of labels and seed."""
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    decision_files.check(options.names, options)
    for name in options.names:
        missing = data.missing("data", name)
        if missing:
            skipped.append(missing)
            continue
        with decision_files.deciding(name, options):
            for seed in range(options.seeds):
                rows += measure(name, seed, options)
        say(
            f"{name}: {mean(row['F1'] - row['F1 without'] for row in rows if row['data set'] == name):+.3f}",
            note=True,
        )
    settings = {"model": options.model, "decision": decision_files.described(options)}
    tables = [Table("labels", summary(rows)), Table("sets", by_set(rows)), Table("runs", rows)]
    return Report("labels", tables if rows else [], skipped, settings)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """One table or two with their truth.

    Args:
        left: A table with its row numbers as index.
        right: The other one; None for clusters.
        keys: Key columns of either.
        truth: True pairs of rows, (n, 2); of one table the lower row first.
        entity: The entity of each left and of each right row.
        best: The best candidate of each row and its score, as pairs: left, right, probability.
    """

    left: Any
    right: Any
    keys: tuple[list[str], list[str]]
    truth: np.ndarray
    entity: tuple[np.ndarray, np.ndarray]
    best: tuple[np.ndarray, np.ndarray, np.ndarray]

    @property
    def names(self) -> dict[str, Any]:
        """Key columns as arguments."""
        if self.right is None:
            return {"on": self.keys[0]}
        return {"left_on": self.keys[0], "right_on": self.keys[1]}


def measure(name: str, seed: int, options: argparse.Namespace) -> list[dict[str, Any]]:
    """F1 of held-out rows for every kind and number of labels."""
    lt: Any = importlib.import_module("linktransformer")
    task = (
        two_tables(name, options.model)
        if any((data.shared() / "data" / name).glob("left.csv*"))
        else one_table(name, options.model)
    )
    draw = np.random.default_rng(seed)
    n = int(max(side.max() for side in task.entity)) + 1
    trained = draw.random(n) < 0.5
    held = ~trained[task.entity[0]]
    without = scored(task, options.model, held)
    found = []
    for kind in options.kinds:
        for size in KINDS[kind]:
            labels = drawn(task, kind, size, ~held, np.random.default_rng([seed, size]))
            if not len(labels):
                continue
            began = time.perf_counter()
            with tempfile.TemporaryDirectory() as out:
                given = (task.left, labels) if task.right is None else (task.left, task.right, labels)
                more = {"labels": given[1]} if task.right is None else {}
                fitted = lt.fit_decision(
                    *(given[:1] if more else given), **more, **task.names, model=options.model, out=Path(out),
                    complete="named" if kind == "complete" else False, progress=False,
                )  # fmt: skip
                seconds = time.perf_counter() - began
                after = scored(task, fitted, held)
            line = {
                "data set": name,
                "seed": seed,
                "kind": kind,
                "labels": size or "all",
                "pairs": len(labels),
            }
            scores = {
                "F1": after[0],
                "F1 without": without[0],
                "precision": after[1],
                "precision without": without[1],
            }
            found.append(line | scores | {"seconds": seconds})
    return found


def two_tables(name: str, model: str) -> Task:
    """Two tables, and the best right row of each left row."""
    lt: Any = importlib.import_module("linktransformer")
    tables = data.load(data.shared() / "data" / name)
    rows = [{of: row for row, of in enumerate(side["id"])} for side in (tables.left, tables.right)]
    pairs = sorted((rows[0][a], rows[1][b]) for a, b in tables.truth)
    keys = tables.left_keys, tables.right_keys
    links = lt.link(tables.left, tables.right, left_on=keys[0], right_on=keys[1], model=model, progress=False)
    near = links.left_nearest
    has = np.flatnonzero(near.row >= 0)
    entity = entities(pairs, len(tables.left), len(tables.right))
    best = has, near.row[has], near.score[has]
    return Task(tables.left, tables.right, keys, np.array(pairs, dtype=np.int64), entity, best)


def one_table(name: str, model: str) -> Task:
    """One table, and the best other row of each row."""
    from linktransformer.dedup import cluster_pipeline
    from linktransformer.dedup.cluster import K
    from linktransformer.linking.options import Job
    from linktransformer.search.blocking import first_rows
    from linktransformer.tables import frames

    pd: Any = importlib.import_module("pandas")
    table = data.baseline().read(data.shared() / "data" / name, "table")
    entity = pd.factorize(table["cluster_id"])[0]
    keys = [column for column in table.columns if column not in NOT_KEYS]
    near = cluster_pipeline.neighbours_of(
        frames.wrap(table, "table"), keys, Job(model=model, k=K), cluster_pipeline.Rules()
    )
    found, first = near.fused.candidates, first_rows(near.nodes)
    ends = np.concatenate([found.left, found.right]), np.concatenate([found.right, found.left])
    score = np.tile(near.fused.score, 2)
    order = np.lexsort((-score, ends[0]))
    best = order[np.flatnonzero(np.diff(ends[0][order], prepend=-1))]
    a, b = first[ends[0][best]], first[ends[1][best]]
    groups = pd.Series(np.arange(len(table))).groupby(entity).apply(np.array)
    pairs = [np.stack([rows[i] for i in np.triu_indices(len(rows), 1)], axis=1) for rows in groups]
    best_of = np.minimum(a, b), np.maximum(a, b), score[best]
    return Task(table, None, (keys, keys), np.concatenate(pairs), (entity, entity), best_of)


def drawn(task: Task, kind: str, size: int, train: np.ndarray, draw: np.random.Generator) -> Any:
    """Labels of rows that are not held out: a table of left, right and label."""
    pd: Any = importlib.import_module("pandas")
    of_left, of_right = task.entity
    left, right, score = task.best
    able = train[left] & (score > LEAST)
    if task.right is None:
        able &= train[right]
    pool = np.stack([left, right], axis=1)[able]
    label = of_left[pool[:, 0]] == of_right[pool[:, 1]]
    truth = task.truth[train[task.truth[:, 0]]]
    if kind == "complete":
        rows = some(np.flatnonzero(train), size, draw)
        ends = truth[:, :1] if task.right is not None else truth
        truth = truth[np.isin(ends, rows).any(axis=1)]
        nobody = np.setdiff1d(rows, truth[:, 0] if task.right is not None else truth)
        pool = np.concatenate([truth, np.stack([nobody, np.full(len(nobody), -1)], axis=1)])
        label = pool[:, 1] >= 0
    elif kind == "matches":
        pool, label = truth, np.ones(len(truth), dtype=bool)
    elif kind == "others":
        pool, label = pool[~label], label[~label]
    if kind != "complete":
        at = some(np.arange(len(pool)), size, draw)
        pool, label = pool[at], label[at]
    if kind == "wrong":
        label = label ^ (draw.random(len(label)) < TURNED)
    nobody = pd.Series(pool[:, 1]).where(pool[:, 1] >= 0).astype("Int64")
    return pd.DataFrame({"left": pool[:, 0], "right": nobody, "label": label.astype(int)})


def some(values: np.ndarray, size: int, draw: np.random.Generator) -> np.ndarray:
    """So many of the values, or all."""
    return values if not size or size >= len(values) else draw.choice(values, size, replace=False)


def scored(task: Task, model: Any, held: np.ndarray) -> tuple[float, float]:
    """F1 and precision of the held-out rows."""
    lt: Any = importlib.import_module("linktransformer")
    if task.right is None:
        from linktransformer.results.metrics import score_clusters

        label = lt.cluster(task.left, **task.names, model=model, progress=False).label
        scores = score_clusters(task.entity[0][held].tolist(), label[held].tolist())
        return scores.f1, scores.precision
    links = lt.link(task.left, task.right, **task.names, model=model, progress=False)
    mine = held[links.left_rows]
    width = len(task.right)
    found = (links.left_rows * width + links.right_rows)[mine]
    truth = task.truth[held[task.truth[:, 0]]]
    right = int(np.isin(found, truth[:, 0] * width + truth[:, 1]).sum())
    return 2 * right / max(1, len(found) + len(truth)), right / max(1, len(found))


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over sets of what labels change, the least set, and the sets that lose more than .005."""
    found = []
    for kind, size in dict.fromkeys((row["kind"], row["labels"]) for row in rows):
        of = [row for row in rows if (row["kind"], row["labels"]) == (kind, size)]
        gain = {
            name: mean(row["F1"] - row["F1 without"] for row in of if row["data set"] == name)
            for name in dict.fromkeys(row["data set"] for row in of)
        }
        found.append(
            {
                "kind": kind,
                "labels": size,
                "sets": len(gain),
                "F1 gained": mean(gain.values()),
                "least": min(gain.values()),
                "lose more than .005": sum(value < -0.005 for value in gain.values()),
                "precision gained": mean(row["precision"] - row["precision without"] for row in of),
                "seconds": mean(row["seconds"] for row in of),
            }
        )
    return found


def by_set(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What judged labels change in each set."""
    found = []
    for name in dict.fromkeys(row["data set"] for row in rows):
        of = [row for row in rows if row["data set"] == name and row["kind"] == "judged"]
        line: dict[str, Any] = {"data set": name, "none": mean(row["F1 without"] for row in of)}
        for size in dict.fromkeys(row["labels"] for row in of):
            line[str(size)] = mean(row["F1"] for row in of if row["labels"] == size)
        found.append(line)
    return found
