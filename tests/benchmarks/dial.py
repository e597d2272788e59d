"""Recall against throughput over the dial of long encoders: how far windows reach, and how many features.

Recall is read from runs of `deepkey` (`--recall FOLDER`, a JSON file each); the forward of the same layers is
timed here, one after the other, with random weights; on a processor that others use their ratios are rough.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.report import Report, Table

from . import long_speed

WIDTH, HEIGHT, EDGE = 760, 440, 64
COLOURS = {"based": "#06c", "window": "#888", "window+full": "#a60", "linear": "#080", "full": "#c03"}
CHANCE = 1 / 9
SAME = ("taught", "imitate", "steps", "minutes", "full_layers", "centred", "pooling", "noise")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--recall", type=Path, required=True, help="the JSON files of deepkey, in any folders"
    )
    parser.add_argument("--plot", type=Path, default=None, help="draw it here, as SVG")
    parser.add_argument("--length", type=int, default=8192, help="tokens of a record")
    parser.add_argument("--hops", type=int, choices=(1, 2), default=2)
    parser.add_argument("--tokens", type=int, default=None, help="of a batch")
    parser.add_argument("--repeat", type=int, default=None)
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Read the recall, time the layers, draw."""
    import torch

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    half = device.startswith("cuda")
    torch.manual_seed(options.seed)
    rate = long_speed.best_rate(device, half)
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for (arm, window, features), hits in sorted(
        recalls(options.recall, options.length, options.hops).items()
    ):
        if arm not in long_speed.ARMS:
            if f"{arm}: not timed" not in skipped:
                skipped.append(f"{arm}: not timed")
            continue
        timed = argparse.Namespace(
            layers=6,
            window=window,
            features=features,
            tokens=options.tokens,
            repeat=options.repeat,
            train=False,
        )
        found = long_speed.measured(arm, options.length, device, half, timed, rate)
        rows.append(
            {
                "arm": arm,
                "window": window if arm != "full" and arm != "linear" else None,
                "features": features if arm in ("based", "linear") else None,
                "seeds": len(hits),
                "hit of 9": float(np.mean(hits)),
                "tokens/s": found["tokens/s"],
                "ms": found["ms"],
                "fused": found["fused"],
            }
        )
    if options.plot is not None:
        options.plot.parent.mkdir(parents=True, exist_ok=True)
        options.plot.write_text(drawn(rows, options.length, options.hops), encoding="utf-8")
    card = torch.cuda.get_device_name() if half else "cpu"
    settings = {"card": card, "length": options.length, "hops": options.hops, "recall": str(options.recall)}
    return Report("dial", [Table("recall and throughput", rows)], skipped, settings)


def recalls(folder: Path, length: int, hops: int) -> dict[tuple[str, int, int], list[float]]:
    """Hit@1 of each run, by arm, window and features; runs of one cell may differ in their seed alone."""
    found: dict[tuple[str, int, int], list[float]] = {}
    told: dict[tuple[str, int, int], Any] = {}
    for path in sorted(folder.rglob("deepkey*.json")):
        read = json.loads(path.read_text(encoding="utf-8"))
        settings = read["settings"]
        for row in read["tables"].get("by length", []):
            if row["hops"] != hops or row.get(f"{length:,}") is None:
                continue
            arm = row["arm"]
            window = 0 if arm in ("full", "linear") else int(settings["window"])
            features = int(settings["features"]) if arm in ("based", "linear") else 0
            # layers without windows or branches take any number for them
            cell = (arm, window or 64, features or 16)
            same = {name: settings.get(name) for name in SAME}
            same["taught"] = bool(same["taught"])  # each seed may begin with a taught encoder of its own
            if told.setdefault(cell, same) != same:
                raise ValueError(
                    f"Runs of {arm!r} differ in more than the seed. Given: {told[cell]}, {same}."
                )
            found.setdefault(cell, []).append(float(row[f"{length:,}"]))
    return found


def drawn(rows: Sequence[dict[str, Any]], length: int, hops: int) -> str:
    """The rows as SVG: recall upwards, million tokens a second across."""
    most = max((row["tokens/s"] for row in rows), default=1) * 1.15

    def at(row: dict[str, Any]) -> tuple[float, float]:
        across = EDGE + row["tokens/s"] / most * (WIDTH - 2 * EDGE)
        return across, HEIGHT - EDGE - row["hit of 9"] * (HEIGHT - 2 * EDGE)

    parts = []
    for tenth in range(0, 11, 2):
        y = HEIGHT - EDGE - tenth / 10 * (HEIGHT - 2 * EDGE)
        parts.append(f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        mark = "1" if tenth == 10 else f".{tenth}"
        parts.append(f'<text x="{EDGE - 8}" y="{y + 4:.1f}" text-anchor="end">{mark}</text>')
    for part in range(5):
        x = EDGE + part / 4 * (WIDTH - 2 * EDGE)
        label = f"{most * part / 4:,.3g}" if most < 10_000 else f"{most * part / 4 / 1000:,.0f}k"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - EDGE + 20}" text-anchor="middle">{label}</text>')
    y = HEIGHT - EDGE - CHANCE * (HEIGHT - 2 * EDGE)
    whole = f'x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{y:.1f}" y2="{y:.1f}"'
    parts.append(f'<line {whole} stroke="#999" stroke-dasharray="4"/>')
    parts.append(f'<text x="{WIDTH - EDGE}" y="{y - 4:.1f}" text-anchor="end" fill="#666">chance</text>')
    taken: list[tuple[float, float]] = []
    for row in rows:
        x, y = at(row)
        name = [row["arm"], *([f"w{row['window']}"] if row["window"] else []),
                *([f"f{row['features']}"] if row["features"] else [])]  # fmt: skip
        colour = COLOURS.get(row["arm"], "#333")
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>')
        beside = y + 4
        while any(abs(beside - other) < 13 and abs(x - there) < 130 for there, other in taken):
            beside -= 13
        taken.append((x, beside))
        parts.append(f'<text x="{x + 8:.1f}" y="{beside:.1f}" fill="{colour}">{" ".join(name)}</text>')
    parts.append(
        f'<text x="{WIDTH / 2}" y="{HEIGHT - 16}" text-anchor="middle">tokens a second, forward</text>'
    )
    parts.append(f'<text x="{EDGE}" y="28">hit@1 of nine, {hops} hops, records of {length:,} tokens</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>{"".join(parts)}</svg>\n'
    )
