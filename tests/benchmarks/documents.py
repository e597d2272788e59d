"""Pages read by OCR against corrected pages: whole ones, and where only the second half of one side is left.

Hit@1 of every OCR page among all corrected pages of icdar2019_ocr_documents.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from tools import data
from tools.recipes.long.arms import ends_of, original, tokens_of
from tools.report import Report, Table, say

from .deepkey_chunks import compared, pieces

SET = ("data", "icdar2019_ocr_documents")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--base", default="bundled", help="the short encoder: a folder, or 'bundled'")
    parser.add_argument("--models", nargs="*", default=[], help="folders or names of further models")
    parser.add_argument("--rows", type=int, default=0, help="only so many pages; 0: all")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Measure every system on both forms."""
    if gone := data.missing(*SET):
        return Report("documents", skipped=[gone])
    import torch

    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    tables = data.load(data.shared().joinpath(*SET))
    left, right = pages(tables, options.rows)
    rows = []
    for form, ours in (("whole pages", left), ("second half", [second_half(text) for text in left])):
        for name, score in systems(ours, right, options, device):
            start = time.perf_counter()
            found = score()
            seconds = time.perf_counter() - start
            hit = float((found.argmax(axis=1) == np.arange(len(found))).mean())
            rows.append({"form": form, "system": name, "hit@1": hit, "pages": len(left), "seconds": seconds})
            say(f"{form}, {name}: {hit:.3f}", note=True)
    return Report("documents", [Table("hit@1", rows)], [], {"device": device, "rows": options.rows})


def pages(tables: Any, rows: int) -> tuple[list[str], list[str]]:
    """OCR and corrected texts, pair by pair; ids hold the truth and are not looked at again."""
    texts = [dict(zip(side.id, side.text, strict=True)) for side in (tables.left, tables.right)]
    pairs = sorted(tables.truth)[: rows or None]
    return [texts[0][a] for a, _ in pairs], [texts[1][b] for _, b in pairs]


def second_half(text: str) -> str:
    """What stands after the middle, from the next word on."""
    half = text[len(text) // 2 :]
    return half.partition(" ")[2] or half


def systems(left: Sequence[str], right: Sequence[str], options: argparse.Namespace, device: str) -> Any:
    """Names, and what gives all scores."""
    from clippings import load_text_encoder

    def by_ngrams() -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        maker = TfidfVectorizer(
            analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True, max_features=200_000
        )
        items = maker.fit_transform([*right, *left])
        return (items[len(right) :] @ items[: len(right)].T).toarray()

    def cut(model: Any, tokens: int) -> Any:
        model.max_seq_length = tokens
        vectors = [
            model.encode(list(side), normalize_embeddings=True, show_progress_bar=False)
            for side in (left, right)
        ]
        return vectors[0] @ vectors[1].T

    def by_pieces(model: Any, which: int) -> Any:
        ends = ends_of(model)
        ids = [tokens_of(model)(side) for side in (left, right)]
        return compared(*(pieces(model, side, ends) for side in ids))[which]

    yield "character trigrams", by_ngrams
    short = original(options.base, device)
    yield "short encoder, 256 tokens", lambda: cut(short, 256)
    yield "short encoder, 512 tokens", lambda: cut(short, 512)
    yield "pieces of 512, mean of best", lambda: by_pieces(short, 0)
    yield "pieces of 512, best pair", lambda: by_pieces(short, 1)
    for name in options.models:
        encoder = load_text_encoder(name, device=device)
        yield name, lambda encoder=encoder: encoder.encode(list(left)) @ encoder.encode(list(right)).T
