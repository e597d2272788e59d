"""Recall of many pairs in either direction: each key stands once beside its value and once beside a blank.

After S. Arora et al. (Zoology, 2023), but for an encoder: what is asked may stand before what answers it. Two
layers: a window, which sees what stands together, and one of the kind that is tested; every layer without a
short convolution of its own has one before it, as there. Chance is one in as many as there are pairs for who
knows only which values occur.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.report import Report, Table, say

ARMS = {"window": "window", "linear": "linear", "based": "based", "full": "full"}
PRESETS: dict[str, dict[str, Any]] = {
    "full": {"words": 4096, "train": 256, "lengths": (256, 1024, 4096), "pairs": (8, 32, 128), "batch": 256,
             "minutes": 10.0, "tested": 256, "width": 128},
    "tiny": {"words": 64, "train": 64, "lengths": (64, 128), "pairs": (2, 4), "batch": 16, "minutes": 0.2,
             "tested": 16, "width": 32},
}  # fmt: skip
FILLER, BLANK, FIRST = 16, 0, 17  # tokens of no meaning are 1 to 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--arms", nargs="+", choices=sorted(ARMS), default=list(ARMS))
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full")
    parser.add_argument("--minutes", type=float, default=None, help="of training, for each arm and rate")
    parser.add_argument("--steps", type=int, default=0, help="in place of minutes")
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-3, 3e-3], help="the best one is shown")
    parser.add_argument("--window", type=int, default=8)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--spread", type=float, default=0.02, help="of the weights at the start")
    parser.add_argument("--convolution", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Train every arm with every rate, and test by length and number of pairs."""
    import torch

    preset = PRESETS[options.preset]
    minutes = options.minutes or preset["minutes"]
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    rows = []
    for arm in options.arms:
        found = [one(arm, rate, preset, options, 60 * minutes, device) for rate in options.rates]
        say(f"{arm}: {[row['mean'] for row in found]}", note=True)
        rows.append(max(found, key=lambda row: float(row["mean"])))
    settings = {**preset, "seed": options.seed, "rates": options.rates, "window": options.window}
    return Report("mqar", [Table("accuracy at blanks, by tokens / pairs", rows)], [], settings)


def drawn(
    draw: np.random.Generator, n: int, length: int, pairs: int, words: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Records, (n, length), and what belongs at their blanks, -1 elsewhere.

    Every second token is a slot's first: a slot holds a key and its value, a key and a blank, or filler.
    """
    ids = draw.integers(1, 1 + FILLER, (n, length))
    wanted = np.full((n, length), -1, dtype=np.int64)
    slots = draw.random((n, length // 2)).argsort(axis=1)[:, : 2 * pairs]
    # numbers that are not below the last one, each moved up by its place: no two are the same
    keys = np.sort(draw.integers(0, words - pairs + 1, (n, pairs)), axis=1) + np.arange(pairs)
    values = draw.integers(0, words, (n, pairs))
    row = np.arange(n)[:, None]
    told, asked = 2 * slots[:, :pairs], 2 * slots[:, pairs:]
    ids[row, told], ids[row, told + 1] = FIRST + keys, FIRST + words + values
    ids[row, asked], ids[row, asked + 1] = FIRST + keys, BLANK
    wanted[row, asked + 1] = values
    return ids, wanted


def one(
    arm: str, rate: float, preset: dict[str, Any], options: argparse.Namespace, seconds: float, device: str
) -> dict[str, Any]:
    """One arm at one rate: accuracy by length and pairs."""
    import torch

    from clippings.long.model import BasedBertConfig, BasedBertModel

    torch.manual_seed(options.seed)
    words, width = preset["words"], preset["width"]
    config = BasedBertConfig(
        vocab_size=FIRST + 2 * words,
        hidden_size=width,
        num_attention_heads=2,
        intermediate_size=2 * width,
        mixers=["window", ARMS[arm]],
        window=options.window,
        features=options.features,
        gate=0.5,
        positions="rotary",
        hidden_dropout_prob=0.0,
        initializer_range=options.spread,
    )
    model = BasedBertModel(config)
    if options.convolution:
        model.layers = torch.nn.ModuleList(with_convolution(layer, config) for layer in model.layers)
    model = model.to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.1)
    values = slice(FIRST + words, FIRST + 2 * words)
    half = device.startswith("cuda")

    def logits(ids: Any, wanted: Any) -> tuple[Any, Any]:
        there, target = torch.from_numpy(ids).to(device), torch.from_numpy(wanted).to(device)
        with torch.autocast(device.partition(":")[0], torch.bfloat16, enabled=half):
            lengths = torch.full((len(there),), there.shape[1], device=device)
            x = model.run(there, lengths, False, False)[target >= 0]
        return x.float() @ model.tokens.weight[values].T, target[target >= 0]

    start, step = time.perf_counter(), 0
    model.train()
    while (step < options.steps) if options.steps else time.perf_counter() - start < seconds:
        draw = np.random.default_rng([options.seed, step])
        pairs = int(draw.choice([p for p in (2, 4, 8, 16, 32) if 4 * p <= preset["train"]]))
        past = step / options.steps if options.steps else (time.perf_counter() - start) / seconds
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 100) * (1 - 0.9 * past)
        found, target = logits(*drawn(draw, preset["batch"], preset["train"], pairs, words))
        loss = torch.nn.functional.cross_entropy(found, target)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        step += 1
    row: dict[str, Any] = {"arm": arm, "rate": rate, "steps": step}
    row |= tested(model, logits, preset)
    row["mean"] = float(np.mean([value for name, value in row.items() if "/" in name]))
    return row


def with_convolution(layer: Any, config: Any) -> Any:
    """A layer that first sees the neighbours of each place, if it does not do so by itself."""
    import torch

    from clippings.long.layers import GatedConvolution

    if hasattr(layer.mixer, "near"):
        return layer

    class Preceded(torch.nn.Module):
        """A convolution, then the layer."""

        def __init__(self) -> None:
            super().__init__()
            self.near, self.norm = (
                GatedConvolution(config.hidden_size),
                torch.nn.LayerNorm(config.hidden_size),
            )
            self.layer = layer

        def forward(self, x: Any, places: Any, full: bool = False) -> Any:
            return self.layer(self.norm(x + self.near(x, places)), places, full)

    made = Preceded()
    made.near.apply(lambda part: torch.nn.init.normal_(part.weight, std=config.initializer_range)
                    if isinstance(part, torch.nn.Linear) else None)  # fmt: skip
    return made


def tested(model: Any, logits: Any, preset: dict[str, Any]) -> dict[str, float]:
    """Accuracy by length and pairs, the same records for every seed."""
    import torch

    model.eval()
    cells: dict[str, float] = {}
    for length in preset["lengths"]:
        for pairs in preset["pairs"]:
            if 4 * pairs > length:
                continue
            right: Sequence[Any] = []
            draw = np.random.default_rng([7, length, pairs])
            step = max(1, 2**17 // length)
            for start in range(0, preset["tested"], step):
                n = min(step, preset["tested"] - start)
                with torch.no_grad():
                    found, target = logits(*drawn(draw, n, length, pairs, preset["words"]))
                right = [*right, (found.argmax(dim=1) == target).float().mean().item()]
            cells[f"{length:,} / {pairs}"] = float(np.mean(right))
    return cells
