"""Which records are seen together: entity by entity, each with those that are taken for it.

The batches of an epoch depend on the seed, the epoch and what was mined, and on nothing else, and every
record is in one of them, once. How many batches there are does not depend on what was mined, so that a
learning rate can be planned over all epochs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.record_training.examples import Pixels, RecordExamples

MOST_PADDED = 1.25  # within a part the longest strip is at most so many times as long as the shortest
FEWEST = 16  # unless the part would be smaller than this,
MOST_PARTS = 4  # or than this part of the strips of its direction: a GPU starts slowly on each part
# On a GPU every new shape of a convolution is planned anew, which takes a tenth of a second, and the plan is
# kept. There parts have few shapes: so many rows, the rest of them empty, and lengths in such steps.
ROWS, FEWEST_ROWS, LENGTHS = 256, 32, 64


def count(n_records: int, size: int) -> int:
    """How many batches an epoch has.

    Args:
        n_records: Records of an epoch.
        size: Records in a batch, about.

    Returns:
        The number, at least 1.

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
    """The batches of one epoch.

    An entity comes in groups of `m_per_class` of its records, of both sides where it has both; a rest of one
    goes with the group before. Groups follow each other in a drawn order, each followed by those of the
    entities that are taken for it, and the row is cut into batches of about equal size.

    Args:
        examples: The records; one whose entity is not known is a group of its own.
        size: Records in a batch, about.
        m_per_class: Records of one entity in a group.
        seed: Of the run.
        epoch: Which epoch, from 0.
        near: For each record, numbers of records that are taken for it, (n, k) int64, -1 for none.

    Returns:
        Numbers of records, batch by batch.
    """
    draw = np.random.default_rng([seed, epoch])
    groups = _groups(examples, m_per_class, draw)
    order = _in_company(groups, examples.groups(), near, draw)
    total = len(examples)
    made: list[list[int]] = [[] for _ in range(count(total, size))]
    done = 0
    for place in order:
        made[min(len(made) - 1, done * len(made) // total)] += groups[place]
        done += len(groups[place])
    return [np.array(batch, np.int64) for batch in made if batch]


def _groups(examples: RecordExamples, m: int, draw: np.random.Generator) -> list[list[int]]:
    """Each entity's records in groups of m, the two sides by turns."""
    entity, side = examples.groups(), examples.side
    drawn = draw.permutation(len(entity))
    # the rank of a record among those of its entity and side: sorted by it the sides take turns
    by_side = drawn[np.lexsort((side[drawn], entity[drawn]))]
    key = entity[by_side] * 2 + side[by_side]
    first = np.searchsorted(key, key)
    rank = np.arange(len(key)) - first
    turns = by_side[np.lexsort((rank, entity[by_side]))]
    starts = np.flatnonzero(np.diff(entity[turns], prepend=-1))
    made: list[list[int]] = []
    for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(turns)], strict=True):
        members = turns[start:stop].tolist()
        cuts = [cut for cut in range(0, len(members), m) if cut == 0 or m == 1 or len(members) - cut > 1]
        made += [members[a:b] for a, b in zip(cuts, [*cuts[1:], len(members)], strict=True)]
    return made


def _in_company(
    groups: list[list[int]], entity: Integers, near: Integers | None, draw: np.random.Generator
) -> list[int]:
    """An order of the groups, each followed by one of every entity that is taken for it."""
    order: list[int] = draw.permutation(len(groups)).tolist()
    if near is None or not near.shape[1]:
        return order
    waiting: dict[int, list[int]] = {}
    for place in reversed(order):
        waiting.setdefault(int(entity[groups[place][0]]), []).append(place)
    used, made = np.zeros(len(groups), np.bool_), []
    for place in order:
        if used[place]:
            continue
        used[place] = True
        made.append(place)
        for other in near[groups[place]].T.ravel().tolist():  # the nearest of each member first
            queue = waiting.get(int(entity[other]), []) if other >= 0 else []
            while queue and used[queue[-1]]:
                queue.pop()
            if queue:
                used[queue[-1]] = True
                made.append(queue.pop())
    return made


def rows_of(n: int) -> int:
    """How many rows a part of n records has where shapes shall be few: a power of 2, or a multiple of `ROWS`.

    Args:
        n: Number of records.

    Returns:
        Number of rows, at least n.

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
    """Places of strips that are seen together: one direction, like lengths, so that little is padded.

    Args:
        strips: The strips of a batch; those that are None are in no part.
        short: Their short side.
        most: Strips in a part at most.
        few_shapes: Cut after `ROWS` strips, and not where lengths differ.

    Yields:
        Places, lying strips before upright ones, the longest first.

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
    """Whether a line runs from top to bottom: a lying one is as high as the short side.

    Args:
        strip: Pixels of the strip.
        short: The short side of strips in pixels.

    Returns:
        True for vertical print.
    """
    return bool(strip.shape[0] != short)


def padded(
    strips: Sequence[Pixels], short: int, multiple: int = 16, rows: int = 0
) -> tuple[Pixels, Integers]:
    """Strips of one direction as one array; behind a strip's end there are zeros that do not count.

    Args:
        strips: The strips of a part.
        short: Their short side.
        multiple: The length is rounded up to it, so that few different shapes are seen.
        rows: Of the array at least; those behind the last strip are empty, of length 0.

    Returns:
        Pixels (n, short, length), upright ones (n, length, short), and the length of each strip, (n,) int64.

    Raises:
        TrainingError: A strip is neither as high nor as wide as the short side.
    """
    upright = is_upright(strips[0], short)
    lengths = np.zeros(max(rows, len(strips)), np.int64)
    lengths[: len(strips)] = [strip.shape[0 if upright else 1] for strip in strips]
    length = -(-int(lengths.max()) // multiple) * multiple
    shape = (len(lengths), length, short) if upright else (len(lengths), short, length)
    made = np.zeros(shape, np.uint8)
    for row, strip in enumerate(strips):
        if strip.shape[1 if upright else 0] != short:
            raise TrainingError(
                f"A strip has another short side than the model. Given: {strip.shape}, short={short}. Make "
                "the strips with that short side."
            )
        made[row, : strip.shape[0], : strip.shape[1]] = strip
    return made, lengths
