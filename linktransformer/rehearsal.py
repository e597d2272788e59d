"""Weights and threshold of a reference, found without labels: by sample rows or by noisy copies."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import asking, blocking, frames, fuse, picture_views, pictured, search, threshold, views
from linktransformer.comparing import same_text
from linktransformer.encode import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table
from linktransformer.fuse import Fused
from linktransformer.keys import paired
from linktransformer.reference import Asked, Reference, ask
from linktransformer.threshold import LEAST, is_number

__all__ = ["Wanted", "by_noisy_copies", "by_sample", "noisy", "weighed"]

logger = logging.getLogger(__name__)
COPIES = 1_000  # noisy rows from which weights and threshold are found
FEW = 200  # of a small table each row is copied so often that there are about as many

Integers = NDArray[np.int64]
Wanted = Any  # "auto", a number, {"precision": p} or None


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
    weights: Mapping[str, float] | None,
    wanted: Wanted,
    k: int,
    memory_limit: int | None = None,
    device: str | None = None,
) -> Reference:
    """Find weights and threshold as a merge of sample rows with the reference does.

    The decision of a merge looks at all rows together: who is whose best. A row that comes alone can only be
    held against a number: the score at or above which the best partner of a sample row is a link most nearly
    where the merge links it (by F1).

    Args:
        reference: The reference.
        asked: The sample rows.
        weights: As for `weighed`; None to find them.
        wanted: The threshold as the caller gave it.
        k: Neighbours.
        memory_limit: For the search.
        device: Likewise.

    Returns:
        The reference with both.
    """
    if weights is not None:
        reference = weighed(reference, weights)
    if not len(asked.nodes) or not len(reference.nodes):
        return replace(reference, threshold=_given(wanted))
    nodes, texts = (asked.nodes, reference.nodes), (asked.records, reference.records)
    pairs = views.Views({name: (asked.matrices[name], of) for name, of in reference.matrices.items()})
    found = search.search(pairs.matrices, *nodes, k, memory_limit=memory_limit, device=device)
    spread = views.spread(pairs, nodes, texts)
    if reference.shown is not None:
        found = fuse.best_first(pictured.scored_views(reference, asked, found))
        spread |= {picture_views.EDIT: picture_views.spread_of_edit(nodes, texts)}
    if weights is None:
        fused = fuse.fuse(found, spread)
        reference = replace(reference, weights=dict(fused.weights))
    else:
        score = sum(np.float32(weight) * found.views[name] for name, weight in reference.weights.items())
        fused = Fused(found, np.asarray(score, dtype=np.float32), reference.weights, 0.0)
    same = same_text(texts, nodes, fused) if reference.shown is None else np.zeros(len(found), dtype=np.int8)
    fused = fuse.same_text_first(fused, same)
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


def by_noisy_copies(
    reference: Reference,
    plan: Plan,
    weights: Mapping[str, float] | None,
    wanted: Wanted,
    k: int,
    seed: int = 0,
) -> Reference:
    """Find weights and threshold by asking the reference about noisy copies of its own rows.

    Up to 1,000 rows are copied with words dropped or cut short, letters changed and capitals. For every
    other copy the row itself is hidden, so that what is nearest to it then is wrong. The weights are those
    with which most copies and rows find each other, the threshold the one with the best F1, or the lowest
    with the precision that is wanted.

    Args:
        reference: The reference.
        plan: Its model.
        weights: As for `weighed`; None to find them.
        wanted: The threshold as the caller gave it.
        k: Neighbours.
        seed: Of the noise.

    Returns:
        The reference with both.
    """
    if weights is not None:
        reference = weighed(reference, weights)
    details = {"weights_from": "noisy copies" if weights is None else "given"}
    settled = wanted is None or is_number(wanted)
    if (settled and (weights is not None or len(reference.matrices) == 1)) or not len(reference.nodes):
        return replace(reference, threshold=_given(wanted), details=details if weights else {})
    copies, source = noisy(reference, seed)
    asked = ask(reference, plan, copies, show=False)
    first = blocking.first_rows(asked.nodes)
    own = reference.nodes.node_of_row[source[first]]
    hidden = first % 2 == 1
    fused = asking.scored(reference, asked, k + 1)
    found = fused.candidates
    if weights is None and len(found):
        nodes, texts = (asked.nodes, reference.nodes), (asked.records, reference.records)
        pairs = views.Views({name: (asked.matrices[name], of) for name, of in reference.matrices.items()})
        weighted = fuse.fuse(found, views.spread(pairs, nodes, texts))
        reference = replace(reference, weights=dict(weighted.weights))
        fused = fuse.same_text_first(weighted, same_text(texts, nodes, weighted))
        found = fused.candidates
    if settled:
        return replace(reference, threshold=_given(wanted), details=details)
    itself = found.right == own[found.left]
    keep = ~(itself & hidden[found.left])
    left = search.Candidates(found.left[keep], found.right[keep], {}, found.n_left, found.n_right)
    seen = Fused(left, fused.score[keep], fused.weights, 0.0)
    if isinstance(wanted, Mapping):
        at = _reached(_with_precision(seen, itself[keep], float(wanted["precision"])), wanted)
    else:
        at = _best(seen, itself[keep], int((~hidden).sum()))
    return replace(reference, threshold=at, details=details | {"threshold_from": "noisy copies"})


def noisy(reference: Reference, seed: int = 0) -> tuple[Table, Integers]:
    """Copies of rows of the reference as someone else might have written them.

    Args:
        reference: The reference, with at least one row that has a key.
        seed: Of the noise.

    Returns:
        A table with the columns of queries, and the row of the reference that each is a copy of.
    """
    draw = np.random.default_rng(seed)
    order = views.in_text_order(reference.records, np.arange(len(reference.records.texts)))
    of_text = np.full(len(order), -1, dtype=np.int64)
    rows = np.flatnonzero(reference.nodes.node_of_row >= 0)[::-1]
    of_text[reference.records.text_of_row[rows]] = rows  # the first row of each text
    order = order[of_text[order] >= 0]
    texts = order[draw.choice(len(order), min(COPIES, len(order)), replace=False)]
    source = of_text[np.tile(texts, max(1, FEW // len(texts)))]
    keys = reference.keys
    same = {right: left for left, right in paired(list(keys.queries), list(keys.reference))}
    columns: dict[str, NDArray[Any]] = {
        name: np.full(len(source), None, dtype=object) for name in keys.queries
    }
    for name in keys.reference:
        cells = frames.joined(reference.table, [name], " ", False)[source].tolist()
        columns[same.get(name, keys.queries[0])] = np.array(
            [_spoiled(cell, draw) for cell in cells], dtype=object
        )
    for name in keys.blocks:
        columns[name] = frames.column(reference.table, name)[source]
    return frames.wrap(frames.new_frame(reference.table, columns), "noisy copies"), source


def _spoiled(text: str, draw: np.random.Generator) -> str | None:
    """One text with an error or a few."""
    words = text.split()
    if not words:
        return None
    if len(words) > 2 and draw.random() < 0.25:
        words.pop(int(draw.integers(len(words))))
    if draw.random() < 0.25:
        place = int(draw.integers(len(words)))
        words[place] = words[place][:4]
    letters = list(" ".join(words))
    for _ in range(1 + int(draw.integers(1 + len(letters) // 12))):
        place, kind = int(draw.integers(len(letters))), int(draw.integers(3))
        if kind == 0 and len(letters) > 2:
            del letters[place]
        elif kind == 1:
            letters[place] = letters[int(draw.integers(len(letters)))]
        else:
            letters.insert(place, letters[int(draw.integers(len(letters)))])
    spoiled = "".join(letters)
    return spoiled.upper() if draw.random() < 0.2 else spoiled


def _given(wanted: Wanted) -> float | None:
    """The threshold where nothing could be found out."""
    return None if wanted is None else float(wanted) if is_number(wanted) else 0.5


def _best(fused: Fused, right: NDArray[np.bool_], matches: int) -> float:
    from linktransformer.calibration import best_f1

    found = fused.candidates
    f1, at = best_f1(found.left, found.right, fused.score.astype(np.float64), right, matches)
    return max(LEAST, at) if f1 > 0 else 0.5


def _with_precision(fused: Fused, right: NDArray[np.bool_], wanted: float) -> float | None:
    """The lowest score at which this share of the best partners is right."""
    found = fused.candidates
    order = np.lexsort((found.right, -fused.score, found.left))
    best = order[np.flatnonzero(np.diff(found.left[order], prepend=-1))]
    best = best[np.argsort(-fused.score[best], kind="stable")]
    precision = np.cumsum(right[best]) / np.arange(1, len(best) + 1)
    fine = np.flatnonzero(precision >= wanted)
    return float(fused.score[best[fine[-1]]]) if len(fine) else None


def _reached(at: float | None, wanted: Mapping[str, float]) -> float:
    if at is None:
        logger.warning(
            "A precision of %s cannot be reached: only equal texts are linked.", wanted["precision"]
        )
        return 1.0
    return at
