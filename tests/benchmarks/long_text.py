"""Long texts whose copies are not literal: other wordings and languages, OCR, abridged, reordered.

Every record of one side has one partner on the other. hit@1 of each left record among all right ones; the
best F1 that any threshold gives on pairs that are each other's nearest, with all partners and with every
second one missing; seconds and megabytes of vectors for 1,000 records. `merge` is the whole product, without
labels.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tools.report import Report, Table, say

from . import long_text_data as texts

SIZES = {1000: 80, 4000: 28, 16000: 12}  # records of so many tokens
MANUALS = {"1k": (700, 1800), "4k": (2500, 8000)}  # tokens of the English page
MOST = 50  # pages of a language and length
LATIN = re.compile(r"[A-Za-z0-9_]+")
KINDS = (
    *("other wording", "other language", "OCR 2 %", "OCR 10 %", "OCR 30 %", "half", "third"),
    *("third, OCR 10 %", "third, other wording", "reordered", "near-duplicates"),
)
LONGEST = ("other wording", "other language", "OCR 10 %", "OCR 30 %", "third, OCR 10 %", "reordered")


@dataclass(frozen=True, slots=True)
class Cell:
    """Left and right texts; the partner of a left text has its number, right texts after these have none."""

    source: str
    kind: str
    tokens: str
    left: list[str]
    right: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--lengths", type=int, nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    parser.add_argument("--languages", nargs="*", default=list(texts.LANGUAGES), choices=texts.LANGUAGES)
    parser.add_argument("--share", type=float, default=1.0, help="of the records, for a quick look")
    parser.add_argument("--models", nargs="*", default=[], help="encoders of long records: folders or names")
    parser.add_argument("--no-cut", action="store_true", help="without the truncated model")
    parser.add_argument("--no-merge", action="store_true", help="without lt.merge")
    parser.add_argument("--no-model", action="store_true", help="n-grams alone")
    parser.add_argument("--only-clusters", action="store_true", help="clusters of reprints alone")
    parser.add_argument("--only-merge", action="store_true", help="lt.merge alone")
    parser.add_argument("--device", default=None)
    parser.add_argument("--seed", type=int, default=0)


def run(options: argparse.Namespace) -> Report:
    """Measure every system on every cell."""
    if gone := texts.missing():
        return Report("long_text", skipped=[gone])
    if options.only_clusters:
        return Report("long_text", [Table("clusters", reprints(options.seed))])
    rows: list[dict[str, Any]] = []
    for cell in cells(options):
        known = {"source": cell.source, "kind": cell.kind, "tokens": cell.tokens, "records": len(cell.left)}
        for name, score, seconds, size in [] if options.only_merge else systems(cell, options):
            per_1000 = 1000 / (len(cell.left) + len(cell.right))
            rows.append(
                {
                    **known,
                    "system": name,
                    "hit@1": hit(score),
                    "F1": best_f1(score),
                    "F1, half missing": best_f1(score, missing=True),
                    "seconds per 1,000": seconds * per_1000,
                    "MB per 1,000": size / 2**20 * per_1000,
                }
            )
        if not options.no_merge:
            rows += [{**known, **row} for row in merges(cell, options)]
        for row in rows[-20:]:
            if row["kind"] == cell.kind and row["tokens"] == cell.tokens and row["source"] == cell.source:
                say(f"{cell.source} {cell.kind} {cell.tokens} {row['system']}: {row['hit@1']:.3f} "
                    f"{row['F1']:.3f} {row['F1, half missing']:.3f}", note=True)  # fmt: skip
    settings = {"share": options.share, "seed": options.seed, "device": options.device}
    settings["seconds on"] = f"{lexical_cores()} cores"
    return Report("long_text", [Table("long_text", rows), Table("means", means(rows))], [], settings)


def lexical_cores() -> int:
    """How many cores there are."""
    from linktransformer.search.lexical import cores

    return cores()


def cells(options: argparse.Namespace) -> Iterator[Cell]:
    """The jobs: kinds of copies of Bible passages by length, and manual pages by language and length."""
    bible = texts.bibles()
    for tokens in options.lengths:
        n = max(4, round(SIZES[tokens] * options.share))
        test = None if tokens == max(SIZES) else True
        kjv, web, es = (
            spread(texts.records(bible, version, tokens, test), n) for version in ("kjv", "web", "es")
        )
        for kind in options.kinds:
            if tokens == max(SIZES) and kind not in LONGEST:
                continue
            draw = np.random.default_rng([options.seed, tokens, KINDS.index(kind)])
            base = [" ".join(record) for record in kjv]
            right = base
            if kind == "near-duplicates":
                left = [" ".join(record) for record in web]
                right = [*base, *mixed(base)]
            else:
                left = [copy(kind, *versions, draw) for versions in zip(kjv, web, es, strict=True)]
            yield Cell("bible", kind, f"{tokens // 1000}k", left, right)
    for language in options.languages:
        pages = texts.manuals(language)
        for name, (least, most) in MANUALS.items():
            some = [page for page in pages if least < len(page[1]) / texts.CHARS < most]
            some = spread(some, max(4, round(MOST * options.share)))
            if len(some) >= 4 and any(f"{tokens // 1000}k" == name for tokens in options.lengths):
                english, other = [page[1] for page in some], [page[2] for page in some]
                yield Cell("manuals", f"en-{language}", name, other, english)
                if language == "ja":  # no word in common
                    bare = [" ".join(LATIN.sub(" ", text).split()) for text in other]
                    yield Cell("manuals", "en-ja, no Latin letters", name, bare, english)


def spread(items: Sequence[Any], n: int) -> list[Any]:
    """At most n items, at even distances."""
    if len(items) <= n:
        return list(items)
    return [items[at] for at in np.linspace(0, len(items) - 1, n).round().astype(int).tolist()]


def copy(kind: str, kjv: list[str], web: list[str], es: list[str], draw: np.random.Generator) -> str:
    """A copy of a record, by kind."""
    if kind == "other wording":
        return " ".join(web)
    if kind == "other language":
        return " ".join(es)
    if kind == "reordered":
        return " ".join(texts.reordered(kjv, draw))
    passages = web if kind.endswith("wording") else kjv
    share = 1 / 3 if kind.startswith("third") else 1 / 2 if kind.startswith("half") else 1.0
    text = " ".join(texts.abridged(passages, share, draw))
    rate = float(kind.split("OCR ")[1].split()[0]) / 100 if "OCR" in kind else 0.0
    return texts.misread(text, rate, draw)


def mixed(base: list[str]) -> list[str]:
    """For each text another one that shares its first half and ends as its neighbour does."""
    return [
        f"{own[: len(own) // 2]} {other[len(other) // 2 :]}"
        for own, other in zip(base, [*base[1:], base[0]], strict=True)
    ]


def hit(score: Any) -> float:
    """The share of left texts whose nearest right text is their partner."""
    return float((score.argmax(axis=1) == np.arange(len(score))).mean())


def best_f1(score: Any, missing: bool = False) -> float:
    """The highest F1 of mutually nearest pairs above any threshold; every second partner may miss."""
    n = len(score)
    matched = np.arange(n) % 2 == 0 if missing else np.ones(n, dtype=bool)
    columns = np.flatnonzero(np.append(matched, np.ones(score.shape[1] - n, dtype=bool)))
    score = score[:, columns]
    near = score.argmax(axis=1)
    mutual = score.argmax(axis=0)[near] == np.arange(n)
    value = np.where(mutual, score[np.arange(n), near], -np.inf)
    right = matched & (columns[near] == np.arange(n)) & mutual
    order = np.argsort(-value, kind="stable")[: int(mutual.sum())]
    hits = np.cumsum(right[order])
    return float((2 * hits / (np.arange(1, len(order) + 1) + matched.sum())).max(initial=0.0))


def systems(cell: Cell, options: argparse.Namespace) -> Iterator[tuple[str, Any, float, float]]:
    """Name, scores (n_left, n_right), seconds and bytes of vectors of each system."""
    from linktransformer.search import lexical
    from linktransformer.search.ngram_passages import by_passage as ngram_passages

    left, right = cell.left, cell.right

    def timed(name: str, made: Callable[[], tuple[Any, float]]) -> tuple[str, Any, float, float]:
        start = time.perf_counter()
        score, size = made()
        return name, score, time.perf_counter() - start, size

    def whole() -> tuple[Any, float]:
        view = lexical.fit(left, right)
        size = sum(part.nbytes for side in (view.left, view.right) for part in (side.data, side.indices))
        return (view.left @ view.right.T).toarray(), size

    def by_passage(form: Any) -> tuple[Any, float]:
        sides = ngram_passages(left, right)
        size = sum(part.nbytes for side in sides for part in (side.vectors.data, side.vectors.indices))
        return all_pairs(*sides, form), size

    yield timed("n-grams, whole", whole)
    yield timed("n-grams by passage, both", lambda: by_passage("both"))
    yield timed("n-grams by passage, shorter", lambda: by_passage("shorter"))
    if not options.no_model:
        yield from encoders(left, right, options, timed)


def all_pairs(left: Any, right: Any, form: Any) -> Any:
    """Late interaction of all pairs."""
    from dataclasses import replace

    from linktransformer.search.passages import interactions

    parts = [
        interactions(replace(left[np.arange(start, min(start + 8, len(left)))], form=form), right)
        for start in range(0, len(left), 8)
    ]
    return np.concatenate(parts)


def encoders(
    left: list[str], right: list[str], options: argparse.Namespace, timed: Any
) -> Iterator[tuple[str, Any, float, float]]:
    """The bundled model, truncated and on passages, and encoders of long records."""
    from clippings import OnnxTextEncoder, load_text_encoder
    from linktransformer.encoding.loading import load
    from linktransformer.encoding.passage_encoding import encode_passages
    from linktransformer.linking import long_records
    from linktransformer.linking.long_records import Encoding, Reading
    from model_hub import bundled

    def cosines(encoder: Any) -> tuple[Any, float]:
        a, b = encoder.encode(left), encoder.encode(right)
        return a @ b.T, a.nbytes + b.nbytes

    encoder: Any = load(None, options.device)
    if not options.no_cut:
        yield timed("cut at 128", lambda: cosines(encoder))
        longer = OnnxTextEncoder.from_folder(bundled(), device=options.device)
        longer.max_tokens = 512
        longer._tokenizer.enable_truncation(512)
        yield timed("cut at 512", lambda: cosines(longer))
    auto = Reading("auto", True, None, {"n_grams": "by passage"})
    encoding, chosen = long_records.chosen(auto, Encoding(encoder), (left, right))
    say(f"auto: {chosen}", note=True)
    start = time.perf_counter()
    sides = [encode_passages(encoder, side) for side in (left, right)]
    seconds = time.perf_counter() - start
    size = sum(side.vectors.nbytes for side in sides)
    pooled = [mean(side) for side in sides]
    start = time.perf_counter()
    scores = {
        "passages, mean": pooled[0] @ pooled[1].T,
        "passages, best pair": best_pairs(*sides),
        "passages, late interaction": all_pairs(*sides, "both"),
        "passages, shorter in longer": all_pairs(*sides, "shorter"),
    }
    seconds += (time.perf_counter() - start) / len(scores)
    for name, score in scores.items():
        yield name, score, seconds, size if "mean" not in name else pooled[0].nbytes * 2
    if not options.no_cut:
        score = scores["passages, late interaction"] if encoding.passages else cosines(encoder)[0]
        yield "auto: cut at 128 or late interaction", score, 0.0, 0.0
    for name in options.models:
        long = load_text_encoder(name, device=options.device)
        yield timed(name, lambda long=long: cosines(long))


def mean(side: Any) -> Any:
    """The mean of each text's passages, brought to length one."""
    total = np.add.reduceat(side.vectors, side.starts[:-1], axis=0)
    return total / np.linalg.norm(total, axis=1, keepdims=True)


def best_pairs(left: Any, right: Any) -> Any:
    """The highest cosine of two passages."""
    best = np.maximum.reduceat(left.vectors @ right.vectors.T, left.starts[:-1], axis=0)
    return np.maximum.reduceat(best, right.starts[:-1], axis=1)


def merges(cell: Cell, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """hit@1 and F1 of `merge` as a user calls it; half missing: every second right record is left out."""
    import pandas as pd

    import linktransformer as lt

    n = len(cell.left)
    left = pd.DataFrame({"text": cell.left})
    arms = (("lexical", "cut"), ("lexical", "auto"), (None, "cut"), (None, "auto"))
    for model, long in arms[: 2 if options.no_model else 4]:
        values: dict[str, Any] = {"system": f"merge, model={model!r}, long={long!r}"}
        start = time.perf_counter()
        for half in (False, True):
            kept = [at for at in range(len(cell.right)) if not (half and at % 2 and at < n)]
            right = pd.DataFrame({"text": [cell.right[at] for at in kept], "number": kept})
            links = lt.link(left, right, on="text", model=model, long=long)
            linked = [(a, kept[b]) for a, b in zip(links.pairs["left"], links.pairs["right"], strict=True)]
            right_ones = sum(a == b for a, b in linked)
            matches = sum(at < n for at in kept)
            f1 = 2 * right_ones / max(1, len(linked) + matches)
            if half:
                values["F1, half missing"] = f1
            else:
                values |= {"F1": f1, "hit@1": right_ones / n, "chosen": str(links.report().get("long"))[:90]}
        values["seconds per 1,000"] = (time.perf_counter() - start) / 2 * 1000 / (n + len(cell.right))
        yield values


def reprints(seed: int) -> list[dict[str, Any]]:
    """Pairs of `cluster` without labels: stories of 1,000 tokens in one to four copies, whole or abridged."""
    import pandas as pd

    import linktransformer as lt

    bible = texts.bibles()
    kjv, web = (spread(texts.records(bible, version, 1000), 60) for version in ("kjv", "web"))
    table = []
    for name, rate, mixed_wording in (("2 %", 0.02, False), ("5 %", 0.05, False), ("10 %", 0.1, False),
                                      ("2 %, other wording", 0.02, True)):  # fmt: skip
        draw = np.random.default_rng(seed)
        rows = []
        for story, versions in enumerate(zip(kjv, web, strict=True)):
            for _ in range(int(draw.integers(1, 5))):
                share = (1, 0.5, 0.35)[int(draw.integers(3))]
                verses = versions[int(mixed_wording and draw.random() < 0.5)]
                text = texts.misread(" ".join(texts.abridged(verses, share, draw)), rate, draw)
                rows.append((story, text))
        frame = pd.DataFrame(rows, columns=["story", "text"])
        upper = np.triu(np.ones((len(frame), len(frame)), dtype=bool), 1)
        true = (frame.story.to_numpy()[:, None] == frame.story.to_numpy()[None]) & upper
        for long in ("cut", "auto"):
            start = time.perf_counter()
            label = lt.cluster(frame, on="text", long=long).label
            linked = (label[:, None] == label[None]) & upper
            right = int((linked & true).sum())
            precision, recall = right / max(1, int(linked.sum())), right / int(true.sum())
            f1 = 2 * right / max(1, int(linked.sum() + true.sum()))
            seconds = time.perf_counter() - start
            row = {
                "misread": name,
                "rows": len(frame),
                "long": long,
                "precision": precision,
                "recall": recall,
            }
            table.append(row | {"F1": f1, "seconds": seconds})
    return table


def means(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The mean over all cells of each system."""
    table = []
    for name in dict.fromkeys(row["system"] for row in rows):
        own = [row for row in rows if row["system"] == name]
        columns = [
            column for column in ("hit@1", "F1", "F1, half missing", "seconds per 1,000") if column in own[0]
        ]
        table.append({"system": name, "cells": len(own)} | {
            column: float(np.mean([row[column] for row in own])) for column in columns
        })  # fmt: skip
    return table
