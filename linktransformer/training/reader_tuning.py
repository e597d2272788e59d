"""The shipped reader tuned on labelled candidates, and kept where that does not help on held-out ones."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.linking.pair_cells import of_pairs
from linktransformer.progress import stage
from linktransformer.tables import splits
from linktransformer.training.split_candidates import SplitCandidates

if TYPE_CHECKING:
    from clippings.text.pair_reader import PairReader
    from clippings.training.pair_tuning import LabelledPairs
    from model_hub import ModelFolder

__all__ = ["LEAST", "ChosenReader", "chosen_reader", "mixed_by_labels"]

logger = logging.getLogger(__name__)

LEAST = 10  # labelled pairs of either kind, in training and in validation
NEAREST = 5  # candidates of a left record, and all matches, as the shipped reader was trained
OPEN = 5.0  # own log-odds of pairs in doubt, at most
CLIP = 8.0  # as in `PairReader.mixed`
RIDGE = 1.0  # pairs that the shipped mixing weighs


@dataclass(frozen=True, slots=True, eq=False)
class ChosenReader:
    """The files of the reader that goes into a model's folder.

    Args:
        folder: Where they are.
        tuned: Whether it was tuned; else it is the shipped one.
        why: The reason, for the log and the model card.
        metrics: Losses on validation.
    """

    folder: Path
    tuned: bool
    why: str
    metrics: Mapping[str, float]

    @property
    def card(self) -> str:
        """The section of the model card."""
        rows = "\n".join(f"| {name} | {value:.4g} |" for name, value in self.metrics.items())
        return (
            "## The reader\n\nA cross-encoder that reads both records of pairs in doubt, in `reader.onnx`, "
            "`reader.json`, `reader.safetensors` (its table of word pieces) and `reader-tokenizer.json`. It "
            f"started from that of linker-multilingual (MIT). {self.why}\n\n| | |\n|---|---|\n{rows}"
        )


def chosen_reader(found: SplitCandidates, out: Path, seed: int, device: str | None) -> ChosenReader:
    """Tune the shipped reader on the candidates of the training rows, and write the better one of both.

    Better is the lower log-loss of the validation rows' candidates in doubt, as the graph in 8 bits reads
    them, mixed with the decision's own log-odds by numbers that are learned for either reader alike.

    Args:
        found: Candidates of all splits.
        out: A new folder for its files.
        seed: Of the draws.
        device: Where it is trained.
    """
    from clippings.export.pair_export import torch_layers, write_mixing, write_reader
    from clippings.text.pair_reader import PairReader
    from clippings.training.pair_tuning import tuned
    from model_hub import bundled

    new, old = out / "tuned", out / "shipped"
    for folder in (new, old):
        folder.mkdir(parents=True)
    source = bundled()
    shipped = PairReader(source)
    train, val = (_labelled(found, shipped, part) for part in (splits.TRAIN, splits.VAL))
    (train_pairs, _), (val_pairs, own) = train, val
    counts = [int(kind.sum()) for one in (train_pairs, val_pairs) for kind in (one.match, ~one.match)]
    metrics = {"reader_train_pairs": float(len(train_pairs)), "reader_val_pairs": float(len(val_pairs))}
    if min(counts) < LEAST:
        why = (
            f"It was not tuned: of {LEAST} matches and {LEAST} others that it can read, as training and "
            f"validation each need, there are {counts[:2]} and {counts[2:]}."
        )
        logger.warning("the shipped reader is kept: %s", why)
        write_reader(source, old, shipped.mixing)
        return ChosenReader(old, False, why, metrics)

    def cost(read: Floats) -> float:
        return mixed_by_labels(own, read, val_pairs.match, shipped.mixing)[1]

    with stage("reader") as tick:
        now = tuned(
            shipped, torch_layers(source), train_pairs, val_pairs, cost, seed=seed, device=device, tick=tick
        )
    before = after = _read(shipped, val_pairs)
    losses = now.losses[0], min(now.losses[1:])  # in float32
    if now.epoch:
        write_reader(source, new, shipped.mixing, (now.layers, now.place))
        after = _read(PairReader(_unsealed(new, source)), val_pairs)
        losses = cost(before), cost(after)
    metrics |= {"val_reader_loss_of_shipped": losses[0], "val_reader_loss_of_tuned": losses[1]}
    better = losses[1] < losses[0]
    metrics |= {"reader_tuned": float(better), "reader_epochs": float(now.epoch if better else 0)}
    mixing = mixed_by_labels(own, after if better else before, val_pairs.match, shipped.mixing)[0]
    if better:
        write_mixing(new, mixing)
        why = f"It was tuned on {len(train_pairs)} candidate pairs for {now.epoch} epochs."
    else:
        write_reader(source, old, mixing)
        why = "It is the shipped one: tuning did not lower the log-loss of the validation pairs."
        logger.warning("the shipped reader is kept: tuning did not lower the log-loss of validation")
    return ChosenReader(new if better else old, better, why, metrics)


def mixed_by_labels(own: Floats, read: Floats, match: Bools, prior: Doubles) -> tuple[Doubles, float]:
    """How a reader's log-odds are mixed with a decision's own, (4,), and the log-loss of these pairs.

    A logistic regression on both and their product, drawn to the shipped mixing, in the unit of the own ones:
    the regression on these by themselves, which says what that unit is, is undone.

    Args:
        own: The decision's log-odds, (n_pairs,).
        read: The reader's.
        match: Whether each pair matches.
        prior: The shipped mixing.
    """
    a, r, y = own.astype(np.float64), np.clip(read.astype(np.float64), -CLIP, CLIP), match.astype(np.float64)
    one = np.ones_like(a)
    level, unit = _fitted(np.stack([one, a], axis=1), y, np.array([0.0, 1.0]))
    unit = max(unit, 0.1)
    x = np.stack([one, a, r, a * r], axis=1)
    start = unit * np.asarray(prior, dtype=np.float64) + [level, 0, 0, 0]
    both = _fitted(x, y, start)
    z = x @ both
    loss = float(np.mean(np.logaddexp(0, z) - y * z))
    return (both - [level, 0, 0, 0]) / unit, loss


def _fitted(x: Doubles, y: Doubles, prior: Doubles) -> Doubles:
    """Coefficients of a logistic regression that is drawn to others, by Newton's method."""
    found = prior.copy()
    for _ in range(50):
        p = expit(x @ found)
        slope = x.T @ (y - p) - RIDGE * (found - prior)
        step = np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x + RIDGE * np.eye(len(prior)), slope)
        found = found + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(found)


def _labelled(found: SplitCandidates, reader: PairReader, part: int) -> tuple[LabelledPairs, Floats]:
    """The candidates of a split that the reader can read, with labels; and their own log-odds."""
    from clippings.training.pair_tuning import LabelledPairs

    pairs = found.fused.candidates
    own = np.asarray(found.fused.own, dtype=np.float32)
    at = found.some(part)
    if part == splits.VAL:
        at = at[np.abs(own[at]) < OPEN]
    else:
        at = at[found.same[at] | _near(pairs.left[at], own[at])]
    (left, right), places = of_pairs(found.cells, (pairs.left[at], pairs.right[at]))
    sides = reader.tokens(left), reader.tokens(right)
    whole = np.flatnonzero(sides[0].whole[places[0]] & sides[1].whole[places[1]])
    at, a, b = at[whole], places[0][whole], places[1][whole]
    labelled = LabelledPairs(sides, a, b, found.same[at], expit(own[at]).astype(np.float32))
    return labelled, own[at]


def _near(left: Integers, own: Floats) -> Bools:
    """Which pairs are among the nearest of their left record."""
    order = np.lexsort((-own, left))
    first = np.flatnonzero(np.diff(left[order], prepend=-1))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    near = np.zeros(len(left), dtype=bool)
    near[order[rank < NEAREST]] = True
    return near


def _read(reader: PairReader, pairs: LabelledPairs) -> Floats:
    return reader.log_odds(*pairs.sides, pairs.left, pairs.right)


def _unsealed(folder: Path, like: ModelFolder) -> ModelFolder:
    """Files that were just written as a model's folder."""
    from model_hub import ModelFolder
    from model_hub.folder import describe

    files = describe(folder, sorted(path.name for path in folder.iterdir()))
    return ModelFolder(folder, replace(like.manifest, files=files))
