"""Pair F1 after fine-tuning on the published splits of the Magellan sets, beside merge without labels.

Train pairs to fit, valid pairs to choose (epoch, decision, threshold), test pairs once. Our decision sees the
two whole tables without labels (how far a pair stands above its rivals); the published models see each pair
alone, and so does our column "cosine". Needs torch and sentence-transformers.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from .score import mean

SETS = ("dm_abt_buy", "dm_amazon_google", "dm_dblp_acm")
PARTS = ("train", "valid", "test")
PUBLISHED = {  # F1 as their papers print it
    "dm_abt_buy": (0.436, 0.628, 0.893),
    "dm_amazon_google": (0.491, 0.693, 0.756),
    "dm_dblp_acm": (0.984, 0.984, 0.990),
}
PUBLISHED_NAMES = ("Magellan", "DeepMatcher", "Ditto")


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Two tables, and the labelled pairs of rows of each part."""

    name: str
    left: Any
    right: Any
    keys: tuple[list[str], list[str]]
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray, np.ndarray]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=list(SETS), help="only these data sets")
    parser.add_argument("--base", default="bundled", help="what to start from: a folder, or 'bundled'")
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-5)
    parser.add_argument("--hard-negatives", type=int, default=4)
    parser.add_argument("--temperature", type=float, default=0.05)
    parser.add_argument("--loss", default="infonce", choices=["infonce", "onlinecontrastive"])
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--labels", action="store_true", help="write 'column: value' in the texts")
    parser.add_argument("--k", type=int, default=20, help="neighbours of a row in each view and direction")
    parser.add_argument("--device", default=None)
    parser.add_argument("--limit", type=int, default=0, help="stop after so many steps: to see that it runs")
    parser.add_argument("--no-zero-label", action="store_true", help="do not run merge without labels")


def run(options: argparse.Namespace) -> Report:
    """Train and measure every set and seed."""
    notes, runs, rows = [], [], []
    gone = [name for name in ("torch", "sentence_transformers") if importlib.util.find_spec(name) is None]
    if gone:
        return Report("finetune", skipped=[f"{', '.join(gone)} is not installed"])
    notes += stand_in()
    for name in options.names:
        missing = data.missing("data", name)
        if missing:
            notes.append(missing)
            continue
        task = load(data.shared() / "data" / name)
        plain = None if options.no_zero_label else zero_label(task)
        of_set = [
            measure(task, seed, options)
            for seed in range(options.first_seed, options.first_seed + options.seeds)
        ]
        runs += of_set
        rows.append(summary(name, of_set, plain))
        say(f"{name}: test F1 {rows[-1]['F1 mean']:.3f}", note=True)
    settings = {key: value for key, value in vars(options).items() if key not in ("out", "no_check", "base")}
    settings["base"] = Path(options.base).name
    return Report(
        "finetune", [Table("runs", runs), Table("finetune", rows)], notes, settings | device(options)
    )


def summary(name: str, runs: list[dict[str, Any]], plain: float | None) -> dict[str, Any]:
    """Mean and range over the seeds, with what others report."""
    found = [row["test F1"] for row in runs]
    return {
        "data set": name,
        "seeds": len(runs),
        "F1 mean": mean(found),
        "F1 min": min(found),
        "F1 max": max(found),
        "cosine F1 mean": mean(row["test F1, cosine"] for row in runs),
        "valid F1 mean": mean(row["valid F1"] for row in runs),
        "merge without labels": plain,
        **dict(zip(PUBLISHED_NAMES, PUBLISHED.get(name, (None,) * 3), strict=True)),
    }


def load(folder: Path) -> Task:
    """The tables and their labelled pairs, by row."""
    read = data.baseline().read
    left, right = read(folder, "left"), read(folder, "right")
    row = [{name: place for place, name in enumerate(side["id"])} for side in (left, right)]
    pairs = {}
    for part in PARTS:
        table = read(folder, part)
        pairs[part] = (
            np.array([row[0][name] for name in table.left_id], dtype=np.int64),
            np.array([row[1][name] for name in table.right_id], dtype=np.int64),
            np.array([int(label) for label in table.label], dtype=np.int64),
        )
    keys = tuple([name for name in side.columns if name != "id"] for side in (left, right))
    return Task(folder.name, left, right, (keys[0], keys[1]), pairs)


def zero_label(task: Task) -> float:
    """F1 on the test pairs of `link` without labels: a pair is a match where it is a link."""
    import linktransformer as lt

    links = lt.link(task.left, task.right, left_on=task.keys[0], right_on=task.keys[1], progress=False)
    linked = set(zip(links.pairs["left"].tolist(), links.pairs["right"].tolist(), strict=True))
    a, b, label = task.pairs["test"]
    guess = np.array([pair in linked for pair in zip(a.tolist(), b.tolist(), strict=True)])
    return pair_f1(guess, label)


def measure(task: Task, seed: int, options: argparse.Namespace) -> dict[str, Any]:
    """One set and seed."""
    from clippings.training.evaluation import best_threshold
    from clippings.training.recipe import Recipe
    from clippings.training.trainable import load_trainable
    from clippings.training.trainer import fit
    from linktransformer.tables.serialize import Serializer

    began = time.perf_counter()
    serializer = Serializer(labels=options.labels)
    texts = texts_of(task, serializer)
    model = load_trainable(options.base, options.device)
    recipe = Recipe(
        loss=options.loss,
        epochs=options.epochs,
        batch_size=options.batch_size,
        mini_batch_size=512 if model.device.startswith("cuda") else 64,
        learning_rate=options.learning_rate,
        temperature=options.temperature,
        hard_negatives=options.hard_negatives,
        max_tokens=options.max_tokens,
        max_steps=options.limit,
        patience=0,
        log_steps=10,
        seed=seed,
    )

    def validate(now: Any) -> dict[str, float]:
        cosine, label = cosines(now, task, texts, "valid"), task.pairs["valid"][2]
        f1, threshold = best_threshold(cosine, label == 1)
        return {"f1": f1, "threshold": threshold}

    with tempfile.TemporaryDirectory() as place:
        near = by_ngrams(task, texts)
        found = fit(model, examples(task, texts), recipe, Path(place), validate=validate, near=[near])
    test = task.pairs["test"][2]
    by_cosine = pair_f1(cosines(model, task, texts, "test") >= found.best["threshold"], test)
    name, valid, guess = decide(model, task, serializer, options, found.best["f1"])
    row = {
        "data set": task.name,
        "seed": seed,
        "steps": found.steps,
        "best step": found.best_step,
        "valid F1 of base": next(line["validation"]["f1"] for line in found.history if "validation" in line),
        "valid F1, cosine": found.best["f1"],
        "test F1, cosine": by_cosine,
        "decision": name,
        "valid F1": valid,
        "test F1": by_cosine if guess is None else pair_f1(guess, test),
        "seconds": time.perf_counter() - began,
    }
    say(f"{task.name}, seed {seed}: {row}", note=True)
    return row


def texts_of(task: Task, serializer: Any) -> tuple[list[str], list[str]]:
    """Each row as the model reads it."""
    from linktransformer.tables import frames
    from linktransformer.tables.serialize import serialize

    left, right = (
        serialize(frames.wrap(table, "table"), keys, serializer).tolist()
        for table, keys in zip((task.left, task.right), task.keys, strict=True)
    )
    return left, right


def numbered(task: Task, texts: tuple[list[str], list[str]]) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The different texts of the training pairs, and the number of each pair's two texts."""
    a, b, _ = task.pairs["train"]
    of_pairs = [texts[0][row] for row in a.tolist()], [texts[1][row] for row in b.tolist()]
    different = sorted({*of_pairs[0], *of_pairs[1]})
    place = {text: number for number, text in enumerate(different)}
    left, right = (np.array([place[text] for text in side], dtype=np.int64) for side in of_pairs)
    return different, left, right


def examples(task: Task, texts: tuple[list[str], list[str]]) -> Any:
    """The training pairs; nothing of a valid or test label is known to them."""
    from clippings.training.examples import Examples
    from linktransformer.tables.splits import components

    different, left, right = numbered(task, texts)
    label = task.pairs["train"][2]
    entity = components(len(different), left[label == 1], right[label == 1])
    return Examples(tuple(different), entity, left, right, label, np.unique(right))


def by_ngrams(task: Task, texts: tuple[list[str], list[str]]) -> Any:
    """Search by character n-grams among the training texts."""
    from linktransformer.search import lexical

    view = lexical.fit(numbered(task, texts)[0], [])

    def near(queries: np.ndarray, items: np.ndarray, k: int) -> np.ndarray:
        query, item, _ = lexical.sparse_top_k(view.left[queries], view.left[items], k)
        found = np.full((len(queries), k), -1, dtype=np.int64)
        found[query, np.arange(len(query)) - np.searchsorted(query, query)] = item
        return found

    return near


def cosines(model: Any, task: Task, texts: tuple[list[str], list[str]], part: str) -> np.ndarray:
    """The cosine of each pair of a part."""
    a, b, _ = task.pairs[part]
    rows = [np.unique(side, return_inverse=True) for side in (a, b)]
    vectors = [
        model.encode([side[row] for row in used.tolist()])
        for side, (used, _) in zip(texts, rows, strict=True)
    ]
    return np.einsum("ij,ij->i", vectors[0][rows[0][1]], vectors[1][rows[1][1]])


def decide(
    model: Any, task: Task, serializer: Any, options: argparse.Namespace, by_cosine: float
) -> tuple[str, float, np.ndarray | None]:
    """The decision that is best on the valid pairs: its name, its F1 there, its guess on the test pairs."""
    from clippings.training.evaluation import best_threshold

    label = {part: task.pairs[part][2] == 1 for part in PARTS}
    scores = learned(model, task, serializer, options)
    f1, threshold = best_threshold(scores["valid"], label["valid"])
    if f1 > by_cosine:
        return "learned on train", f1, scores["test"] >= threshold
    return "cosine", by_cosine, None


def learned(model: Any, task: Task, serializer: Any, options: argparse.Namespace) -> dict[str, np.ndarray]:
    """The probability of each labelled pair as the train pairs teach it; 0 for no candidate."""
    from linktransformer.decision.model import sigmoid
    from linktransformer.linking import compare_tables
    from linktransformer.linking.options import Job
    from linktransformer.tables import frames
    from linktransformer.training import fit_decision

    live = Live(model, serializer.to_dict())
    tables = frames.wrap(task.left, "left"), frames.wrap(task.right, "right")
    found = compare_tables.compare(tables, task.keys, Job(model=live, k=options.k, keep_features=True))
    pairs, width = found.fused.candidates, len(found.nodes[1])
    code = pairs.left * width + pairs.right
    at = {}
    for part in PARTS:
        a, b, _ = task.pairs[part]
        left, right = found.nodes[0].node_of_row[a], found.nodes[1].node_of_row[b]
        wanted = left * width + right
        place = np.minimum(np.searchsorted(code, wanted), len(code) - 1)
        at[part] = np.where((code[place] == wanted) & (left >= 0) & (right >= 0), place, -1)
    label, known = task.pairs["train"][2] == 1, at["train"] >= 0
    correction, _ = fit_decision.correction_of(
        found.fused, at["train"][known & label], at["train"][known & ~label]
    )
    described, shipped = found.fused.described, found.fused.shipped
    if described is None or shipped is None:
        raise ValueError("candidates without features")
    corrected = found.fused.judged_by(shipped.corrected_by(correction, described.columns))
    p = np.append(sigmoid(corrected.log_odds), np.float32(0))
    return {part: p[place].astype(np.float64) for part, place in at.items()}


class Live:
    """A model in memory as `merge` takes one."""

    def __init__(self, model: Any, serializer: Mapping[str, Any]) -> None:
        self.model, self.serializer, self.name = model, serializer, "fine-tuned"

    def encode(self, texts: list[str]) -> np.ndarray:
        """float32 unit rows."""
        return self.model.encode(texts)


def pair_f1(guess: np.ndarray, label: np.ndarray) -> float:
    """F1 of the pairs that are said to match.

    Example:
        >>> pair_f1(np.array([True, True, False]), np.array([1, 0, 0]))
        0.6666666666666666
    """
    return float(2 * (guess & (label == 1)).sum() / max(1, guess.sum() + (label == 1).sum()))


def device(options: argparse.Namespace) -> dict[str, str]:
    """On what it ran."""
    import torch

    cuda = torch.cuda.is_available() and (options.device or "cuda").startswith("cuda")
    return {"device": torch.cuda.get_device_name() if cuda else "cpu", "torch": str(torch.__version__)}


def stand_in() -> list[str]:
    """Where sparse-dot-topn is missing, a plain product in its place; the numbers do not change."""
    if importlib.util.find_spec("sparse_dot_topn") is not None:
        return []
    from types import ModuleType

    import scipy.sparse as sp

    def sp_matmul_topn(a: Any, b: Any, top_n: int, threshold: float, n_threads: int) -> Any:
        parts = []
        for start in range(0, a.shape[0], 256):
            score = np.asarray((a[start : start + 256] @ b).todense())
            last = np.partition(-score, top_n - 1, axis=1)[:, top_n - 1 : top_n]
            parts.append(sp.csr_matrix(np.where((-score <= last) & (score > threshold), score, 0)))
        return sp.vstack(parts, format="csr")

    module = ModuleType("sparse_dot_topn")
    module.sp_matmul_topn = sp_matmul_topn  # type: ignore[attr-defined]  # a module made here
    sys.modules["sparse_dot_topn"] = module
    return ["sparse-dot-topn is not installed: a slower product of the same numbers stands in for it"]
