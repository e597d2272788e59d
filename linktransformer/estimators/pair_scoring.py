"""What is frozen of a fitted job, by which pairs that come later are scored: views, statistics, decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.context import FLOOR, JobContext, in_context, job_context
from linktransformer.decision.correction import Correction
from linktransformer.decision.model import Decision, decision
from linktransformer.estimators.known_pairs import KnownPairs, PairScores
from linktransformer.estimators.neighbours import Matrix
from linktransformer.estimators.reference import EncodedRows
from linktransformer.estimators.row_reader import Contents
from linktransformer.scoring.feature_families import VIEWS, Pairs, features_of
from linktransformer.scoring.features import Evidence, PairFeatures, pair_features
from linktransformer.scoring.fellegi_sunter import weights_of
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.known_columns import KnownColumn, known_column
from linktransformer.scoring.missing_inputs import line_of
from linktransformer.scoring.ranks import Places, among_rivals, one_side, places
from linktransformer.scoring.words import words_of
from linktransformer.search.pair_products import pair_scores

__all__ = [
    "FUSED",
    "DescribedJob",
    "JobModel",
    "JobPairs",
    "JobViews",
    "RivalRanking",
    "ViewedRows",
    "described_job",
    "near_in",
    "views_of",
    "with_line",
]

FUSED = "fused"
DEPTH = 3  # the nearest so many candidates of a record in a view are described


@dataclass(frozen=True, slots=True, eq=False)
class ViewedRows:
    """By view, the vectors of records, and the fused ones of pictures; and which have a text or a picture."""

    matrices: Mapping[str, Matrix]
    known: Mapping[str, Bools]  # a view that is not there knows all


@dataclass(frozen=True, slots=True)
class JobViews:
    """The views that describe pairs.

    Args:
        names: Among "lexical", "key column" and "dense".
        pictures: The vectors of "dense" where rows have pictures: "image", or "fused" where one side has
            no picture; None for rows without pictures.
        line: Slope and level of the cosine of pictures over that of the fused vectors; None for no line.
    """

    names: tuple[str, ...]
    pictures: str | None = None
    line: tuple[float, float] | None = None

    def vectors(self, name: str) -> str:
        """The name of the vectors of a view."""
        return self.pictures if name == "dense" and self.pictures else name

    def searched(self, rows: EncodedRows) -> dict[str, Matrix]:
        """The vectors for the search of neighbours, by their names in `rows`."""
        names = [self.vectors(name) for name in self.names] + ([FUSED] if self.pictures else [])
        return {name: rows.matrices[name] for name in dict.fromkeys(names)}

    def of(self, rows: EncodedRows) -> ViewedRows:
        """The rows as pairs of them are scored."""
        if self.pictures is None or rows.pictures is None:
            return ViewedRows(self.searched(rows), {})
        matrices = {name: rows.matrices[self.vectors(name)] for name in (*self.names, FUSED)}
        known = {"lexical": np.asarray(rows.records.texts != "", dtype=bool)}
        known |= {"dense": rows.pictures.has_picture} if self.pictures == "image" else {}
        return ViewedRows(matrices, known)

    def scores(self, left: ViewedRows, right: ViewedRows, a: Integers, b: Integers) -> dict[str, Floats]:
        """The similarity of pairs of left texts `a` and right texts `b` by view, NaN for unknown.

        A missing text counts neither for nor against a pair. Where a picture is missing, the mean cosine of
        pictures at this cosine of the fused vectors stands for their cosine.
        """
        scores = {name: pair_scores(left.matrices[name], right.matrices[name], a, b) for name in self.names}
        for name in (name for name in self.names if name in right.known):
            there = left.known[name][a] & right.known[name][b]
            other = np.full(len(a), np.nan, dtype=np.float32)
            if name == "dense":
                other = pair_scores(left.matrices[FUSED], right.matrices[FUSED], a, b)
                if self.line is not None:
                    slope, level = np.float32(self.line[0]), np.float32(self.line[1])
                    other = np.clip(level + slope * other, -1, 1)
            scores[name] = np.where(there, scores[name], other).astype(np.float32)
        return scores


def views_of(queries: EncodedRows, reference: EncodedRows) -> JobViews:
    """The views of two tables, without the line of pictures."""
    if queries.pictures is None or reference.pictures is None:
        return JobViews(tuple(name for name in VIEWS if name in reference.matrices))
    images = queries.pictures.has_picture.any() and reference.pictures.has_picture.any()
    texts = any((rows.records.texts != "").any() for rows in (queries, reference))
    return JobViews(("lexical", "dense") if texts else ("dense",), "image" if images else FUSED)


def with_line(views: JobViews, sides: tuple[EncodedRows, EncodedRows], a: Integers, b: Integers) -> JobViews:
    """Fit the line through those pairs of texts of which both records have a picture."""
    if views.pictures != "image":
        return views
    there = views.of(sides[0]).known["dense"][a] & views.of(sides[1]).known["dense"][b]
    if not there.any():
        return views
    x, y = (
        pair_scores(sides[0].matrices[name], sides[1].matrices[name], a[there], b[there])
        for name in (FUSED, "image")
    )
    return replace(views, line=line_of(x, y))


class Ranking(Protocol):
    """How pairs that come later are ranked among the pairs that the job keeps."""

    def places(self, values: Floats, known: Floats, floor: float) -> Places:
        """Rank and gap of each pair by `values`; `known` are the values of the pairs of the job."""


@dataclass(frozen=True, slots=True, eq=False)
class RivalRanking:
    """Pairs of queries: on the left among each other, on the right among pairs of the job.

    Args:
        left: The query of each pair, (n_pairs,) int64.
        pair: The pair that each rival stands against, rising, (n_rivals,) int64.
        rival: The rivals: places in the pairs of the job, then in those of `added`.
        added: Pairs that come later and are rivals too, (n_added,) int64; None for none.
    """

    left: Integers
    pair: Integers
    rival: Integers
    added: Integers | None = None

    def places(self, values: Floats, known: Floats, floor: float) -> Places:
        """As of `Ranking`."""
        values = np.nan_to_num(values, nan=floor)
        if self.added is not None and len(self.added):
            known = np.concatenate([known, values[self.added]])
        rank_left, gap_left = one_side(self.left, values, floor)
        rivals = np.nan_to_num(known[self.rival], nan=floor)
        rank_right, gap_right = among_rivals(values, self.pair, rivals, floor)
        return Places(rank_left, rank_right, gap_left, gap_right)

    def some(self, near: Bools, described: Bools) -> RivalRanking:
        """Those of some pairs, among rivals that are described, (n_pairs,) and (n_job_pairs,) bool."""
        kept = near[self.pair] & described[self.rival]
        pair = (np.cumsum(near) - 1)[self.pair[kept]]
        return RivalRanking(self.left[near], pair, self.rival[kept])


@dataclass(frozen=True, slots=True, eq=False)
class JobPairs:
    """Pairs by their features.

    Args:
        names: The names of the features.
        values: Features, (n_pairs, n_names) float32.
        bits: Match weights, (n_pairs, n_columns) float32.
        total: Their sum, (n_pairs,) float32.
        own: Log-odds by the pair model, (n_pairs,) float32.
    """

    names: Sequence[str]
    values: Floats
    bits: Floats
    total: Floats
    own: Floats


@dataclass(frozen=True, slots=True, eq=False)
class JobModel:
    """What scores pairs that come later as pairs of the job.

    Args:
        statistics: The statistics of the pair features.
        context: The features of the log-odds that are the same for all pairs.
        columns: How the key columns are compared.
        correction: What was learned from labels, for these columns; None for nothing.
        of_pictures: Whether the decision is that of rows with pictures.
    """

    statistics: JobStatistics
    context: JobContext
    columns: tuple[KnownColumn, ...]
    correction: Correction | None = None
    of_pictures: bool = False

    @property
    def decision(self) -> Decision:
        """From pair features to log-odds."""
        return decision(pictures=self.of_pictures).corrected(self.correction)

    def places(self, scores: Mapping[str, Floats], ranking: Ranking, known: KnownPairs) -> dict[str, Places]:
        """Rank and gap of pairs by their similarity in each view, among the pairs that the job keeps."""
        views = self.statistics.views
        return {
            name: ranking.places(score, known.views[name], views[name].floor)
            for name, score in scores.items()
        }

    def compare(
        self,
        contents: tuple[Contents, Contents],
        left: Integers,
        right: Integers,
        scores: Mapping[str, Floats],
        own: Mapping[str, tuple[Floats, Floats]],
        places: Mapping[str, Places],
    ) -> Pairs:
        """Compare the words and cells of pairs of left and right records.

        `scores` and `places` are those of the pairs by view; `own` is the similarity of the nearest other
        record of its own table to the left and to the right record, NaN for unknown.
        """
        (a, i), (b, j) = (np.unique(side, return_inverse=True) for side in (left, right))
        texts = contents[0].texts[a].tolist(), contents[1].texts[b].tolist()
        compared = [
            column.compare(a_cells, b_cells, left, right)
            for column, a_cells, b_cells in zip(
                self.columns, contents[0].cells, contents[1].cells, strict=True
            )
        ]
        weights = weights_of([levels for _, _, levels in compared], self.statistics.tables, len(left))
        words = words_of(*texts, self.statistics.rarities)
        similarity, equal = [values for values, _, _ in compared], [same for _, same, _ in compared]
        return Pairs(i, j, words, texts, scores, own, places, similarity, equal, weights)

    def score(self, pairs: Pairs, ranking: Ranking, known: KnownPairs) -> PairScores:
        """Score compared pairs, ranked among the pairs that the job keeps."""
        return self.in_job(self.described(pairs, ranking, known), ranking, known)

    def described(self, pairs: Pairs, ranking: Ranking, known: KnownPairs) -> JobPairs:
        """Features of compared pairs, and log-odds by these."""
        total = pairs.weights.total
        if pairs.similarity:
            by_bits = ranking.places(total, known.bits, self.statistics.bits_floor)
            pairs = replace(pairs, places={**pairs.places, "bits": by_bits})
        names, values = features_of(pairs, self.statistics)
        own = self.decision.pair.predict(values, names)
        return JobPairs(names, values, pairs.weights.bits, total, own)

    def in_job(self, pairs: JobPairs, ranking: Ranking, known: KnownPairs) -> PairScores:
        """Log-odds of pairs in the job, ranked by their own log-odds among the pairs that it keeps."""
        context = in_context(pairs.own, ranking.places(pairs.own, known.pair, FLOOR), self.context)
        log_odds = self.decision.log_odds(context, pairs.names, pairs.values, pairs.bits)
        return PairScores(pairs.total, pairs.own, log_odds)


@dataclass(frozen=True, slots=True, eq=False)
class DescribedJob:
    """The pairs of a job with their features and their own log-odds, before they are judged together."""

    evidence: Evidence
    features: PairFeatures
    decision: Decision
    own: Floats
    offset: Floats | None
    of_pictures: bool

    def scored(self) -> tuple[PairScores, JobModel]:
        """The scores of the pairs, and what scores later pairs."""
        evidence, features, own = self.evidence, self.features, self.own
        at, same, sizes = features.at, evidence.same, evidence.sizes
        left, right = evidence.left[at], evidence.right[at]
        context = job_context(own, left, right, places(left, right, own, FLOOR, same=same), sizes, same=same)
        decided = self.decision.in_job(own, at, left, right, sizes, same=same, offset=self.offset)
        known = zip(evidence.columns, features.statistics.columns, strict=True)
        columns = tuple(known_column(column, statistics) for column, statistics in known)
        model = JobModel(features.statistics, context, columns, self.decision.correction, self.of_pictures)
        return PairScores(features.weights.total, own, decided.log_odds), model


def described_job(
    evidence: Evidence, correction: Correction | None, of_pictures: bool = False
) -> DescribedJob:
    """Describe the pairs of a job."""
    features = pair_features(evidence)
    names = [column.name for column in evidence.columns]
    decided = decision(pictures=of_pictures).corrected_by(correction, names)
    return DescribedJob(evidence, features, decided, *decided.own_log_odds(features), of_pictures)


def near_in(scores: Mapping[str, Floats], places: Mapping[str, Places]) -> Bools:
    """Which pairs are among the nearest of one of their records in some view, (n_pairs,) bool."""
    near = [
        ((places[name].rank_left < DEPTH) | (places[name].rank_right < DEPTH)) & (score > 0)
        for name, score in scores.items()
    ]
    return np.asarray(np.any(near, axis=0))
