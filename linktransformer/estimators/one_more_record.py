"""Rows that are asked against a table, each judged as if it were one more row of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.context import FLOOR, in_context
from linktransformer.decision.equal_texts import STEP
from linktransformer.decision.model import sigmoid
from linktransformer.estimators import reference_search
from linktransformer.estimators.one_more import compared
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.table_job import NearPairs, TableJob
from linktransformer.estimators.written_rows import Written
from linktransformer.scoring.feature_families import features_of
from linktransformer.scoring.ranks import Places, among_rivals, one_side
from linktransformer.search.blocking import Nodes
from linktransformer.search.pair_products import pair_scores

__all__ = ["Judged", "Newcomers", "judged"]


@dataclass(frozen=True, slots=True, eq=False)
class Newcomers:
    """Records that are asked.

    Args:
        nodes: They: a text of `matrices` each, and a block as the table numbers blocks.
        texts: Their texts, (n,) object.
        matrices: By view, vectors.
        written: Texts and cells, of these and perhaps of others.
        place: Which of `written` each one is, (n,) int64.
        itself: The record of the table with the very text, -1 for none, (n,) int64.
        limit: Records of the table from this number on are not seen, (n,) int64.
        new: Whether the table has the record as its last one so far, so that later ones see its pairs,
            (n,) bool.
    """

    nodes: Nodes
    texts: NDArray[np.object_]
    matrices: Mapping[str, Any]
    written: Written
    place: Integers
    itself: Integers
    limit: Integers
    new: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Asked records with the records of the table that are near them.

    Args:
        left: The asked record of each pair, rising, (n_pairs,) int64.
        right: The record of the table.
        probability: That they match, (n_pairs,) float32.
        near: The candidate pairs of the table with those of new records.
    """

    left: Integers
    right: Integers
    probability: Floats
    near: NearPairs


def judged(known: Reference, job: TableJob, asked: Newcomers, k: int) -> Judged:
    """Give the k records of a table that are nearest to each asked one in each view a match probability.

    What a record gets does not depend on the records that are asked with it, but for new ones before it.

    Args:
        known: The table, with those of the asked records that are new.
        job: Its job, without their pairs.
        asked: The records.
        k: Neighbours in each view.

    Returns:
        Pairs with probabilities.
    """
    left, right, scores = _candidates(known, asked, k)
    itself = asked.itself[left]
    kept = np.flatnonzero(asked.new[left])
    none = np.full(len(kept), np.nan, dtype=np.float32)  # what is not known yet
    some = {name: score[kept] for name, score in scores.items()}
    new = NearPairs(right[kept], itself[kept], some, none, none, none, none, len(known.nodes))
    near = job.near.with_more(new)
    pair, rival = near.against(itself, asked.limit[left], right)

    def placed(values: Floats, of_near: Floats, floor: float) -> Places:
        every = np.concatenate([of_near, values[kept]]) if len(kept) else of_near
        rank_left, gap_left = one_side(left, values, floor)
        rank_right, gap_right = among_rivals(values, pair, every[rival], floor)
        return Places(rank_left, rank_right, gap_left, gap_right)

    statistics, before = job.statistics, job.near
    places, own = {}, {}
    for name, score in scores.items():
        places[name] = placed(score, before.views[name], statistics.views[name].floor)
        own[name] = _highest(len(asked.nodes), left, score)[left], score.copy()
        np.maximum.at(own[name][1], pair, near.views[name][rival])
    written = asked.written, known.written
    seen = compared(statistics, job.columns, written, (asked.place[left], right), own)
    bits = seen.weights.total
    model = job.decision
    names, values = features_of(
        seen.pairs(scores, places, placed(bits, before.bits, statistics.bits_floor)), statistics
    )
    z = model.pair.predict(values, names)
    in_job = in_context(z, placed(z, before.pair, FLOOR), job.context)
    log_odds = model.log_odds(in_job, names, values, seen.weights.bits)
    texts = asked.texts[left], known.records.texts[known.nodes.text[right]]
    maybe = np.flatnonzero(np.maximum(sigmoid(log_odds), scores["lexical"]) > equal_texts.SAME)
    maybe = maybe[equal_texts.alike(texts[0][maybe], texts[1][maybe]) == equal_texts.BUT_FOR_CAPITALS]
    raised = log_odds.copy()
    if len(maybe):
        most = np.maximum(log_odds, _highest(len(asked.nodes), left, log_odds)[left])
        every = np.concatenate([before.job, log_odds[kept]]) if len(kept) else before.job
        np.maximum.at(most, pair, every[rival])
        raised[maybe] = most[maybe] + np.float32(STEP)
    new = replace(new, bits=bits[kept], pair=z[kept], job=log_odds[kept], log_odds=raised[kept])
    return Judged(left, right, sigmoid(raised), before.with_more(new))


def _candidates(known: Reference, asked: Newcomers, k: int) -> tuple[Integers, Integers, dict[str, Floats]]:
    """The k nearest records that each asked one sees in each view, with their similarity in every view."""
    n = len(known.nodes)
    unseen = n - int(asked.limit.min(initial=n)) + 1  # the last one is the record itself
    codes = [np.empty(0, dtype=np.int64)]
    for left, right in reference_search.nearest(known, asked.nodes, asked.matrices, k + unseen):
        seen = (right != asked.itself[left]) & (right < asked.limit[left])
        left, right = left[seen], right[seen]
        starts = np.flatnonzero(np.diff(left, prepend=-1))
        place = np.arange(len(left)) - np.repeat(starts, np.diff(np.append(starts, len(left))))
        codes.append((left * n + right)[place < k])
    code = np.unique(np.concatenate(codes))
    left, right = code // max(1, n), code % max(1, n)
    a, b = asked.nodes.text[left], known.nodes.text[right]
    scores = {name: pair_scores(of, known.matrices[name], a, b) for name, of in asked.matrices.items()}
    return left, right, scores


def _highest(n: int, group: Integers, values: Floats) -> Floats:
    """The highest value of each group, (n,) float32."""
    found = np.full(n, -np.inf, dtype=np.float32)
    np.maximum.at(found, group, values)
    return found
