"""Train readers: general ones on groups of names, then one for each fold on the tasks of the other folds."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from clippings.text.pair_reader import PAD
from tools.recipes.reader.general import PARTS, General
from tools.recipes.reader.model import Reader, body_of, paired
from tools.recipes.reader.pool import Pool
from tools.report import say

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("pairs", type=Path, help="what `pack` wrote")
    parser.add_argument("out", type=Path)
    parser.add_argument("--groups", type=Path, required=True, help="groups of names (the linker's inputs)")
    parser.add_argument("--tokenizer", type=Path, default=None, help="default: of the bundled model")
    parser.add_argument("--layers", type=int, default=5)
    parser.add_argument("--general", type=float, default=120, help="seconds of the first stage")
    parser.add_argument("--tasks", type=float, default=45, help="seconds of the second one, for each fold")
    parser.add_argument("--folds", nargs="*", default=["0", "1", "2", "3", "4", "5", "none"])
    parser.add_argument("--batch", type=int, default=2048)
    parser.add_argument("--groups-batch", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--most", type=int, default=40, help="tokens of a record")
    parser.add_argument("--seed", type=int, default=0)


def steps_of(
    model: Any, given: tuple[Any, ...], y: Any, device: Any, weight: float = 1.0, offset: Any = None
) -> Any:
    """Gradients of a batch in parts by length; its loss by the texts alone."""
    length = (given[0] != PAD).sum(1) + (given[1] != PAD).sum(1)
    total: Any = 0.0
    for part in torch.argsort(length).chunk(PARTS):
        some = [one[part] for one in given]
        widest = [int((one != PAD).sum(1).max()) for one in some[:2]]
        inputs = paired(
            some[0][:, : widest[0]], some[1][:, : widest[1]], some[2][:, : widest[0]], some[3][:, : widest[1]]
        )
        with torch.autocast(device.type, torch.bfloat16):
            found = model(*inputs)
        found = found.float()
        cost = torch.nn.functional.binary_cross_entropy_with_logits
        loss = weight * cost(found[:, 0], y[part], reduction="sum") / len(y)
        total = total + loss.detach()
        if offset is not None:
            loss = loss + weight * cost(found[:, 1] + offset[part], y[part], reduction="sum") / len(y)
        loss.backward()
    return total


@torch.no_grad()
def scores(model: Any, pool: Pool, at: np.ndarray, size: int = 4096) -> np.ndarray:
    """Log-odds of pairs, the mean of both orders of the records."""
    model.eval()
    length = (pool.tokens != PAD).sum(1)
    both = (length[pool.left] + length[pool.right]).cpu().numpy()[at]
    found = np.zeros((len(at), 2), np.float32)
    for part in np.array_split(np.argsort(both, kind="stable"), max(1, len(at) // size)):
        given = pool.batch(torch.from_numpy(at[part]).to(pool.device), augment=False)
        widest = [max(1, int((one != PAD).sum(1).max())) for one in given[:2]]
        a, b = given[0][:, : widest[0]], given[1][:, : widest[1]]
        c, d = given[2][:, : widest[0]], given[3][:, : widest[1]]
        with torch.autocast(pool.device.type, torch.bfloat16):
            mean = (model(*paired(a, b, c, d)).float() + model(*paired(b, a, d, c)).float()) / 2
        found[part] = mean.cpu().numpy()
    return found


def trained(model: Any, seconds: float, rate: float, device: Any, draw: Any, log: str) -> None:
    """Steps for so many seconds, the rate rising at the start and falling to zero."""
    model.train()
    values = [value for value in model.parameters() if value.requires_grad]
    descent = torch.optim.AdamW(values, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    began, number, recent = time.time(), 0, []
    while (passed := (time.time() - began) / seconds) < 1:
        descent.param_groups[0]["lr"] = rate * min(1.0, passed / 0.05) * (1 - passed)
        loss = draw(model, number)
        torch.nn.utils.clip_grad_norm_(values, 1.0)
        descent.step()
        descent.zero_grad(set_to_none=True)
        recent.append(float(loss))
        number += 1
        if number % 100 == 0:
            say(
                f"{log}: step {number}, loss {np.mean(recent[-100:]):.4f}, {passed:.0%} of the time",
                note=True,
            )
    say(f"{log}: {number} steps, loss {np.mean(recent[-50:]):.4f}")


def eight_bits(model: Any) -> dict[str, np.ndarray]:
    """Weights but the table of tokens: matrices in 8 bits by row, the others as they are."""
    found = {}
    for name, value in model.state_dict().items():
        if name.startswith(("table.", "body.embeddings.word_embeddings")):
            continue
        array = value.float().cpu().numpy()
        if array.ndim == 2 and array.size > 50_000:
            scale = np.abs(array).max(axis=1, keepdims=True) / 127
            found[name], found[f"{name}.scale"] = np.round(array / scale).astype(np.int8), scale
        else:
            found[name] = array.astype(np.float16)
    return found


def run(options: argparse.Namespace) -> None:
    """Both stages for every fold; log-odds of each task's pairs by a reader that never saw its fold."""
    import copy

    from model_hub import bundled

    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)
    options.tokenizer = options.tokenizer or bundled().file("tokenizer.json")
    began = time.time()
    body = body_of(device).eval()
    model = Reader(copy.deepcopy(body), options.layers).to(device)
    general = General(options, body, device)
    pool = Pool(options.pairs, device, options.most)
    general.steps.begin()
    general.number = 2 * options.workers
    say(f"{len(pool.left)} pairs of {len(pool.tasks)} tasks, ready in {time.time() - began:.0f} s")

    def groups(of: Any, _: int) -> float:
        return steps_of(of, *general.batch(), device)

    if options.general:
        trained(model, options.general, options.rate, device, groups, "general")
    state = copy.deepcopy(model.state_dict())
    every = np.arange(len(pool.left))
    fold = np.array([str(task["fold"]) for task in pool.tasks])[pool.task]
    results = {
        "general": scores(model, pool, every).astype(np.float16),
        "fold": np.full((len(every), 2), np.nan),
    }
    for out in options.folds:
        model.load_state_dict(state)
        weight = pool.weights(out)
        odds = weight / weight.sum()
        draw = np.random.default_rng([options.seed, sum(map(ord, out))])
        waiting: list[np.ndarray] = []

        def tasks(of: Any, number: int, draw: Any = draw, odds: Any = odds, waiting: Any = waiting) -> float:
            if not waiting:
                waiting.extend(np.split(draw.choice(len(odds), options.batch * 64, p=odds), 64))
            at = torch.from_numpy(waiting.pop()).to(device)
            loss = steps_of(of, pool.batch(at, augment=True), pool.y[at], device, offset=pool.offset[at])
            if number % 3 == 0:
                steps_of(of, *general.batch(), device, weight=0.5)
            return loss

        trained(model, options.tasks, options.rate / 2, device, tasks, f"without {out}")
        at = np.flatnonzero(fold == out)
        if len(at):
            results["fold"][at] = scores(model, pool, at)
        np.savez_compressed(options.out / f"reader-{out}.npz", **eight_bits(model))
    np.savez_compressed(
        options.out / f"scores-{'-'.join(options.folds)}.npz",
        **{name: value.astype(np.float16) for name, value in results.items()},
        tasks=json.dumps(pool.tasks),
    )
    general.steps.close()
    say(f"done in {time.time() - began:.0f} s")
