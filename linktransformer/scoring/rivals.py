"""Where pairs of one table stand among rivals that are other entities than theirs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.parallel import chunks
from linktransformer.scoring.ranks import Places, among_rivals
from linktransformer.search.groups import ragged

__all__ = ["Scores", "places_among_others"]

STEP = 2**13  # pairs whose rivals are listed at a time; it changes the memory, not the result

Scores = Mapping[str, tuple[Floats, float]]  # of each pair, (n_pairs,), and of a rival where there is none


def places_among_others(
    left: Integers, right: Integers, scores: Scores, entity: Integers, some: Integers
) -> dict[str, Places]:
    """Ranks and gaps of some pairs, where candidates that are the entity of either record are no rivals.

    Args:
        left: One record of each pair of one table, (n_pairs,) int64; each pair is there once.
        right: The other record.
        scores: What pairs are ranked by, and the floor.
        entity: A number for each record, equal for records that are taken as one entity.
        some: The pairs that are ranked, (n,) int64.

    Returns:
        For each score the places, (n,) each.

    Example:
        >>> left, right = np.array([0, 0, 1]), np.array([1, 2, 2])
        >>> scores = {"x": (np.array([0.5, 0.75, 0.25], dtype="f4"), 0.0)}
        >>> of = lambda entity: places_among_others(left, right, scores, np.array(entity), np.array([0]))["x"]
        >>> of([0, 1, 2]).gap_left.tolist(), of([0, 0, 0]).gap_left.tolist()
        ([-0.25], [0.5])
    """
    ends, others = np.concatenate([left, right]), np.concatenate([right, left])
    order = np.argsort(ends, kind="stable")
    pair, other = order % max(1, len(left)), others[order]
    n = int(ends.max(initial=-1)) + 1
    starts = np.searchsorted(ends[order], np.arange(n + 1))
    found: dict[str, list[Places]] = {name: [] for name in scores}
    for part in chunks(len(some), STEP):
        at = some[part]
        entities = entity[left[at]], entity[right[at]]
        sides = []
        for record in (left[at], right[at]):
            place, listed = ragged(starts[record], starts[record + 1])
            of_rival = entity[other[listed]]
            is_rival = (of_rival != entities[0][place]) & (of_rival != entities[1][place])
            is_rival &= pair[listed] != at[place]
            sides.append((place[is_rival], pair[listed[is_rival]]))
        for name, (score, floor) in scores.items():
            (rank_left, gap_left), (rank_right, gap_right) = (
                among_rivals(score[at], place, score[rival], floor) for place, rival in sides
            )
            found[name].append(Places(rank_left, rank_right, gap_left, gap_right))
    return {name: _joined(parts) for name, parts in found.items()}


def _joined(parts: list[Places]) -> Places:
    fields = ("rank_left", "rank_right", "gap_left", "gap_right")
    nothing = [np.zeros(0, dtype=np.float32)]
    return Places(*(np.concatenate(nothing + [getattr(part, name) for part in parts]) for name in fields))
