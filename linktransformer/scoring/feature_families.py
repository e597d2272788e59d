"""The features of pairs, family by family, given the statistics of their job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.fellegi_sunter import Weights
from linktransformer.scoring.job_statistics import JobStatistics, ViewStatistics, share_above
from linktransformer.scoring.ranks import Places, Selection
from linktransformer.scoring.words import Overlap, Words, overlap
from linktransformer.search.edit_similarity import threads

__all__ = ["VIEWS", "Pairs", "features_of", "unknown"]

Features = dict[str, Floats]

VIEWS = ("lexical", "key column", "dense")
LENGTH = 300  # characters of a text that edit similarities read
OF_VIEW = ("similarity", "above random", "own min", "own max", "own share", "second share")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Pairs and what they are described by, before they are compared with their job.

    Args:
        left: The left text of each pair, (n,) int64.
        right: The right text.
        words: The words of the texts.
        texts: The case-folded left and right texts, "" for none.
        scores: The similarity in each view, NaN for unknown, (n,) float32.
        own: In each view, how near the nearest other record of its own table is to the left and to the right
            record of each pair, NaN for unknown, (n,) float32 each.
        places: Where each pair stands in each view, and by "bits" where there are columns.
        similarity: Of the cells of each column, NaN for a null, (n,) float32.
        equal: Whether they are equal, (n,) bool.
        weights: The match weights of the columns.
    """

    left: Integers
    right: Integers
    words: Words
    texts: tuple[Sequence[str], Sequence[str]]
    scores: Mapping[str, Floats]
    own: Mapping[str, tuple[Floats, Floats]]
    places: Mapping[str, Places]
    similarity: Sequence[Floats]
    equal: Sequence[Bools]
    weights: Weights

    def some(self, at: Selection) -> Pairs:
        """Some of the pairs."""
        return Pairs(
            self.left[at],
            self.right[at],
            self.words,
            self.texts,
            {name: score[at] for name, score in self.scores.items()},
            {name: (left[at], right[at]) for name, (left, right) in self.own.items()},
            {name: places.some(at) for name, places in self.places.items()},
            [similarity[at] for similarity in self.similarity],
            [equal[at] for equal in self.equal],
            self.weights.some(at),
        )


def features_of(pairs: Pairs, statistics: JobStatistics) -> tuple[tuple[str, ...], Floats]:
    """The features of pairs beside a job, theirs or another one.

    Returns names and values, (n, n_features) float32, NaN for unknown.
    """
    n = len(pairs.left)
    features: Features = {}
    for name in VIEWS:
        score = pairs.scores.get(name)
        of_name = of_view(name, statistics.views.get(name), score, pairs.own.get(name), n)
        of_name |= of_places(name, pairs.places.get(name), statistics, n)
        features |= of_name if score is None else _where(~np.isnan(score), of_name)
    left, right = (
        list(map(texts.__getitem__, numbers.tolist()))
        for texts, numbers in zip(pairs.texts, (pairs.left, pairs.right), strict=True)
    )
    of_texts = of_words(pairs.words, pairs.left, pairs.right)
    of_texts |= of_letters(left, right)
    of_texts |= of_columns(pairs.similarity, pairs.equal, pairs.weights, n)
    of_texts |= of_places("bits", pairs.places.get("bits"), statistics, n)
    has_text = of_texts["length"] > 0  # of the shorter one
    features |= _where(has_text, of_texts)
    features |= of_tables(statistics, n)
    values = np.stack(list(features.values()), axis=1) if n else np.zeros((0, len(features)), np.float32)
    return tuple(features), values.astype(np.float32)


def _where(has_value: Bools, features: Features) -> Features:
    """The same features, NaN for pairs of which nothing is known."""
    if has_value.all():
        return features
    return {name: np.where(has_value, values, np.float32(np.nan)) for name, values in features.items()}


def of_view(
    name: str,
    job: ViewStatistics | None,
    score: Floats | None,
    own: tuple[Floats, Floats] | None,
    n: int,
) -> Features:
    """The similarity of pairs in one view beside those of the job, NaN without the view."""
    if job is None or score is None or own is None:
        return {f"{name} {label}": unknown(n) for label in OF_VIEW}
    above = unknown(n)
    if job.enough:
        scale = max(1e-3, job.high - job.middle)
        above = ((score - np.float64(job.middle)) / np.float64(scale)).astype(np.float32)
    margins = score - own[0], score - own[1]
    values = (
        score,
        above,
        np.fmin(*margins),
        np.fmax(*margins),
        share_above(job.own, score),
        share_above(job.seconds, score),
    )
    return {f"{name} {label}": value for label, value in zip(OF_VIEW, values, strict=True)}


def of_places(name: str, places: Places | None, statistics: JobStatistics, n: int) -> Features:
    """Ranks and gaps on the side of more and of fewer records, and the lower and the higher one."""
    labels = [f"{name} {kind} {side}" for kind in ("rank", "gap") for side in ("many", "few", "min", "max")]
    if places is None:
        return {label: unknown(n) for label in labels}
    values = []
    for pair in ((places.rank_left, places.rank_right), (places.gap_left, places.gap_right)):
        low, high = np.minimum(*pair), np.maximum(*pair)
        many = statistics.many
        values += [*((low, high) if statistics.tied else (pair[many], pair[1 - many])), low, high]
    return dict(zip(labels, values, strict=True))


def of_words(words: Words, left: Integers, right: Integers) -> Features:
    """The words and the numbers that the left and the right text of each pair share."""
    features: Features = {}
    sides = {"words": (words.left, words.right), "numbers": words.numbers}
    for kind, (a, b) in sides.items():
        common = overlap(a, b, left, right, words.rarities.most)
        all_left, all_right = common.shared + common.only_left, common.shared + common.only_right
        none = np.minimum(all_left, all_right) <= 0
        share = [
            np.where(none, np.nan, common.shared / np.maximum(total, 1e-9)) for total in (all_left, all_right)
        ]
        features |= {
            f"{kind} cosine": np.where(none, np.nan, common.cosine).astype(np.float32),
            f"{kind} shared": common.shared,
            f"{kind} contained min": np.minimum(*share).astype(np.float32),
            f"{kind} contained max": np.maximum(*share).astype(np.float32),
            f"{kind} only min": np.minimum(common.only_left, common.only_right),
            f"{kind} only max": np.maximum(common.only_left, common.only_right),
            f"{kind} rarest min": np.minimum(common.rarest_left, common.rarest_right),
            f"{kind} rarest max": np.maximum(common.rarest_left, common.rarest_right),
        }
        if kind == "words":
            features["words rarest alike"] = _rarest_similarity(words.rarities.spelled, common)
    return features


def _rarest_similarity(spelled: NDArray[np.object_], common: Overlap) -> Floats:
    """How similar the rarest words are that only one text has: a slip, or another word."""
    from rapidfuzz import distance, process

    similarity = unknown(len(common.word_left))
    both = np.flatnonzero((common.word_left >= 0) & (common.word_right >= 0))
    a, b = spelled[common.word_left[both]], spelled[common.word_right[both]]
    similarity[both] = process.cpdist(a, b, scorer=distance.JaroWinkler.similarity, dtype=np.float32)
    return similarity


def of_letters(left: Sequence[str], right: Sequence[str]) -> Features:
    """Edit similarities of pairs of texts, at most 300 characters of each."""
    from rapidfuzz import distance, fuzz, process

    length = [np.fromiter(map(len, side), np.float32, len(side)) for side in (left, right)]
    short, long = np.minimum(*length), np.maximum(*length)
    is_long = long.max(initial=0) > LENGTH
    a, b = ([text[:LENGTH] for text in side] if is_long else side for side in (left, right))
    features: Features = {
        f"letters {name}": np.asarray(
            process.cpdist(a, b, scorer=scorer, workers=threads(len(a))) / scale, dtype=np.float32
        )
        for name, scorer, scale in (
            ("sorted", fuzz.token_sort_ratio, 100),
            ("set", fuzz.token_set_ratio, 100),
            ("start", distance.JaroWinkler.similarity, 1),
        )
    }
    features["length ratio"] = (short / np.maximum(long, 1)).astype(np.float32)
    return features | {"length": np.log1p(short).astype(np.float32)}


def of_columns(similarity: Sequence[Floats], equal: Sequence[Bools], weights: Weights, n: int) -> Features:
    """The comparisons of the key columns together, whatever their order; NaN without columns."""
    names = ("min", "mean", "max", "equal", "different", "null", "information")
    if not similarity:
        labels = [*(f"columns {name}" for name in names), "bits", "bits min", "bits max", "bits against"]
        return {label: unknown(n) for label in labels}
    similarities = np.stack(list(similarity), axis=1)
    null = np.isnan(similarities)
    n_filled = np.maximum(1, (~null).sum(axis=1))
    filled = np.nan_to_num(similarities)
    bits = weights.bits
    features = {
        "columns min": np.where(null, 2, similarities).min(axis=1),
        "columns mean": filled.sum(axis=1) / n_filled,
        "columns max": filled.max(axis=1),
        "columns equal": (np.stack(list(equal), axis=1) & ~null).sum(axis=1) / n_filled,
        "columns different": (~null & (filled < 0.3)).sum(axis=1) / n_filled,
        "columns null": null.mean(axis=1),
        "columns information": np.maximum(bits, 0).sum(axis=1) / (1e-3 + np.abs(bits).sum(axis=1)),
    }
    empty = null.all(axis=1)
    features = {name: np.where(empty, np.nan, values) for name, values in features.items()}
    features |= {
        "bits": weights.total,
        "bits min": bits.min(axis=1),
        "bits max": bits.max(axis=1),
        "bits against": np.minimum(bits, 0).sum(axis=1),
    }
    return {name: values.astype(np.float32) for name, values in features.items()}


def of_tables(statistics: JobStatistics, n: int) -> Features:
    """What is the same for all pairs of a job."""
    kinds = statistics.kinds
    numbers = {
        "columns": float(len(kinds)),
        "one table": float(statistics.same),
        "names": sum(kind in ("name", "text") for kind in kinds) / max(1, len(kinds)),
    }
    return {name: np.full(n, value, dtype=np.float32) for name, value in numbers.items()}


def unknown(n: int) -> Floats:
    """Values that are not known, (n,) float32, all NaN."""
    return np.full(n, np.nan, dtype=np.float32)
