"""The features of pairs, family by family, given the statistics of their job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring import words
from linktransformer.scoring.fellegi_sunter import Weights
from linktransformer.scoring.job_statistics import JobStatistics, ViewStatistics, share_above
from linktransformer.scoring.ranks import Places
from linktransformer.scoring.spelling import threads
from linktransformer.scoring.words import Words

__all__ = ["VIEWS", "Pairs", "features_of", "unknown"]

Features = dict[str, Floats]

VIEWS = ("lexical", "key column", "dense")
LENGTH = 300  # characters of a text that edit similarities read
OF_VIEW = ("similarity", "above random", "own min", "own max", "own share", "second share")


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What is known of pairs before it is held against their job.

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

    def some(self, at: Any) -> Pairs:
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
    """Describe pairs.

    Returns names and values of the features, (n, n_features) float32, NaN for unknown.
    """
    n = len(pairs.left)
    found: Features = {}
    for name in VIEWS:
        known, score = statistics.views.get(name), pairs.scores.get(name)
        view = of_view(name, known, score, pairs.own.get(name), n)
        view |= of_places(name, pairs.places.get(name), statistics, n)
        found |= view if score is None else _known(view, ~np.isnan(score))
    texts = [
        [of[text] for text in which.tolist()]
        for of, which in zip(pairs.texts, (pairs.left, pairs.right), strict=True)
    ]
    of_texts = of_words(pairs.words, pairs.left, pairs.right)
    of_texts |= of_letters(texts[0], texts[1])
    of_texts |= of_columns(pairs.similarity, pairs.equal, pairs.weights, n)
    of_texts |= of_places("bits", pairs.places.get("bits"), statistics, n)
    has = [np.fromiter(map(bool, side), bool, n) for side in texts]
    found |= _known(of_texts, has[0] & has[1])
    found |= of_tables(statistics, n)
    values = np.stack(list(found.values()), axis=1) if n else np.zeros((0, len(found)), np.float32)
    return tuple(found), values.astype(np.float32)


def _known(found: Features, known: Bools) -> Features:
    """The same features, NaN where nothing is known."""
    if known.all():
        return found
    return {name: np.where(known, values, np.float32(np.nan)) for name, values in found.items()}


def of_view(
    name: str, known: ViewStatistics | None, score: Floats | None, own: tuple[Floats, Floats] | None, n: int
) -> Features:
    """The similarity of pairs in one view beside those of other pairs.

    Returns the features, NaN without the view.
    """
    if known is None or score is None or own is None:
        return {f"{name} {what}": unknown(n) for what in OF_VIEW}
    above = unknown(n)
    if known.enough:
        scale = max(1e-3, known.high - known.middle)
        above = ((score - np.float64(known.middle)) / np.float64(scale)).astype(np.float32)
    less = score - own[0], score - own[1]
    values = (
        score,
        above,
        np.fmin(*less),
        np.fmax(*less),
        share_above(known.own, score),
        share_above(known.seconds, score),
    )
    return {f"{name} {what}": value for what, value in zip(OF_VIEW, values, strict=True)}


def of_places(name: str, places: Places | None, statistics: JobStatistics | None, n: int) -> Features:
    """Ranks and gaps on the side of more and of fewer records, and the less and the more favourable one."""
    labels = [f"{name} {what} {side}" for what in ("rank", "gap") for side in ("many", "few", "min", "max")]
    if places is None or statistics is None:
        return {label: unknown(n) for label in labels}
    values = []
    for pair in ((places.rank_left, places.rank_right), (places.gap_left, places.gap_right)):
        low, high = np.minimum(*pair), np.maximum(*pair)
        many = statistics.many
        values += [*((low, high) if statistics.tied else (pair[many], pair[1 - many])), low, high]
    return dict(zip(labels, values, strict=True))


def of_words(every: Words, left: Integers, right: Integers) -> Features:
    """The words and the numbers that two texts share."""
    found: Features = {}
    number = np.flatnonzero(every.number)
    sides: list[tuple[str, Any, Any]] = [("words", every.left, every.right)]
    sides.append(("numbers", sides[0][1][:, number], sides[0][2][:, number]))
    for kind, a, b in sides:
        of = words.overlap(a, b, left, right, every.most)
        all_left, all_right = of.shared + of.only_left, of.shared + of.only_right
        none = np.minimum(all_left, all_right) <= 0
        share = [
            np.where(none, np.nan, of.shared / np.maximum(of_all, 1e-9)) for of_all in (all_left, all_right)
        ]
        found |= {
            f"{kind} cosine": np.where(none, np.nan, of.cosine).astype(np.float32),
            f"{kind} shared": of.shared,
            f"{kind} contained min": np.minimum(*share).astype(np.float32),
            f"{kind} contained max": np.maximum(*share).astype(np.float32),
            f"{kind} only min": np.minimum(of.only_left, of.only_right),
            f"{kind} only max": np.maximum(of.only_left, of.only_right),
            f"{kind} rarest min": np.minimum(of.rarest_left, of.rarest_right),
            f"{kind} rarest max": np.maximum(of.rarest_left, of.rarest_right),
        }
        if kind == "words":
            found["words rarest alike"] = _alike(every.spelled, of)
    return found


def _alike(spelled: NDArray[np.object_], of: words.Overlap) -> Floats:
    """How like the rarest words are that only one text has: a slip, or another word."""
    from rapidfuzz import distance, process

    alike = unknown(len(of.word_left))
    both = np.flatnonzero((of.word_left >= 0) & (of.word_right >= 0))
    a, b = spelled[of.word_left[both]], spelled[of.word_right[both]]
    alike[both] = process.cpdist(a, b, scorer=distance.JaroWinkler.similarity, dtype=np.float32)
    return alike


def of_letters(left: Sequence[str], right: Sequence[str]) -> Features:
    """Edit similarities of pairs of texts, at most 300 characters of each."""
    from rapidfuzz import distance, fuzz, process

    a, b = ([text[:LENGTH] for text in side] for side in (left, right))
    length = [np.fromiter(map(len, side), np.float32, len(side)) for side in (left, right)]
    short, long = np.minimum(*length), np.maximum(*length)
    found: Features = {
        f"letters {name}": np.asarray(
            process.cpdist(a, b, scorer=scorer, workers=threads(len(a))) / scale, dtype=np.float32
        )
        for name, scorer, scale in (
            ("sorted", fuzz.token_sort_ratio, 100),
            ("set", fuzz.token_set_ratio, 100),
            ("start", distance.JaroWinkler.similarity, 1),
        )
    }
    found["length ratio"] = (short / np.maximum(long, 1)).astype(np.float32)
    return found | {"length": np.log1p(short).astype(np.float32)}


def of_columns(similarity: Sequence[Floats], equal: Sequence[Bools], weights: Weights, n: int) -> Features:
    """What the key columns say together, whatever their order.

    Returns the features, NaN without columns.
    """
    names = ("min", "mean", "max", "equal", "different", "null", "information")
    if not similarity:
        labels = [*(f"columns {name}" for name in names), "bits", "bits min", "bits max", "bits against"]
        return {label: unknown(n) for label in labels}
    alike = np.stack(list(similarity), axis=1)
    null = np.isnan(alike)
    there = np.maximum(1, (~null).sum(axis=1))
    same = np.stack(list(equal), axis=1)
    filled = np.nan_to_num(alike)
    bits = weights.bits
    found = {
        "columns min": np.where(null, 2, alike).min(axis=1),
        "columns mean": filled.sum(axis=1) / there,
        "columns max": filled.max(axis=1),
        "columns equal": (same & ~null).sum(axis=1) / there,
        "columns different": (~null & (filled < 0.3)).sum(axis=1) / there,
        "columns null": null.mean(axis=1),
        "columns information": np.maximum(bits, 0).sum(axis=1) / (1e-3 + np.abs(bits).sum(axis=1)),
    }
    empty = null.all(axis=1)
    found = {name: np.where(empty, np.nan, values) for name, values in found.items()}
    found |= {
        "bits": weights.total,
        "bits min": bits.min(axis=1),
        "bits max": bits.max(axis=1),
        "bits against": np.minimum(bits, 0).sum(axis=1),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


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
    """Values that are not known.

    Returns (n,) float32, all NaN.
    """
    return np.full(n, np.nan, dtype=np.float32)
