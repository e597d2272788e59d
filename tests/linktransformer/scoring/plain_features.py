"""Pair features with the statistics of the job worked out beside each feature: a reference for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.scoring import ranks, words
from linktransformer.scoring.columns import Compared, compared
from linktransformer.scoring.features import LEAST, VIEWS, Evidence, near
from linktransformer.scoring.fellegi_sunter import Weights, match_weights

Integers = NDArray[np.int64]
Floats = NDArray[np.float32]

LENGTH = 300


def plain_pair_features(evidence: Evidence) -> tuple[tuple[str, ...], Floats]:
    """Names and values of the features of those that are near."""
    is_near = near(evidence.left, evidence.right, evidence.views) | evidence.same
    at = np.flatnonzero(is_near)
    left, right = evidence.left[at], evidence.right[at]
    found: dict[str, Floats] = {}
    for name in VIEWS:
        found |= _of_view(name, evidence, at)
    has = [np.array([bool(text) for text in side], dtype=bool) for side in evidence.texts]
    columns = [compared(column, (left, right), evidence.random) for column in evidence.columns]
    weights = _weights(evidence, columns, found)
    of_texts = _of_words(evidence, left, right) | _of_letters(evidence, left, right)
    of_texts |= _of_columns(columns, weights, len(at))
    of_texts |= _relative("bits", evidence, left, right, weights.total if columns else None)
    found |= _known(of_texts, has[0][left] & has[1][right])
    found |= _of_tables(evidence, columns, len(at))
    values = np.stack(list(found.values()), axis=1) if len(at) else np.zeros((0, len(found)), np.float32)
    return tuple(found), values.astype(np.float32)


def _of_view(name: str, evidence: Evidence, at: Integers) -> dict[str, Floats]:
    """Similarity, ranks and gaps in one view, NaN where there is no such view."""
    n, score = len(at), evidence.views.get(name)
    if score is None:
        labels = ("similarity", "above random", "own min", "own max", "own share", "second share")
        return {f"{name} {what}": _unknown(n) for what in labels} | _relative(
            name, evidence, evidence.left[at], evidence.right[at], None
        )
    places = _relative(name, evidence, evidence.left, evidence.right, score)
    random = evidence.random_views[name]
    pairs = evidence.sizes[0] * evidence.sizes[1]
    above = _unknown(n)
    if pairs >= LEAST and len(random):  # of fewer pairs the highest hundredth is not known
        middle, high = np.quantile(random, (0.5, 0.99))
        above = ((score[at] - middle) / max(1e-3, high - middle)).astype(np.float32)
    own = evidence.own.get(name, (_unknown(evidence.sizes[0]), _unknown(evidence.sizes[1])))
    less = score[at] - own[0][evidence.left[at]], score[at] - own[1][evidence.right[at]]
    groups = [(evidence.left, own[0]), (evidence.right, own[1])]
    if evidence.same:
        groups = [(np.concatenate([evidence.left, evidence.right]), own[0])]
    doubled = np.concatenate([score, score]) if evidence.same else score
    seconds = [ranks.highest(group, doubled, len(of), 2)[:, 1] for group, of in groups]
    found = {
        f"{name} similarity": score[at],
        f"{name} above random": above,
        f"{name} own min": np.fmin(*less),
        f"{name} own max": np.fmax(*less),
        f"{name} own share": _share_above(np.concatenate([of for _, of in groups]), score[at]),
        f"{name} second share": _share_above(np.concatenate(seconds), score[at]),
    } | {what: values[at] for what, values in places.items()}
    return _known(found, ~np.isnan(score[at]))


def _relative(
    name: str, evidence: Evidence, left: Integers, right: Integers, score: Floats | None
) -> dict[str, Floats]:
    """Ranks and gaps on the side of more and of fewer records, and the less and the more favourable one."""
    labels = [f"{name} {what} {side}" for what in ("rank", "gap") for side in ("many", "few", "min", "max")]
    if score is None:
        return {label: _unknown(len(left)) for label in labels}
    random = evidence.random_views.get(name)
    floor = float(np.median(random)) if random is not None and len(random) else 0.0
    lowest = np.float32(min(floor, float(np.nan_to_num(score).min(initial=0))))
    score = np.where(np.isnan(score), lowest, score)
    found = ranks.places(left, right, score, float(lowest), same=evidence.same)
    values = []
    for pair in ((found.rank_left, found.rank_right), (found.gap_left, found.gap_right)):
        low, high = np.minimum(*pair), np.maximum(*pair)
        sides = (low, high) if _tied(evidence) else (pair[_many(evidence)], pair[1 - _many(evidence)])
        values += [*sides, low, high]
    return dict(zip(labels, values, strict=True))


def _of_words(evidence: Evidence, left: Integers, right: Integers) -> dict[str, Floats]:
    texts = evidence.texts
    every = words.words(texts[0], None if evidence.same else texts[1])
    found: dict[str, Floats] = {}
    number = np.flatnonzero(every.number)
    sides: list[tuple[str, Any, Any]] = [("words", every.left, every.right)]
    sides.append(("numbers", sides[0][1][:, number], sides[0][2][:, number]))
    for kind, a, b in sides:
        of = words.overlap(a, b, left, right, every.rarities.most)
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
            found["words rarest alike"] = _alike(every.rarities.spelled, of)
    return found


def _alike(spelled: NDArray[np.object_], of: words.Overlap) -> Floats:
    """How like the rarest words are that only one text has: a slip, or another word."""
    from rapidfuzz import distance, process

    alike = _unknown(len(of.word_left))
    both = np.flatnonzero((of.word_left >= 0) & (of.word_right >= 0))
    a, b = spelled[of.word_left[both]], spelled[of.word_right[both]]
    alike[both] = process.cpdist(a, b, scorer=distance.JaroWinkler.similarity, dtype=np.float32)
    return alike


def _of_letters(evidence: Evidence, left: Integers, right: Integers) -> dict[str, Floats]:
    """Edit similarities of the two texts, at most 300 characters of each."""
    from rapidfuzz import distance, fuzz, process

    cut = [np.array([text[:LENGTH] for text in side], dtype=object) for side in evidence.texts]
    a, b = cut[0][left], cut[1][right]
    length = [np.array([len(text) for text in side], dtype=np.float32) for side in evidence.texts]
    short, long = np.minimum(length[0][left], length[1][right]), np.maximum(length[0][left], length[1][right])
    found: dict[str, Floats] = {
        f"letters {name}": np.asarray(process.cpdist(a, b, scorer=scorer) / scale, dtype=np.float32)
        for name, scorer, scale in (
            ("sorted", fuzz.token_sort_ratio, 100),
            ("set", fuzz.token_set_ratio, 100),
            ("start", distance.JaroWinkler.similarity, 1),
        )
    }
    found["length ratio"] = (short / np.maximum(long, 1)).astype(np.float32)
    return found | {"length": np.log1p(short).astype(np.float32)}


def _weights(evidence: Evidence, columns: Sequence[Compared], found: Mapping[str, Floats]) -> Weights:
    """Match weights of the columns; the first guess are the pairs that are each other's nearest."""
    best = [found[f"{name} rank max"] == 0 for name in VIEWS if name in evidence.views]
    nearest = np.any(best, axis=0) if best else np.zeros(0, dtype=bool)
    strong = np.max([np.nan_to_num(found[f"{name} similarity"]) for name in evidence.views], axis=0)
    usual = float(np.median(strong[nearest])) if nearest.any() else 1.0
    guess = np.where(nearest, 0.7, 0.05) * np.clip(strong / max(usual, 0.05), 0, 1)
    prior = -np.log2(max(2, *evidence.sizes))
    return match_weights([column.levels for column in columns], guess.astype(np.float32), float(prior))


def _of_columns(columns: Sequence[Compared], weights: Weights, n: int) -> dict[str, Floats]:
    names = ("min", "mean", "max", "equal", "different", "null", "information")
    if not columns:
        labels = [*(f"columns {name}" for name in names), "bits", "bits min", "bits max", "bits against"]
        return {label: _unknown(n) for label in labels}
    similarity = np.stack([column.similarity for column in columns], axis=1)
    null = np.isnan(similarity)
    there = np.maximum(1, (~null).sum(axis=1))
    equal = np.stack([column.equal for column in columns], axis=1)
    filled = np.nan_to_num(similarity)
    bits = weights.bits
    found = {
        "columns min": np.where(null, 2, similarity).min(axis=1),
        "columns mean": filled.sum(axis=1) / there,
        "columns max": filled.max(axis=1),
        "columns equal": (equal & ~null).sum(axis=1) / there,
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


def _of_tables(evidence: Evidence, columns: Sequence[Compared], n: int) -> dict[str, Floats]:
    """What is the same for all pairs of a job."""
    kinds = [column.statistics.comparison.kind for column in columns]
    numbers = {
        "columns": float(len(columns)),
        "one table": float(evidence.same),
        "names": sum(kind in ("name", "text") for kind in kinds) / max(1, len(kinds)),
    }
    return {name: np.full(n, value, dtype=np.float32) for name, value in numbers.items()}


def _known(found: dict[str, Floats], known: NDArray[np.bool_]) -> dict[str, Floats]:
    """The same features, NaN where nothing is known."""
    if known.all():
        return found
    return {name: np.where(known, values, np.float32(np.nan)) for name, values in found.items()}


def _share_above(known: Floats, score: Floats) -> Floats:
    """The share of known values that are at least as high as each score."""
    values = np.sort(known[~np.isnan(known)])
    above = len(values) - np.searchsorted(values, score, "left")
    # half a value more on either side (Jeffreys' prior): of a few values none above says little
    return ((above + 0.5) / (len(values) + 1)).astype(np.float32)


def _many(evidence: Evidence) -> int:
    """0 where the left table has more records, 1 where the right one has."""
    return int(evidence.sizes[1] > evidence.sizes[0])


def _tied(evidence: Evidence) -> bool:
    return evidence.same or evidence.sizes[0] == evidence.sizes[1]


def _unknown(n: int) -> Floats:
    return np.full(n, np.nan, dtype=np.float32)
