"""F1 and precision of links by the number of answers, for ways to choose the pairs that are asked about.

"ours": `review.questions.next_pairs`. "random": the best candidates of random left rows, of which a person
would look at any (probability above .005). "random, fit_decision": the same, read as `fit_decision` reads
labels. "uncertainty": the pairs nearest to the threshold, one of a record at a time. "dedupe": the pairs
that the active learner of dedupe asks about. In these the decision is refitted by `review.refit`, alike.
"dedupe alone": links by dedupe's own probabilities. All ask in batches of ten, of the same candidates, and
get the same answers. "every answer": one fit to the labels of all pairs, without the labels of the pairs
themselves: what any choice of questions may lead to, but for the pairs that it settles.

Scored are all rows, those that were asked about too, as one who reviews would see them. With `--folds`,
every set is decided by a model that has seen no set of its family, and read with a prior that was fitted
without its fold (`--prior`, the report of `answer_prior`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.decision.answer_posterior import Prior
from linktransformer.decision.choose_links import choose
from linktransformer.decision.context import sigmoid64
from linktransformer.decision.correction import named
from linktransformer.decision.correction_fit import LabelledJob, fit_correction
from linktransformer.decision.model import sigmoid
from linktransformer.review.pairs import pairs_of
from linktransformer.review.questions import next_pairs
from linktransformer.review.refit import SURE, Answers, Pool, Refitted, pool_of, refit
from tools import data
from tools.report import Report, Table, say

from . import decision_files, dedupe_choice, reviewers
from .score import mean

SETS = (
    "abt_buy", "amazon_google", "febrl4_hard", "mexican_tariff_1947_1948", "countries_dbpedia_mondial",
)  # fmt: skip
OTHERS = ("dblp_acm", "town_names", "bank_transfers", "japanese_firms_1950s", "dblp_scholar_partial")
SIZES = (0, 10, 20, 50, 100, 200)
BATCH = 10
LEAST = 0.005
WAYS = (
    "ours", "random", "random, fit_decision", "uncertainty", "dedupe", "dedupe alone", "every answer",
)  # fmt: skip
PRIORS = Path(__file__).resolve().parents[2] / "docs" / "runs" / "answer_prior.json"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(SETS), help="only these data sets")
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds")
    parser.add_argument("--wrong", type=float, nargs="*", default=[0.0, reviewers.CARELESS], help="shares")
    parser.add_argument("--dedupe", type=Path, default=None, help="the Python of an environment with dedupe")
    parser.add_argument("--prior", type=Path, default=PRIORS, help="the report of answer_prior")
    decision_files.add_arguments(parser)


def sets_of() -> list[str]:
    """All sets that answers are measured on."""
    return [*SETS, *OTHERS, *(path.parent.name + "/" + path.name for path in data.tasks("autofj"))]


def prior_of(name: str, report: Path, options: argparse.Namespace) -> Prior | None:
    """The prior that was fitted without the fold of a set, from a report of this benchmark."""
    if options.folds is None or not report.exists():
        return None
    fold = json.loads((options.folds / decision_files.FOLDS).read_text(encoding="utf-8"))[name]
    for row in json.loads(report.read_text(encoding="utf-8"))["tables"]["priors"]:
        if row["without fold"] == str(fold):
            return Prior(row["level"], row["slope"], row["features"])
    raise SystemExit(f"{report} has no prior without the fold of {name}")


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

    def some(self, at: np.ndarray) -> Task:
        """The same with some pairs."""
        arrays = ("left", "right", "log_odds", "features", "similarity", "linked")
        pool = replace(self.pool, **{name: getattr(self.pool, name)[at] for name in arrays})
        return Task(pool, self.match[at], self.n_true)

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
        missing = data.missing("data", *name.split("/"))
        if missing:
            skipped.append(missing)
            continue
        with decision_files.deciding(name, options):
            task = task_of(name)
        prior = prior_of(name, options.prior, options)
        if prior is not None:
            task = replace(task, pool=replace(task.pool, prior=prior))
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
    pool = pool_of(pairs_of(links))
    return Task(pool, np.isin(pool.left * width + pool.right, true), len(true))


def measure(task: Task, name: str, wrong: float, seed: int, python: Path | None) -> list[dict[str, Any]]:
    """The scores of every way at every number of answers."""
    said = reviewers.judged(task.match, wrong, seed)
    found = []
    dedupe = None if python is None else by_dedupe(task, said, seed, python)
    for way in WAYS:
        if not way.startswith("dedupe"):
            every = way == "every answer"
            steps = after_all(task, said) if every else asked(task, said, way, seed)
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
        now = by_fit_decision(pool, answers) if by_share and size else refit(pool, answers)
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
    best = best_candidates(pool)
    best = best[sigmoid64(pool.log_odds[best].astype(np.float64)) > LEAST]
    return np.random.default_rng([seed, 1]).permutation(best)


def best_candidates(pool: Pool) -> np.ndarray:
    """The most probable pair of each left record."""
    order = np.lexsort((-pool.log_odds, pool.left))
    return order[np.flatnonzero(np.diff(pool.left[order], prepend=-1))]


def by_fit_decision(pool: Pool, answers: Answers) -> Refitted:
    """The decision by the correction of `fit_decision`, for pairs that were drawn at random."""
    net = np.bincount(answers.at, np.where(answers.match, 1.0, -1.0), len(pool))
    width = pool.features.shape[1] - len(named(())[0])
    columns = tuple(map(str, range(width)))
    values = pool.features, pool.features[:, pool.features.shape[1] - width :]
    known = np.flatnonzero(net > 0), np.flatnonzero(net < 0)
    learned = fit_correction(LabelledJob(pool.log_odds, named(columns)[0], *values, columns, *known), 1.9)
    here = learned.on_columns(columns) or learned
    z = here.corrected(pool.log_odds, here.offset(named(columns)[0], *values))
    return replace(refit(pool, answers), linked=linked_by(pool, np.where(net, SURE * net, z)))


def linked_by(pool: Pool, z: np.ndarray) -> np.ndarray:
    """Which pairs are links by these log-odds."""
    p = sigmoid(z.astype(np.float32))
    linked = np.zeros(len(pool), dtype=bool)
    linked[choose(pool.left, pool.right, p, pool.similarity, pool.validate, pool.threshold).pairs] = True
    return linked


def after_all(task: Task, said: np.ndarray) -> Iterator[tuple[int, np.ndarray, float]]:
    """Links by one fit to all answers, each pair read as if it had none."""
    linked = linked_by(task.pool, refit(task.pool, Answers(np.arange(len(said)), said)).corrected)
    yield from ((size, linked, float("nan")) for size in SIZES)


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
    """Means over groups of sets and over seeds, and by set, for every share of wrong answers."""
    tables = []
    groups = {"five sets": lambda name: name in SETS, "five others": lambda name: name in OTHERS}
    groups["autofj"] = lambda name: name.startswith("autofj/")
    for wrong in dict.fromkeys(row["wrong"] for row in rows):
        of_share = [row for row in rows if row["wrong"] == wrong]
        for group, belongs in groups.items():
            of = [row for row in of_share if belongs(row["data set"])]
            for score in ("F1", "precision") if of else ():
                tables.append(
                    Table(f"{group}, mean {score}, {wrong:g} of the answers wrong", by_size(of, score))
                )
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
