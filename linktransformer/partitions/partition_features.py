"""The described pairs of one piece: their log-odds, given what is the same for all pairs of the job."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision.model import Decision
from linktransformer.partitions.file_statistics import FileStatistics, levels_of
from linktransformer.partitions.file_survey import Survey
from linktransformer.partitions.partition import Divided
from linktransformer.partitions.partition_job import Known, Stored, side_of
from linktransformer.scoring import ranks
from linktransformer.scoring.feature_families import Pairs, features_of
from linktransformer.scoring.fellegi_sunter import Weights, weights_of
from linktransformer.scoring.words import Words, split, weighed
from linktransformer.tables.normalize import folded

__all__ = ["log_odds_of", "pairs_of"]


STEP = 2**16  # pairs at a time; it changes the memory, not the result


def log_odds_of(
    known: Known,
    divided: Divided,
    survey: Survey,
    statistics: FileStatistics,
    number: int,
    model: Decision,
) -> tuple[Floats, Floats]:
    """Give every described pair of a piece its log-odds by its own features.

    Log-odds, and what a correction adds to them in the job, (n_pairs,) float32 each.
    """
    pairs, of = pairs_of(known, divided, survey, statistics, number), statistics.job
    found = np.zeros(len(pairs.left), dtype=np.float32)
    offset = np.zeros(len(found), dtype=np.float32)
    for start in range(0, len(found), STEP):
        here = slice(start, min(len(found), start + STEP))
        names, values = features_of(_some(pairs, here), of)
        found[here] = model.pair.predict(values, names)
        more = model.offset(names, values, pairs.weights.bits[here])
        if more is not None:
            offset[here] = more
    return found, offset


def pairs_of(
    known: Known, divided: Divided, survey: Survey, statistics: FileStatistics, number: int
) -> Pairs:
    """Put together what is known of the described pairs of a piece."""
    stored, of = Stored(known.folder, number), statistics.job
    (_, a, x), (_, b, y) = (side_of(shelf, number) for shelf in divided.shelves)
    texts = folded(a).tolist(), folded(b).tolist()
    left, right, at = (stored.integers(name) for name in ("left", "right", "at"))
    scores, places = {}, {}
    for name, view in of.views.items():
        score = stored.array(f"view {name}")
        scores[name] = score[at]
        places[name] = ranks.places(left, right, score, view.floor).some(at)
    left, right = left[at], right[at]
    weights = weights_of([levels_of(stored)], of.tables, len(at))
    places["bits"] = ranks.places(left, right, weights.total, of.bits_floor)
    numbers = survey.numbers(0, number)[left], survey.numbers(1, number)[right]
    return Pairs(
        x.text[left],
        y.text[right],
        _words(texts, survey),
        texts,
        scores,
        {name: (own[0][numbers[0]], own[1][numbers[1]]) for name, own in statistics.own.items()},
        places,
        [stored.array("similarity")],
        [stored.array("equal")],
        weights,
    )


def _words(texts: tuple[list[str], list[str]], survey: Survey) -> Words:
    """The words of a piece, as rare as they are in both files."""
    spelled, columns, indptr = split([*texts[0], *texts[1]])
    n = sum(survey.sizes)
    rarity = np.log((n + 1) / np.maximum(survey.counted.words.of(spelled), 1)).astype(np.float32)
    if not len(spelled):
        rarity = np.zeros(1, dtype=np.float32)
    return weighed(spelled, columns, indptr, rarity, float(np.log(n + 1)), len(texts[0]))


def _some(pairs: Pairs, here: slice) -> Pairs:
    """Some of the pairs, with their texts alone."""
    left, i = np.unique(pairs.left[here], return_inverse=True)
    right, j = np.unique(pairs.right[here], return_inverse=True)
    texts = pairs.texts
    return Pairs(
        i,
        j,
        replace(pairs.words, left=pairs.words.left[left], right=pairs.words.right[right]),
        ([texts[0][place] for place in left.tolist()], [texts[1][place] for place in right.tolist()]),
        {name: score[here] for name, score in pairs.scores.items()},
        {name: (own[0][here], own[1][here]) for name, own in pairs.own.items()},
        {name: of.some(here) for name, of in pairs.places.items()},
        [similarity[here] for similarity in pairs.similarity],
        [equal[here] for equal in pairs.equal],
        Weights(pairs.weights.bits[here], pairs.weights.total[here], pairs.weights.tables),
    )
