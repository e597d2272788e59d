"""The values of links, without the methods that explain, show or evaluate them; reasons of unlinked rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["REASONS", "LinkValues", "Nearest", "Reason"]


class Reason(IntEnum):
    """Why a row has no link."""

    LINKED = 0
    NO_KEY = 1
    NO_ROW_IN_BLOCK = 2
    NO_CANDIDATE = 3
    ANOTHER_NEARER = 4
    BELOW_THRESHOLD = 5
    MATCH_HAS_BETTER = 6


REASONS: Mapping[int, str] = {
    Reason.LINKED: "linked",
    Reason.NO_KEY: "no key",
    Reason.NO_ROW_IN_BLOCK: "no row in its block",
    Reason.NO_CANDIDATE: "no candidate",
    Reason.ANOTHER_NEARER: "another row is nearer",
    Reason.BELOW_THRESHOLD: "below the threshold",
    Reason.MATCH_HAS_BETTER: "its best match has a better one",
}


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The most similar row of the other table of each row, linked or not.

    Args:
        row: Its number, -1 for a row without candidates, (n_rows,) int64.
        score: The score, NaN for none, (n_rows,) float32.
    """

    row: Integers
    score: Floats


@dataclass(frozen=True, slots=True, eq=False)
class LinkValues:
    """The fields of `linktransformer.Links`, which describes them."""

    left: Table
    right: Table
    left_rows: Integers
    right_rows: Integers
    score: Floats
    views: Mapping[str, Floats]
    runner_up: Integers
    runner_up_score: Floats
    left_reason: NDArray[np.int8]
    right_reason: NDArray[np.int8]
    left_nearest: Nearest
    right_nearest: Nearest
    details: Mapping[str, Any]
    pictures: tuple[Sequence[Picture], Sequence[Picture]] | None = None
    evidence: JobEvidence | None = None

    def __len__(self) -> int:
        return len(self.left_rows)
