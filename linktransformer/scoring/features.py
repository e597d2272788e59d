"""Pair features: similarities, ranks, words and columns of every candidate, beside those of its job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.parallel import chunks, mapped
from linktransformer.progress import stage
from linktransformer.scoring import ranks, words
from linktransformer.scoring.columns import PairedColumn, compared
from linktransformer.scoring.feature_families import VIEWS, Pairs, features_of, unknown
from linktransformer.scoring.fellegi_sunter import Weights, match_weights
from linktransformer.scoring.job_statistics import JobStatistics, ViewStatistics
from linktransformer.scoring.ranks import Places, Selection
from linktransformer.scoring.rivals import places_among_others
from linktransformer.search.matrices import Pairs as RecordPairs

__all__ = [
    "VIEWS",
    "Evidence",
    "PairFeatures",
    "first_guess",
    "mutual_and_strength",
    "near",
    "nearest",
    "pair_features",
    "prior_of",
    "view_statistics",
]

STEP = 2**14  # pairs whose features are computed at a time; it changes the memory, not the result
DEPTH = 3  # candidates of each record, in each view, that are described
LEAST = 100  # pairs of records of which one in a hundred is estimated


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Candidates and all that is known of their records.

    Args:
        left: Left record of each candidate, (n_pairs,) int64.
        right: Right record, (n_pairs,) int64.
        views: The similarity of each candidate in each view that there is, NaN for unknown, (n_pairs,)
            float32.
        texts: Case-folded texts of the left and of the right records, "" for a record that has a picture
            alone.
        columns: The key columns of both tables.
        own: In each view, how near the nearest other record of its own table is to each left and each right
            record, NaN for unknown.
        random: Left and right records of random pairs.
        random_views: The similarity in each view of those for which it is known.
        same: Both sides are one table: each pair is there once, and no record is compared with itself.
    """

    left: Integers
    right: Integers
    views: Mapping[str, Floats]
    texts: tuple[Sequence[str], Sequence[str]]
    columns: Sequence[PairedColumn]
    own: Mapping[str, tuple[Floats, Floats]]
    random: RecordPairs
    random_views: Mapping[str, Floats]
    same: bool = False

    @property
    def sizes(self) -> tuple[int, int]:
        """Records of the left and of the right table."""
        return len(self.texts[0]), len(self.texts[1])


@dataclass(frozen=True, slots=True, eq=False)
class PairFeatures:
    """What is known of candidates, as numbers that do not depend on the size or the kind of the tables.

    The features of all pairs of a job take gigabytes, so they are computed in parts when they are read.

    Args:
        at: Which candidates, positions in those that were given, (n,) int64.
        pairs: What the features are computed from.
        statistics: What is the same for all pairs of the job.
    """

    at: Integers
    pairs: Pairs
    statistics: JobStatistics

    @property
    def weights(self) -> Weights:
        """The match weights of the columns."""
        return self.pairs.weights

    @property
    def names(self) -> tuple[str, ...]:
        """Of the features."""
        return features_of(self.pairs.some(slice(0, 0)), self.statistics)[0]

    @property
    def values(self) -> Floats:
        """The features of all pairs, (n, n_features) float32, NaN for unknown."""
        return np.concatenate([self.of_part(slice(0, 0)), *mapped(self.of_part, self.parts())])

    def parts(self) -> list[slice]:
        """The pairs in parts that are described at a time."""
        _ = self.pairs.words.numbers  # once, before threads ask for it
        return chunks(len(self.at), STEP)

    def of_part(self, part: slice) -> Floats:
        """The features of some pairs, (n_pairs, n_features) float32, NaN for unknown."""
        return features_of(self.pairs.some(part), self.statistics)[1]

    def some(self, positions: Integers) -> PairFeatures:
        """The features of some of the pairs."""
        return replace(self, at=self.at[positions], pairs=self.pairs.some(positions))

    def among_others(self, entity: Integers, some: Integers) -> PairFeatures:
        """The features of some pairs of one table, ranked among rivals of other entities than theirs.

        Args:
            entity: A number for each record, equal for records that are taken as one entity, (n_records,).
            some: Positions in `at`, (n,) int64. All candidates are described.
        """
        pairs, statistics = self.pairs, self.statistics
        scores = {
            name: (np.where(np.isnan(score), np.float32(of_view.floor), score), of_view.floor)
            for (name, score), of_view in zip(
                pairs.scores.items(), map(statistics.views.__getitem__, pairs.scores), strict=True
            )
        }
        if "bits" in pairs.places:
            scores["bits"] = pairs.weights.total, statistics.bits_floor
        places = places_among_others(pairs.left, pairs.right, scores, entity, some)
        described = self.some(some)
        own = {
            name: (
                nearest(near[0], score, places[name].gap_left),
                nearest(near[1], score, places[name].gap_right),
            )
            for (name, near), score in zip(
                described.pairs.own.items(),
                map(described.pairs.scores.__getitem__, described.pairs.own),
                strict=True,
            )
        }
        return replace(described, pairs=replace(described.pairs, places=places, own=own))

    def with_view(self, name: str, evidence: Evidence) -> PairFeatures:
        """The features of the same pairs with one more view.

        Match weights stay as they were learned without it.
        """
        at = _selection(self.at, len(evidence.left))
        statistics = _view_statistics(name, evidence)
        score = evidence.views[name]
        pairs = replace(
            self.pairs,
            scores={**self.pairs.scores, name: score[at]},
            own={**self.pairs.own, name: _own(name, evidence, self.pairs.left, self.pairs.right)},
            places={**self.pairs.places, name: _places(evidence, score, statistics.floor).some(at)},
        )
        views = {**self.statistics.views, name: statistics}
        return replace(self, pairs=pairs, statistics=replace(self.statistics, views=views))

    @property
    def kinds(self) -> tuple[str, ...]:
        """How each column was compared, in the order of the weights."""
        return self.statistics.kinds


def nearest(own: Floats, score: Floats, gap: Floats) -> Floats:
    """How near the nearest record is that is the pair's or another entity, NaN where none is known."""
    return np.where(np.isnan(own), own, score - np.minimum(gap, 0))


def near(left: Integers, right: Integers, similarities: Mapping[str, Floats]) -> Bools:
    """Which candidates of two tables are among the three nearest of one of their records in some view.

    Similarities are NaN for unknown, (n_pairs,) float32 each.
    """
    places = {name: ranks.places(left, right, np.nan_to_num(score)) for name, score in similarities.items()}
    return _near(places, similarities, len(left))


def _near(places: Mapping[str, Places], similarities: Mapping[str, Floats], n: int) -> Bools:
    is_near = np.zeros(n, dtype=bool)
    for name, score in similarities.items():
        place = places[name]
        is_near |= ((place.rank_left < DEPTH) | (place.rank_right < DEPTH)) & (score > 0)
    return is_near


def _selection(at: Integers, n: int) -> Selection:
    """Some of n pairs; of all of them nothing is copied."""
    return slice(None) if len(at) == n else at


@stage("features")
def pair_features(evidence: Evidence) -> PairFeatures:
    """The features of candidates near to one of their records in some view; of one table, of all."""
    n = len(evidence.left)
    views = {name: _view_statistics(name, evidence) for name in evidence.views}
    places = {name: _places(evidence, score, views[name].floor) for name, score in evidence.views.items()}
    # unknown similarities are at the floor, which is not above 0: ranks of positive ones are as in `near`
    described = np.ones(n, dtype=bool) if evidence.same else _near(places, evidence.views, n)
    positions = np.flatnonzero(described)
    at = _selection(positions, n)
    left, right = evidence.left[at], evidence.right[at]
    places = {name: of_view.some(at) for name, of_view in places.items()}
    scores = {name: score[at] for name, score in evidence.views.items()}
    all_words = words.words(evidence.texts[0], None if evidence.same else evidence.texts[1])
    columns = [compared(column, (left, right), evidence.random) for column in evidence.columns]
    guess = first_guess(*mutual_and_strength(scores, places))
    weights = match_weights([column.levels for column in columns], guess, prior_of(evidence.sizes))
    floor = float(np.float32(min(0.0, float(weights.total.min(initial=0)))))
    if columns:
        places["bits"] = ranks.places(left, right, weights.total, floor, same=evidence.same)
    statistics = JobStatistics(
        evidence.sizes,
        evidence.same,
        views,
        all_words.rarities,
        tuple(column.statistics for column in columns),
        weights.tables,
        floor,
    )
    pairs = Pairs(
        left,
        right,
        all_words,
        evidence.texts,
        scores,
        {name: _own(name, evidence, left, right) for name in views},
        places,
        [column.similarity for column in columns],
        [column.equal for column in columns],
        weights,
    )
    return PairFeatures(positions, pairs, statistics)


def _view_statistics(name: str, evidence: Evidence) -> ViewStatistics:
    """How the similarities of all candidates and of random pairs are distributed."""
    score = evidence.views[name]
    own = _of_records(name, evidence)
    groups = [(evidence.left, own[0]), (evidence.right, own[1])]
    if evidence.same:
        groups = [(np.concatenate([evidence.left, evidence.right]), own[0])]
    doubled = np.concatenate([score, score]) if evidence.same else score
    seconds = [ranks.highest(group, doubled, len(nearest), 2)[:, 1] for group, nearest in groups]
    return view_statistics(
        evidence.random_views[name],
        evidence.sizes,
        float(np.nan_to_num(score).min(initial=0)),
        np.concatenate([nearest for _, nearest in groups]),
        np.concatenate(seconds),
    )


def view_statistics(
    random: Floats, sizes: tuple[int, int], lowest: float, own: Floats, seconds: Floats
) -> ViewStatistics:
    """Describe how similarities are distributed.

    `random` are those of random pairs, `lowest` the lowest of a candidate, at most 0; `own` and `seconds` as
    in `ViewStatistics`, NaN for unknown.
    """
    # of fewer pairs the highest hundredth is not known
    enough = sizes[0] * sizes[1] >= LEAST and len(random) > 0
    middle, high = np.quantile(random, (0.5, 0.99)) if len(random) else (0.0, 0.0)
    floor = float(np.median(random)) if len(random) else 0.0
    lower = float(np.float32(min(floor, lowest)))
    return ViewStatistics(float(middle), float(high), enough, lower, _rising(own), _rising(seconds))


def _places(evidence: Evidence, score: Floats, floor: float) -> Places:
    score = np.where(np.isnan(score), np.float32(floor), score)
    return ranks.places(evidence.left, evidence.right, score, floor, same=evidence.same)


def _of_records(name: str, evidence: Evidence) -> tuple[Floats, Floats]:
    """How near the nearest other record of its own table is to each left and each right record."""
    nothing = unknown(evidence.sizes[0]), unknown(evidence.sizes[1])
    return evidence.own.get(name, nothing)


def _own(name: str, evidence: Evidence, left: Integers, right: Integers) -> tuple[Floats, Floats]:
    own = _of_records(name, evidence)
    return own[0][left], own[1][right]


def _rising(values: Floats) -> Floats:
    return np.sort(values[~np.isnan(values)])


def mutual_and_strength(scores: Mapping[str, Floats], places: Mapping[str, Places]) -> tuple[Bools, Floats]:
    """Which pairs are each other's nearest in some view, and their highest similarity.

    Returns (n_pairs,) bool and (n_pairs,) float32.
    """
    best = [
        (np.maximum(places[name].rank_left, places[name].rank_right) == 0) & ~np.isnan(scores[name])
        for name in VIEWS
        if name in scores
    ]
    nearest = np.any(best, axis=0) if best else np.zeros(0, dtype=bool)
    return nearest, np.max([np.nan_to_num(score) for score in scores.values()], axis=0)


def first_guess(nearest: Bools, strong: Floats) -> Floats:
    """Guess the probability that pairs match, from which match weights are learned.

    Returns (n_pairs,) float32.
    """
    usual = float(np.median(strong[nearest])) if nearest.any() else 1.0
    guess = np.where(nearest, 0.7, 0.05) * np.clip(strong / max(usual, 0.05), 0, 1)
    return np.asarray(guess, dtype=np.float32)


def prior_of(sizes: tuple[int, int]) -> float:
    """The log2 odds that a candidate matches before anything is compared."""
    return float(-np.log2(max(2, *sizes)))
