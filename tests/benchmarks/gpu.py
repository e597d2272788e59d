"""On a GPU: exact search beside FAISS, encoding beside sentence-transformers, a whole merge by stages.

Figures are medians after a first call that is not counted, on random numbers, with queries and results in
the memory of the processor. Beside each stands its share of what the card was seen to do: the rate of a
large product in half precision, and the bandwidth of a large copy.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import random
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from .cpu import FIRMS

JOBS = ("limits", "search", "encode", "merge")
COLUMNS = 384
STAGES = (
    ("records", "read", "read the columns"),
    ("lexical", "fit", "n-grams"),
    ("encode", "embed", "encode"),
    ("search", "_top_pairs", "search"),
    ("search", "_union", "join candidates"),
    ("search", "_scores", "score candidates"),
    ("views", "spread", "spread of the views"),
    ("fuse", "fuse", "weigh the views"),
    ("expand", "decided", "decide"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--jobs", nargs="*", choices=JOBS, default=list(JOBS))
    parser.add_argument("--base", type=Path, default=None, help="a folder of sentence-transformers (MiniLM)")
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of a table")
    parser.add_argument("--queries", type=int, default=20_000)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--faiss-merge", action="store_true", help="the merge once more, with flat FAISS")


def run(options: argparse.Namespace) -> Report:
    """Run the chosen jobs on the first card."""
    try:
        import torch
    except ImportError:
        return Report("gpu", skipped=["torch is not installed"])
    if not torch.cuda.is_available():
        return Report("gpu", skipped=["there is no GPU"])
    skipped: list[str] = []
    tables = []
    most = limits(torch)
    if "limits" in options.jobs:
        tables.append(Table("limits", [{"card": torch.cuda.get_device_name(), **most}]))
    if "search" in options.jobs:
        tables.append(Table("search", searches(options, most, skipped)))
    if {"encode", "merge"} & set(options.jobs):
        if options.base is None:
            skipped.append("encode and merge: give --base FOLDER with the weights")
        elif gone := data.missing(*FIRMS):
            skipped.append(gone)
        else:
            if "encode" in options.jobs:
                tables += encodings(options, most)
            if "merge" in options.jobs:
                tables.append(Table("merge", merges(options)))
    return Report("gpu", tables, skipped, {"rows": options.rows, "repeat": options.repeat})


def limits(torch: Any) -> dict[str, Any]:
    """What the card does at best: half-precision products, and a copy."""
    a, b = (torch.randn(8192, 8192, device="cuda").half() for _ in range(2))
    product = on_card(torch, lambda: a @ b)
    big = torch.randn(2**28, device="cuda")
    into = torch.empty_like(big)
    copied = on_card(torch, lambda: into.copy_(big))
    return {"TFLOP/s": 2 * 8192**3 / product / 1e12, "GB/s": 2 * big.nbytes / copied / 1e9}


def on_card(torch: Any, call: Callable[[], Any], repeat: int = 20) -> float:
    """Median seconds of a call by the card's own clock."""
    for _ in range(3):
        call()
    seconds = []
    for _ in range(repeat):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        call()
        end.record()
        torch.cuda.synchronize()
        seconds.append(begin.elapsed_time(end) / 1e3)
    return statistics.median(seconds)


def middle(call: Callable[[], Any], repeat: int) -> float:
    """Median seconds of a call that gives its result to the processor, after one that is not counted."""
    call()
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def unit(n: int, seed: int) -> Any:
    """Random unit rows, (n, 384) float32."""
    rows = np.random.default_rng(seed).standard_normal((n, COLUMNS), dtype=np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def searches(options: argparse.Namespace, most: dict[str, Any], skipped: list[str]) -> list[dict[str, Any]]:
    """Exact top-10 by us, by FAISS and by torch; and within blocks."""
    from linktransformer.search.gpu.search import GpuIndex

    items, queries, k = unit(options.rows, 0), unit(options.queries, 1), 10
    rows: list[dict[str, Any]] = []
    index: Any = GpuIndex(items)
    ours = index.search(queries, k)[0]

    def line(what: str, n: int, seconds: float, found: Any = None) -> None:
        rate = 2 * n * options.rows * COLUMNS / seconds / 1e12
        share = None if found is None else float((found == ours).mean())
        rows.append(
            {
                "what": what,
                "queries": n,
                "items": options.rows,
                "k": k,
                "seconds": seconds,
                "TFLOP/s": rate,
                "of the matrix rate": rate / most["TFLOP/s"],
                "times ours": seconds / rows[0]["seconds"] if n == options.queries and rows else None,
                "ids as ours": share,
            }
        )
        say(f"{what}: {seconds:.4f} s", note=True)

    line("ours", options.queries, middle(lambda: index.search(queries, k), options.repeat))
    found: list[Any] = []
    line("torch, half precision", options.queries, middle(by_torch(items, queries, k, found), options.repeat))
    rows[-1]["ids as ours"] = float((found[-1] == ours).mean())
    if importlib.util.find_spec("faiss") is None:
        skipped.append("faiss-gpu is not installed")
    else:
        search = by_faiss(items)
        line("faiss-gpu flat, float32", options.queries, middle(lambda: search(queries, k), options.repeat))
        rows[-1]["ids as ours"] = float((search(queries, k)[1] == ours).mean())
    line("ours", options.rows, middle(lambda: index.search(items, k), options.repeat))
    blocks = np.random.default_rng(2).permutation(np.arange(options.rows) // 50)
    index = None  # its memory is free again
    blocked = GpuIndex(items, blocks=blocks)
    seconds = middle(lambda: blocked.search(items, k, blocks=blocks), options.repeat)
    rows.append(
        {
            "what": f"ours, {options.rows // 50:,} blocks of 50 rows",
            "queries": options.rows,
            "items": options.rows,
            "k": k,
            "seconds": seconds,
        }
    )
    return rows


def by_faiss(items: Any) -> Callable[[Any, int], Any]:
    """Search by a flat index of FAISS on the card."""
    import faiss

    of = faiss.GpuIndexFlatIP(faiss.StandardGpuResources(), items.shape[1], faiss.GpuIndexFlatConfig())
    of.add(items)
    return lambda queries, k: of.search(queries, k)


def by_torch(items: Any, queries: Any, k: int, found: list[Any]) -> Callable[[], None]:
    """Products and top-k of torch in half precision, as many queries at a time as fit."""
    import torch

    there = torch.from_numpy(items).cuda().half()

    def call() -> None:
        asked = torch.from_numpy(queries).cuda().half()
        parts = [(some @ there.T).topk(k)[1].cpu() for some in asked.split(4096)]
        found[:] = [torch.cat(parts).numpy()]

    return call


def encodings(options: argparse.Namespace, most: dict[str, Any]) -> list[Table]:
    """Records a second by us and by sentence-transformers, and where our time goes."""
    import torch

    from clippings.text.gpu_encoder import GpuTextEncoder, starts_of_chunks
    from clippings.text.word_tokens import WordTokens

    model = loaded(options.base)
    firms = data.module(*FIRMS)
    draw = random.Random(1)
    names = [name for name, *_ in firms.base(options.rows // 2)]
    texts = names + [firms.noisy(name, draw) for name in names]
    draw.shuffle(texts)
    few = texts[:50_000]
    rows = []
    for size in (64, 128, 256, 512, 1024, 2048):
        seconds = middle(lambda size=size: model.encode(few, batch_size=size, show_progress_bar=False), 3)
        rows.append(
            {"what": f"sentence-transformers, batches of {size}", "texts": len(few), "seconds": seconds}
        )
        say(f"{rows[-1]}", note=True)
    best = min(rows, key=lambda row: row["seconds"])
    seconds = middle(
        lambda: model.encode(few, batch_size=int(best["what"].split()[-1]), show_progress_bar=False),
        options.repeat,
    )
    rows.append({"what": "the best of them again", "texts": len(few), "seconds": seconds})
    start = time.perf_counter()
    ours = GpuTextEncoder(model, texts)
    prepared = time.perf_counter() - start
    start = time.perf_counter()
    ours.encode(texts)
    rows.append({"what": "ours, first call", "texts": len(texts), "seconds": time.perf_counter() - start})
    seconds = middle(lambda: ours.encode(texts), options.repeat)
    rows.append({"what": "ours", "texts": len(texts), "seconds": seconds})
    say(f"{rows[-1]}", note=True)
    for row in rows:
        row["records/s"] = row["texts"] / row["seconds"]
    gap = np.abs(ours.encode(few) - model.encode(few, show_progress_bar=False, normalize_embeddings=True))
    tokens = WordTokens(model.tokenizer.backend_tokenizer, model.max_seq_length)
    start = time.perf_counter()
    tokens(texts)
    cold = time.perf_counter() - start
    warm = middle(lambda: tokens(texts), 1)
    chunks = [tokens(texts[some]) for some in starts_of_chunks(len(texts))]
    with torch.inference_mode():

        def alone() -> None:
            for chunk in chunks:
                ours._chunk(chunk)
            torch.cuda.synchronize()

        card = middle(alone, options.repeat)
    n_tokens = sum(int(chunk.length.sum()) for chunk in chunks)
    weights = sum(p.numel() for name, p in ours._body.named_parameters() if "embeddings" not in name)
    floor = 2 * weights * n_tokens / most["TFLOP/s"] / 1e12
    return [
        Table("encode", rows),
        Table(
            "where the time goes",
            [
                {
                    "tokens a text": n_tokens / len(texts),
                    "prepare s": prepared,
                    "tokenize, new words s": cold,
                    "tokenize, known words s": warm,
                    "card alone s": card,
                    "products alone at the matrix rate s": floor,
                    "largest difference": float(gap.max()),
                }
            ],
        ),
    ]


def loaded(base: Path) -> Any:
    """The model in float32 on the card."""
    import torch
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(base), device="cuda", model_kwargs={"torch_dtype": torch.float32})


def merges(options: argparse.Namespace) -> list[dict[str, Any]]:
    """A merge of two large tables of firms: seconds by stage, memory, top-1."""
    left, right = data.module(*FIRMS).two_tables(options.rows, options.rows)
    model = loaded(options.base)
    rows = [one_merge(left, right, model, "ours", options)]
    if options.faiss_merge and importlib.util.find_spec("faiss") is not None:
        rows.append(one_merge(left, right, model, "faiss-gpu flat", options))
    return rows


def one_merge(left: Any, right: Any, model: Any, by: str, options: argparse.Namespace) -> dict[str, Any]:
    """One merge, with the search of dense rows by us or by FAISS."""
    import torch

    import linktransformer as lt

    torch.cuda.reset_peak_memory_stats()
    with timed_stages(by) as stages:
        start = time.perf_counter()
        linked = lt.merge(left, right, on="name", model=model, how="inner", suffixes=("_l", "_r"))
        seconds = time.perf_counter() - start
    right_ones = int((linked["gid_l"] == linked["gid_r"]).sum())
    return {
        "search by": by,
        "rows": options.rows,
        "seconds": seconds,
        **{name: stages.get(name) for *_, name in STAGES},
        "rest": seconds - sum(stages.values()),
        "links": len(linked),
        "top-1": right_ones / len(left),
        "precision": right_ones / max(1, len(linked)),
        "peak host MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "peak card MB": torch.cuda.max_memory_allocated() / 2**20,
    }


@contextmanager
def timed_stages(by: str) -> Iterator[dict[str, float]]:
    """Count the seconds of each stage; with FAISS in place of our search of dense rows if wanted."""
    from linktransformer.search.gpu import search as gpu_search

    seconds: dict[str, float] = {}
    kept: list[tuple[Any, str, Any]] = [(gpu_search, "top_k", gpu_search.top_k)]
    for module_name, function, stage in STAGES:
        module = importlib.import_module(f"linktransformer.{module_name}")
        original = getattr(module, function)
        kept.append((module, function, original))

        def timed(*given: Any, _of: Any = original, _stage: str = stage, **named: Any) -> Any:
            start = time.perf_counter()
            try:
                return _of(*given, **named)
            finally:
                seconds[_stage] = seconds.get(_stage, 0.0) + time.perf_counter() - start

        setattr(module, function, timed)
    if by != "ours":

        def flat(queries: Any, items: Any, k: int, **_: Any) -> Any:
            scores, rows = by_faiss(np.ascontiguousarray(items))(np.ascontiguousarray(queries), k)
            return rows, scores, {"index": "FAISS flat, GPU"}

        gpu_search.top_k = flat
    try:
        yield seconds
    finally:
        for module, function, original in kept:
            setattr(module, function, original)
