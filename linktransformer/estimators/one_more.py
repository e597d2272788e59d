"""Rows that are asked, each judged as if it were one more row of the sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision import equal_texts
from linktransformer.decision.context import FLOOR, in_context
from linktransformer.decision.equal_texts import STEP
from linktransformer.decision.fused import Fused
from linktransformer.estimators import reference_search
from linktransformer.estimators.own_rivals import own_of_sample
from linktransformer.estimators.reference import Asked, Reference
from linktransformer.estimators.reference_pictures import scored_views
from linktransformer.estimators.sample_job import Rivals, SampleJob
from linktransformer.estimators.written_rows import Written, written_of
from linktransformer.progress import stage
from linktransformer.scoring.feature_families import Pairs, features_of
from linktransformer.scoring.fellegi_sunter import Weights, weights_of
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.known_columns import KnownColumn
from linktransformer.scoring.ranks import Places, among_rivals, one_side
from linktransformer.scoring.words import words_of
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.pair_products import pair_scores

__all__ = ["Compared", "best_rows", "compared", "judged", "near_in"]

AT_ONCE = 1000  # rows: it changes the memory, not the result
WIDE = 3
DEPTH = 3  # of the candidates of a record in a view: the nearest so many are described


def judged(known: Reference, job: SampleJob, asked: Asked, k: int, hidden: Integers | None = None) -> Fused:
    """Give the nearest reference records of every row the probability that they match.

    What a row gets does not depend on the rows that are asked with it.

    Args:
        known: The reference.
        job: The job of the sample.
        asked: The rows.
        k: Neighbours in each view.
        hidden: A reference record that each asked record does not see, -1 for none, (n_asked,) int64; None
            where all see all.

    Returns:
        Candidates with match probabilities as scores.
    """
    on = known.keys.queries, known.keys.reference
    mine = written_of(asked.table, 0, on, known.reading, asked.records, asked.nodes)
    parts = []
    with stage("records", len(asked.nodes)) as tick:
        for start in range(0, max(1, len(asked.nodes)), AT_ONCE):
            some = np.arange(start, min(start + AT_ONCE, len(asked.nodes)))
            unseen = np.full(len(some), -1, dtype=np.int64) if hidden is None else hidden[some]
            parts.append(_judged(known, job, asked, some, mine, k, unseen))
            tick(len(some))
    left, right, log_odds = (
        np.concatenate([getattr(part, name) for part in parts]) for name in ("left", "right", "log_odds")
    )
    equal = np.concatenate([part.equal for part in parts])
    views = {name: np.concatenate([part.scores[name] for part in parts]) for name in job.views.names}
    if known.shown is not None:
        a, b = asked.nodes.text[left], known.nodes.text[right]
        views = {name: pair_scores(of, known.matrices[name], a, b) for name, of in asked.matrices.items()}
    views = {name: np.clip(score, -1, 1) for name, score in views.items()}
    sizes = len(asked.nodes), len(known.nodes)
    found = Candidates(left, right, views, *sizes, {"k": k, "index": "exact"})
    if known.shown is not None:
        found = scored_views(known, asked, found)
    decided = job.decision.of_pairs(log_odds, equal)
    return Fused(found, decided.probability, decided)


def best_rows(known: Reference, asked: Asked, fused: Fused) -> tuple[Integers, Floats]:
    """The row of the reference that each asked row most probably is, whatever the threshold.

    Args:
        known: The reference.
        asked: The rows.
        fused: Their candidates.

    Returns:
        Row numbers, -1 where there is none, and scores, NaN there, (n_rows,) each.
    """
    found = fused.candidates
    row = np.full(len(asked.nodes) + 1, -1, dtype=np.int64)  # the last is for rows without a key
    score = np.full(len(asked.nodes) + 1, np.nan, dtype=np.float32)
    if len(found):
        similarity = np.max(list(found.views.values()), axis=0)
        order = np.lexsort((found.right, -similarity, -fused.score, found.left))
        best = order[np.flatnonzero(np.diff(found.left[order], prepend=-1))]
        row[found.left[best]] = known.first_rows[found.right[best]]
        score[found.left[best]] = fused.score[best]
    return row[asked.nodes.node_of_row], score[asked.nodes.node_of_row]


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """What is known of the pairs of some rows.

    Args:
        left: Asked record, (n_pairs,) int64.
        right: Reference record.
        scores: By view, (n_pairs,) float32.
        log_odds: Of a match, (n_pairs,) float32.
        equal: Whether the texts are equal, (n_pairs,) bool.
    """

    left: Integers
    right: Integers
    scores: Mapping[str, Floats]
    log_odds: Floats
    equal: Bools


def _judged(
    known: Reference,
    job: SampleJob,
    asked: Asked,
    some: Integers,
    written: Written,
    k: int,
    hidden: Integers,
) -> _Part:
    """Judge some of the asked records."""
    nodes = Nodes(asked.nodes.text[some], asked.nodes.block[some], np.arange(len(some)))
    itself = job.sample.numbers_of(asked)[some]
    left, right, scores = _candidates(known, job, asked, nodes, k, itself, hidden)
    pair, rival = job.rivals.against(itself[left], right)
    places = {
        name: _places(left, score, pair, job.rivals.views[name][rival], job.statistics.views[name].floor)
        for name, score in scores.items()
    }
    near = near_in(scores, places)
    at = np.flatnonzero(near)
    number = np.cumsum(near) - 1
    described = near[pair] & job.rivals.described[rival]
    pair, rival = number[pair[described]], rival[described]
    left, right = left[at], right[at]
    scores = {name: score[at] for name, score in scores.items()}
    own = own_of_sample(job.sample, nodes, job.views.named(asked))
    has = job.views.known(asked)
    seen = compared(
        job.statistics,
        job.columns,
        (written, known.written),
        (some[left], right),
        {
            name: (
                _where(has.get(name), nodes.text[left], of.of_pairs(left, right, job.sample, itself)),
                job.own[name][right],
            )
            for name, of in own.items()
        },
    )
    of_bits = _places(left, seen.weights.total, pair, job.rivals.bits[rival], job.statistics.bits_floor)
    of_views = {
        name: Places(of.rank_left[at], of.rank_right[at], of.gap_left[at], of.gap_right[at])
        for name, of in places.items()
    }
    model = job.decision
    names, values = features_of(seen.pairs(scores, of_views, of_bits), job.statistics)
    z = model.pair.predict(values, names)
    in_job = in_context(z, _places(left, z, pair, job.rivals.pair[rival], FLOOR), job.context)
    log_odds = model.log_odds(in_job, names, values, seen.weights.bits) + np.float32(job.shift)
    texts = asked.records.texts[nodes.text[left]], known.records.texts[known.nodes.text[right]]
    alike = np.zeros(len(left), dtype=np.int8)
    maybe = np.empty(0, dtype=np.int64)
    if job.views.pictures is None:  # engines misread alike: equal readings are no proof
        maybe = np.flatnonzero(scores["lexical"] > equal_texts.SAME)
    alike[maybe] = equal_texts.alike(texts[0][maybe], texts[1][maybe])
    raised = equal_first(left, log_odds, alike, job.rivals, pair, rival)
    return _Part(some[left], right, scores, raised, alike == equal_texts.EQUAL)


def _candidates(
    known: Reference,
    job: SampleJob,
    asked: Asked,
    nodes: Nodes,
    k: int,
    itself: Integers,
    hidden: Integers,
) -> tuple[Integers, Integers, dict[str, Floats]]:
    """What a search in both directions finds: the k nearest of a row, and those whose k nearest it is among.

    The latter are looked for among the nearest `WIDE` times as many.
    """
    left, right = reference_search.neighbours(known, nodes, job.views.searched(asked), WIDE * k)
    visible = right != hidden[left]
    left, right = left[visible], right[visible]
    a, b = nodes.text[left], known.nodes.text[right]
    pair, rival = job.rivals.against(itself[left], right)
    near = np.zeros(len(left), dtype=bool)
    sides = job.views.named(asked), job.views.named(known)
    scores = job.views.scores(sides, (job.views.known(asked), job.views.known(known)), a, b)
    if job.views.pictures is not None:
        near |= one_side(left, pair_scores(sides[0]["fused"], sides[1]["fused"], a, b), 0.0)[0] < k
    for name, score in scores.items():
        of = _places(left, score, pair, job.rivals.views[name][rival], 0.0)
        near |= ((of.rank_left < k) | (of.rank_right < k)) & (score > 0)
        scores[name] = score
    return left[near], right[near], {name: score[near] for name, score in scores.items()}


def near_in(scores: Mapping[str, Floats], places: Mapping[str, Places]) -> Bools:
    """Which pairs are among the nearest of one of their records in some view.

    Args:
        scores: By view, (n_pairs,) float32.
        places: Of the pairs by these.

    Returns:
        (n_pairs,) bool.
    """
    found = [
        ((places[name].rank_left < DEPTH) | (places[name].rank_right < DEPTH)) & (score > 0)
        for name, score in scores.items()
    ]
    return np.asarray(np.any(found, axis=0))


def _places(left: Integers, score: Floats, pair: Integers, rival: Floats, floor: float) -> Places:
    """Among the candidates of the row that is asked, and against the sample's on the other side."""
    score, rival = np.nan_to_num(score, nan=floor), np.nan_to_num(rival, nan=floor)
    rank_left, gap_left = one_side(left, score, floor)
    rank_right, gap_right = among_rivals(score, pair, rival, floor)
    return Places(rank_left, rank_right, gap_left, gap_right)


def _where(known: Bools | None, text: Integers, values: Floats) -> Floats:
    """The values of records that have what a view goes by, NaN for the others; all without `known`."""
    return values if known is None else np.where(known[text], values, np.float32(np.nan))


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Pairs of records of which words, letters and cells were compared, in the terms of `Pairs`."""

    left: Integers
    right: Integers
    words: Any
    texts: tuple[list[str], list[str]]
    own: Mapping[str, tuple[Floats, Floats]]
    similarity: list[Floats]
    equal: list[Bools]
    weights: Weights

    def pairs(self, scores: Mapping[str, Floats], places: Mapping[str, Places], of_bits: Places) -> Pairs:
        """With their places.

        Args:
            scores: The similarity of each pair by view, (n_pairs,) float32.
            places: Rank and gap of each pair among its rivals, by view.
            of_bits: The same ranks and gaps by match weight; used where there are key columns.

        Returns:
            The pairs, ready for the features of the decision.
        """
        every = {**places, "bits": of_bits} if self.similarity else places
        return Pairs(
            self.left,
            self.right,
            self.words,
            self.texts,
            scores,
            self.own,
            every,
            self.similarity,
            self.equal,
            self.weights,
        )


def compared(
    statistics: JobStatistics,
    columns: Sequence[KnownColumn],
    written: tuple[Written, Written],
    pairs: tuple[Integers, Integers],
    own: Mapping[str, tuple[Floats, Floats]],
) -> Compared:
    """Compare words and cells of pairs by what is known of the job.

    Args:
        statistics: What is the same for all pairs of the job.
        columns: How its key columns are compared.
        written: Texts and cells of left and of right records.
        pairs: Left and right record of each pair, (n_pairs,) int64 each.
        own: By view, the similarity of the nearest other record of its own table to the left and to the right
            record of each pair, NaN for unknown, (n_pairs,) float32 each.

    Returns:
        What was compared.
    """
    (a, left), (b, right) = (np.unique(side, return_inverse=True) for side in pairs)
    texts = written[0].texts[a].tolist(), written[1].texts[b].tolist()
    words = words_of(*texts, statistics.rarities)
    found = [
        column.compare(mine, theirs, *pairs)
        for column, mine, theirs in zip(columns, written[0].cells, written[1].cells, strict=True)
    ]
    weights = weights_of([levels for _, _, levels in found], statistics.tables, len(left))
    similarity, equal = [alike for alike, _, _ in found], [same for _, same, _ in found]
    return Compared(left, right, words, texts, own, similarity, equal, weights)


def equal_first(
    left: Integers,
    log_odds: Floats,
    alike: NDArray[np.int8],
    rivals: Rivals,
    pair: Integers,
    rival: Integers,
) -> Floats:
    """Raise pairs of equal texts above the other pairs of their two records, as `comparing` does.

    Args:
        left: Asked record of each pair, (n_pairs,) int64.
        log_odds: Of a match, (n_pairs,) float32.
        alike: How equal the two texts are, as `equal_texts.alike` has it, (n_pairs,) int8.
        rivals: The sample's candidates.
        pair: The pair that each rival stands against, rising, (n_rivals,) int64.
        rival: Rivals.

    Returns:
        (n_pairs,) float32.
    """
    raised = log_odds.copy()
    for grade, of_rivals in ((equal_texts.BUT_FOR_CAPITALS, rivals.job), (equal_texts.EQUAL, rivals.folded)):
        some = np.flatnonzero(alike == grade)
        if len(some):
            best = np.full(int(left.max()) + 1, -np.inf, dtype=np.float32)
            np.maximum.at(best, left, raised)
            on_right = np.full(len(left), -np.inf, dtype=np.float32)
            np.maximum.at(on_right, pair, of_rivals[rival])
            most = np.maximum.reduce([best[left[some]], on_right[some], raised[some]])
            raised[some] = np.maximum(raised[some], most + np.float32(STEP))
    return raised
