"""What a step sees of its records: a text of each, misread anew, and what is held back."""

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
    """What never changes of the records: made once.

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
    """The records of a step as they are seen in it; a record may be there more than once.

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
    """What is told apart and what not.

    Args:
        examples: The records.

    Returns:
        The keys.
    """
    every = (*examples.texts, *(text for one in examples.readings for text in one.texts))
    return Keys(examples.text_keys(), examples.picture_keys(), "".join(every))


def draw(
    examples: RecordExamples, known: Keys, numbers: Integers, recipe: RecordRecipe, epoch: int, step: int
) -> Drawn:
    """Make the records of a step as they are seen in it.

    Args:
        examples: The records.
        known: Of `keys`.
        numbers: Which records, (k,).
        recipe: Views, noise, dropout of a modality, seed.
        epoch: For strips that are drawn.
        step: Number of the step, for the draws.

    Returns:
        k times `views` records.
    """
    dice = np.random.default_rng([recipe.seed, step])
    strips = [strip for _ in range(recipe.views) for strip in examples.pixels(numbers, epoch)]
    seen = np.tile(numbers, recipe.views)
    texts, confidence = _read(examples, seen, dice)
    noisy = tuple(misread(text, recipe.character_noise, known.alphabet, dice) for text in texts)
    has_image = np.array([strip is not None for strip in strips], np.bool_)
    has_text = np.array([bool(text.strip()) for text in noisy], np.bool_)
    image, text = without(has_image, has_text, recipe.modality_dropout, dice)
    return Drawn(
        strips,
        noisy,
        examples.entity[seen],
        seen,
        np.where(has_text, np.where(known.text[seen] >= 0, known.text[seen], len(examples) + seen), -1),
        np.where(has_image, known.picture[seen], -1),
        image,
        text,
        hints(confidence, examples.quality[seen], has_image),
    )


def hints(confidence: Floats, quality: Floats, has_image: Bools) -> Floats:
    """What fusion is told beside the vectors.

    Args:
        confidence: Of the text, NaN where it is not known, (n,).
        quality: Contrast and sharpness, (n, 2).
        has_image: Where there is no picture its quality is unknown, (n,).

    Returns:
        (n, 3) float32.
    """
    seen = np.where(has_image[:, None], quality, np.nan)
    return np.concatenate([confidence[:, None], seen], axis=1).astype(np.float32)


def _read(examples: RecordExamples, numbers: Integers, dice: np.random.Generator) -> tuple[list[str], Floats]:
    """One of the readings of each record, and its confidence."""
    texts = [examples.texts, *(one.texts for one in examples.readings)]
    which = dice.integers(0, len(texts), len(numbers)) if len(texts) > 1 else np.zeros(len(numbers), np.int64)
    confidence = np.stack([examples.confidence, *(one.confidence for one in examples.readings)])
    drawn = [texts[one][number] for one, number in zip(which.tolist(), numbers.tolist(), strict=True)]
    return drawn, confidence[which, numbers]


def misread(text: str, share: float, alphabet: str, dice: np.random.Generator) -> str:
    """A text with some characters changed, lost or doubled, as careless reading would.

    Args:
        text: The text.
        share: Of its characters, on average; what is left is never empty unless the text was.
        alphabet: Where other characters come from.
        dice: Where the draws come from.

    Returns:
        The text.

    Example:
        >>> misread("Baker", 0.0, "abc", np.random.default_rng(0))
        'Baker'
    """
    edits = int(dice.binomial(len(text), share)) if share and text else 0
    if not edits:
        return text
    characters = list(text)
    for _ in range(edits):
        at, kind = int(dice.integers(len(characters))), dice.random()
        other = alphabet[int(dice.integers(len(alphabet)))]
        if kind < CHANGED:
            characters[at] = other
        elif kind >= LOST:
            characters.insert(at, other)
        elif len(characters) > 1:
            del characters[at]
    return "".join(characters)


def without(
    has_image: Bools, has_text: Bools, share: float, dice: np.random.Generator
) -> tuple[Bools, Bools]:
    """Hold back the picture or the text of some records that have both, so that either is learned to do.

    Args:
        has_image: (n,) bool.
        has_text: (n,) bool.
        share: Of the records that have both.
        dice: Where the draws come from.

    Returns:
        Both again; no record loses both, and none loses what it has alone.
    """
    lost, coin = dice.random((2, len(has_image)))
    loses = has_image & has_text & (lost < share)
    return has_image & ~(loses & (coin < 0.5)), has_text & ~(loses & (coin >= 0.5))
