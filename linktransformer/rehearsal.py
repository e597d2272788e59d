"""A reference with pictures, its weights and threshold, and one with a decision learned from labels."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import alone, fuse, picture_views, pictured, search, threshold, views
from linktransformer.encode import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table
from linktransformer.fuse import Fused
from linktransformer.judgement import Judgement
from linktransformer.reference import Asked, Keys, Reference, ask, build
from linktransformer.sample_reading import Settings
from linktransformer.threshold import LEAST, is_number

__all__ = ["Given", "by_views"]

logger = logging.getLogger(__name__)

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
    shown: pictured.Columns | None,
    plan: Plan,
    sample: Table | None,
    given: Given,
    settings: Settings,
) -> tuple[Reference | None, Judgement | None]:
    """Fit a reference whose rows have pictures, or whose model has a decision that was learned from labels.

    Args:
        table: The table.
        names: Its columns.
        shown: Where pictures are, None for rows without.
        plan: The model.
        sample: Rows such as will be asked, None for none.
        given: What the caller says.
        settings: How it is read and searched.

    Returns:
        The reference, None for rows without pictures and such a model; and the decision for single rows,
        None where there is none that fits.

    Raises:
        InvalidArgumentError: Without sample rows weights or threshold are missing.
    """
    if shown is None and plan.judgement is None:
        return None, None
    asked, size, show = None, settings.batch_size, settings.show
    if shown is None:
        known = build(table, names, plan, sample, batch_size=size, show=show)
    else:
        known = pictured.build_pictured(table, names, shown, plan, sample, batch_size=size, show=show)
        if sample is not None:
            asked = ask(known, plan, sample, batch_size=size, show=show)
        known = pictured.with_lines(known, asked, settings.k, device=settings.device)
    if plan.judgement is not None:
        known = alone.with_columns(known, sample)
        learned = alone.for_rows_alone(plan.judgement, known)
        if learned is not None:
            known = _decided(known, learned, given.threshold)
            return (known if shown is None else known.in_row_order()), learned
    if shown is None:
        return None, None
    if asked is not None:
        known = by_sample(known, asked, given, settings.k, settings.device)
    else:
        known = as_given(known, given)
    return known.in_row_order(), None  # read in an order of their own, on which no weight depends


def _decided(known: Reference, learned: Judgement, wanted: Wanted) -> Reference:
    """The threshold of a learned decision, on probabilities."""
    if isinstance(wanted, Mapping):  # of the links at or above a probability a larger share is right
        wanted = wanted["precision"]
    elif isinstance(wanted, str):
        wanted = learned.threshold
    details = {"decision": "learned from labels, for rows by themselves"}
    return replace(known, threshold=None if wanted is None else float(wanted), details=details)


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


def by_sample(
    reference: Reference,
    asked: Asked,
    given: Given,
    k: int,
    device: str | None = None,
) -> Reference:
    """Find weights and threshold as a merge of sample rows with the reference does.

    The decision of a merge looks at all rows together: who is whose best. A row that comes alone can only be
    held against a number: the score at or above which the best partner of a sample row is a link most nearly
    where the merge links it (by F1).

    Args:
        reference: The reference.
        asked: The sample rows.
        given: What the caller says.
        k: Neighbours.
        device: "cpu" keeps the search off the GPU.

    Returns:
        The reference with both.
    """
    weights, wanted = given.weights, given.threshold
    if weights is not None:
        reference = weighed(reference, weights)
    if not len(asked.nodes) or not len(reference.nodes):
        return replace(reference, threshold=_given(wanted))
    nodes, texts = (asked.nodes, reference.nodes), (asked.records, reference.records)
    pairs = views.Views({name: (asked.matrices[name], of) for name, of in reference.matrices.items()})
    found = search.search(pairs.matrices, *nodes, k, device=device)
    spread = views.spread(pairs, nodes, texts)
    found = fuse.best_first(pictured.scored_views(reference, asked, found))
    spread |= {picture_views.EDIT: picture_views.spread_of_edit(nodes, texts)}
    if weights is None:
        fused = fuse.fuse(found, spread)
        reference = replace(reference, weights=dict(fused.weights))
    else:
        score = sum(np.float32(weight) * found.views[name] for name, weight in reference.weights.items())
        fused = Fused(found, np.asarray(score, dtype=np.float32), reference.weights, 0.0)
    fused = fuse.same_text_first(fused, np.zeros(len(found), dtype=np.int8))
    details = {"weights_from": "sample rows" if weights is None else "given"}
    if wanted is None or is_number(wanted):
        return replace(reference, threshold=_given(wanted), details=details)
    lead = views.lead(pairs, found, asked.nodes, 0)
    decision = threshold.decide(found.left, found.right, fused.score, wanted, lead)
    if isinstance(wanted, Mapping):
        at = _reached(decision.threshold, wanted)
    else:
        right = np.zeros(len(found), dtype=bool)
        right[decision.pairs] = True
        at = _best(fused, right, len(decision.pairs))
    return replace(reference, threshold=at, details=details | {"threshold_from": "sample rows"})


def as_given(reference: Reference, given: Given) -> Reference:
    """Take the weights and the threshold that the caller gives.

    Args:
        reference: The reference.
        given: Weights, and a number or None as threshold.

    Returns:
        The reference with both.

    Raises:
        InvalidArgumentError: They are not given.
    """
    settled = given.threshold is None or is_number(given.threshold)
    if not settled or given.weights is None:
        raise InvalidArgumentError(
            "images= needs rows such as will be asked, by which views and threshold are found: "
            "fit(reference, queries). Or give weights= and a number as threshold=."
        )
    known = weighed(reference, given.weights)
    return replace(known, threshold=_given(given.threshold), details={"weights_from": "given"})


def _given(wanted: Wanted) -> float | None:
    """The threshold where nothing could be found out."""
    return None if wanted is None else float(wanted) if is_number(wanted) else 0.5


def _best(fused: Fused, right: NDArray[np.bool_], matches: int) -> float:
    from linktransformer.calibration import best_f1

    found = fused.candidates
    f1, at = best_f1(found.left, found.right, fused.score.astype(np.float64), right, matches)
    return max(LEAST, at) if f1 > 0 else 0.5


def _reached(at: float | None, wanted: Mapping[str, float]) -> float:
    if at is None:
        logger.warning(
            "A precision of %s cannot be reached: only equal texts are linked.", wanted["precision"]
        )
        return 1.0
    return at
