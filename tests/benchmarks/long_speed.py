"""Forward speed of kinds of layers by length: full attention, one full layer in three, windows, BASED.

The layers are those of the bundled encoder (6 of width 384) with random weights; a batch holds as many
tokens at every length. Forward alone, in half precision on a card, all arms go through the same fused
forward (`clippings.long.inference`), as the column "fused" says; with --train none does. Beside the tokens
a second stands the share of the roofline: what the products alone would take at the rate of a large product
in the same precision. On a processor, which others may use as well, the arms take turns, and "times full" is
the median over the turns.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

from tools.report import Report, Table

ARMS = ("full", "third", "window", "window+full", "based", "based+full", "linear")
LENGTHS = {"cuda": (512, 2048, 8192, 16384, 32768), "cpu": (8192,)}
TOKENS = {"cuda": 2**18, "cpu": 8192}
REPEAT = {"cuda": 10, "cpu": 3}
PROFILED, KERNELS = ("full", "based"), 12  # arms, and how many of their kernels are named


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--lengths", type=int, nargs="+", default=None)
    parser.add_argument("--tokens", type=int, default=None, help="of a batch")
    parser.add_argument("--repeat", type=int, default=None)
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--window", type=int, default=64)
    parser.add_argument("--features", type=int, default=16)
    parser.add_argument(
        "--precision", choices=("bf16", "fp32"), default=None, help="bf16 on a card, else fp32"
    )
    parser.add_argument(
        "--train", action="store_true", help="forward and backward, in place of forward alone"
    )
    parser.add_argument(
        "--profile",
        action="store_true",
        help=f"the {KERNELS} dearest kernels of {' and '.join(PROFILED)}, at 8,192 tokens or the longest",
    )
    parser.add_argument("--minutes", type=float, default=10.0, help="then no further cell is begun")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Measure every arm at every length."""
    import torch

    from clippings.layers import window_attention

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    kind = device.partition(":")[0]
    half = (options.precision or ("bf16" if kind == "cuda" else "fp32")) == "bf16"
    torch.manual_seed(options.seed)
    rate = best_rate(device, half)
    rows, skipped, began = [], [], time.perf_counter()
    for length in options.lengths or LENGTHS[kind]:
        if kind == "cpu":
            if time.perf_counter() - began > 60 * options.minutes:
                skipped.append(f"{length} tokens: the time was over")
            else:
                rows += in_turns(length, half, options, rate)
            continue
        for arm in options.arms:
            if time.perf_counter() - began > 60 * options.minutes:
                skipped.append(f"{arm} at {length}: the time was over")
                continue
            try:
                rows.append(measured(arm, length, device, half, options, rate))
            except torch.OutOfMemoryError:
                skipped.append(f"{arm} at {length}: out of memory")
    against_full(rows)
    tables = [Table("speed", rows)]
    if options.profile:
        lengths = options.lengths or LENGTHS[kind]
        length = 8192 if 8192 in lengths else max(lengths)
        for arm in PROFILED:
            if arm in options.arms:
                dearest = kernels(prepared(arm, length, device, half, options)[0], kind)
                tables.append(Table(f"kernels of {arm!r} at {length} tokens", dearest))
    settings = {
        "card": torch.cuda.get_device_name() if kind == "cuda" else "cpu",
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "bf16": half,
        "window in packed form": kind == "cuda" and window_attention._varlen() is not None,
        "rate of products, TFLOP/s": rate / 1e12,
        "tokens": options.tokens or TOKENS[kind],
        "backward": options.train,
    }
    return Report("long_speed", tables, skipped, settings)


def best_rate(device: str, half: bool) -> float:
    """FLOP a second of a large product."""
    import torch

    size = 8192 if device.startswith("cuda") else 1024
    one = torch.randn(size, size, device=device, dtype=torch.bfloat16 if half else torch.float32)
    seconds = timed(lambda: one @ one, device, 5)
    return float(2 * size**3 / seconds)


def timed(call: Any, device: str, repeat: int) -> float:
    """The median of some calls after one that is not counted, in seconds."""
    import torch

    found = []
    for number in range(repeat + 1):
        start = time.perf_counter()
        call()
        if device.startswith("cuda"):
            torch.cuda.synchronize()
        if number:
            found.append(time.perf_counter() - start)
    return statistics.median(found)


def kernels(call: Callable[[], None], kind: str) -> list[dict[str, Any]]:
    """What takes most time in one call: kernels on a card, operators on a processor."""
    from torch.profiler import ProfilerActivity, profile

    call()  # what is made once is not counted
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if kind == "cuda" else [])]
    with profile(activities=activities) as seen:
        call()
        if kind == "cuda":
            import torch

            torch.cuda.synchronize()
    found = [
        (event.self_device_time_total if kind == "cuda" else event.self_cpu_time_total, event)
        for event in seen.key_averages()
        if event.device_type.name.lower() == kind
    ]
    every = sum(time for time, _ in found)
    return [
        {"kernel": event.key[:80], "calls": event.count, "ms": time / 1000, "share": time / max(every, 1e-9)}
        for time, event in sorted(found, key=lambda pair: -pair[0])[:KERNELS]
    ]


def prepared(
    arm: str, length: int, device: str, half: bool, options: argparse.Namespace
) -> tuple[Callable[[], None], Any, int, bool]:
    """What is timed, the shape of the model, records of a batch, and whether the forward is the fused one."""
    import torch

    from clippings.long.convert import pattern
    from clippings.long.inference import precision
    from clippings.long.model import BasedBertConfig, BasedBertModel

    kind = device.partition(":")[0]
    config = BasedBertConfig(
        vocab_size=1000,
        mixers=pattern(arm, options.layers),
        window=options.window,
        features=options.features,
        hidden_dropout_prob=0.0,
    )
    model = BasedBertModel(config).to(device).train(options.train)
    n = max(1, (options.tokens or TOKENS[kind]) // length)
    ids = torch.randint(5, 1000, (n, length), device=device)
    lengths = torch.full((n,), length, device=device)

    def call() -> None:
        with torch.set_grad_enabled(options.train), torch.autocast(kind, torch.bfloat16, enabled=half):
            made = model.run(ids, lengths, False, False)
            if options.train:
                made.float().square().mean().backward()

    with torch.set_grad_enabled(options.train), torch.autocast(kind, torch.bfloat16, enabled=half):
        fused = precision(list(model.layers)) is not None
    return call, config, n, fused


def measured(
    arm: str, length: int, device: str, half: bool, options: argparse.Namespace, rate: float
) -> dict[str, Any]:
    """One cell."""
    import torch

    kind = device.partition(":")[0]
    call, config, n, fused = prepared(arm, length, device, half, options)
    if kind == "cuda":
        torch.cuda.reset_peak_memory_stats()
    cpu = time.process_time()
    repeat = options.repeat or REPEAT[kind]
    seconds = timed(call, device, repeat)
    cpu = (time.process_time() - cpu) / (repeat + 1)
    found = cell(arm, length, (config, n, fused), (seconds, cpu), options, rate)
    found["peak GB"] = torch.cuda.max_memory_allocated() / 2**30 if kind == "cuda" else None
    return found


def in_turns(length: int, half: bool, options: argparse.Namespace, rate: float) -> list[dict[str, Any]]:
    """All arms at one length on a processor, one call of each after the other, several times."""
    made = {arm: prepared(arm, length, "cpu", half, options) for arm in options.arms}
    wall: dict[str, list[float]] = {arm: [] for arm in made}
    cpu: dict[str, list[float]] = {arm: [] for arm in made}
    for turn in range((options.repeat or REPEAT["cpu"]) + 1):
        for arm, (call, *_) in made.items():
            start = time.perf_counter(), time.process_time()
            call()
            if turn:
                wall[arm].append(time.perf_counter() - start[0])
                cpu[arm].append(time.process_time() - start[1])
    rows = []
    for arm, (_, *shape) in made.items():
        seconds = statistics.median(wall[arm]), statistics.median(cpu[arm])
        row = cell(arm, length, (shape[0], shape[1], shape[2]), seconds, options, rate)
        if "full" in made:
            for name, taken in (("times full", wall), ("times full, CPU", cpu)):
                pairs = zip(taken["full"], taken[arm], strict=True)
                ratios = [full / max(own, 1e-9) for full, own in pairs]
                row[name] = statistics.median(ratios)
        rows.append(row)
    return rows


def cell(
    arm: str,
    length: int,
    shape: tuple[Any, int, bool],
    taken: tuple[float, float],
    options: argparse.Namespace,
    rate: float,
) -> dict[str, Any]:
    """A row: of a model's shape, records of a batch, fused or not; seconds by the clock and the CPU."""
    (config, n, fused), (seconds, cpu) = shape, taken
    flop = n * work(config, length) * (3 if options.train else 1)
    return {
        "arm": arm,
        "tokens": length,
        "records": n,
        "tokens/s": round(n * length / seconds),
        "ms": 1000 * seconds,
        "CPU ms": 1000 * cpu,  # on a processor that others use, too, nearer to the truth than the clock
        "times full": None,
        "times full, CPU": None,
        "TFLOP/s": flop / seconds / 1e12,
        "share of roofline": flop / rate / seconds,
        "fused": fused,
        "peak GB": None,
    }


def work(config: Any, length: int) -> float:
    """FLOP of the products of a record, counted as the kind of each layer needs them; no more is counted."""
    from clippings.layers.linear_attention import feature_count

    d, heads = config.hidden_size, config.num_attention_heads
    features = feature_count(config.features, config.feature_form)
    total = 0.0
    for kind in config.mixers:
        total += length * (4 * d * config.intermediate_size + 4 * d * d)  # feed-forward, values and output
        if kind != "linear":
            seen = length if kind == "full" else min(length, 2 * config.window + 1)
            total += length * (4 * d * d + 4 * seen * d)
        if kind in ("linear", "based"):
            total += length * (1.5 * d * d + 4 * d * heads * config.features + 2 * d * heads)
            total += 4 * length * heads * features * (d // heads + 1)
    return total


def against_full(rows: list[dict[str, Any]]) -> None:
    """How many times as fast as full attention each is, at the same length."""
    full = {row["tokens"]: row for row in rows if row["arm"] == "full"}
    for row in rows:
        if row["tokens"] in full and row["times full"] is None:
            row["times full"] = full[row["tokens"]]["ms"] / row["ms"]
            row["times full, CPU"] = full[row["tokens"]]["CPU ms"] / max(row["CPU ms"], 1e-9)
