"""DeepKeyLink: kinds of layers at one budget of time, by length and depth of what makes two records a pair.

Every arm begins with the weights of one short encoder and differs in its layers alone; steps are drawn alike
for all. Hit@1 is among the nine records of a group, whose words are alike (chance: .111), and among all. With
`--collect FOLDER` the JSON files of several runs become one table, mean and range over seeds.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import deepkey_data
from .ahead import Ahead
from .deepkey_arms import built, description, ends_of, imitated, original, shut, tokens_of
from .deepkey_course import Course, Records, padded, started
from .report import Report, Table, say

ARMS = ("window", "linear", "based", "window+full", "full")
MORE_ARMS = ("alternate", "based+full", "third")
CHUNKS = "chunks"  # the original encoder on pieces of 512 tokens, best pairs of pieces; it is not trained
PRESETS: dict[str, dict[str, Any]] = {
    "full": {
        "train": (1024, 2048, 4096, 8192),
        "test": (1024, 2048, 4096, 8192, 16384, 32768),
        "tokens": 2**18,
        "groups": 24,
        "minutes": 20.0,
    },
    "short": {
        "train": (1024, 2048),
        "test": (1024, 2048, 4096),
        "tokens": 2**16,
        "groups": 8,
        "minutes": 5.0,
    },
    # seconds on a processor, with random weights: that it runs
    "tiny": {
        "train": (600,),
        "test": (600, 900),
        "tokens": 4800,
        "groups": 1,
        "minutes": 0.1,
        "base": "tiny",
    },
}
TEMPERATURE = 0.05  # of the contrast


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--arms", nargs="+", choices=(*ARMS, *MORE_ARMS, CHUNKS), default=[*ARMS, CHUNKS])
    parser.add_argument("--preset", choices=sorted(PRESETS), default="full")
    parser.add_argument("--base", default=None, help="the short encoder: a folder, 'bundled' or 'tiny'")
    parser.add_argument("--minutes", type=float, default=None, help="of training, for each arm")
    parser.add_argument("--steps", type=int, default=0, help="of training for each arm, in place of minutes")
    parser.add_argument("--tokens", type=int, default=None, help="of a step")
    parser.add_argument("--groups", type=int, default=None, help="tested for each length and number of hops")
    parser.add_argument("--train", type=int, nargs="+", default=None, help="lengths that are trained on")
    parser.add_argument("--test", type=int, nargs="+", default=None, help="lengths that are tested")
    parser.add_argument(
        "--ease", type=float, default=0.5, help="share of the steps that the shortest length has alone"
    )
    parser.add_argument(
        "--crowd", type=float, default=0.3, help="share of the steps in which ever more entities are named"
    )
    parser.add_argument("--workers", type=int, default=0, help="processes that make records ahead")
    parser.add_argument(
        "--statements", type=float, default=1.0, help="weight of the loss of every role's statement"
    )
    parser.add_argument("--noise", type=float, default=0.02, help="share of characters that is misread")
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument("--gate", type=float, default=0.1, help="what the linear branch begins with")
    parser.add_argument(
        "--centred", action="store_true", help="linear branches give what sets a place apart from the mean"
    )
    parser.add_argument("--window-dropout", type=float, default=0.3, help="of 'based' layers, at the start")
    parser.add_argument("--pooling", choices=("mean", "attention"), default="attention")
    parser.add_argument(
        "--taught", type=Path, default=None,
        help="begin with the layers of this model, which arm 'full' was trained to, in place of the base's",
    )  # fmt: skip
    parser.add_argument(
        "--imitate", type=int, default=0, help="steps in which layers learn where those of --taught look"
    )
    parser.add_argument(
        "--full-layers", type=int, nargs="+", default=None, help="the full ones of 'window+full'"
    )
    parser.add_argument("--learning-rate", type=float, default=2e-4)
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--to", type=Path, default=None, help="keep the runs here; they go on if interrupted")
    parser.add_argument("--save", action="store_true", help="write each trained model to --to, too")
    parser.add_argument(
        "--one-less",
        action="store_true",
        help="with each full layer made a window, too: the shortest length, fields of the training",
    )
    parser.add_argument("--collect", type=Path, default=None, help="only tabulate the JSON files of a folder")


def run(options: argparse.Namespace) -> Report:
    """Train and test the arms one after the other."""
    if options.collect is not None:
        return collected(options.collect)
    import torch

    preset = PRESETS[options.preset]
    for name, value in preset.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    options.base = options.base or "bundled"
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    base = original(options.base, device)
    world = deepkey_data.World(tokens_of(base), options.noise)
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    for arm in options.arms:
        torch.manual_seed(options.seed)
        if arm == CHUNKS:
            from .deepkey_chunks import scores_of_chunks

            rows += scores_of_chunks(base, world, options)
            continue
        model, facts = train(arm, base, world, options, device)
        runs.append({"arm": arm, **facts})
        say(f"{arm}: {facts}", note=True)
        rows += tested(arm, model, world, options)
        if arm in ("based", "based+full"):
            with shut(model):
                rows += tested(f"{arm}, gate shut", model, world, options)
        if options.one_less:
            short = argparse.Namespace(**{**vars(options), "test": options.test[:1]})
            for layer, mixer in enumerate(model.model[0].auto_model.mixers()):
                if mixer.kind == "full":
                    mixer.kind = "window"
                    name = f"{arm}, layer {layer} a window, training fields"
                    rows += tested(name, model, world, short, "train")
                    mixer.kind = "full"
        del model
    tables = [Table("runs", runs), Table("hit@1", rows), Table("by length", by_length(rows))]
    settings = {name: value for name, value in vars(options).items() if name not in ("out", "to", "no_check")}
    settings["card"] = torch.cuda.get_device_name() if device.startswith("cuda") else "cpu"
    return Report("deepkey", tables, [], settings)


def train(
    arm: str, base: Any, world: deepkey_data.World, options: argparse.Namespace, device: str
) -> tuple[Any, dict[str, Any]]:
    """Convert the short encoder to an arm and train it within the time."""
    import torch

    from clippings.training.long_training import LongRecipe, StepCourse, contrast_loss, pace, trained
    from clippings.training.loop import run_course

    model, guide = built(arm, base, options, device)
    # words that training has not seen are to mean what they meant
    named = trained(model, lambda name: ".tokens." not in name)
    body, ends = model.model[0].auto_model, ends_of(model.model)
    folder = (
        options.to or Path("models/deepkey")
    ) / f"{arm}-seed{options.seed}{'-centred' * options.centred}".replace("+", "-")

    course = course_of(world, options)
    if guide is not None and options.imitate and arm != "full":
        imitated(model, guide, named, course, folder / "imitate", options)
        short = argparse.Namespace(**{**vars(options), "test": options.test[:1]})
        hit = {row["hops"]: row for row in by_length(tested(arm, model, world, short))}
        say(f"{arm}, imitation alone, one hop and two: {hit}", note=True)

    def measured() -> int:
        model.model.train()
        seconds = {}
        for length in course.lengths:
            some = padded(course.batch(0, length, 2).ids, ends)
            seconds[length] = pace(lambda step, some=some: contrast_loss(model, some, TEMPERATURE), device)
        model.model.zero_grad(set_to_none=True)
        say(f"{arm}: seconds a step by length {seconds}", note=True)
        mean = sum(share * seconds[length] for length, share in course.shares().items())
        return max(4, int(60 * options.minutes / mean))

    course = replace(course, steps=options.steps or planned(folder, measured))
    torch.manual_seed(options.seed)
    ahead = Ahead(partial(started, course), options.workers)

    last: list[Any] = []
    hook = body.layers[-1].register_forward_hook(lambda layer, given, made: last.append(made))

    def loss(step: int) -> Any:
        body.window_dropout = options.window_dropout * (1 - step / course.steps)
        records = ahead.step(step)
        last.clear()
        found = contrast_loss(model, padded(records.ids, ends), TEMPERATURE)
        if options.statements:
            found = found + options.statements * statement_loss(last[0], records)
        return found

    recipe = LongRecipe(
        course.steps,
        epochs=2,
        learning_rate=options.learning_rate,
        seed=options.seed,
        save_steps=max(50, course.steps // 16),
    )
    # nothing is chosen by a validation: the last weights are kept
    label = f"{arm} {options.train} {options.crowd} {options.ease} {options.tokens} {options.statements}"
    label += f" {description(model, options)} {options.imitate}"
    run = StepCourse(model, named, loss, lambda: {"done": 1.0}, recipe, label)
    start = time.perf_counter()
    try:
        done = run_course(run, recipe, folder, score="done", resume=True, keep_last=True)
    finally:
        ahead.close()
        hook.remove()
    losses = [float(line["loss"]) for line in done.history if "loss" in line]
    facts = {
        "steps": done.steps,
        "seconds": time.perf_counter() - start,
        "losses": " ".join(f"{np.mean(part):.2f}" for part in np.array_split(losses, 12) if len(part)),
    }
    if device.startswith("cuda"):
        facts["peak GB"] = torch.cuda.max_memory_allocated() / 2**30
    gates = [
        float(torch.tanh(mixer.gate.detach()).abs().mean())
        for mixer in body.mixers()
        if mixer.kind == "based"
    ]
    facts["mean gate"] = float(np.mean(gates)) if gates else None
    if options.save:
        model.save(folder / "model")
    return model, facts


def statement_loss(x: Any, records: Records) -> Any:
    """Statements of one entity's role are brought together across the sides, those of others apart.

    A record's vector says who its subject is, which is one word to learn from; what the place of each role
    knows of its entity is nine.

    Args:
        x: What the last layer gives, (n, t, width), left records and then the right ones.
        records: Their statements.

    Returns:
        A number: in both directions, minus the logarithm of the share of the right ones.
    """
    import torch

    row, place, entity = (
        torch.from_numpy(value).to(x.device) for value in (records.row, records.place, records.entity)
    )
    state = torch.nn.functional.normalize(x[row, place + 1].float(), dim=1)  # one token begins the text
    left = row < len(x) // 2
    score = state[left] @ state[~left].T / TEMPERATURE
    same = entity[left][:, None] == entity[~left][None]
    own = score.masked_fill(~same, -torch.inf)
    parts = []
    for side in (0, 1):
        known = same.any(dim=1 - side)
        parts.append((score.logsumexp(1 - side) - own.logsumexp(1 - side))[known].mean())
    return (parts[0] + parts[1]) / 2


def course_of(world: deepkey_data.World, options: argparse.Namespace) -> Course:
    """What the steps are made of, whatever the arm."""
    return Course(world, sorted(options.train), options.tokens, 1, options.crowd, options.ease, options.seed)


def planned(folder: Path, measured: Any) -> int:
    """The number of steps, measured once for a run, so that one that goes on has as many as it began with."""
    kept = folder / "steps.json"
    if not kept.exists():
        folder.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(measured()), encoding="utf-8")
    return int(json.loads(kept.read_text(encoding="utf-8")))


def tested_groups(
    world: deepkey_data.World, options: argparse.Namespace, part: str = "test"
) -> Iterator[tuple[int, int, list[tuple[float, deepkey_data.Group]]]]:
    """The test, the same for every seed of the training: length, hops, groups with their depths."""
    for length in options.test:
        for hops in (1, 2):
            groups = []
            for number in range(options.groups):
                draw = np.random.default_rng([99, length, hops, number])
                depth = deepkey_data.DEPTHS[number % len(deepkey_data.DEPTHS)]
                groups.append((depth, deepkey_data.group(world, draw, length, hops, part=part, depth=depth)))
            yield length, hops, groups


def tested(
    arm: str, model: Any, world: deepkey_data.World, options: argparse.Namespace, part: str = "test"
) -> list[dict[str, Any]]:
    """Hit@1 of a trained arm, a row for each length, number of hops and depth.

    Args:
        arm: Its name.
        model: The arm.
        world: The words.
        options: Of the benchmark.
        part: Whose fields: "train" where something is to be chosen by it.
    """
    import torch

    ends = ends_of(model.model)
    model.model.eval()
    rows = []
    with torch.no_grad():
        for length, hops, groups in tested_groups(world, options, part):
            start, sides = time.perf_counter(), []
            for side in ("left", "right"):
                ids = [[world.ids(one) for one in getattr(found, side)] for _, found in groups]
                vectors = [model.vectors_of(padded(some, ends)).cpu().numpy() for some in ids]
                sides.append(np.stack(vectors))  # (groups, 9, d)
            seconds = time.perf_counter() - start
            score = np.einsum("gid,hjd->gihj", *sides)
            rows += hits(arm, length, hops, [depth for depth, _ in groups], score, seconds)
    return rows


def hits(
    arm: str, length: int, hops: int, depths: Sequence[float], score: Any, seconds: float
) -> list[dict[str, Any]]:
    """Rows by depth of scores of (group, left record, group, right record)."""
    n, nine = score.shape[:2]
    each = np.arange(n)
    near = score[each, :, each].argmax(axis=2) == np.arange(nine)[None]
    far = score.reshape(n, nine, -1).argmax(axis=2) == each[:, None] * nine + np.arange(nine)[None]
    found = []
    for depth in sorted(set(depths)):
        some = np.array(depths) == depth
        found.append(
            {
                "arm": arm,
                "tokens": length,
                "hops": hops,
                "depth": depth,
                "pairs": int(some.sum()) * nine,
                "hit of 9": float(near[some].mean()),
                "hit of all": float(far[some].mean()),
                "of": n * nine,
                "ms a record": 1000 * seconds / (2 * n * nine),
            }
        )
    return found


def by_length(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Hit@1 of 9, a row an arm and number of hops, a column a length."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for length in sorted({row["tokens"] for row in rows}):
        for row in rows:
            if row["tokens"] != length:
                continue
            own = found.setdefault((row["arm"], row["hops"]), {"arm": row["arm"], "hops": row["hops"]})
            own.setdefault(f"{length:,}", []).append((row["hit of 9"], row["pairs"]))
    for own in found.values():
        for name, value in own.items():
            if isinstance(value, list):
                own[name] = float(np.average([hit for hit, _ in value], weights=[n for _, n in value]))
    return [found[key] for key in sorted(found, key=lambda key: (key[1], key[0]))]


def collected(folder: Path) -> Report:
    """The tables of several runs as one: mean (lowest to highest) over seeds."""
    cells: dict[tuple[str, int], dict[str, list[float]]] = {}
    for path in sorted(folder.rglob("deepkey*.json")):
        for row in json.loads(path.read_text(encoding="utf-8"))["tables"].get("by length", []):
            own = cells.setdefault((row["arm"], row["hops"]), {})
            for name, value in row.items():
                if name not in ("arm", "hops"):
                    own.setdefault(name, []).append(float(value))
    rows = []
    for (arm, hops), own in sorted(cells.items(), key=lambda item: (item[0][1], item[0][0])):
        row: dict[str, Any] = {"arm": arm, "hops": hops, "seeds": max(map(len, own.values()))}
        for name, values in own.items():
            row[name] = f"{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"
        rows.append(row)
    return Report("deepkey", [Table("hit@1 of 9 by length, mean (range) over seeds", rows)])
