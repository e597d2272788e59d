"""F1 and precision of links by the number of answers, for ways to choose the pairs that are asked about.

"ours": `review.questions.next_pairs`. "random": the best candidates of random left rows, of which a person
would look at any (probability above .005). "random, fit_decision": the same, read as `fit_decision` reads
labels. "uncertainty": the pairs nearest to the threshold, one of a record at a time. "dedupe": the pairs
that the active learner of dedupe asks about. In these the decision is refitted by `training.refit`, alike.
"dedupe alone": links by dedupe's own probabilities. All ask in batches of ten, of the same candidates, and
get the same answers.

Scored are all rows, those that were asked about too, as one who reviews would see them. With `--folds`,
every set is decided by a model that has seen no set of its family.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.decision.context import sigmoid64
from linktransformer.review import reviewers
from linktransformer.review.questions import next_pairs
from linktransformer.training.refit import Answers, Pool, Refitted, pool_of, refit
from tools import data
from tools.report import Report, Table, say

from . import decision_files, dedupe_choice
from .score import mean

SETS = (
    "abt_buy", "amazon_google", "febrl4_hard", "mexican_tariff_1947_1948", "countries_dbpedia_mondial",
)  # fmt: skip
SIZES = (0, 10, 20, 50, 100, 200)
BATCH = 10
LEAST = 0.005
WAYS = ("ours", "random", "random, fit_decision", "uncertainty", "dedupe", "dedupe alone")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(SETS), help="only these data sets")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds")
    parser.add_argument("--wrong", type=float, nargs="*", default=[0.0, reviewers.CARELESS], help="shares")
    parser.add_argument("--dedupe", type=Path, default=None, help="the Python of an environment with dedupe")
    decision_files.add_arguments(parser)


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Candidates of a set, and the truth.

    Args:
        pool: The candidates.
        match: Whether each is a match, (n,) bool.
        n_true: True pairs, those that the search did not find too.
    """

    pool: Pool
    match: np.ndarray
    n_true: int

    def scores(self, linked: np.ndarray) -> dict[str, float]:
        """F1, precision and recall."""
        right, links = int((linked & self.match).sum()), int(linked.sum())
        return {
            "F1": 2 * right / max(1, links + self.n_true),
            "precision": right / links if links else 1.0,
            "recall": right / max(1, self.n_true),
        }


def run(options: argparse.Namespace) -> Report:
    """Every set, seed, share of wrong answers and way."""
    decision_files.check(options.names, options)
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for name in options.names:
        missing = data.missing("data", name)
        if missing:
            skipped.append(missing)
            continue
        with decision_files.deciding(name, options):
            task = task_of(name)
        for wrong in options.wrong:
            for seed in range(options.seeds):
                rows += measure(task, name, wrong, seed, options.dedupe)
        say(f"{name}: {len(task.pool)} candidates", note=True)
    settings = {"decision": decision_files.described(options), "model": "lexical", "seeds": options.seeds}
    if options.dedupe is None:
        skipped.append("dedupe: no environment was given (--dedupe)")
    return Report("questions", [*summaries(rows), Table("runs", rows)] if rows else [], skipped, settings)


def task_of(name: str) -> Task:
    """Candidates and truth of a set; rows of equal texts are one record."""
    lt: Any = importlib.import_module("linktransformer")
    tables = data.load(data.shared() / "data" / name)
    links = lt.link(
        tables.left, tables.right, left_on=tables.left_keys, right_on=tables.right_keys, model="lexical",
        progress=False,
    )  # fmt: skip
    nodes = links.evidence.nodes
    of_left, of_right = (
        dict(zip(side["id"], of.node_of_row.tolist(), strict=True))
        for side, of in zip((tables.left, tables.right), nodes, strict=True)
    )
    width = len(nodes[1])
    true = np.unique([of_left[a] * width + of_right[b] for a, b in tables.truth])
    pool = pool_of(links)
    return Task(pool, np.isin(pool.left * width + pool.right, true), len(true))


def measure(task: Task, name: str, wrong: float, seed: int, python: Path | None) -> list[dict[str, Any]]:
    """The scores of every way at every number of answers."""
    said = reviewers.judged(task.match, wrong, seed)
    found = []
    dedupe = None if python is None else by_dedupe(task, said, seed, python)
    for way in WAYS:
        if not way.startswith("dedupe"):
            steps = asked(task, said, way, seed)
        elif dedupe is not None:
            steps = after_dedupe(task, said, *dedupe, alone=way == "dedupe alone")
        else:
            continue
        for size, linked, seconds in steps:
            line: dict[str, Any] = {
                "data set": name,
                "wrong": wrong,
                "seed": seed,
                "way": way,
                "answers": size,
            }
            found.append({**line, **task.scores(linked), "seconds": seconds})
    return found


def asked(task: Task, said: np.ndarray, way: str, seed: int) -> Iterator[tuple[int, np.ndarray, float]]:
    """Ask in batches; the number of answers, which pairs are links, and seconds of the last batch."""
    pool, by_share = task.pool, way == "random, fit_decision"
    at = np.empty(0, dtype=np.int64)
    order = random_order(pool, seed)
    seconds = 0.0
    for size in range(0, max(SIZES) + 1, BATCH):
        if way.startswith("random") and size not in SIZES:
            at = order[: size + BATCH]
            continue
        began = time.perf_counter()
        answers = Answers(at, said[at])
        now = refit(pool, answers, by_share=by_share)
        if size in SIZES:
            yield size, now.linked, seconds
        if way == "ours":
            new = next_pairs(pool, answers, BATCH, seed, now).at
        elif way == "uncertainty":
            new = nearest(pool, now, at)
        else:
            new = order[size : size + BATCH]
        at = np.concatenate([at, new])
        seconds = time.perf_counter() - began


def random_order(pool: Pool, seed: int) -> np.ndarray:
    """The best candidates of left records at random."""
    order = np.lexsort((-pool.log_odds, pool.left))
    best = order[np.flatnonzero(np.diff(pool.left[order], prepend=-1))]
    best = best[sigmoid64(pool.log_odds[best].astype(np.float64)) > LEAST]
    return np.random.default_rng([seed, 1]).permutation(best)


def nearest(pool: Pool, now: Refitted, at: np.ndarray) -> np.ndarray:
    """The pairs nearest to the threshold, one of a record."""
    distance = np.abs(now.corrected - np.log(now.lowest / max(1 - now.lowest, 1e-9)))
    distance[at] = np.inf
    chosen: list[int] = []
    for pair in np.argsort(distance, kind="stable").tolist():
        if len(chosen) == BATCH or not np.isfinite(distance[pair]):
            break
        if pool.left[pair] not in pool.left[chosen] and pool.right[pair] not in pool.right[chosen]:
            chosen.append(pair)
    return np.array(chosen, dtype=np.int64)


def by_dedupe(task: Task, said: np.ndarray, seed: int, python: Path) -> tuple[np.ndarray, np.ndarray]:
    """The pairs that dedupe asks about, in order, and its probabilities after each number of answers."""
    features = np.concatenate([task.pool.features, task.pool.log_odds[:, None]], axis=1)
    features = np.nan_to_num(features)
    features = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-6)
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "given.npz", Path(folder) / "out.npz"
        np.savez(given, features=features, match=said, sizes=np.array(SIZES))
        script = [str(python), str(Path(dedupe_choice.__file__)), str(given), str(out), "--seed", str(seed)]
        subprocess.run(script, check=True, capture_output=True, timeout=580)
        made = np.load(out)
        return made["order"].astype(np.int64), made["scores"]


def after_dedupe(
    task: Task, said: np.ndarray, order: np.ndarray, scores: np.ndarray, *, alone: bool
) -> Iterator[tuple[int, np.ndarray, float]]:
    """Links by our decision after dedupe's questions, or (`alone`) by its own probabilities."""
    for number, size in enumerate(SIZES):
        at = order[:size]
        if not alone:
            yield size, refit(task.pool, Answers(at, said[at])).linked, float("nan")
            continue
        p = scores[number].astype(np.float32)
        p[at] = said[at]
        best = np.lexsort((-p, task.pool.left))
        best = best[np.flatnonzero(np.diff(task.pool.left[best], prepend=-1))]
        linked = np.zeros(len(p), dtype=bool)
        linked[best[p[best] >= 0.5]] = True
        yield size, linked, float("nan")


def summaries(rows: list[dict[str, Any]]) -> list[Table]:
    """Means over sets and seeds, and by set, for every share of wrong answers."""
    tables = []
    for wrong in dict.fromkeys(row["wrong"] for row in rows):
        of_share = [row for row in rows if row["wrong"] == wrong]
        for score in ("F1", "precision"):
            tables.append(Table(f"mean {score}, {wrong:g} of the answers wrong", by_size(of_share, score)))
        for name in dict.fromkeys(row["data set"] for row in of_share):
            of = [row for row in of_share if row["data set"] == name]
            tables.append(Table(f"{name}, F1, {wrong:g} of the answers wrong", by_size(of, "F1")))
    return tables


def by_size(rows: list[dict[str, Any]], score: str) -> list[dict[str, Any]]:
    """A line for each way, a column for each number of answers; the seconds of a batch."""
    found = []
    for way in dict.fromkeys(row["way"] for row in rows):
        of = [row for row in rows if row["way"] == way]
        line: dict[str, Any] = {"way": way}
        for size in SIZES:
            line[str(size)] = mean(row[score] for row in of if row["answers"] == size)
        found.append(line)
    return found
