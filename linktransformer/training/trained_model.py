"""A trained model: sealed with how rows are written and how scores become links, and used by its folder."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from linktransformer.arrays import Floats
from linktransformer.decision.correction import FILE, Correction, write
from linktransformer.training.reader_tuning import ChosenReader
from linktransformer.training.run_folder import InFolder, check_sealed, seal_text_model
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.training_data import Labelled

if TYPE_CHECKING:
    from clippings import OnnxTextEncoder
    from clippings.records.encoder import TowerEncoder
    from clippings.text.text_encoder import WrappedEncoder
    from clippings.training.trainable import Trainable

__all__ = ["TrainedModel", "sealed"]

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
    def reader(self) -> Path | None:
        """The folder of the reader that was trained with it, where there is one."""
        return getattr(self._encoder(), "reader", None)

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


def sealed(
    model: Trainable,
    folder: Path,
    labelled: Labelled,
    settings: TrainConfig,
    metrics: Mapping[str, float],
    learned: Correction | None,
    reader: ChosenReader | None = None,
) -> None:
    """Write the model's folder: weights, serializer, decision, reader, manifest and model card."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.save(folder)
    if learned is not None:
        write(learned, folder / FILE, {"learned_from": labelled.fingerprint})
    if reader is not None:
        shutil.copytree(reader.folder, folder, dirs_exist_ok=True)
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
    if reader is not None:
        card = folder / "README.md"
        before, limits, after = card.read_text("utf-8").partition("## Limits")
        card.write_text(f"{before}{reader.card}\n\n{limits}{after}", "utf-8")
    check_sealed(model, folder)
