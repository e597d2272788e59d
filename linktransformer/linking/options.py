"""How rows are linked, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer.decision import threshold
from linktransformer.encoding.cache_settings import check_cache
from linktransformer.errors import InvalidArgumentError
from linktransformer.scoring.compare import Comparison
from linktransformer.tables.block_keys import BlockColumns

__all__ = ["VALIDATE", "BlockColumns", "Columns", "Job", "K"]

Columns = str | Sequence[str] | None
VALIDATE = ("1:1", "1:m", "m:1", "m:m")
K = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The arguments that say how rows are linked, as `link` takes them.

    With `alone` the cosines of the model count, and nothing beside them, as old scripts mean their distances.
    With `described` the features of candidates are kept. `compare` says by column name how cells are
    compared, `expected_overlap` which share of the left rows is expected to have a match.

    Raises:
        InvalidArgumentError: One of them cannot work.
    """

    validate: str = "m:1"
    model: Any = None
    block_on: BlockColumns = None
    k: int = K
    threshold: Any = "auto"
    device: str | None = None
    batch_size: int | None = None
    memory_limit: int | None = None
    images: Any = None
    confidence: Any = None
    cache: Any = None
    alone: bool = False
    described: bool = False
    compare: Any = None
    expected_overlap: float | None = None

    def __post_init__(self) -> None:
        if self.validate not in VALIDATE:
            raise InvalidArgumentError(
                f"validate={self.validate!r} is not one of {', '.join(map(repr, VALIDATE))}."
            )
        for name, what in (("k", "neighbours"), ("batch_size", "texts"), ("memory_limit", "bytes")):
            value = getattr(self, name)
            if value is not None and not (_is_whole(value) and value >= 1):
                raise InvalidArgumentError(
                    f"{name}={value!r} is no number of {what}. Give a whole number from 1."
                )
        _check_compare(self.compare)
        _check_overlap(self.expected_overlap)
        threshold.check_threshold(self.threshold)
        check_cache(self.cache)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_compare(given: Any) -> None:
    if given is None:
        return
    if not isinstance(given, Mapping) or not all(isinstance(of, Comparison) for of in given.values()):
        raise InvalidArgumentError(
            f"compare={given!r} is not understood. Give comparisons by column name, such as "
            "{'born': lt.compare.number(within=2)}."
        )


def _check_overlap(given: Any) -> None:
    if given is not None and not (threshold.is_number(given) and 0 <= float(given) <= 1):
        raise InvalidArgumentError(
            f"expected_overlap={given!r} is not a share. Give a number from 0 to 1, such as 0.3 where three "
            "in ten left rows are expected to have a match."
        )
