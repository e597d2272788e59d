"""A reference whose decision is known: weights that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from linktransformer.decision.threshold import is_number
from linktransformer.encoding.model_plan import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators import reference_pictures
from linktransformer.estimators.reference import Keys, Reference, ask
from linktransformer.estimators.sample_reading import Settings
from linktransformer.tables.frames import Table

__all__ = ["Given", "by_views"]

Wanted = Any  # "auto", a number, {"precision": p} or None


@dataclass(frozen=True, slots=True)
class Given:
    """What the caller says of the decision.

    Args:
        weights: What each view counts, None to find it.
        threshold: "auto", a number, {"precision": p} or None.
    """

    weights: Mapping[str, float] | None
    threshold: Wanted


def by_views(
    table: Table,
    names: Keys,
    shown: reference_pictures.Columns | None,
    plan: Plan,
    sample: Table | None,
    given: Given,
    settings: Settings,
) -> Reference | None:
    """Fit a reference of rows with pictures with weights that the caller gives.

    Args:
        table: The table.
        names: Its columns.
        shown: Where pictures are, None for rows without.
        plan: The model.
        sample: Rows such as will be asked, None for none.
        given: What the caller says.
        settings: How it is read and searched.

    Returns:
        The reference; None where no weights are given.

    Raises:
        InvalidArgumentError: Weights are given without a threshold.
    """
    if shown is None or given.weights is None:
        return None
    size = settings.batch_size
    known = reference_pictures.build_pictured(table, names, shown, plan, sample, batch_size=size)
    asked = None if sample is None else ask(known, plan, sample, batch_size=size)
    known = reference_pictures.with_lines(known, asked, settings.k, device=settings.device).in_row_order()
    return as_given(known, given)


def weighed(reference: Reference, weights: Any) -> Reference:
    """Take the weights that the caller gives.

    Args:
        reference: The reference.
        weights: By view; views that are not named count nothing.

    Returns:
        The reference with weights that add up to 1.

    Raises:
        InvalidArgumentError: There is no such view, or a weight is negative or no number, or all are 0.
    """
    has = reference.views
    fine = isinstance(weights, Mapping) and all(
        name in has and is_number(value) and value >= 0 for name, value in weights.items()
    )
    if not fine or not sum(weights.values()) > 0:
        raise InvalidArgumentError(
            f"weights={weights!r} cannot be used. Give numbers from 0, not all 0, for views among {has}."
        )
    total = float(sum(weights.values()))
    return replace(reference, weights={name: float(weights.get(name, 0)) / total for name in has})


def as_given(reference: Reference, given: Given) -> Reference:
    """Take the weights and the threshold that the caller gives.

    Args:
        reference: The reference.
        given: Weights, and a number or None as threshold.

    Returns:
        The reference with both.

    Raises:
        InvalidArgumentError: The threshold is neither.
    """
    if given.threshold is not None and not is_number(given.threshold):
        raise InvalidArgumentError(
            f"threshold={given.threshold!r} is given with weights=. Give a number, or no weights and rows "
            "such as will be asked: fit(reference, queries)."
        )
    at = None if given.threshold is None else float(given.threshold)
    return replace(weighed(reference, given.weights), threshold=at, details={"weights_from": "given"})
