"""Why a row has no link."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

__all__ = ["REASONS", "Reason"]


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
