"""The evidence of a job, kept so that any pair of its records can be explained later."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.decision.attribution import BIT, FAMILIES, attribute, split_among
from linktransformer.decision.context import FLOOR, JobContext
from linktransformer.decision.model import SUREST, Decision, Probabilities, ranked
from linktransformer.progress import stage
from linktransformer.scoring import ranks
from linktransformer.scoring.feature_families import Pairs, features_of, unknown
from linktransformer.scoring.features import Evidence, PairFeatures, nearest
from linktransformer.scoring.fellegi_sunter import Weights, weights_of
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.known_columns import Cells, KnownColumn, known_column
from linktransformer.scoring.ranks import Places
from linktransformer.scoring.rivals import places_among_others
from linktransformer.scoring.words import words_of
from linktransformer.search import vocabulary
from linktransformer.search.blocking import Nodes
from linktransformer.search.pair_products import pair_scores

__all__ = ["LINES", "Compared", "Explained", "JobEvidence", "slim_evidence"]

LINES = (
    "base line",
    "similarity of the records",
    "words and numbers",
    "amount of text",
    "rank among the candidates",
    "the job",
    "expected overlap",
    "equal text goes first",
    "decision learned from labels",
    "limit of the probability",
)

Bits = Doubles


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The cells of key columns of pairs.

    Args:
        similarity: 0 to 1, NaN where a cell is null, (n_pairs, n_columns) float32.
        equal: Whether they are equal, (n_pairs, n_columns) bool.
        weights: Match weights.
    """

    similarity: Floats
    equal: Bools
    weights: Weights


@dataclass(frozen=True, slots=True, eq=False)
class Explained:
    """Parts that add up to the log-odds of the match probabilities of pairs, in bits.

    Args:
        columns: The part of each key column, (n_pairs, n_columns).
        lines: The part of each of `LINES`, (n_pairs, n_lines).
    """

    columns: Bits
    lines: Bits

    @property
    def total(self) -> Bits:
        """Their sum, (n_pairs,)."""
        return np.asarray(self.columns.sum(axis=1) + self.lines.sum(axis=1))


@dataclass(frozen=True, eq=False)
class JobEvidence:
    """The candidates of a job and its statistics, without features.

    Args:
        nodes: The records of the left and of the right table.
        searched: The candidates with views and cells of their records, without random pairs.
        statistics: Statistics of all pairs of the job.
        at: The candidates that were described, positions in `searched`, rising, (n,) int32.
        bits: Their match weights, (n,) float32.
        pair: Their log-odds by their own features, (n,) float32.
        log_odds: Their log-odds in the job, those of equal texts raised, (n,) float32.
        shift: The addition of the expected overlap to all log-odds.
        decision: The trees that judged them.
        entity: As of `model.ranked`.
    """

    nodes: tuple[Nodes, Nodes]
    searched: Evidence
    statistics: JobStatistics
    at: NDArray[np.int32]
    bits: Floats
    pair: Floats
    log_odds: Floats
    shift: float
    decision: Decision
    entity: Integers | None = None

    @property
    def left(self) -> Integers:
        """The left record of each described candidate, (n,)."""
        return self.searched.left[self.at]

    @property
    def right(self) -> Integers:
        """The right record of each described candidate, (n,)."""
        return self.searched.right[self.at]

    def candidates_of(self, record: int, side: int) -> Integers:
        """Positions of a record's described candidates, the most probable one first.

        `side` is 0 for a left and 1 for a right record; it makes no difference in one table.
        """
        own = (self.left, self.right)[side] == record
        if self.searched.same:
            own |= (self.right, self.left)[side] == record
        candidates = np.flatnonzero(own)
        return candidates[np.argsort(-self.log_odds[candidates], kind="stable")]

    def find(self, left: Integers, right: Integers) -> Integers:
        """Positions of pairs among the described candidates, -1 for a pair that is none, (n_pairs,) int64."""
        if self.searched.same:
            left, right = np.minimum(left, right), np.maximum(left, right)
        positions = np.full(len(left), -1, dtype=np.int64)
        lefts, rights = self.left, self.right
        for pair, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True)):  # few pairs
            equal = np.flatnonzero((lefts == a) & (rights == b))
            if len(equal):
                positions[pair] = equal[0]
        return positions

    def compare(self, left: Integers, right: Integers) -> Compared:
        """Compare the key columns of any pairs of records."""
        columns = [
            column.compare(*cells, left, right)
            for column, cells in zip(self._columns, self._cells, strict=True)
        ]
        similarity = np.full((len(left), len(columns)), np.nan, dtype=np.float32)
        equal = np.zeros((len(left), len(columns)), dtype=bool)
        for number, column in enumerate(columns):
            similarity[:, number], equal[:, number], _ = column
        levels = [level for _, _, level in columns]
        return Compared(similarity, equal, weights_of(levels, self.statistics.tables, len(left)))

    def cosine(self, left: int, right: int) -> float:
        """The n-gram cosine of the texts of two records, candidates or not; NaN where one has no text."""
        texts = self.searched.texts[0][left], self.searched.texts[1][right]
        if not all(texts):
            return float("nan")
        vectors = self._ngrams.vectors(texts)
        return float(pair_scores(vectors, vectors, np.array([0]), np.array([1]))[0])

    def explain(self, at: Integers) -> Explained:
        """The parts of the log-odds of few described candidates, whose features are computed again."""
        left, right = self.left[at].astype(np.int64), self.right[at].astype(np.int64)
        compared = self.compare(left, right)
        places = self._places(self.pair, self.left, self.right, at, FLOOR)
        features = self._features(at, left, right, compared)
        attribution = attribute(self.decision, features, self.pair[at], places, self._context)
        columns, rest = split_among(attribution.parts[:, 0], compared.weights.bits, compared.equal)
        total, shift = attribution.total, self.shift / BIT
        final = self.log_odds[at].astype(np.float64) / BIT
        corrected = self._corrected(total * BIT, features, compared.weights.bits) / BIT
        limited = np.clip(final, -SUREST / BIT, SUREST / BIT)
        parts = attribution.parts[:, 1:].copy()
        parts[:, FAMILIES.index("rank") - 1] += rest  # of columns beside those of other candidates
        before, overlap = np.full(len(at), attribution.base), np.full(len(at), shift)
        after = (overlap, final - corrected - shift, corrected - total, limited - final)
        return Explained(columns, np.column_stack([before, parts, *after]))

    def features(self) -> tuple[tuple[str, ...], Floats, Floats]:
        """Names and values of the features of all described candidates, computed again, and match weights.

        The values are (n_pairs, n_features) float32, the match weights (n_pairs, n_columns) float32.
        """
        left, right = self.left.astype(np.int64), self.right.astype(np.int64)
        compared = self.compare(left, right)
        names, values = self._features(np.arange(len(self.at)), left, right, compared)
        return names, values, compared.weights.bits

    def _corrected(self, log_odds: Bits, features: tuple[tuple[str, ...], Floats], bits: Floats) -> Doubles:
        """Log-odds with the correction that was learned from labels."""
        correction, (names, values) = self.decision.correction, features
        if correction is None:
            return log_odds
        offset = correction.offset(names, values, bits)
        return correction.corrected(log_odds.astype(np.float32), offset).astype(np.float64)

    def _features(
        self, at: Integers, left: Integers, right: Integers, compared: Compared
    ) -> tuple[tuple[str, ...], Floats]:
        """The features of candidates, as `pair_features` gives them."""
        searched, statistics = self.searched, self.statistics
        places, positions = {}, self.at[at].astype(np.int64)
        for name, score in searched.views.items():
            floor = statistics.views[name].floor
            filled = np.where(np.isnan(score), np.float32(floor), score)
            places[name] = self._places(filled, searched.left, searched.right, positions, floor)
        if searched.columns:
            places["bits"] = self._places(self.bits, self.left, self.right, at, statistics.bits_floor)
        lefts, left_text = np.unique(left, return_inverse=True)
        rights, right_text = np.unique(right, return_inverse=True)
        texts = (
            [searched.texts[0][record] for record in lefts.tolist()],
            [searched.texts[1][record] for record in rights.tolist()],
        )
        pairs = Pairs(
            left_text,
            right_text,
            words_of(*texts, statistics.rarities),
            texts,
            {name: score[positions] for name, score in searched.views.items()},
            {name: self._own(name, left, right, positions, places[name]) for name in searched.views},
            places,
            list(compared.similarity.T),
            list(compared.equal.T),
            compared.weights,
        )
        return features_of(pairs, statistics)

    def _own(
        self, name: str, left: Integers, right: Integers, positions: Integers, places: Places
    ) -> tuple[Floats, Floats]:
        own = self.searched.own.get(name)
        if own is None:
            return unknown(len(left)), unknown(len(left))
        of_pair = own[0][left], own[1][right]
        if self.entity is None:
            return of_pair
        one, score = self.entity[left] == self.entity[right], self.searched.views[name][positions]
        near = nearest(of_pair[0], score, places.gap_left), nearest(of_pair[1], score, places.gap_right)
        return np.where(one, near[0], of_pair[0]), np.where(one, near[1], of_pair[1])

    def _places(self, score: Floats, left: Integers, right: Integers, at: Integers, floor: float) -> Places:
        """Ranks and gaps of few pairs among the candidates of their records."""
        ends = left[at], right[at]
        if self.searched.same:
            ends = (np.concatenate(ends),) * 2
        near = np.flatnonzero(np.isin(left, ends[0]) | np.isin(right, ends[1]))
        left, right, score, at = left[near], right[near], score[near], np.searchsorted(near, at)
        places = ranks.places(left, right, score, floor, same=self.searched.same).some(at)
        if self.entity is None:
            return places
        one = np.flatnonzero(self.entity[left[at]] == self.entity[right[at]])
        others = places_among_others(left, right, {"": (score, floor)}, self.entity, at[one])
        return places.replaced(one, others[""])

    @cached_property
    def _context(self) -> JobContext:
        left, right, same = self.left, self.right, self.searched.same
        return ranked(self.pair, left, right, self.searched.sizes, same=same, entity=self.entity)[1]

    @cached_property
    def _columns(self) -> list[KnownColumn]:
        return [
            known_column(column, statistics)
            for column, statistics in zip(self.searched.columns, self.statistics.columns, strict=True)
        ]

    @cached_property
    def _cells(self) -> list[tuple[Cells, Cells]]:
        return [
            (
                Cells(np.fromiter(c.left_values, dtype=object, count=len(c.left_values)), c.left),
                Cells(np.fromiter(c.right_values, dtype=object, count=len(c.right_values)), c.right),
            )
            for c in self.searched.columns
        ]

    @cached_property
    def _ngrams(self) -> vocabulary.Vocabulary:
        sides = self.searched.texts[: 1 if self.searched.same else 2]
        return vocabulary.learn(list(dict.fromkeys(text for side in sides for text in side if text)))


@stage("decision")
def slim_evidence(
    nodes: tuple[Nodes, Nodes],
    evidence: Evidence,
    features: PairFeatures,
    pair: Floats,
    decided: Probabilities,
    model: Decision,
    entity: Integers | None = None,
) -> JobEvidence:
    """The evidence of a job without features: 16 to 20 bytes a candidate.

    Args:
        nodes: The records of the left and of the right table.
        evidence: The candidates.
        features: Of those that were described.
        pair: Their log-odds by their own features, (n_pairs,) float32.
        decided: Their log-odds in the job.
        model: The trees that judged them.
        entity: As of `model.ranked`.
    """
    none = np.empty(0, dtype=np.int64)
    slim = replace(
        evidence,
        left=np.asarray(evidence.left, dtype=np.int32),  # half the memory
        right=np.asarray(evidence.right, dtype=np.int32),
        random=(none, none),
        random_views={},
    )
    statistics, bits = features.statistics, features.weights.total
    at = np.asarray(features.at, dtype=np.int32)
    return JobEvidence(
        nodes, slim, statistics, at, bits, pair, decided.log_odds, decided.shift, model, entity
    )
