"""Batches of records: entity by entity, each next to those that it is mistaken for.

The batches of an epoch depend on the seed, the epoch and the mined negatives only, and every record is in one
of them, once. The number of batches does not depend on the negatives, so that a learning rate can be planned
over all epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.recipe import RecordRecipe

MOST_PADDED = 1.25  # within a part the longest strip is at most so many times as long as the shortest
FEWEST = 16  # unless the part would be smaller than this,
MOST_PARTS = 4  # or than this part of the strips of its direction: a GPU starts slowly on each part
# On a GPU every new shape of a convolution needs a plan, which takes a tenth of a second, and the plan is
# kept. There parts have few shapes: so many rows, the rest of them empty, and lengths in such steps.
ROWS, FEWEST_ROWS, LENGTHS = 256, 32, 64


def count(n_records: int, size: int) -> int:
    """The number of batches of an epoch of n records, at least 1.

    Example:
        >>> count(1000, 64), count(3, 64)
        (16, 1)
    """
    return max(1, round(n_records / size))


def record_batches(
    examples: RecordExamples,
    size: int,
    *,
    m_per_class: int,
    seed: int,
    epoch: int,
    near: Integers | None = None,
) -> list[Integers]:
    """The batches of one epoch, as record numbers.

    An entity comes in groups of about `m_per_class` of its records, of both sides where it has both; a rest
    of one joins the group before. Groups follow each other in a drawn order, each followed by those of the
    entities that it is mistaken for, and the sequence is cut into batches of about equal size.

    `near` are numbers of records of other entities, (n, k) int64, -1 for none.
    """
    draw = np.random.default_rng([seed, epoch])
    groups = _groups(examples, m_per_class, draw)
    order = _in_company(groups, examples.groups(), near, draw)
    total = len(examples)
    batches: list[list[int]] = [[] for _ in range(count(total, size))]
    done = 0
    for place in order:
        batches[min(len(batches) - 1, done * len(batches) // total)] += groups[place]
        done += len(groups[place])
    return [np.array(batch, np.int64) for batch in batches if batch]


def epoch_batches(
    examples: RecordExamples, recipe: RecordRecipe, epoch: int, *, m_per_class: int, near: Integers | None
) -> list[tuple[int, Integers]]:
    """The batches of all passes of an epoch: (number of the pass, record numbers) each."""
    return [
        (number, batch)
        for number in range(epoch * recipe.passes, (epoch + 1) * recipe.passes)
        for batch in record_batches(
            examples,
            recipe.batch_size,
            m_per_class=m_per_class,
            seed=recipe.seed,
            epoch=number,
            near=near,
        )
    ]


def _groups(examples: RecordExamples, m: int, draw: np.random.Generator) -> list[list[int]]:
    """Each entity's records in groups of m, the two sides in turn."""
    entity, side = examples.groups(), examples.side
    drawn = draw.permutation(len(entity))
    # the rank of a record among those of its entity and side: sorted by it the sides take turns
    by_side = drawn[np.lexsort((side[drawn], entity[drawn]))]
    key = entity[by_side] * 2 + side[by_side]
    first = np.searchsorted(key, key)
    rank = np.arange(len(key)) - first
    turns = by_side[np.lexsort((rank, entity[by_side]))]
    starts = np.flatnonzero(np.diff(entity[turns], prepend=-1))
    groups: list[list[int]] = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(turns)], strict=True):
        members = turns[start:stop].tolist()
        cuts = [cut for cut in range(0, len(members), m) if cut == 0 or m == 1 or len(members) - cut > 1]
        groups += [members[a:b] for a, b in zip(cuts, [*cuts[1:], len(members)], strict=True)]
    return groups


def _in_company(
    groups: list[list[int]], entity: Integers, near: Integers | None, draw: np.random.Generator
) -> list[int]:
    """An order of the groups, each followed by one of every entity that it is mistaken for."""
    order: list[int] = draw.permutation(len(groups)).tolist()
    if near is None or not near.shape[1]:
        return order
    waiting: dict[int, list[int]] = {}
    for place in reversed(order):
        waiting.setdefault(int(entity[groups[place][0]]), []).append(place)
    used, company = np.zeros(len(groups), np.bool_), []
    for place in order:
        if used[place]:
            continue
        used[place] = True
        company.append(place)
        for other in near[groups[place]].T.ravel().tolist():  # the nearest of each member first
            queue = waiting.get(int(entity[other]), []) if other >= 0 else []
            while queue and used[queue[-1]]:
                queue.pop()
            if queue:
                used[queue[-1]] = True
                company.append(queue.pop())
    return company


def rows_of(n: int) -> int:
    """Rows of a part of n records with few shapes: a power of 2, or a multiple of `ROWS`.

    Example:
        >>> rows_of(3), rows_of(33), rows_of(256), rows_of(257)
        (32, 64, 256, 512)
    """
    if n > ROWS:
        return -(-n // ROWS) * ROWS
    return max(FEWEST_ROWS, 1 << (n - 1).bit_length())


def parts(
    strips: Sequence[Pixels | None], short: int, most: int, *, few_shapes: bool = False
) -> Iterator[list[int]]:
    """Places of strips that are encoded at once: one direction, similar lengths, the longest first.

    With `few_shapes` a part is cut after `ROWS` strips only, not where lengths differ.

    Example:
        >>> flat, tall = np.zeros((32, 90), np.uint8), np.zeros((90, 32), np.uint8)
        >>> list(parts([flat, tall, None, flat], 32, 8))
        [[0, 3], [1]]
    """
    if few_shapes:
        most = min(most, ROWS)
    for upright in (False, True):
        seen = [
            (max(strip.shape), place)
            for place, strip in enumerate(strips)
            if strip is not None and is_upright(strip, short) == upright
        ]
        fewest = max(FEWEST, len(seen) // MOST_PARTS)
        part: list[int] = []
        longest = 0
        for length, place in sorted(seen, key=lambda one: (-one[0], one[1])):
            unlike = len(part) >= fewest and length * MOST_PADDED < longest and not few_shapes
            if len(part) == most or unlike:
                yield part
                part = []
            longest = longest if part else length
            part.append(place)
        if part:
            yield part


def is_upright(strip: Pixels, short: int) -> bool:
    """Whether a line runs from top to bottom: a horizontal one is as high as the short side."""
    return bool(strip.shape[0] != short)


def padded(
    strips: Sequence[Pixels], short: int, multiple: int = 16, rows: int = 0
) -> tuple[Pixels, Integers]:
    """Strips of one direction as one array padded with zeros, and the length of each strip, (n,) int64.

    Pixels are (n, short, length), of upright strips (n, length, short). The length is a multiple of
    `multiple`, and there are at least `rows` rows, the last of them empty: few different shapes.
    """
    upright = is_upright(strips[0], short)
    lengths = np.zeros(max(rows, len(strips)), np.int64)
    lengths[: len(strips)] = [strip.shape[0 if upright else 1] for strip in strips]
    length = -(-int(lengths.max()) // multiple) * multiple
    shape = (len(lengths), length, short) if upright else (len(lengths), short, length)
    pixels = np.zeros(shape, np.uint8)
    for row, strip in enumerate(strips):
        if strip.shape[1 if upright else 0] != short:
            raise TrainingError(
                f"A strip has another short side than the model. Given: {strip.shape}, short={short}. Make "
                "the strips with that short side."
            )
        pixels[row, : strip.shape[0], : strip.shape[1]] = strip
    return pixels, lengths
