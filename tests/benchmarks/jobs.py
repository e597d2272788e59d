"""One timed job in a process of its own, run by our interpreter or by the peer's.

    python jobs.py merge --side theirs --rows 5000 --model FOLDER --firms FILE --result FILE

Both sides run this same file on the same tables, so it imports nothing of the benchmarks, and only what
both environments hold. Making the tables and loading the packages stay outside the timed call.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HASH_DIM = 384
WARM_ROWS = 50  # of a call before the timed one


Call = Callable[[Any, Any], Any]


class Clock:
    """Counts the CPU seconds, the calls and the texts of the encoder, and keeps the links that merge made."""

    def __init__(self) -> None:
        self.cpu_s = 0.0
        self.calls = 0
        self.texts = 0
        self.links: Any = None

    def counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, with its time added to the clock."""

        def counted(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            try:
                return function(*args, **options)
            finally:
                self.cpu_s += time.process_time() - start
                self.calls += 1
                self.texts += len(args[-1])

        return counted

    def keeping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function; what it gave last is kept."""

        def kept(*args: Any, **options: Any) -> Any:
            self.links = function(*args, **options)
            return self.links

        return kept


def _tidy(text: str) -> str:
    """One space between words and none around: one side tidies before it encodes, the other does not."""
    return " ".join(text.split())


class Precomputed:
    """An encoder that looks vectors up: hashed character 2- and 3-grams, made beforehand."""

    def __init__(self, texts: Sequence[str], clock: Clock) -> None:
        import numpy as np
        from sklearn.feature_extraction.text import HashingVectorizer

        unique = sorted({_tidy(text) for text in texts})
        hashed = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 3), n_features=HASH_DIM, norm="l2")
        self.vectors = np.asarray(hashed.transform(unique).toarray(), dtype=np.float32)
        self.row = {text: number for number, text in enumerate(unique)}
        self.look_up = clock.counting(self.gathered)

    def gathered(self, sentences: Any) -> Any:
        """float32 (n, 384), unit rows."""
        return self.vectors[[self.row[_tidy(text)] for text in sentences]]

    def encode(self, sentences: Any, **_: Any) -> Any:
        """float32 (n, 384), unit rows; every argument but the texts is taken and ignored."""
        return self.look_up(sentences)


def tables(options: argparse.Namespace) -> tuple[Any, Any]:
    """Two tables of synthetic firms; the truth is in `gid`, the block in `state`."""
    spec = importlib.util.spec_from_file_location("synthetic_firms", options.firms)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {options.firms}")
    firms = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(firms)
    left, right = firms.two_tables(options.rows, options.rows, blocks=options.blocks)
    return left, right


def theirs(options: argparse.Namespace, encoder: Precomputed | None, clock: Clock) -> Call:
    """The call of linktransformer 0.1.18; the model is loaded inside it, as a user's call would."""
    # by name: the type checker would take ours, which is called the same
    lt: Any = importlib.import_module("linktransformer")
    classes: Any = importlib.import_module("linktransformer.modelling.LinkTransformer")
    model: Any = options.model if encoder is None else their_model(classes.LinkTransformer, encoder)
    if encoder is None:
        classes.LinkTransformer.encode = clock.counting(classes.LinkTransformer.encode)
    if options.job == "blocks":
        return lambda left, right: lt.merge_blocking(
            left, right, left_on="name", right_on="name", blocking_vars=["state"], model=model
        )
    return lambda left, right: lt.merge(left, right, left_on="name", right_on="name", model=model)


def their_model(parent: Any, encoder: Precomputed) -> Any:
    """The encoder as the class that linktransformer 0.1.18 insists on, without a network inside."""
    import torch

    class Shell(parent):  # type: ignore[misc]  # the peer's class, untyped
        def __init__(self) -> None:
            torch.nn.Module.__init__(self)

        def encode(self, sentences: Any, **options: Any) -> Any:
            return encoder.encode(sentences, **options)

    return Shell()


def ours(options: argparse.Namespace, encoder: Precomputed | None, clock: Clock) -> Call:
    """The call of this package, defaults but for what the options say."""
    lt: Any = importlib.import_module("linktransformer")
    linking: Any = importlib.import_module("linktransformer.linking.merge")
    bundled: Any = importlib.import_module("clippings").OnnxTextEncoder
    linking.link = clock.keeping(linking.link)
    bundled.encode = clock.counting(bundled.encode)
    extra: dict[str, Any] = {"how": "left", "progress": False}
    if encoder is not None:
        extra["model"] = encoder
    elif options.model != "default":
        extra["model"] = options.model
    if options.threshold == "none":
        extra["threshold"] = None
    if options.job == "blocks":
        extra["block_on"] = "state"
    return lambda left, right: lt.merge(left, right, on="name", **extra)


def accuracy(frame: Any, n_left: int) -> dict[str, Any]:
    """Share of left rows linked to their own firm, share of links that are right, rows that came out."""
    if "gid_y" not in frame.columns:
        return {"top1": 0.0, "precision": 1.0, "links": 0, "rows_out": len(frame)}
    linked = frame[frame["gid_x"].notna() & frame["gid_y"].notna()]
    right = int((linked["gid_x"].astype("int64") == linked["gid_y"].astype("int64")).sum())
    share = right / len(linked) if len(linked) else 1.0
    return {"top1": right / n_left, "precision": share, "links": len(linked), "rows_out": len(frame)}


def peak_mb() -> float | None:
    """Peak resident memory of this process alone, in MB; None where /proc does not say.

    `ru_maxrss` of a child starts at the parent's peak on Linux; VmHWM starts at zero.
    """
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
    return int(line.split()[1]) / 1024 if line else None


def main() -> None:
    """Make the tables, load the package, time the call, write the values."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=["merge", "blocks"])
    parser.add_argument("--side", choices=["ours", "theirs"], required=True)
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--blocks", type=int, default=50)
    parser.add_argument("--model", default="default", help='"default", "hash", "lexical" or a folder')
    parser.add_argument("--threshold", choices=["default", "none"], default="default")
    parser.add_argument("--firms", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    # a script's own folder leads sys.path, and its neighbours (`report`, `data`) would shadow other modules
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]

    left, right = tables(options)
    clock = Clock()
    encoder = Precomputed([*left["name"], *right["name"]], clock) if options.model == "hash" else None
    loading = time.process_time()
    call = ours(options, encoder, clock) if options.side == "ours" else theirs(options, encoder, clock)
    if (
        options.job == "blocks"
    ):  # what a package loads at its first call is not part of the work on blocks, on either side
        call(left.head(WARM_ROWS), right.head(WARM_ROWS))
        clock.cpu_s, clock.calls, clock.texts = 0.0, 0, 0
    loading = time.process_time() - loading

    wall, cpu = time.perf_counter(), time.process_time()
    frame = call(left, right)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    values = {"call_s": wall, "call_cpu_s": cpu, "import_cpu_s": loading, **accuracy(frame, len(left))}
    values |= {"encoder_cpu_s": clock.cpu_s, "encoder_calls": clock.calls, "texts": clock.texts}
    if clock.links is not None:
        values["report"] = clock.links.report()
    options.result.write_text(json.dumps({**values, "peak_mb": peak_mb()}), encoding="utf-8")


if __name__ == "__main__":
    main()
