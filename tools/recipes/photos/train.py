"""Train the model "photos" on fresh prints of pictures, made on the GPU, within a time budget.

`python -m tools.recipes.photos.packing` writes the folder that it reads. Heads start from a linear
discriminant analysis; then all layers learn by contrasts between prints of pictures. The prints of valid are
scored on the way; the weights of the last step are kept, so that no score chooses them. Meanwhile the
processors print pictures that training leaves out: `--decide` writes their vectors, of which
`tools.recipes.decision.photographs` makes tasks. The test split is not in the folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.recipes.photos.packing import BACKBONE, MORE, PHOTOS, VALID, presses, read_texts
from tools.recipes.photos.sources import pixels
from tools.report import Report, Table, say

Squares = npt.NDArray[np.uint8]
STORED = 256  # pixels of the squares that are printed
LEFT_OUT = 10  # one in so many pictures without a caption is left for the decision
SEVERITIES = (0.2, 0.5, 0.8, 1.1, 1.4, 1.7)
BORROWED = 0.6  # share of the pictures without a caption that get one of another


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this entry."""
    parser.add_argument("--inputs", type=Path, required=True, help="a folder that `packing` wrote")
    parser.add_argument("--to", type=Path, default=Path("models/photos"), help="the folder of the weights")
    parser.add_argument("--seconds", type=float, default=360, help="of training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sources", type=int, default=160, help="pictures of a batch")
    parser.add_argument("--prints", type=int, default=5, help="prints of each")
    parser.add_argument("--side", type=int, default=224, help="pixels of a square")
    parser.add_argument("--limit", type=int, default=0, help="so many pictures; 0: all")
    parser.add_argument("--decide", type=int, default=0, help="prints of each picture left out of training")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--device", default=None)


def run(options: argparse.Namespace) -> Report:
    """Read, train and save."""
    began = time.perf_counter()
    with zipfile.ZipFile(options.inputs / PHOTOS) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        data = [archive.read(name) for name in names]
    captioned = len(data)
    with zipfile.ZipFile(options.inputs / MORE) as archive:
        more = [archive.read(name) for name in sorted(archive.namelist())]
    out = more[::LEFT_OUT]
    data += [one for number, one in enumerate(more) if number % LEFT_OUT]
    if options.limit:
        captioned = min(captioned, options.limit)
        data, out = data[: options.limit], out[: options.limit]
    with zipfile.ZipFile(options.inputs / VALID) as archive:
        valid = json.loads(archive.read("prints.json"))
        prints = [archive.read(f"{number:05d}.jpg") for number in range(len(valid))]
    # processes are forked before the device is opened
    pool = multiprocessing.get_context("fork").Pool(options.workers, _share, (out, options.side))
    shown = pool.map(_square, data, chunksize=16)
    of_valid = pool.map(_prepared, prints, chunksize=16)
    plan = [(number, time_) for number in range(len(out)) for time_ in range(options.decide)]
    waiting = pool.map_async(_printed, plan, chunksize=32)
    say(f"read {len(shown)} pictures, {len(out)} left out, {time.perf_counter() - began:.0f} s", note=True)
    rows = _learned(options, shown, captioned, (valid, of_valid), (plan, waiting))
    pool.terminate()
    settings = {name: str(value) for name, value in vars(options).items()}
    return Report("photos", [Table("Valid split", rows)], settings=settings)


def _share(out: list[bytes], side: int) -> None:
    _Work.out, _Work.side = out, side


class _Work:  # of the processes
    out: list[bytes] = []  # noqa: RUF012
    side = 224


def _square(data: bytes) -> tuple[Squares, float]:
    from PIL import Image

    shown = pixels(data)
    image = Image.fromarray(shown).resize((STORED, STORED), Image.Resampling.BICUBIC)
    return np.asarray(image, np.uint8), shown.shape[1] / shown.shape[0]


def _prepared(data: bytes) -> tuple[Squares, npt.NDArray[np.float32]]:
    from clippings.pictures.photographs import photograph

    found = photograph(pixels(data), _Work.side)
    return found.pixels, found.quality


def _printed(one: tuple[int, int]) -> tuple[Squares, npt.NDArray[np.float32], float]:
    from clippings.synthetic.press import printed

    number, time_ = one
    draw = np.random.default_rng([7, number, time_])
    severity = SEVERITIES[int(draw.integers(len(SEVERITIES)))]
    other = pixels(_Work.out[int(draw.integers(len(_Work.out)))])
    stored = printed(pixels(_Work.out[number]), presses((severity,))[0], draw, other=other)
    return *_prepared(stored), severity


def _learned(
    options: argparse.Namespace, shown: list[Any], captioned: int, valid: Any, left_out: Any
) -> list[dict[str, Any]]:
    import torch
    from safetensors.torch import load_file, save_file

    from clippings.records.photo_config import PhotoConfig
    from clippings.records.photo_model import PhotoModel
    from clippings.records.torch_encoder import best_device
    from tools.recipes.photos.learning import Learner, Plan, Store
    from tools.recipes.photos.scores import Encoded, encode, scores

    began = time.perf_counter()
    torch.manual_seed(options.seed)
    device = torch.device(options.device or best_device())
    texts, of_valid = read_texts(options.inputs)
    n = len(shown)
    captions = np.full((n, texts.of_source.shape[1]), -1, np.int64)
    captions[:captioned] = texts.of_source[:captioned]
    said = np.arange(n)
    draw = np.random.default_rng(options.seed)
    speakers = np.flatnonzero((captions[:captioned] >= 0).all(axis=1))
    silent = np.flatnonzero((captions < 0).all(axis=1))
    borrowing = silent[draw.random(len(silent)) < BORROWED]
    said[borrowing] = draw.choice(speakers, len(borrowing))
    captions[borrowing] = captions[said[borrowing]]
    store = Store(
        torch.from_numpy(np.stack([one for one, _ in shown])).permute(0, 3, 1, 2).contiguous().to(device),
        torch.tensor([aspect for _, aspect in shown], dtype=torch.float32, device=device),
        *(torch.from_numpy(one).to(device) for one in (texts.vectors, captions, said)),
    )
    model = PhotoModel(PhotoConfig(side=options.side))
    weights = load_file(options.inputs / BACKBONE)
    model.backbone.load_pretrained(
        {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
    )
    plan = Plan(options.seconds, options.sources, options.prints, options.seed, options.compiled)
    learner = Learner(model, store, plan)
    learner.start()
    facts, prepared = valid
    squares = np.stack([one for one, _ in prepared])
    quality = np.stack([hints for _, hints in prepared])
    rows: list[dict[str, Any]] = []

    def watch(share: float) -> None:
        found: Encoded = encode(model, squares, quality, of_valid)
        for name in ("mixed", "heavy"):
            kept = np.array([fact["set"] == name for fact in facts])
            source = np.array([fact["source"] for fact in facts])[kept]
            rows.append({"share": round(share, 2), "set": name, **scores(found.some(kept), source)})
            say(str(rows[-1]), note=True)

    watch(0.0)
    say(f"started, {time.perf_counter() - began:.0f} s", note=True)
    steps = learner.learn(watch)
    say(f"{steps} steps, {time.perf_counter() - began:.0f} s", note=True)
    watch(1.0)
    options.to.mkdir(parents=True, exist_ok=True)
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    half = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}
    save_file(half, options.to / f"photos-seed{options.seed}.safetensors")
    (options.to / "figures.json").write_text(json.dumps({"steps": steps, "rows": rows}, indent=1) + "\n")
    if options.decide:
        numbers, waiting = left_out
        found = waiting.get(timeout=60)
        squares, quality = np.stack([one for one, _, _ in found]), np.stack([hints for _, hints, _ in found])
        begun = time.perf_counter()
        vectors = encode(model, squares, quality)
        say(f"{len(squares) / (time.perf_counter() - begun):.0f} prints a second encoded", note=True)
        np.savez(
            options.to / "left-out.npz",
            image=vectors.image.astype(np.float16),
            quality=quality,
            severity=np.array([s for _, _, s in found], np.float32),
            source=np.array([number for number, _ in numbers], np.int64),
        )
    return rows
