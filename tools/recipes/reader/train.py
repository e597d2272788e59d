"""Train readers: general ones on groups of names, then one for each fold on the tasks of the other folds."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tools.recipes.linker.batches import How, Tokens, ahead, open_tokenizer, tokens_of
from tools.recipes.linker.groups import KINDS, read
from tools.recipes.reader.model import PAD, Reader, paired

PARTS = 4  # of a step, by length


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("pairs", type=Path, help="what `pack` wrote")
    parser.add_argument("out", type=Path)
    parser.add_argument("--groups", type=Path, required=True, help="groups of names (the linker's inputs)")
    parser.add_argument("--tokenizer", type=Path, required=True)
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


class Pool:
    """Pairs of tasks on the device."""

    def __init__(self, path: Path, device: Any, most: int) -> None:
        file = np.load(path)
        self.tasks = json.loads(str(file["tasks"]))
        lengths = file["lens"].astype(np.int64)
        at = np.arange(int(lengths.max()))[None]
        mask = at < lengths[:, None]
        tokens = np.full(mask.shape, PAD, np.int32)
        columns = np.full(mask.shape, 255, np.uint8)
        tokens[mask], columns[mask] = file["ids"], file["cols"]
        self.tokens = torch.from_numpy(tokens).to(device)
        self.columns = torch.from_numpy(columns).to(device)
        self.left = torch.from_numpy(file["left"].astype(np.int64)).to(device)
        self.right = torch.from_numpy(file["right"].astype(np.int64)).to(device)
        self.y = torch.from_numpy(file["y"].astype(np.float32)).to(device)
        self.own, self.task, self.most = file["own"].astype(np.float32), file["task"], most
        self.offset = torch.from_numpy(0.7 * np.clip(self.own, -8, 8) + 0.5).to(device)
        self.device = device

    def weights(self, out: str) -> Any:
        """How often each pair is drawn: families alike, in a task half matches, near non-matches more."""
        weight = np.zeros(len(self.task))
        count: dict[str, int] = {}
        for task in self.tasks:
            count[task["family"]] = count.get(task["family"], 0) + 1
        y = self.y.cpu().numpy() > 0
        for number, task in enumerate(self.tasks):
            if str(task["fold"]) == out:
                continue
            at = np.flatnonzero(self.task == number)
            of_task = count[task["family"]] ** -0.75 * min(1.0, len(at) / 300)
            for which, share in ((y[at], 0.4), (~y[at], 0.6)):
                places = at[which]
                if len(places):
                    doubt = (
                        1 / (1 + np.exp(-self.own[places]))
                        if share == 0.6
                        else 1 - 1 / (1 + np.exp(-self.own[places]))
                    )
                    part = 0.3 / len(places) + 0.7 * (doubt + 1e-3) / (doubt + 1e-3).sum()
                    part = np.minimum(part, 20 / len(places))
                    weight[places] = share * of_task * part
        return weight

    def batch(self, at: Any, *, augment: bool) -> tuple[Any, ...]:
        """Tokens and columns of both records of pairs, sides swapped and columns dropped at random."""
        sides = [self.left[at], self.right[at]]
        if augment:
            swap = torch.rand(len(at), device=self.device) < 0.5
            sides = [torch.where(swap, sides[1 - i], sides[i]) for i in (0, 1)]
        tokens = [self.tokens[side] for side in sides]
        columns = [self.columns[side] for side in sides]
        if augment:
            n_columns = torch.where(columns[0] == 255, 0, columns[0] + 1).amax(1)
            drop = (torch.rand(len(at), 16, device=self.device) < 0.15) & (
                torch.rand(len(at), 1, device=self.device) < 0.5
            )
            drop[:, 0] &= n_columns > 1
            for i in (0, 1):
                gone = torch.gather(drop, 1, columns[i].clamp(max=15).long()) & (columns[i] != 255)
                alone = ((tokens[i] != PAD) & ~gone).sum(1) == 0
                gone &= ~alone[:, None]
                tokens[i], columns[i] = compacted(
                    tokens[i].masked_fill(gone, PAD), columns[i].masked_fill(gone, 255)
                )
        most = self.most
        return tokens[0][:, :most], tokens[1][:, :most], columns[0][:, :most], columns[1][:, :most]


def compacted(tokens: Any, columns: Any) -> tuple[Any, Any]:
    """Padding at the end of each row."""
    order = torch.argsort((tokens == PAD).byte(), dim=1, stable=True)
    return torch.gather(tokens, 1, order), torch.gather(columns, 1, order)


class General:
    """Pairs of names: of one group, nearly of it, and of others that the text model takes for it."""

    def __init__(self, options: argparse.Namespace, body: Any, device: Any) -> None:
        how = How(options.groups, options.tokenizer, {"pairs": options.groups_batch, "seed": options.seed})
        self.steps = ahead(how, options.workers)
        self.body, self.device, self.most = body, device, options.most
        self.number, self.size = 0, options.groups_batch
        groups = read(options.groups)
        self.kinds = [kind for kind, of in groups.items() if len(of) >= self.size // 4]
        self.odds = np.array([KINDS.get(kind, 1.0) for kind in self.kinds])
        self.draw = np.random.default_rng(options.seed)
        texts = [text for kind in self.kinds for group in groups[kind] for text in group]
        made = tokens_of(texts, open_tokenizer(options.tokenizer, 48))
        self.ids, self.lengths = made.ids, made.lengths
        self.starts = np.cumsum(made.lengths) - made.lengths
        sizes = np.array([len(group) for kind in self.kinds for group in groups[kind]])
        self.sizes, self.first = sizes, np.cumsum(sizes) - sizes
        counts = np.array([len(groups[kind]) for kind in self.kinds])
        self.counts, self.of_kind = counts, np.cumsum(counts) - counts

    def drawn(self) -> Tokens:
        """A step's names as they are written in the lists, without noise."""
        part = self.size // 4
        groups = []
        for kind in self.draw.choice(len(self.kinds), 4, p=self.odds / self.odds.sum()):
            at = self.of_kind[kind] + self.draw.choice(self.counts[kind], min(part, self.counts[kind]), False)
            groups.append(at[self.sizes[at] > 1])
        group = np.concatenate(groups)
        size = self.sizes[group]
        one = np.where(self.draw.random(len(group)) < 0.5, 0, self.draw.integers(0, size))
        two = (one + self.draw.integers(1, size)) % size
        text = np.concatenate([self.first[group] + one, self.first[group] + two])
        lengths = self.lengths[text]
        at = np.repeat(self.starts[text] - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        return Tokens(self.ids[at], lengths, group)

    def batch(self) -> tuple[Any, Any]:
        """Tokens of both records and columns, and whether they are one thing, of a step."""
        waiting = self.steps._waiting
        if not self.number or not waiting or waiting[0].done():
            made = self.steps.step(self.number)
            self.number += 1
        else:
            made = self.drawn()
        lengths = torch.from_numpy(made.lengths).to(self.device)
        starts = torch.cumsum(lengths, 0) - lengths
        longest = int(lengths.max())
        at = torch.arange(longest, device=self.device)[None]
        mask = at < lengths[:, None]
        flat = torch.from_numpy(made.ids).to(self.device)
        ids = torch.where(mask, flat[(starts[:, None] + at).clamp(max=len(flat) - 1)], PAD)
        n = len(made.group)
        group = torch.from_numpy(made.group).to(self.device)
        with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
            order = torch.argsort(lengths)
            vectors = torch.empty(len(ids), 384, device=self.device)
            for part in order.chunk(PARTS):
                some, real = ids[part, : int(lengths[part].max())], mask[part, : int(lengths[part].max())]
                hidden = self.body(input_ids=some, attention_mask=real.long()).last_hidden_state
                wide = real[..., None].float()
                vectors[part] = torch.nn.functional.normalize(
                    (hidden.float() * wide).sum(1) / wide.sum(1), dim=1
                )
        near = vectors[:n] @ vectors[n:].T
        near[:, :n][group[:, None] == group[None]] = -1
        top = near.topk(4, dim=1).indices
        pick = torch.randint(0, 4, (n,), device=self.device)
        hard = top[torch.arange(n, device=self.device), pick] + n
        own = torch.arange(n, device=self.device)
        left = torch.cat([own, own])
        right = torch.cat([own + n, hard])
        y = torch.cat([torch.ones(n), torch.zeros(n)]).to(self.device)
        plain = ids.clone()  # without the first and the last token
        plain[:, 0] = PAD
        plain[torch.arange(len(ids), device=self.device), lengths - 1] = PAD
        plain, columns = compacted(plain, torch.zeros_like(ids))
        columns = torch.where(plain == PAD, 255, 0)
        swap = torch.rand(len(left), device=self.device) < 0.5
        left, right = torch.where(swap, right, left), torch.where(swap, left, right)
        most = self.most
        return (
            plain[left][:, :most], plain[right][:, :most], columns[left][:, :most], columns[right][:, :most],
        ), y  # fmt: skip


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
            print(log, number, round(float(np.mean(recent[-100:])), 4), f"{passed:.2f}", flush=True)
    print(log, "steps", number, "loss", round(float(np.mean(recent[-50:])), 4), flush=True)


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


def body_of(device: Any) -> Any:
    """The bundled text model's body, in float32."""
    from clippings.export.from_onnx import as_sentence_transformer
    from model_hub import bundled

    first = as_sentence_transformer(bundled())[0]
    return getattr(first, "auto_model", None).float().to(device)


def run(options: argparse.Namespace) -> None:
    """Both stages for every fold, and the log-odds of each task's pairs by a reader that never saw its fold."""
    import copy

    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    options.out.mkdir(parents=True, exist_ok=True)
    began = time.time()
    body = body_of(device).eval()
    model = Reader(copy.deepcopy(body), options.layers).to(device)
    general = General(options, body, device)
    pool = Pool(options.pairs, device, options.most)
    general.steps.begin()
    general.number = 2 * options.workers
    print("ready", round(time.time() - began), "s", len(pool.left), "pairs", flush=True)

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
    print("done", round(time.time() - began), "s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    run(parser.parse_args())
