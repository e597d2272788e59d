"""CLIPPINGS as it was published, as settings: the baseline that has to be beaten from the same start.

(A. Arora et al., Linking representations with multimodal contrastive learning, arXiv 2304.03464.) Pictures
are padded to white squares, the two vectors are averaged, pictures learn from their own texts first and fused
vectors by SupCon then, negatives are mined once before each stage, and the learning rate falls and jumps back
batch by batch. The published learning rates are those of a large pretrained CLIP; a model that starts from
nothing wants higher ones: `factor` multiplies all three.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.record_training.examples import Pixels
from clippings.record_training.recipe import RecordRecipe
from clippings.records.bi_encoder_config import BiEncoderConfig

SIDE = 224
_PUBLISHED: dict[str, Any] = {
    "views": 1,
    "mining": "once",
    "equal_texts": True,  # nothing is left out of what is mined
    "decay": "restarts",
    "warmup": 0.0,
    "modality_dropout": 0.0,
    "character_noise": 0.0,
    "augment": False,
    "loss_height": 1.0,
    "average": 0.0,
}
_STAGES: tuple[dict[str, Any], ...] = (
    {"stage": "self", "loss": "clip", "batch_size": 153, "m_per_class": 1, "hard_negatives": 0,
     "learning_rate": 5e-5, "weight_decay": 1e-3},
    {"stage": "synthetic", "loss": "supcon", "temperature": 0.1, "batch_size": 126, "m_per_class": 3,
     "hard_negatives": 2, "learning_rate": 5e-6, "weight_decay": 1e-3},
    {"stage": "labelled", "loss": "supcon", "temperature": 0.05, "batch_size": 126, "m_per_class": 3,
     "hard_negatives": 2, "learning_rate": 5e-7, "weight_decay": 0.05},
)  # fmt: skip


def faithful_recipes(factor: float = 1.0, **changes: Any) -> tuple[RecordRecipe, ...]:
    """The three published stages.

    Two negatives of an anchor are mined, three records of each come together: 126 records are 14 such groups.

    Args:
        factor: Learning rates are so many times the published ones.
        changes: Settings that shall be others in all stages, such as `epochs`, `max_steps` or `seed`.

    Returns:
        The recipes of "self", "synthetic" and "labelled".

    Raises:
        TrainingError: A setting is not known or cannot work.

    Example:
        >>> [(recipe.loss, recipe.learning_rate) for recipe in faithful_recipes(factor=100)]
        [('clip', 0.005), ('supcon', 0.0005), ('supcon', 5e-05)]
    """
    recipes = []
    for stage in _STAGES:
        rate = float(f"{stage['learning_rate'] * factor:.6g}")  # 5e-07 * 100 is 4.9999999e-05
        recipes.append(RecordRecipe.from_dict({**_PUBLISHED, **stage, "learning_rate": rate, **changes}))
    return tuple(recipes)


def faithful_config(side: int = SIDE, **changes: Any) -> BiEncoderConfig:
    """The sizes of a model of ours that sees squares and averages.

    Args:
        side: Of the squares.
        changes: Settings that shall be others.

    Returns:
        The settings.

    Raises:
        EncoderError: A setting cannot work.

    Example:
        >>> faithful_config(64).fusion, faithful_config(64).longest
        ('mean', 64)
    """
    return BiEncoderConfig(
        **{"short": side, "longest": side, "fusion": "mean", "image_weight": 0.5, **changes}
    )


def squares(crops: Sequence[npt.NDArray[np.uint8] | None], side: int = SIDE) -> list[Pixels | None]:
    """Crops as white squares, in place of strips.

    Args:
        crops: uint8, grey (h, w) or RGB (h, w, 3); None where there is no picture.
        side: Of the squares.

    Returns:
        uint8 (side, side) each, ready for `RecordExamples`.

    Raises:
        EncoderError: A crop is not a picture.

    Example:
        >>> squares([np.zeros((10, 40), np.uint8), None], side=8)[0].shape
        (8, 8)
    """
    from clippings.pictures.strips import square

    images: list[Pixels | None] = []
    for crop in crops:
        grey = None if crop is None else square(crop, side)
        if grey is not None and grey.ndim == 3:
            grey = np.rint(grey @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
        images.append(grey)
    return images
