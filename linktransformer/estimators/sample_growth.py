"""The job of a sample when the reference loses rows or gets more: its statistics stay as they were."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.context import FLOOR, in_context
from linktransformer.estimators import reference_search
from linktransformer.estimators.one_more import compared, near_in
from linktransformer.estimators.reference import Reference
from linktransformer.estimators.sample_job import Rivals, Sample, SampleJob
from linktransformer.progress import stage
from linktransformer.scoring.feature_families import features_of
from linktransformer.scoring.ranks import Places, one_side
from linktransformer.search.blocking import Nodes
from linktransformer.search.pair_products import pair_scores
from linktransformer.search.vocabulary import widened

__all__ = ["after_adding", "after_removal"]


def after_removal(job: SampleJob, before: Reference, after: Reference, rows: Integers) -> SampleJob:
    """Leave out what the job knows of records that are gone.

    Args:
        job: The job.
        before: The reference as the job knows it.
        after: The reference with some of the rows.
        rows: Which ones, (n_rows,) int64.

    Returns:
        The job of the smaller reference.
    """
    number = np.full(len(before.nodes), -1, dtype=np.int64)
    has = before.nodes.node_of_row[rows] >= 0
    number[before.nodes.node_of_row[rows[has]]] = after.nodes.node_of_row[has]
    return _renumbered(job, before, after, number)


@stage("sample")
def after_adding(job: SampleJob, before: Reference, after: Reference, k: int) -> SampleJob:
    """Hold the sample against records that are new.

    Args:
        job: The job.
        before: The reference as the job knows it.
        after: The reference with rows at its end.
        k: Neighbours in each view.

    Returns:
        The job of the larger reference.
    """
    job = replace(job, sample=_widened(job.sample, before, after))
    number = np.arange(len(before.nodes))  # nodes are numbered in order of rows
    job = _renumbered(job, before, after, number)
    new = np.arange(len(before.nodes), len(after.nodes))
    if not len(new):
        return job
    job = replace(job, own=_own(job, after, new))
    found = _candidates(job, after, new, k)
    return replace(job, rivals=job.rivals.with_more(found))


def _renumbered(job: SampleJob, before: Reference, after: Reference, number: Integers) -> SampleJob:
    n = len(after.nodes)
    kept = np.flatnonzero(number >= 0)
    own = {}
    for name, values in job.own.items():
        own[name] = np.full(n, np.nan, dtype=np.float32)
        own[name][number[kept]] = values[kept]
    sample = job.sample
    copy_of = np.append(number, -1)[sample.copy_of]
    blocks = sample.nodes.block
    if before.n_blocks is not None:
        known = after.block_numbers
        new = np.full(before.n_blocks + 1, -2, dtype=np.int64)  # no block of the reference any more
        new[list(before.block_numbers.values())] = [known.get(of, -2) for of in before.block_numbers]
        blocks = np.where(blocks < 0, -2, new[np.maximum(blocks, -1)])
    nodes = replace(sample.nodes, block=blocks)
    sample = replace(sample, nodes=nodes, n_blocks=after.n_blocks, copy_of=copy_of)
    return replace(job, sample=sample, own=own, rivals=job.rivals.renumbered(number, n))


def _widened(sample: Sample, before: Reference, after: Reference) -> Sample:
    """Make room for n-grams that the reference did not have."""
    matrices: dict[str, Any] = dict(sample.matrices)
    words = {"lexical": (before.words, after.words)}
    if before.head_words is not None and after.head_words is not None:
        words[after.reading.head] = before.head_words, after.head_words
    for name, (old, new) in words.items():
        if name in matrices and len(new.codes) > matrices[name].shape[1]:
            place = np.searchsorted(new.codes, old.codes_in(new.alphabet))
            matrices[name] = widened(matrices[name], place, len(new.codes))
    return replace(sample, matrices=matrices)


def _own(job: SampleJob, after: Reference, new: Integers) -> dict[str, Floats]:
    """How near the nearest other record of the reference is to new ones."""
    nodes = Nodes(after.nodes.text[new], after.nodes.block[new], np.arange(len(new)))
    own, known, matrices = {}, job.views.known(after), job.views.named(after)
    for name, values in job.own.items():
        of = matrices[name]
        searched = job.views.pictures if name == "dense" and job.views.pictures else name
        query, item = reference_search.neighbours(after, nodes, {searched: of}, 2)
        other = item != new[query]
        query, item = query[other], item[other]
        apart = sp.issparse(of) or after.n_blocks is not None
        best = np.full(len(new), 0.0 if apart else -np.inf, dtype=np.float32)
        np.maximum.at(best, query, pair_scores(of, of, nodes.text[query], after.nodes.text[item]))
        own[name] = values.copy()
        own[name][new] = np.where(np.isinf(best), np.nan, best)
        if name in known:
            own[name][new[~known[name][nodes.text]]] = np.nan
    return own


def _candidates(job: SampleJob, after: Reference, new: Integers, k: int) -> Rivals:
    """The sample's records that are near to new records of the reference, with what is known of the pairs."""
    sample, rivals = job.sample, job.rivals
    nodes = Nodes(after.nodes.text[new], after.nodes.block[new], np.arange(len(new)))
    matrices = job.views.named(after)
    right, left = reference_search.neighbours(sample, nodes, matrices, k)
    text = nodes.text[right]
    has: dict[str, Bools] = {}
    if job.views.pictures is not None:
        has["lexical"] = np.asarray(sample.written.texts != "", dtype=bool)
        has["dense"] = np.asarray((sample.matrices["dense"] != 0).any(axis=1))
    scores = job.views.scores((sample.matrices, matrices), (has, job.views.known(after)), left, text)
    others = np.flatnonzero(np.isin(rivals.sample, left))  # what these records had already
    places = {
        name: _places(left, right, score, rivals.sample[others], rivals.views[name][others], floor)
        for name, score in scores.items()
        for floor in [job.statistics.views[name].floor]
    }
    near = near_in(scores, places)
    every = left, new[right]
    at = np.flatnonzero(near)
    others = others[rivals.described[others]]
    left, right = left[at], right[at]
    own = {name: (values[left], job.own[name][new[right]]) for name, values in sample.own.items()}
    pairs = left, new[right]
    seen = compared(job.statistics, job.columns, (sample.written, after.written), pairs, own)
    total = seen.weights.total
    floor = job.statistics.bits_floor
    of_bits = _places(left, right, total, rivals.sample[others], rivals.bits[others], floor)
    of_views = {
        name: Places(of.rank_left[at], of.rank_right[at], of.gap_left[at], of.gap_right[at])
        for name, of in places.items()
    }
    some = {name: score[at] for name, score in scores.items()}
    model = job.decision
    names, values = features_of(seen.pairs(some, of_views, of_bits), job.statistics)
    z = model.pair.predict(values, names)
    of_z = _places(left, right, z, rivals.sample[others], rivals.pair[others], FLOOR)
    in_job = in_context(z, of_z, job.context)
    log_odds = model.log_odds(in_job, names, values, seen.weights.bits) + np.float32(job.shift)

    def of_all(values: Floats) -> Floats:
        found = np.full(len(near), np.nan, dtype=np.float32)
        found[at] = values
        return found

    no_copy = np.zeros(len(near), dtype=bool)
    bits, of_pair, of_job = of_all(total), of_all(z), of_all(log_odds)
    return Rivals(*every, no_copy, scores, near, bits, of_pair, of_job, of_job, len(after.nodes))


def _places(
    left: Integers, right: Integers, score: Floats, group: Integers, known: Floats, floor: float
) -> Places:
    """Among the candidates that the sample's records had, and among each other."""
    n = len(left)
    score, known = np.nan_to_num(score, nan=floor), np.nan_to_num(known, nan=floor)
    rank, gap = one_side(np.concatenate([left, group]), np.concatenate([score, known]), floor)
    rank_right, gap_right = one_side(right, score, floor)
    return Places(rank[:n], rank_right, gap[:n], gap_right)
