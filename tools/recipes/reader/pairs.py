"""Candidate pairs of labelled sets and made domains, with labels and a decision's own log-odds, as files.

The decision is that of the fold that leaves the family out; the shipped one where no fold names the family.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd

from linktransformer.decision.model import read_decision
from tools.recipes.decision import featurize, labelled_sets, variations
from tools.recipes.decision.domains import FAMILIES, TABLES, Task, make
from tools.report import say

__all__ = ["Folds", "add_arguments", "run", "write"]

SEEDS = 4  # of every family
# more seeds of some: ten of what differs in a code or a number, five of names and works
TEN = ("products", "offers", "software", "medicines", "music", "numbered")
FIVE = (
    *("firms", "institutions", "restaurants", "books", "films", "titles", "addresses", "citations"),
    *("phrases", "translations", "combinations", "contacts"),
)
# families in which n-grams see little are described with the model's view; labelled sets all are
DENSE = ("scripts", "translations", "nomenclatures", "combinations", "provinces", "phrases")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("sets", type=Path, help="folder of labelled data sets")
    parser.add_argument("out", type=Path, help="folder of the pairs; files that are there are kept")
    parser.add_argument(
        "--folds", type=Path, required=True, help="fold-K.npz, decision.npz and folds.json of the decision"
    )
    parser.add_argument("--most", type=int, default=2000, help="rows of a side of a set")
    parser.add_argument("--rows", type=int, default=1000, help="rows of a side of a made table")
    parser.add_argument("--only", nargs="*", default=[], help="only these sets or families")
    parser.add_argument("--seeds", type=int, default=None, help="made tasks of each family, for a trial")


class Folds:
    """Which fold leaves a task's family out, and the decision of that fold.

    Args:
        folder: Files of `python -m tools.recipes.decision fit`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        named = json.loads((folder / "folds.json").read_text("utf-8"))
        self._of = {
            name if name.startswith("autofj/") else name.split("/")[0]: k for name, k in named.items()
        }
        for name, k in named.items():
            self._of.setdefault(labelled_sets.family_of(name), k)

    def of(self, task: Task) -> int | None:
        """The fold of a task, None where the folds do not name its family."""
        known = (name for name in (task.name, task.family, task.name.split("/")[0]) if name in self._of)
        name = next(known, None)
        return None if name is None else int(self._of[name])

    def decision(self, fold: int | None) -> Any:
        """The decision that did not see a fold."""
        return read_decision(str(self._folder / ("decision.npz" if fold is None else f"fold-{fold}.npz")))


def run(options: argparse.Namespace) -> None:
    """Describe the tasks, small sets first."""
    options.out.mkdir(parents=True, exist_ok=True)
    folds, began, failed = Folds(options.folds), time.time(), 0
    for kind, name, seed in _jobs(options):
        try:
            if kind == "set":
                draw = np.random.default_rng(crc32(name.encode()))
                task = variations.sampled(labelled_sets.load(options.sets, name), options.most, draw)
            else:
                task = variations.sampled(make(name, seed), options.rows, np.random.default_rng(seed))
            dense = kind == "set" or name in DENSE
            path = options.out / f"{task.name.replace('/', '__')}{'+dense' if dense else ''}.npz"
            if not path.exists():
                say(write(task, _embedder() if dense else None, folds, path))
        except Exception as error:  # one task that fails must not end the others
            failed += 1
            say(f"{name} {seed} failed: {type(error).__name__}: {error}")
    n = len(list(options.out.glob("*.npz")))
    say(f"{n} tasks in {time.time() - began:.0f} s, {failed} failed")


def _jobs(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    sets = labelled_sets.names(options.sets)
    sets.sort(key=lambda name: sum(path.stat().st_size for path in (options.sets / name).iterdir()))
    seeds = dict.fromkeys((*FAMILIES, *TABLES), SEEDS)
    seeds |= dict.fromkeys(FIVE, SEEDS + 5) | dict.fromkeys(TEN, SEEDS + 10)
    for name in sets:
        if not options.only or name in options.only:
            yield "set", name, 0
    for name, count in seeds.items():
        if not options.only or name in options.only:
            for seed in range(count if options.seeds is None else options.seeds):
                yield "made", name, seed


def _embedder() -> Callable[[list[str]], np.ndarray]:
    """The bundled text model, which encodes each text of a task once."""
    from linktransformer.encoding import model_plan

    encoder = model_plan.plan(None).encoder
    known: dict[str, np.ndarray] = {}

    def embed(texts: list[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, model_plan.embed(encoder, new), strict=True))
        return np.stack([known[text] for text in texts])

    return embed


def write(task: Task, embed: Callable[[list[str]], Any] | None, folds: Folds, path: Path) -> str:
    """Write the candidate pairs of a task.

    Returns:
        A line on it.
    """
    described = featurize.describe_task(task, embed)
    if described is None or not len(described.features.at):
        return f"{task.name}: nothing to describe"
    y, n_true = featurize.labels(task, described)
    fold = folds.of(task)
    own, _ = folds.decision(fold).own_log_odds(described.features)
    tables = task.left, task.left if task.right is None else task.right
    cells = [_cells(table, of.node_of_row) for table, of in zip(tables, described.nodes, strict=True)]
    at, found = described.features.at, described.candidates
    about = {
        "name": task.name,
        "family": task.family,
        "fold": fold,
        "dense": embed is not None,
        "same": task.right is None,
        "sizes": [int(found.n_left), int(found.n_right)],
        "n_true": n_true,
    }
    np.savez_compressed(
        path,
        about=np.array(json.dumps(about)),
        cells=np.array(json.dumps(cells[:1] if task.right is None else cells)),
        left=found.left[at].astype(np.int32),
        right=found.right[at].astype(np.int32),
        y=y,
        own=own.astype(np.float32),
    )
    return f"{task.name}: {len(y)} pairs, {int(y.sum())} of {n_true} matches, fold {fold}"


def _cells(table: pd.DataFrame, node_of_row: np.ndarray) -> list[list[str]]:
    """The texts of each record, "" for a null."""
    nodes, first = np.unique(node_of_row, return_index=True)
    rows = table.iloc[first[nodes >= 0]]
    return rows.astype(object).where(rows.notna(), "").astype(str).to_numpy().tolist()
