"""Describe all training tasks: labelled sets with their variations, and made domains."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np

__all__ = ["add_arguments", "run"]

PARTS = 4  # in which the variations of a set are described, so that no large set is the last one


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("sets", type=Path, help="folder of labelled data sets")
    parser.add_argument("out", type=Path, help="folder of the feature files; files that are there are kept")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seeds", type=int, default=14, help="made tasks of each family")
    parser.add_argument("--only", nargs="*", default=[], help="only these sets or families")
    parser.add_argument("--most", type=int, default=5000, help="rows of a side; larger tables are sampled")
    parser.add_argument("--no-model", action="store_true", help="character n-grams alone")


def run(options: argparse.Namespace) -> None:
    """Describe the tasks, the largest sets first."""
    from tools.recipes.decision import labelled_sets
    from tools.recipes.decision.domains import FAMILIES, TABLES

    options.out.mkdir(parents=True, exist_ok=True)
    sets = [name for name in labelled_sets.names(options.sets) if not options.only or name in options.only]
    sets.sort(key=lambda name: -sum(path.stat().st_size for path in (options.sets / name).iterdir()))
    families = [name for name in (*FAMILIES, *TABLES) if not options.only or name in options.only]
    jobs = [("set", name, part) for name in sets for part in range(PARTS)]
    jobs += [("made", name, seed) for seed in range(options.seeds) for name in families]
    began = time.time()
    with ProcessPoolExecutor(
        options.processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(
            str(options.sets),
            str(options.out),
            not options.no_model,
            options.most,
        ),
    ) as pool:
        for done in as_completed([pool.submit(_describe, *job) for job in jobs]):
            if "Traceback" in done.result() or os.environ.get("VERBOSE"):
                sys.stdout.write(done.result() + "\n")
    sys.stdout.write(f"{len(list(options.out.glob('*.npz')))} tasks in {time.time() - began:.0f} s\n")


_STATE: dict[str, Any] = {}


def _start(sets: str, out: str, model: bool, most: int) -> None:
    _STATE.update(sets=Path(sets), out=Path(out), embed=_embedder() if model else None, most=most)


def _embedder() -> Callable[[list[str]], np.ndarray]:
    """The bundled text model, on a GPU where there is one."""
    try:
        import torch
    except ImportError:
        torch = None
    if torch is None or not torch.cuda.is_available():
        from linktransformer.encoding import model_plan

        plan = model_plan.plan(None)
        known: dict[str, np.ndarray] = {}  # variations of a task have its texts

        def remembered(texts: list[str]) -> np.ndarray:
            new = [text for text in dict.fromkeys(texts) if text not in known]
            if new:
                known.update(zip(new, model_plan.embed(plan.encoder, new), strict=True))
            return np.stack([known[text] for text in texts])

        return remembered
    from clippings.export.from_onnx import as_sentence_transformer
    from model_hub import bundled

    number = multiprocessing.current_process()._identity[0] % torch.cuda.device_count()
    torch.set_num_threads(1)
    model = as_sentence_transformer(bundled()).to(f"cuda:{number}").half()
    model.max_seq_length = min(128, model.max_seq_length or 128)

    def embed(texts: list[str]) -> np.ndarray:
        vectors = model.encode(
            [text[:400] for text in texts], batch_size=256, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    return embed


def _tasks(kind: str, name: str, seed: int) -> Iterator[Any]:
    from tools.recipes.decision import labelled_sets, variations
    from tools.recipes.decision.domains import FAMILIES, make

    if kind == "made":
        task = make(name, seed)
        yield task
        yield from variations.tiny(task, 3, np.random.default_rng([crc32(name.encode()), seed]))
        if name in FAMILIES:
            yield variations.sampled(
                make(name, seed, one=True), _STATE["most"] // 2, np.random.default_rng(seed)
            )
    else:
        yield from variations.variations(labelled_sets.load(_STATE["sets"], name), most=_STATE["most"])


def _describe(kind: str, name: str, seed: int) -> str:
    from tools.recipes.decision import featurize

    lines = []
    try:
        for number, task in enumerate(_tasks(kind, name, seed)):
            if kind == "set" and number % PARTS != seed:
                continue
            whole = kind == "set" and "@" not in task.name
            coin = bool(np.random.default_rng(crc32(task.name.encode())).integers(2))
            wanted = [0] if _STATE["embed"] is None else [0, 1] if whole or coin else [1]
            for dense in wanted:
                path = _STATE["out"] / f"{task.name.replace('/', '__')}{'+dense' if dense else ''}.npz"
                if not path.exists():
                    lines.append(featurize.features_file(task, _STATE["embed"] if dense else None, path))
    except Exception:  # one task that fails must not end the others; the trace is printed
        lines.append(f"Traceback of {kind} {name} {seed}\n{traceback.format_exc()[-1500:]}")
    return "\n".join(lines)
