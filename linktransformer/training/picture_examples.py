"""Two tables with pictures and known links as records with entities and splits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import splits
from linktransformer.tables.picture_records import Units

if TYPE_CHECKING:
    from clippings.record_training.evaluation import RecordTask
    from clippings.record_training.examples import RecordExamples

__all__ = ["PictureExamples", "linking_task", "picture_examples"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class PictureExamples:
    """The records of both tables, the left ones first.

    Args:
        examples: With the entity of each, -1 unknown.
        part: The split of each, (n,) int64.
        n_left: How many are left ones.
        counts: What was read and split.
    """

    examples: RecordExamples
    part: Integers
    n_left: int
    counts: Mapping[str, object]


def picture_examples(
    sides: tuple[Units, Units],
    links: tuple[Integers, Integers],
    complete: bool,
    shares: tuple[float, float, float],
    seed: int,
) -> PictureExamples:
    """Units as records, entities by the known links (rows), and the split of each."""
    from clippings.pictures.strips import strips
    from clippings.record_training.examples import RecordExamples

    n_left, n = len(sides[0].pictures), sum(len(side.pictures) for side in sides)
    left, right = (side.records.text_of_row[rows] for side, rows in zip(sides, links, strict=True))
    usable = (left >= 0) & (right >= 0)
    left, right = left[usable], right[usable] + n_left
    if not len(left):
        raise InvalidArgumentError(
            f"There is no known link to learn from. Given: {len(links[0])}, none with a text or a picture on "
            "both sides. Give rows that have one."
        )
    entity = splits.components(n, left, right)
    texts = tuple(str(text) for side in sides for text in side.records.texts.tolist())
    pictures = [of_unit[0] if of_unit else None for side in sides for of_unit in side.pictures]
    images = strips(pictures)
    weight = np.bincount(entity[left], minlength=int(entity.max()) + 1)
    contents = [
        f"{text}\x1f{'' if picture is None else picture.key}"
        for text, picture in zip(texts, pictures, strict=True)
    ]
    part = splits.split(entity, contents, weight, shares, seed)[entity]
    if not complete:
        unknown = np.ones(n, dtype=bool)
        unknown[np.concatenate([left, right])] = False
        entity = np.where(unknown, -1, entity)
        part[unknown] = splits.TRAIN
    examples = RecordExamples(
        texts,
        [None if image is None else image.pixels for image in images],
        entity,
        np.repeat(np.array([0, 1], np.int8), [n_left, n - n_left]),
        np.concatenate([side.confidence for side in sides]).astype(np.float32),
        np.array([(np.nan, np.nan) if image is None else image.quality for image in images], np.float32),
    )
    counts = {
        "records": n,
        "known_links": len(left),
        "entities": len(np.unique(entity[entity >= 0])),
        **{f"{split}_records": int((part == number).sum()) for number, split in enumerate(splits.NAMES)},
        "rows_without_picture": {"left": dict(sides[0].problems), "right": dict(sides[1].problems)},
    }
    logger.info("training data: %s", counts)
    return PictureExamples(examples, part, n_left, counts)


def linking_task(records: PictureExamples, part: int) -> RecordTask:
    """The left records of a split whose entity is known, searched in the right records of all splits."""
    from clippings.record_training.evaluation import RecordTask

    numbers = np.arange(len(records.examples))
    queries = (numbers < records.n_left) & (records.part == part) & (records.examples.entity >= 0)
    return RecordTask(records.examples, np.flatnonzero(queries), numbers[records.n_left :])
