"""A trained model: sealed with how rows are written and how scores become links, and used by its folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.search import blocking
from linktransformer.tables import frames, splits
from linktransformer.training import fit_decision
from linktransformer.training.label_schema import Shape
from linktransformer.training.run_folder import InFolder, check_sealed, seal_text_model
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.training_data import Labelled

if TYPE_CHECKING:
    from clippings import OnnxTextEncoder
    from clippings.records.encoder import TowerEncoder
    from clippings.text.text_encoder import WrappedEncoder
    from clippings.training.trainable import Trainable

__all__ = ["TrainedModel", "decided", "sealed"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel(InFolder):
    """The result of `train_model`, for `merge(left, right, model=trained)`.

    Args:
        folder: The model's folder; it can be moved, and given to `merge` by its path.
        metrics: Scores on validation and test by name.
        history: The lines of the log.
        counts: What was read, split and left out.
    """

    folder: Path
    metrics: Mapping[str, float]
    history: Sequence[Mapping[str, object]] = field(repr=False)
    counts: Mapping[str, object] = field(repr=False)

    def __fspath__(self) -> str:
        return str(self.folder)

    @property
    def name(self) -> str:
        """The model's name."""
        return self._encoder().name

    @property
    def serializer(self) -> Mapping[str, object] | None:
        """How rows become texts, as in training."""
        return self._encoder().serializer

    @property
    def decision(self) -> Path | None:
        """The file with the learned decision, where there is one."""
        return self._encoder().decision

    @property
    def cache_key(self) -> str | None:
        """A text that changes with the vectors: another model, or another runtime, has another one."""
        return self._encoder().cache_key

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into unit vectors.

        Args:
            texts: Texts.
            batch_size: Texts at a time.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, dim) float32.
        """
        return self._encoder().encode(texts, batch_size=batch_size, progress=progress)

    def _encoder(self) -> OnnxTextEncoder | WrappedEncoder | TowerEncoder:
        return _loaded(str(self.folder.resolve()))


@lru_cache(maxsize=4)
def _loaded(folder: str) -> OnnxTextEncoder | WrappedEncoder | TowerEncoder:
    from clippings import load_text_encoder

    return load_text_encoder(folder)


class _InMemory:
    """A model in training as the argument `model=` of `merge`, before it has a folder."""

    name = "model in training"

    def __init__(self, model: Trainable, serializer: Mapping[str, object]) -> None:
        self.model, self.serializer = model, serializer

    def encode(self, texts: Sequence[str]) -> Floats:
        return self.model.encode(texts)


def decided(
    model: Trainable, labelled: Labelled, shape: Shape, settings: TrainConfig
) -> tuple[Correction | None, dict[str, float]]:
    """Learn how scores become links from the validation rows, which the model has not seen.

    Also F1 of the links of the test rows, with and without it. Nothing is learned where rows have clusters,
    which make no two tables, or where there is no validation.
    """
    if shape.cluster or not (labelled.part == splits.VAL).any():
        logger.info("rows with clusters, or no validation rows: no decision is learned")
        return None, {}
    sides = [np.flatnonzero(mask) for mask in (labelled.is_left, labelled.is_right)]
    names = (list(shape.left), list(shape.right))
    tables = tuple(
        frames.wrap(
            frames.new_frame(labelled.like, {name: labelled.rows[side][name][rows] for name in names[side]}),
            ("left", "right")[side],
        )
        for side, rows in enumerate(sides)
    )
    job = Job(model=_InMemory(model, settings.serializer().to_dict()), keep_features=True)
    compared = compare_tables.compare((tables[0], tables[1]), names, job)
    fused = compared.fused
    if fused.described is None or fused.shipped is None:
        return None, {}
    texts = [sides[side][blocking.first_rows(nodes)] for side, nodes in enumerate(compared.nodes)]
    entity = labelled.entity[texts[0]], labelled.entity[texts[1]]
    part = np.full(len(labelled.texts), splits.NONE, dtype=np.int64)
    for number in (splits.TEST, splits.VAL, splits.TRAIN):  # train last: its texts are not held out
        part[labelled.left[labelled.part == number]] = number
    of_left = part[texts[0]]
    pairs = fused.candidates
    same = entity[0][pairs.left] == entity[1][pairs.right]
    val = (of_left == splits.VAL)[pairs.left]  # unlabelled pairs of these rows are not matches
    learned, _ = fit_decision.correction_of(fused, np.flatnonzero(val & same), np.flatnonzero(val & ~same))
    test = of_left == splits.TEST
    metrics: dict[str, float] = {}
    if test.any():
        corrected = fused.judged_by(fused.shipped.corrected_by(learned, fused.described.columns))
        n_matches = int(np.isin(entity[0][test], entity[1]).sum())
        for name, scored in (
            ("test_f1_decision", replace(fused, score=corrected.probability, decided=corrected)),
            ("test_f1_decision_without_labels", fused),
        ):
            links = compare_tables.linked(scored)
            links = links[test[pairs.left[links]]]
            metrics[name] = 2 * int(same[links].sum()) / max(1, len(links) + n_matches)
    return learned, metrics


def sealed(
    model: Trainable,
    folder: Path,
    labelled: Labelled,
    settings: TrainConfig,
    metrics: Mapping[str, float],
    learned: Correction | None,
) -> None:
    """Write the model's folder: weights, serializer, decision, manifest and model card."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.save(folder)
    if learned is not None:
        write(learned, folder / FILE, {"learned_from": labelled.fingerprint})
    seal_text_model(
        model,
        folder,
        settings,
        labelled,
        metrics,
        name=settings.name or f"trained-{labelled.fingerprint[7:15]}",
        decision=None if learned is None else FILE,
        task="record linkage",
        created_by="linktransformer.train_model",
    )
    check_sealed(model, folder)
