"""Random augmentation of the records of a step: readings, OCR errors in texts, missing modalities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.recipe import RecordRecipe

CHANGED, LOST = 0.5, 0.8  # of the edits of a text: changed below this, lost below that, else one more


@dataclass(frozen=True, slots=True, eq=False)
class Keys:
    """Facts about all records that no draw changes.

    Attributes:
        text: Equal numbers for equal texts, -1 for none, (n,) int64.
        picture: Equal numbers for equal pictures, -1 for none, (n,) int64.
        alphabet: All characters of all texts, as often as they stand there.
    """

    text: Integers
    picture: Integers
    alphabet: str


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """The records of a step after augmentation; a record may occur more than once.

    Attributes:
        strips: The line of each record, None where there is no picture.
        texts: The text of each, "" where there is none.
        entity: (n,) int64.
        record: The number of each record, (n,) int64.
        text: Equal numbers for equal texts, -1 for none, (n,) int64.
        picture: Equal numbers for equal pictures, -1 for none, (n,) int64.
        fused_image: Whether the picture goes into the fused vector, (n,) bool.
        fused_text: Whether the text does, (n,) bool.
        hints: Confidence, contrast, sharpness, (n, 3) float32; NaN is unknown.
    """

    strips: Sequence[Pixels | None]
    texts: tuple[str, ...]
    entity: Integers
    record: Integers
    text: Integers
    picture: Integers
    fused_image: Bools
    fused_text: Bools
    hints: Floats


def keys(examples: RecordExamples) -> Keys:
    """The keys of the records."""
    texts = (*examples.texts, *(text for one in examples.readings for text in one.texts))
    return Keys(examples.text_keys(), examples.picture_keys(), "".join(texts))


def draw(
    examples: RecordExamples,
    record_keys: Keys,
    numbers: Integers,
    recipe: RecordRecipe,
    epoch: int,
    step: int,
) -> Drawn:
    """Augment the records with the given numbers, (k,)."""
    rng = np.random.default_rng([recipe.seed, step])
    strips = [strip for _ in range(recipe.views) for strip in examples.pixels(numbers, epoch)]
    rows = np.tile(numbers, recipe.views)
    texts, confidence = _read(examples, rows, rng)
    noisy = tuple(misread(text, recipe.character_noise, record_keys.alphabet, rng) for text in texts)
    has_image = np.array([strip is not None for strip in strips], np.bool_)
    has_text = np.array([bool(text.strip()) for text in noisy], np.bool_)
    image, text = without(has_image, has_text, recipe.modality_dropout, rng)
    return Drawn(
        strips,
        noisy,
        examples.entity[rows],
        rows,
        np.where(
            has_text, np.where(record_keys.text[rows] >= 0, record_keys.text[rows], len(examples) + rows), -1
        ),
        np.where(has_image, record_keys.picture[rows], -1),
        image,
        text,
        hints(confidence, examples.quality[rows], has_image),
    )


def hints(confidence: Floats, quality: Floats, has_image: Bools) -> Floats:
    """Inputs of fusion beside the vectors: confidence, contrast, sharpness, (n, 3), NaN if unknown."""
    known_quality = np.where(has_image[:, None], quality, np.nan)
    return np.concatenate([confidence[:, None], known_quality], axis=1).astype(np.float32)


def _read(examples: RecordExamples, numbers: Integers, rng: np.random.Generator) -> tuple[list[str], Floats]:
    """One of the readings of each record, and its confidence."""
    texts = [examples.texts, *(one.texts for one in examples.readings)]
    engine = rng.integers(0, len(texts), len(numbers)) if len(texts) > 1 else np.zeros(len(numbers), np.int64)
    confidence = np.stack([examples.confidence, *(one.confidence for one in examples.readings)])
    chosen = [texts[one][number] for one, number in zip(engine.tolist(), numbers.tolist(), strict=True)]
    return chosen, confidence[engine, numbers]


def misread(text: str, share: float, alphabet: str, rng: np.random.Generator) -> str:
    """Change, drop or insert a share of a text's characters, as OCR errors do; the text never becomes empty.

    Example:
        >>> misread("Baker", 0.0, "abc", np.random.default_rng(0))
        'Baker'
    """
    edits = int(rng.binomial(len(text), share)) if share and text else 0
    if not edits:
        return text
    characters = list(text)
    for _ in range(edits):
        place, kind = int(rng.integers(len(characters))), rng.random()
        other = alphabet[int(rng.integers(len(alphabet)))]
        if kind < CHANGED:
            characters[place] = other
        elif kind >= LOST:
            characters.insert(place, other)
        elif len(characters) > 1:
            del characters[place]
    return "".join(characters)


def without(has_image: Bools, has_text: Bools, share: float, rng: np.random.Generator) -> tuple[Bools, Bools]:
    """Hide the picture or the text of a share of the records that have both, so that either suffices.

    Masks are (n,) bool.
    """
    chance, coin = rng.random((2, len(has_image)))
    loses = has_image & has_text & (chance < share)
    return has_image & ~(loses & (coin < 0.5)), has_text & ~(loses & (coin >= 0.5))
