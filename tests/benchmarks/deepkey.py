"""DeepKeyLink: kinds of layers at one budget of time, by length and depth of what makes two records a pair.

Every arm begins with the weights of one short encoder and differs in its layers alone; steps are drawn alike
for all. Hit@1 is among the nine records of a group, whose words are alike (chance: .111), and among all. With
`--collect FOLDER` the JSON files of several runs become one table, mean and range over seeds.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.long import deepkey as deepkey_data
from tools.recipes.long.arms import original, shut, tokens_of
from tools.recipes.long.hits import by_length, tested
from tools.recipes.long.train_arm import train
from tools.report import Report, Table, say

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
