"""The data set ocr_firms: firm names on crops of two scanned books, with the text of two OCR engines."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tools import data

FOLDER = "ocr_firms"
LANGUAGES = ("ja", "en")
OCR = ("ocr_noisy", "ocr_clean")
TRUE = "true_text"  # a label: read by the ceiling and the scorer only


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """What a system may see of the records of one side.

    Attributes:
        ids: Their names.
        images: Their pictures, as `clippings.pictures.read.read_pictures` reads them (members of a zip).
        texts: By the OCR: what it read; may be "".
        confidence: By the OCR: its own confidence, float32 0..1, 0 where the text is empty.
    """

    ids: tuple[str, ...]
    images: tuple[str, ...]
    texts: Mapping[str, tuple[str, ...]]
    confidence: Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Two books. Every source is a query, every target a candidate.

    Attributes:
        name: "train", "valid", "test" or "unlabelled".
        source: The queries.
        target: The candidates.
        source_entity: The number of each query's firm, int64; None where labels are not to be seen.
        target_entity: That of the candidates; equal numbers name one firm.
    """

    name: str
    source: Book
    target: Book
    source_entity: np.ndarray | None = None
    target_entity: np.ndarray | None = None

    def hidden(self) -> Split:
        """The split without its labels."""
        return replace(self, source_entity=None, target_entity=None)


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """One language. The labels of train and valid are there, those of test are not.

    Attributes:
        language: "ja" or "en".
        train: For learning.
        valid: For choosing settings; the benchmark itself tunes the cutoff on it.
        test: To be predicted only.
        unlabelled: Pictures and texts, to be used freely; None where there is no such folder.
    """

    language: str
    train: Split
    valid: Split
    test: Split
    unlabelled: Split | None


def load(language: str, root: Path | None = None) -> Corpus:
    """Read the four splits of a language.

    Args:
        language: The name of its folder.
        root: The folder of the data set; None is the one in the shared folder.

    Returns:
        The corpus.
    """
    folder = (root or data.shared() / FOLDER) / language
    free = folder / "unlabelled"
    return Corpus(
        language,
        read_split(folder / "train", labels=True),
        read_split(folder / "valid", labels=True),
        read_split(folder / "test", labels=False),
        read_split(free, labels=False) if free.is_dir() else None,
    )


def read_split(folder: Path, *, labels: bool, texts: tuple[str, ...] = OCR) -> Split:
    """Read one split.

    Args:
        folder: With records.csv and images.zip.
        labels: Whether the entities are read.
        texts: The columns of texts.

    Returns:
        The split, the records of each side in the order of the file.
    """
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sides = {side: [row for row in rows if row["side"] == side] for side in ("source", "target")}
    books = {side: _book(found, folder, texts) for side, found in sides.items()}
    if not labels:
        return Split(folder.name, books["source"], books["target"])
    number = {name: at for at, name in enumerate(sorted({row["entity_id"] for row in rows}))}
    entity = {
        side: np.array([number[row["entity_id"]] for row in found], dtype=np.int64)
        for side, found in sides.items()
    }
    return Split(folder.name, books["source"], books["target"], entity["source"], entity["target"])


def _book(rows: list[dict[str, str]], folder: Path, texts: tuple[str, ...]) -> Book:
    confidence = {ocr: ocr.replace("ocr_", "conf_") for ocr in texts if ocr in OCR}
    return Book(
        tuple(row["id"] for row in rows),
        tuple(f"{folder / 'images.zip'}::{row['image']}" for row in rows),
        {name: tuple(row[name] for row in rows) for name in texts},
        {
            name: np.array([float(row[column] or 0) for row in rows], dtype=np.float32)
            for name, column in confidence.items()
        },
    )


class Scorer:
    """The scorer that comes with the data set, for one language."""

    def __init__(self, language: str, root: Path | None = None) -> None:
        self._root = root or data.shared() / FOLDER
        self._score: ModuleType = data.module(str(self._root / "score.py"))
        self._truth = {
            split: self._score.load(language, split, str(self._root)) for split in ("valid", "test")
        }
        self._seen = set(self._score.load(language, "train", str(self._root))[0].font)

    def judge(self, split: str, predictions: Any) -> Any:
        """One row a source: whether it has a target, whether the right one was named, and the score.

        Args:
            split: "valid" or "test".
            predictions: A frame with source_id, target_id and score.
        """
        return self._score.judge(predictions, *self._truth[split])

    def tune(self, judged: Any) -> tuple[float, float]:
        """The cutoff with the best no-match accuracy, and that accuracy."""
        cutoff, accuracy = self._score.tune(judged)
        return float(cutoff), float(accuracy)

    def metrics(self, judged: Any, cutoff: float) -> dict[str, tuple[float, float, float]]:
        """ "matched" and "no-match", each with its interval."""
        found = self._score.metrics(judged, cutoff)
        return {name: (float(a), float(b), float(c)) for name, (a, b, c) in found.items()}

    def by_fonts(self, judged: Any) -> dict[str, tuple[float, int]]:
        """Matched top-1 and number of sources by whether the two fonts occur in train."""
        found = judged[judged.has]
        new = {True: "seen", False: "new"}
        kind = found.font.isin(self._seen).map(new) + " > " + found.target_font.isin(self._seen).map(new)
        return {str(name): (float(group.right.mean()), len(group)) for name, group in found.groupby(kind)}

    def adjusted_rand(self, split: str, clusters: Mapping[str, int]) -> float:
        """How clusters of some records agree with their firms.

        Args:
            split: "valid" or "test".
            clusters: The cluster of each record by its id.
        """
        records = self._truth[split][0]
        some = records[records.id.isin(clusters)]
        return float(self._score.adjusted_rand(some.entity_id, some.id.map(clusters)))

    def versus(
        self, one: tuple[Any, float], other: tuple[Any, float]
    ) -> dict[str, tuple[float, float, float]]:
        """The paired difference of two systems, each as (judged, cutoff), with its interval."""
        (a, cut_a), (b, cut_b) = one, other
        b = b.loc[a.index]
        weights = self._score.draws(a.entity)
        right = a.right.to_numpy(float) - b.right.to_numpy(float)
        treated = self._score.no_match(a, cut_a).astype(float) - self._score.no_match(b, cut_b)
        return {
            "matched": self._score.interval(right, weights, a.has.to_numpy()),
            "no-match": self._score.interval(treated, weights, np.ones(len(a), dtype=bool)),
        }
