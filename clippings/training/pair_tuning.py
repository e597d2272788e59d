"""Tune the layers of a reader of pairs on labelled pairs; the best weights on held-out pairs are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.text.pair_reader import MARKS, SIDES, CellTokens, PairReader, joined
from clippings.third_party import need_torch

if TYPE_CHECKING:
    from torch import Tensor

    from clippings.layers.pair_layers import PairLayers

__all__ = ["LabelledPairs", "TunedReader", "tuned"]

EPOCHS = 3
BATCH = 32  # pairs of a step
RATE = 3e-5  # as cross-encoders for matching are usually tuned (Li et al. 2020)
WARM = 0.1  # of all steps the rate rises
MOST = 4_000  # pairs of an epoch: some minutes on a core


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPairs:
    """Pairs of records with labels.

    Args:
        sides: The tokens of the left and of the right records.
        left: The left record of each pair, (n_pairs,) int64; no token of either was cut off.
        right: The right one.
        match: Whether they match, (n_pairs,) bool.
        doubt: How likely each non-match is drawn, (n_pairs,) float32; matches are all drawn.
    """

    sides: tuple[CellTokens, CellTokens]
    left: Integers
    right: Integers
    match: Bools
    doubt: Floats

    def __len__(self) -> int:
        return len(self.left)

    @property
    def lengths(self) -> Integers:
        """Tokens of each pair without the special ones, (n_pairs,) int64."""
        return self.sides[0].lengths[self.left] + self.sides[1].lengths[self.right]


@dataclass(frozen=True, slots=True, eq=False)
class TunedReader:
    """Layers and places of a reader, and the loss on held-out pairs before and after each epoch."""

    layers: PairLayers
    place: Floats
    losses: tuple[float, ...]
    epoch: int  # of these weights; 0: as they were


def tuned(
    reader: PairReader,
    layers: PairLayers,
    train: LabelledPairs,
    val: LabelledPairs,
    cost: Callable[[Floats], float],
    *,
    seed: int = 0,
    device: str | None = None,
    tick: Callable[[int], object] | None = None,
) -> TunedReader:
    """Tune a reader by the binary cross-entropy of matches and of twice as many near non-matches.

    Training ends after three epochs, or after the first one that does not lower the cost of held-out pairs.

    Args:
        reader: The reader as it is, for its table of tokens.
        layers: Its layers; they are changed.
        train: Pairs to learn from.
        val: Pairs to choose the epoch by.
        cost: The cost of log-odds of `val`, lower is better.
        seed: Of the draws.
        device: Where it runs; None takes the CPU.
        tick: Called with the number of pairs done.

    Returns:
        The best weights, on the CPU and in evaluation mode.
    """
    torch = need_torch("Training")
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    layers = layers.to(device or "cpu")
    place = torch.nn.Parameter(torch.from_numpy(reader.place.copy()).to(device or "cpu"))
    values = [*layers.parameters(), place]
    descent = torch.optim.AdamW(values, lr=RATE, weight_decay=0.01)
    losses = [cost(_read(reader, layers, place, val))]
    best, epoch = _kept(layers, place), 0
    steps = EPOCHS * -(-len(_drawn(train, draw)) // BATCH)
    number = 0
    for now in range(1, EPOCHS + 1):
        layers.train()
        for batch in _batches(train, _drawn(train, draw), draw):
            for group in descent.param_groups:
                passed = number / max(1, steps)
                group["lr"] = RATE * min(1.0, passed / WARM) * max(0.0, 1 - passed)
            n = sum(map(len, batch))
            for part in batch:
                odds = layers(_given(reader, place, train, part))
                y = torch.from_numpy(train.match[part].astype(np.float32)).to(odds.device)
                loss = torch.nn.functional.binary_cross_entropy_with_logits(odds, y, reduction="sum") / n
                loss.backward()
            torch.nn.utils.clip_grad_norm_(values, 1.0)
            descent.step()
            descent.zero_grad(set_to_none=True)
            number += 1
            if tick is not None:
                tick(n)
        losses.append(cost(_read(reader, layers, place, val)))
        if losses[-1] >= min(losses[:-1]):
            break
        best, epoch = _kept(layers, place), now
    layers.load_state_dict(best[0])
    return TunedReader(layers.to("cpu").eval(), best[1], tuple(losses), epoch)


def _kept(layers: PairLayers, place: Tensor) -> tuple[dict[str, Tensor], Floats]:
    state = {name: value.detach().clone() for name, value in layers.state_dict().items()}
    return state, place.detach().cpu().numpy().copy()


def _drawn(pairs: LabelledPairs, draw: np.random.Generator) -> Integers:
    """The pairs of an epoch: all matches, or a third of `MOST`, and at most twice as many others by doubt."""
    matches, others = np.flatnonzero(pairs.match), np.flatnonzero(~pairs.match)
    if len(matches) > MOST // 3:
        matches = draw.choice(matches, MOST // 3, replace=False)
    n = min(len(others), 2 * len(matches))
    if n < len(others):
        weight = pairs.doubt[others].astype(np.float64) + 1e-3
        others = draw.choice(others, n, replace=False, p=weight / weight.sum())
    return np.concatenate([matches, others])


def _batches(pairs: LabelledPairs, at: Integers, draw: np.random.Generator) -> Iterator[list[Integers]]:
    """Steps of about `BATCH` pairs, in parts of one length each."""
    at = draw.permutation(at)
    lengths = pairs.lengths
    parts: list[Integers] = []
    for length in np.unique(lengths[at]):
        same = at[lengths[at] == length]
        parts += np.array_split(same, -(-len(same) // (BATCH // 4)))
    batch: list[Integers] = []
    for place in draw.permutation(len(parts)).tolist():
        batch.append(parts[place])
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _given(reader: PairReader, place: Tensor, pairs: LabelledPairs, part: Integers) -> Tensor:
    """What the layers are given for each token of some pairs of one length, (n, length, width)."""
    import torch

    ids, marks, sides, columns = joined(*pairs.sides, pairs.left[part], pairs.right[part])
    words = torch.from_numpy(reader.words(ids)).to(place.device)
    for kind in (marks, MARKS + sides, MARKS + SIDES + columns):
        words = words + place[torch.from_numpy(kind).to(place.device)]
    return words


def _read(reader: PairReader, layers: PairLayers, place: Tensor, pairs: LabelledPairs) -> Floats:
    """Log-odds of pairs, (n_pairs,) float32."""
    import torch

    from clippings.text.onnx_encoder import batches

    layers.eval()
    found = np.empty(len(pairs), np.float32)
    with torch.no_grad():
        for part in batches((pairs.lengths + 3).tolist(), 64):
            found[part] = layers(_given(reader, place, pairs, part)).cpu().numpy()
    return found
