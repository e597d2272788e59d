"""A trained model's folder, with the decision and the reader that are wanted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from linktransformer.linking.learned_reader import learned_with
from linktransformer.linking.options import AUTO
from linktransformer.progress import stage
from linktransformer.training.label_schema import Shape
from linktransformer.training.reader_tuning import chosen_reader
from linktransformer.training.split_candidates import ModelInTraining, decided, split_candidates
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.trained_model import sealed
from linktransformer.training.training_data import Labelled

if TYPE_CHECKING:
    from clippings.training.trainable import Trainable

__all__ = ["written"]

logger = logging.getLogger(__name__)
DECIDED = "test_f1_decision"


def written(
    model: Trainable,
    folder: Path,
    labelled: Labelled,
    shape: Shape,
    settings: TrainConfig,
    metrics: Mapping[str, float],
    reader: bool,
    device: str | None,
) -> dict[str, float]:
    """Write the folder of a trained model; the metrics of its decision and its reader."""
    found, correction, more = None, None, dict[str, float]()
    if settings.learn_decision or reader:
        with stage("decision"):
            in_training = ModelInTraining(model, settings.serializer().to_dict())
            found = split_candidates(in_training, labelled, shape)
            if found is not None and settings.learn_decision:
                correction, more = decided(found)
    if found is None or not reader:
        if reader:
            logger.warning("no candidates of validation rows: no reader is tuned, and the model has none")
        sealed(model, folder, labelled, settings, {**metrics, **more}, correction)
        return more
    with TemporaryDirectory(dir=folder.parent, prefix=".reader-") as place:
        chosen = chosen_reader(found, Path(place), settings.seed, device)
        more |= chosen.metrics
        if settings.learn_decision:  # again, on pairs that the reader has read, as in use
            sealed(model, folder, labelled, settings, {**metrics, **more}, None, chosen)
            with stage("decision"):
                again = split_candidates(str(folder), labelled, shape, AUTO)
                if again is not None:
                    correction, with_reader = decided(again)
                    correction = learned_with(correction, AUTO)
                    if DECIDED in more:
                        more[f"{DECIDED}_without_reader"] = more[DECIDED]
                    more |= with_reader
        sealed(model, folder, labelled, settings, {**metrics, **more}, correction, chosen)
    return more
