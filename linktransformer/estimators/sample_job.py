"""The job of a sample and a reference, kept to score queries, and updated when the reference changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.estimators import neighbours
from linktransformer.estimators.known_pairs import SamplePairs
from linktransformer.estimators.neighbours import SearchIndex
from linktransformer.estimators.pair_scoring import JobModel, JobViews, ViewedRows, near_in
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.estimators.row_reader import Contents
from linktransformer.linking.reader_scale import Scale
from linktransformer.progress import stage
from linktransformer.scoring.ranks import Places, one_side
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix, as_sparse, is_sparse
from linktransformer.search.pair_products import pair_scores
from linktransformer.search.vocabulary import widened

__all__ = ["Sample", "SampleJob", "after_adding", "after_removal"]

GONE = -2  # a block that the reference has no longer


@dataclass(frozen=True, eq=False)
class Sample:
    """The records of a sample.

    Args:
        identity: Text, or text and pictures, of each record: with the block it says which one it is.
        nodes: The records: each with a text of its own, and its block as the reference numbers blocks.
        n_blocks: Blocks of the reference, None without blocks.
        matrices: By view, their vectors, and the fused ones of rows with pictures.
        own: By view, the similarity of the nearest other record, NaN for unknown, (n,) float32.
        contents: Their texts and cells.
        copy_of: The reference record that each is a copy of, -1 for none, (n,) int64.
    """

    identity: NDArray[np.object_]
    nodes: Nodes
    n_blocks: int | None
    matrices: Mapping[str, Matrix]
    own: Mapping[str, Floats]
    contents: Contents
    copy_of: Integers

    @cached_property
    def index(self) -> SearchIndex:
        """The records, as they are searched."""
        return SearchIndex(self.nodes, self.matrices, self.n_blocks)

    @cached_property
    def number(self) -> dict[tuple[str, int], int]:
        """The number of each record by identity and block."""
        names = zip(self.identity.tolist(), self.nodes.block.tolist(), strict=True)
        return {name: number for number, name in enumerate(names)}

    def numbers_of(self, queries: QueryRows) -> Integers:
        """The sample record that each query node is, -1 for none, (n_nodes,) int64."""
        names = zip(queries.identity[queries.nodes.text].tolist(), queries.nodes.block.tolist(), strict=True)
        return np.array([self.number.get(name, -1) for name in names], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class SampleJob:
    """A job of a sample and a reference.

    Args:
        model: What scores pairs.
        sample: The sample's records.
        pairs: Their candidates in the reference.
        own: By view, the similarity of each reference record and its nearest other one, NaN for unknown.
        views: The views that describe pairs.
        shift: What is added to all log-odds.
        scale: What the scores of a reader of the caller's are worth, None for none.
    """

    model: JobModel
    sample: Sample
    pairs: SamplePairs
    own: Mapping[str, Floats]
    views: JobViews
    shift: float = 0.0
    scale: Scale | None = None


def after_removal(job: SampleJob, before: Reference, after: Reference, rows: Integers) -> SampleJob:
    """The job of a reference of which only some rows stay."""
    number = np.full(len(before.nodes), -1, dtype=np.int64)
    has = before.nodes.node_of_row[rows] >= 0
    number[before.nodes.node_of_row[rows[has]]] = after.nodes.node_of_row[has]
    return _renumbered(job, before, after, number)


@stage("sample")
def after_adding(job: SampleJob, before: Reference, after: Reference, k: int) -> SampleJob:
    """The job of a reference with rows at its end: new records are candidates of the sample too.

    The statistics of the job stay as they were.
    """
    job = replace(job, sample=_widened(job.sample, before, after))
    job = _renumbered(job, before, after, np.arange(len(before.nodes)))  # nodes are in order of rows
    new = np.arange(len(before.nodes), len(after.nodes))
    if not len(new):
        return job
    nodes = Nodes(after.nodes.text[new], after.nodes.block[new], np.arange(len(new)))
    job = replace(job, own=_own(job, after, new, nodes))
    return replace(job, pairs=job.pairs.with_more(_new_pairs(job, after, new, nodes, k)).sorted())


def _renumbered(job: SampleJob, before: Reference, after: Reference, number: Integers) -> SampleJob:
    n, sample, blocks = len(after.nodes), job.sample, job.sample.nodes.block
    kept = np.flatnonzero(number >= 0)
    own = {}
    for name, values in job.own.items():
        own[name] = np.full(n, np.nan, dtype=np.float32)
        own[name][number[kept]] = values[kept]
    if before.n_blocks is not None:
        known = after.block_numbers
        new = np.full(before.n_blocks + 1, GONE, dtype=np.int64)
        new[list(before.block_numbers.values())] = [known.get(key, GONE) for key in before.block_numbers]
        blocks = np.where(blocks < 0, GONE, new[np.maximum(blocks, -1)])
    sample = replace(
        sample,
        nodes=replace(sample.nodes, block=blocks),
        n_blocks=after.n_blocks,
        copy_of=np.append(number, -1)[sample.copy_of],
    )
    return replace(job, sample=sample, own=own, pairs=job.pairs.renumbered(number, n))


def _widened(sample: Sample, before: Reference, after: Reference) -> Sample:
    """Add columns for n-grams that the reference did not have."""
    matrices = dict(sample.matrices)
    vocabularies = {"lexical": (before.words, after.words)}
    if before.head_words is not None and after.head_words is not None:
        vocabularies[after.reader.head] = before.head_words, after.head_words
    for name, (old, new) in vocabularies.items():
        if name in matrices and len(new.codes) > matrices[name].shape[1]:
            place = np.searchsorted(new.codes, old.codes_in(new.alphabet))
            matrices[name] = widened(as_sparse(matrices[name]), place, len(new.codes))
    return replace(sample, matrices=matrices)


def _own(job: SampleJob, after: Reference, new: Integers, nodes: Nodes) -> dict[str, Floats]:
    """With the similarity of new records of the reference and their nearest other one."""
    own, viewed = {}, job.views.of(after)
    for name, values in job.own.items():
        matrix = viewed.matrices[name]
        query, item = neighbours.nearest(after.index, nodes, {job.views.vectors(name): matrix}, 2)
        other = item != new[query]
        query, item = query[other], item[other]
        zero = is_sparse(matrix) or after.n_blocks is not None
        best = np.full(len(new), 0.0 if zero else -np.inf, dtype=np.float32)
        np.maximum.at(best, query, pair_scores(matrix, matrix, nodes.text[query], after.nodes.text[item]))
        own[name] = values.copy()
        own[name][new] = np.where(np.isinf(best), np.nan, best)
        if name in viewed.known:
            own[name][new[~viewed.known[name][nodes.text]]] = np.nan
    return own


@dataclass(frozen=True, slots=True, eq=False)
class _AddedRanking:
    """New pairs of sample records, on the left among each other and pairs of the job, on the right alone.

    Args:
        left: Sample records, (n_pairs,) int64.
        right: New reference records.
        others: Pairs of the job with these sample records, (n_others,) int64.
        group: The sample records of `others`.
    """

    left: Integers
    right: Integers
    others: Integers
    group: Integers

    def places(self, values: Floats, known: Floats, floor: float) -> Places:
        """As of `Ranking`."""
        n = len(self.left)
        values, others = np.nan_to_num(values, nan=floor), np.nan_to_num(known[self.others], nan=floor)
        groups = np.concatenate([self.left, self.group])
        rank, gap = one_side(groups, np.concatenate([values, others]), floor)
        rank_right, gap_right = one_side(self.right, values, floor)
        return Places(rank[:n], rank_right, gap[:n], gap_right)

    def some(self, near: Bools, described: Bools) -> _AddedRanking:
        """Those of some pairs, among others that are described."""
        kept = described[self.others]
        return _AddedRanking(self.left[near], self.right[near], self.others[kept], self.group[kept])


def _new_pairs(job: SampleJob, after: Reference, new: Integers, nodes: Nodes, k: int) -> SamplePairs:
    """The k nearest sample records of each new record of the reference, scored as pairs of the job."""
    sample, known = job.sample, job.pairs
    viewed = job.views.of(after)
    right, left = neighbours.nearest(sample.index, nodes, viewed.matrices, k)
    has: dict[str, Bools] = {}
    if job.views.pictures is not None:
        has["lexical"] = np.asarray(sample.contents.texts != "", dtype=bool)
        has["dense"] = np.any(np.asarray(sample.matrices["dense"]) != 0, axis=1)
    scores = job.views.scores(ViewedRows(sample.matrices, has), viewed, left, nodes.text[right])
    others = np.flatnonzero(np.isin(known.left, left))
    ranking = _AddedRanking(left, right, others, known.left[others])
    places = job.model.places(scores, ranking, known)
    near = near_in(scores, places)
    at = np.flatnonzero(near)
    a, b = left[at], new[right[at]]
    compared = job.model.compare(
        (sample.contents, after.contents),
        a,
        b,
        {name: score[at] for name, score in scores.items()},
        {name: (values[a], job.own[name][b]) for name, values in sample.own.items()},
        {name: of_view.some(at) for name, of_view in places.items()},
    )
    scored = job.model.score(compared, ranking.some(near, known.described), known)
    scored = replace(scored, job=scored.job + np.float32(job.shift))
    return SamplePairs.of((left, new[right]), scores, len(after.nodes), at, scored, scored.job)
