"""Fit once, ask often: the latency of single rows against a reference that is fitted once."""

from __future__ import annotations

import argparse
import importlib
import platform
import time
from typing import Any

import numpy as np

from tools.report import Report, Table

STEMS = "ka mo ri tel van dus pho gri len bax zu wem nor sil tar pel qui hom ast ber".split()  # noqa: SIM905
KINDS = ("steel", "dairy", "motors", "paper", "rail", "mills", "tools", "foods", "glass", "mining")
ENDS = (("company", "co"), ("corporation", "corp"), ("limited", "ltd"), ("brothers", "bros"), ("", ""))


class Hashed:
    """A model that costs nothing, with vectors as wide as those of a small language model."""

    def __init__(self) -> None:
        self.directions = np.random.default_rng(0).standard_normal((4096, 384)).astype(np.float32)

    def encode(self, texts: list[str]) -> Any:
        """Sums of a random direction for each pair of characters."""
        pairs = [
            [(ord(a) * 31 + ord(b)) % 4096 for a, b in zip(text, text[1:] + " ", strict=True)]
            for text in texts
        ]
        return np.stack([self.directions[row].sum(axis=0) for row in pairs])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--rows", type=int, default=100_000, help="rows of the reference")
    parser.add_argument("--queries", type=int, default=10_000, help="rows that are asked, one by one")
    parser.add_argument("--models", nargs="+", default=["lexical", "hashed"], help="lexical, hashed, bundled")


def firms(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Names of firms, and each as someone else might write it."""
    draw = np.random.default_rng(seed)
    names, others = [], []
    for _ in range(n):
        stem = "".join(draw.choice(STEMS, 5))
        kind, (end, short) = KINDS[int(draw.integers(10))], ENDS[int(draw.integers(5))]
        cut = int(draw.integers(1, len(stem)))
        names.append(f"{stem} {kind} {end}".strip())
        others.append(f"{stem[:cut]}{stem[cut + 1 :]} {kind} {short}".strip())
    return names, others


def run(options: argparse.Namespace) -> Report:
    """Fit each model once; ask rows one by one and all together."""
    rows = [measure(model, options.rows, options.queries) for model in options.models]
    settings = {"rows": options.rows, "queries": options.queries, "machine": platform.machine()}
    return Report("query", [Table("single rows against a fitted reference", rows)], settings=settings)


def measure(name: str, n_rows: int, n_queries: int) -> dict[str, Any]:
    """One model."""
    lt: Any = importlib.import_module("linktransformer")
    pd: Any = importlib.import_module("pandas")
    model = {"hashed": Hashed(), "bundled": None}.get(name, name)
    names, others = firms(n_rows)
    began = time.perf_counter()
    linker = lt.Linker(model, 0.5, on="name", progress=False).fit(pd.DataFrame({"name": names}))
    fitted = time.perf_counter() - began
    place = np.random.default_rng(1).integers(n_rows, size=n_queries)
    asked = [others[number] for number in place.tolist()]
    linker.predict({"name": asked[0]})  # the inverted index is made once
    took, answers = np.empty(n_queries), []
    for number, text in enumerate(asked):
        began = time.perf_counter()
        found = linker.predict({"name": text})
        took[number] = time.perf_counter() - began
        answers.append(found["reference"].iloc[0])
    began = time.perf_counter()
    together = linker.predict(pd.DataFrame({"name": asked}))["reference"].tolist()
    batch = time.perf_counter() - began
    right = [
        not pd.isna(label) and names[label] == names[of] for label, of in zip(answers, place, strict=True)
    ]
    same = [(pd.isna(a) and pd.isna(b)) or a == b for a, b in zip(answers, together, strict=True)]
    return {
        "model": name,
        "fit s": round(fitted, 2),
        "median ms": round(float(np.median(took)) * 1e3, 3),
        "p95 ms": round(float(np.quantile(took, 0.95)) * 1e3, 3),
        "all at once, ms a row": round(batch / n_queries * 1e3, 3),
        "right": round(float(np.mean(right)), 4),
        "same answer alone and together": round(float(np.mean(same)), 4),
    }
