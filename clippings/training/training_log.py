"""The log of a run: one JSON object a line, continuous across interruptions, and its curves as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import TypedDict

from clippings.errors import TrainingError

LOG, CURVES = "log.jsonl", "curves.svg"
_WIDTH, _HEIGHT, _LEFT, _TOP = 640, 220, 56, 28


class LogLine(TypedDict, total=False):
    """A line of the log: a training step, or a validation."""

    step: int
    epoch: int
    loss: float
    learning_rate: float
    validation: Mapping[str, float]


def append(folder: Path, line: LogLine) -> None:
    """Add a line; it is on disk when this returns."""
    with (folder / LOG).open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(line) + "\n")


def read(folder: Path) -> list[LogLine]:
    """Every line of a log; an incomplete last one is left out."""
    path = folder / LOG
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    complete: list[LogLine] = []
    for number, line in enumerate(lines):
        try:
            complete.append(json.loads(line))
        except ValueError as error:
            if number < len(lines) - 1:
                raise TrainingError(
                    f"The log of the run is broken. Given: {path}, line {number + 1}: {error}. Fix the line."
                ) from error
    return complete


def truncate(folder: Path, step: int) -> list[LogLine]:
    """Remove the lines after a step, so that a resumed run logs every step once; returns the rest."""
    lines = [line for line in read(folder) if line["step"] <= step]
    fresh = folder / (LOG + ".new")
    fresh.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    fresh.replace(folder / LOG)
    return lines


def draw(folder: Path, history: Iterable[LogLine], score: str) -> None:
    """Draw loss, learning rate and validation over the steps."""
    lines = list(history)
    series = {
        "loss": [(line["step"], line["loss"]) for line in lines if "loss" in line],
        "learning rate": [(line["step"], line["learning_rate"]) for line in lines if "loss" in line],
        f"validation {score}": [
            (line["step"], line["validation"][score]) for line in lines if score in line.get("validation", {})
        ],
    }
    parts = [_panel(name, points, place) for place, (name, points) in enumerate(series.items())]
    height = _HEIGHT * len(parts)
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" '
        f'font-size="12"><rect width="{_WIDTH}" height="{height}" fill="white"/>{"".join(parts)}</svg>\n'
    )
    (folder / CURVES).write_text(picture, encoding="utf-8")


def _panel(name: str, points: list[tuple[int, float]], place: int) -> str:
    top = place * _HEIGHT + _TOP
    tall, wide = _HEIGHT - 2 * _TOP, _WIDTH - _LEFT - 16
    title = f'<text x="{_LEFT}" y="{top - 8}">{escape(name)}</text>'
    frame = f'<rect x="{_LEFT}" y="{top}" width="{wide}" height="{tall}" fill="none" stroke="#bbb"/>'
    if not points:
        return title + frame
    xs, ys = [float(x) for x, _ in points], [float(y) for _, y in points]
    low, high = min(ys), max(ys)
    spread, length = (high - low) or 1.0, max(xs) or 1.0
    curve = [
        (_LEFT + wide * x / length, top + tall * (1 - (y - low) / spread))
        for x, y in zip(xs, ys, strict=True)
    ]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in curve)
    marks = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f5fa8"/>' for x, y in curve if len(curve) < 60
    )
    labels = "".join(
        f'<text x="{_LEFT - 4}" y="{y}" text-anchor="end">{value:.3g}</text>'
        for y, value in ((top + 10, high), (top + tall, low))
    )
    steps = f'<text x="{_LEFT + wide}" y="{top + tall + 16}" text-anchor="end">step {length:.0f}</text>'
    line = f'<polyline points="{path}" fill="none" stroke="#1f5fa8" stroke-width="1.5"/>'
    return title + frame + line + marks + labels + steps
