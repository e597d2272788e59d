"""Beside the plain figures of ocr_firms: records with gaps, clusters of one book, several seeds as one."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .ocr_firms import Book, Corpus, Scorer, Split
from .ocr_models import frame
from .score import mean

SEED = re.compile(r"seed\d+")


def with_gaps(split: Split, seed: int) -> Split:
    """A split in which a random third of the records has no text, and another third no picture.

    Args:
        split: The split.
        seed: Of the draw.

    Returns:
        The same records with what is left of them.
    """
    draw = np.random.default_rng(seed)
    return replace(split, source=_gaps(split.source, draw), target=_gaps(split.target, draw))


def _gaps(book: Book, draw: Any) -> Book:
    n = len(book.ids)
    order = draw.permutation(n)
    mute, blind = set(order[: n // 3].tolist()), set(order[n // 3 : 2 * (n // 3)].tolist())
    texts = {
        ocr: tuple("" if row in mute else text for row, text in enumerate(said))
        for ocr, said in book.texts.items()
    }
    images = tuple("" if row in blind else image for row, image in enumerate(book.images))
    sure = {ocr: np.where(np.isin(np.arange(n), list(mute)), 0, of) for ocr, of in book.confidence.items()}
    return Book(book.ids, images, texts, sure)


def clusters(
    corpus: Corpus, scorer: Scorer, ocr: str, models: Sequence[Path], device: str | None
) -> list[dict[str, Any]]:
    """The adjusted Rand index of clusters of the source crops of test: by the text, and by each model.

    Args:
        corpus: The language.
        scorer: Its scorer.
        ocr: Which text.
        models: Folders.
        device: Where they run.

    Returns:
        A row a way.
    """
    lt: Any = importlib.import_module("linktransformer")
    book = corpus.test.source
    table = frame(book, ocr)
    ways: list[tuple[str, dict[str, Any]]] = [("text", {"on": "ocr"})]
    ways += [
        (folder.parent.name, {"on": "ocr", "images": "crop", "confidence": "sure", "model": folder})
        for folder in models
    ]
    rows = []
    for name, how in ways:
        began = time.perf_counter()
        found = lt.cluster(table, **how, device=device, progress=False)
        rows.append(
            {
                "language": corpus.language,
                "OCR": ocr,
                "clusters by": name,
                "ARI": scorer.adjusted_rand("test", dict(zip(book.ids, found.label.tolist(), strict=True))),
                "clusters": len(found),
                "rows": len(table),
                "seconds": time.perf_counter() - began,
            }
        )
    return rows


def seeds(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Systems whose names differ in a seed only, as mean and range.

    Args:
        rows: Of the table of all systems.

    Returns:
        A row for each group of at least two.

    Example:
        >>> rows = [{"language": "en", "OCR": "x", "system": f"names-seed{n}-fused", "matched": n / 10,
        ...          "no-match": 0.5} for n in (1, 2)]
        >>> seeds(rows)[0]["system"], seeds(rows)[0]["matched, range"]
        ('names-fused', '0.100-0.200')
    """
    groups: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        if SEED.search(row["system"]):
            name = re.sub("-+", "-", SEED.sub("", row["system"])).strip("-")
            groups.setdefault((row["language"], row["OCR"], name), []).append(row)
    made = []
    for (language, ocr, name), some in groups.items():
        if len(some) > 1:
            line: dict[str, Any] = {"language": language, "OCR": ocr, "system": name, "seeds": len(some)}
            for measure in ("matched", "no-match"):
                values = [row[measure] for row in some]
                line |= {measure: mean(values), f"{measure}, range": f"{min(values):.3f}-{max(values):.3f}"}
            made.append(line)
    return made
