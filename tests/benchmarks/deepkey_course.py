"""From what is easy to what is tested: lengths and crowds of the records of a step."""

from __future__ import annotations

import math
from collections.abc import Sequence

from .deepkey_words import ROLES


def lengths_at(past: float, lengths: Sequence[int], ease: float) -> list[int]:
    """Which lengths are drawn: the shortest alone at first, since among less what counts is found sooner.

    Args:
        past: Share of the steps that are done.
        lengths: All, ascending.
        ease: Until when the shortest is alone; by 0.8 all are drawn.

    Returns:
        Some of them.

    Example:
        >>> lengths_at(0.5, [640, 1024, 2048], 0.4), lengths_at(0.9, [640, 1024, 2048], 0.4)
        ([640, 1024], [640, 1024, 2048])
    """
    if past < ease:
        return [lengths[0]]
    share = min(1.0, (past - ease) / max(0.8 - ease, 1e-9))
    return list(lengths[: 1 + math.ceil(share * (len(lengths) - 1))])


def named_at(past: float, crowd: float) -> int:
    """How many entities a record names: one at first, nine from `crowd` on.

    Where every record of a group names all nine, no weighing of words helps before the subject is found, and
    nothing is learned; among few, each step towards it is worth something.

    Example:
        >>> [named_at(past, 0.3) for past in (0.0, 0.1, 0.3, 1.0)]
        [1, 4, 9, 9]
    """
    most = len(ROLES)
    return min(most, 1 + int(most * past / crowd)) if crowd else most
