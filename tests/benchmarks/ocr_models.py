"""Linking by a model of pictures and texts: each view, both, and both with the evidence of the strings."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tools.recipes.names.records import kept_back

from .ocr_firms import Book, Corpus, Split
from .ocr_strings import Prediction, System

DECIDED, UNDECIDED = "fused+string", "fused+string-unlabelled"


class ViewSystem:
    """The nearest vector of one view."""

    def __init__(self, view: str, folder: Path, device: str | None) -> None:
        self.view, self.folder, self.device = view, folder, device
        self.name = f"{folder.parent.name}-{view}"
        self.reads_text = view != "image"
        self._encoder: Any = None

    def fit(self, corpus: Corpus, ocr: str) -> None:
        """The model is loaded; nothing is learned."""
        if self._encoder is None:
            clippings: Any = importlib.import_module("clippings")
            self._encoder = clippings.load_record_encoder(self.folder, device=self.device)

    def predict(self, split: Split, ocr: str) -> Prediction:
        """The target with the highest cosine, ties to the first."""
        sides = [self._vectors(book, ocr) for book in (split.source, split.target)]
        score = sides[0] @ sides[1].T
        best = score.argmax(axis=1)
        return Prediction(best, score[np.arange(len(best)), best].astype(np.float32))

    def _vectors(self, book: Book, ocr: str) -> np.ndarray:
        pictures: Any = importlib.import_module("clippings.pictures.read")
        shown = [None] * len(book.ids)
        if self.view != "text":
            shown = pictures.read_pictures(book.images, shortest=64)
        texts: Sequence[str | None] = [None] * len(book.ids)
        sure = None
        if self.view != "image":
            texts, sure = book.texts[ocr], book.confidence[ocr]
        found = self._encoder.encode_records(texts, shown, confidence=sure)
        return np.asarray(getattr(found, self.view))


@dataclass(eq=False)
class LinkSystem:
    """`lt.link` with every view, and a decision learned from training firms that the model has not seen."""

    folder: Path
    device: str | None
    learn: bool
    reads_text: bool = True
    model: Any = None

    def __post_init__(self) -> None:
        self.name = f"{self.folder.parent.name}-{DECIDED if self.learn else UNDECIDED}"

    def fit(self, corpus: Corpus, ocr: str) -> None:
        """Weigh the evidence on firms of train that were kept back, among theirs and unlabelled targets."""
        self.model = self.folder
        if not self.learn:
            return
        lt: Any = importlib.import_module("linktransformer")
        pd: Any = importlib.import_module("pandas")
        train = corpus.train
        rows = [np.flatnonzero(kept_back(of)) for of in (train.source_entity, train.target_entity)]
        books = train.source, train.target
        left, right = (frame(book, ocr).iloc[some] for book, some in zip(books, rows, strict=True))
        known = train.source_entity, train.target_entity
        entity = [of[some] for of, some in zip(known, rows, strict=True)]
        if corpus.unlabelled is not None:
            right = pd.concat([right, frame(corpus.unlabelled.target, ocr)])
        left, right = left.reset_index(drop=True), right.reset_index(drop=True)
        place = {number: row for row, number in enumerate(entity[1].tolist())}
        truth = [(row, place[n]) for row, n in enumerate(entity[0].tolist()) if n in place]
        with tempfile.TemporaryDirectory() as folder:
            fitted = lt.fit_decision(
                left,
                right,
                truth,
                **self._keys(),
                model=self.folder,
                complete=True,
                out=Path(folder) / "decided",
            )
            # kept open: the folder is read again for every split
            self._place = tempfile.TemporaryDirectory()
            self.model = fitted.folder.rename(Path(self._place.name) / "model")

    def predict(self, split: Split, ocr: str) -> Prediction:
        """The best target that was found for each source."""
        lt: Any = importlib.import_module("linktransformer")
        left, right = frame(split.source, ocr), frame(split.target, ocr)
        pairs = lt.link(left, right, **self._keys(), model=self.model, threshold=None).pairs
        target = np.zeros(len(left), dtype=np.int64)
        score = np.full(len(left), -1, dtype=np.float32)
        target[pairs["left"]], score[pairs["left"]] = pairs["right"], pairs["score"]
        return Prediction(target, score)

    def _keys(self) -> dict[str, Any]:
        return {"on": "ocr", "images": "crop", "confidence": "sure", "device": self.device, "progress": False}


def frame(book: Book, ocr: str) -> Any:
    """A book as a table: what the OCR read, how sure it was, and where the picture is."""
    pd: Any = importlib.import_module("pandas")
    sure = book.confidence[ocr].astype(float)
    return pd.DataFrame({"ocr": list(book.texts[ocr]), "sure": sure, "crop": list(book.images)})


# What is measured of a model's folder, by name.
SYSTEMS: dict[str, Callable[[Path, str | None], System]] = {
    "image": partial(ViewSystem, "image"),
    "text": partial(ViewSystem, "text"),
    "fused": partial(ViewSystem, "fused"),
    DECIDED: partial(LinkSystem, learn=True),
    UNDECIDED: partial(LinkSystem, learn=False),
}
