"""Similarities of rows with pictures in every view, and their mean by weights that the caller gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.decision.fused import BELOW_ONE, Fused
from linktransformer.decision.threshold import is_number
from linktransformer.encoding import picture_views
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators import neighbours
from linktransformer.estimators.reference import EncodedRows, QueryRows, Reference
from linktransformer.estimators.row_reader import Pictures
from linktransformer.search import blocking, candidate_search
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.pair_products import pair_scores

__all__ = ["similarities", "weighted", "with_lines", "with_weights"]


def weighted(reference: Reference, queries: QueryRows, k: int) -> Fused:
    """The k nearest nodes of the reference in each view, scored by the weights of the reference."""
    left, right = neighbours.nearest(reference.index, queries.nodes, queries.matrices, k)
    candidates = similarities(reference, queries, left, right, k)
    score = np.zeros(len(candidates), dtype=np.float32)
    for name, weight in reference.weights.items():
        score += np.float32(weight) * candidates.views[name]
    return Fused(candidates, np.minimum(score, BELOW_ONE))


def similarities(
    reference: Reference, queries: QueryRows, left: Integers, right: Integers, k: int
) -> Candidates:
    """Pairs of query and reference nodes with their similarity in every view."""
    a, b = queries.nodes.text[left], reference.nodes.text[right]
    views = {
        name: np.clip(pair_scores(matrix, reference.matrices[name], a, b), -1, 1)
        for name, matrix in queries.matrices.items()
    }
    sizes = len(queries.nodes), len(reference.nodes)
    candidates = Candidates(left, right, views, *sizes, {"k": k, "index": "exact"})
    if reference.pictures is None:
        return candidates
    return _filled(reference, queries, candidates, reference.pictures.lines)


def with_lines(reference: Reference, queries: QueryRows | None, k: int, device: str | None) -> Reference:
    """Fit, for each view, the line that fills the gaps of records without a text or a picture.

    It goes through the nearest pairs of sample rows, or of the reference's own rows without `queries`.
    """
    rows: QueryRows | Reference = reference if queries is None else queries
    if reference.pictures is None or not len(reference.nodes) or not len(rows.nodes):
        return reference
    matrices = {name: (rows.matrices[name], matrix) for name, matrix in reference.matrices.items()}
    candidates = candidate_search.search(
        matrices, rows.nodes, reference.nodes, k, device=device, same=queries is None
    )
    candidates = _filled(reference, rows, candidates, {})
    gaps = [(_has_text(side.records.texts), _pictures(side).has_picture) for side in (rows, reference)]
    there = picture_views.both_have(candidates, (rows.nodes, reference.nodes), gaps)
    lines = picture_views.gap_lines(candidates, there)
    return replace(reference, pictures=replace(reference.pictures, lines=lines))


def with_weights(reference: Reference, weights: Any, threshold: Any) -> Reference:
    """The reference with weights that add up to 1 and a threshold, both given by the caller."""
    if is_number(threshold):
        threshold = float(threshold)
    elif threshold is not None:
        raise InvalidArgumentError(
            f"threshold={threshold!r} is given with weights=. Give a number, or no weights and rows "
            "such as will be asked: fit(reference, queries)."
        )
    views = [*reference.matrices, picture_views.EDIT]
    usable = isinstance(weights, Mapping) and all(
        name in views and is_number(value) and value >= 0 for name, value in weights.items()
    )
    if not usable or not sum(weights.values()) > 0:
        raise InvalidArgumentError(
            f"weights={weights!r} cannot be used. Give numbers from 0, not all 0, for views among {views}."
        )
    total = float(sum(weights.values()))
    return replace(
        reference,
        weights={name: float(weights.get(name, 0)) / total for name in views},
        threshold=threshold,
        details={"weights_from": "given"},
    )


def _filled(
    reference: Reference,
    queries: QueryRows | Reference,
    candidates: Candidates,
    lines: Mapping[str, tuple[float, float]],
) -> Candidates:
    """Add the edit similarity of texts, and fill gaps by lines. A pair does not depend on the others."""
    a, left = np.unique(queries.nodes.text[candidates.left], return_inverse=True)
    b, right = np.unique(reference.nodes.text[candidates.right], return_inverse=True)
    texts = queries.records.texts[a], reference.records.texts[b]
    edit = picture_views.edit_of(texts[0].tolist(), texts[1].tolist(), left, right)
    gaps = [
        (_has_text(texts[0]), _pictures(queries).has_picture[a]),
        (_has_text(texts[1]), _pictures(reference).has_picture[b]),
    ]
    nodes = blocking.nodes(np.arange(len(a))), blocking.nodes(np.arange(len(b)))
    there = picture_views.both_have(replace(candidates, left=left, right=right), nodes, gaps)
    whole = replace(candidates, views={**candidates.views, picture_views.EDIT: edit})
    return picture_views.filled(whole, there, lines)


def _has_text(texts: NDArray[np.object_]) -> Bools:
    return np.asarray(texts != "", dtype=bool)


def _pictures(rows: EncodedRows) -> Pictures:
    if rows.pictures is None:
        raise TypeError("rows without pictures")
    return rows.pictures
