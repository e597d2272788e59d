"""The described pairs of one partition: their features and log-odds, given the statistics of the job."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.decision.model import Decision, decision
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.file_statistics import FileStatistics, levels_of
from linktransformer.partitions.file_survey import Survey
from linktransformer.scoring import ranks
from linktransformer.scoring.feature_families import Pairs, features_of
from linktransformer.scoring.fellegi_sunter import Weights, weights_of
from linktransformer.scoring.words import Words, split, weighed
from linktransformer.tables.normalize import folded

__all__ = ["described", "pairs_of"]


STEP = 2**16  # pairs at a time; it changes the memory, not the result


def described(context: tuple[FileJob, Survey, FileStatistics], number: int) -> int:
    """Describe the pairs of a partition, where that was not done before; how many they are."""
    files, survey, statistics = context
    stored = files.stored(number, "describe")
    before = stored.result()
    if before is None:
        model = decision().corrected_by(files.plan.correction, [column.name for column in survey.columns])
        log_odds, offset = _log_odds(files, survey, statistics, number, model)
        before = {"log_odds": log_odds, "offset": offset}
        stored.finish(before)
    return len(before["log_odds"])


def _log_odds(
    files: FileJob, survey: Survey, statistics: FileStatistics, number: int, model: Decision
) -> tuple[Floats, Floats]:
    """Log-odds of every described pair of a partition by its own features, and a correction's offsets.

    (n_pairs,) float32 each.
    """
    pairs = pairs_of(files, survey, statistics, number)
    log_odds = np.zeros(len(pairs.left), dtype=np.float32)
    offset = np.zeros(len(log_odds), dtype=np.float32)
    for start in range(0, len(log_odds), STEP):
        here = slice(start, min(len(log_odds), start + STEP))
        names, values = features_of(_some(pairs, here), statistics.job)
        log_odds[here] = model.pair.predict(values, names)
        more = model.offset(names, values, pairs.weights.bits[here])
        if more is not None:
            offset[here] = more
    return log_odds, offset


def pairs_of(files: FileJob, survey: Survey, statistics: FileStatistics, number: int) -> Pairs:
    """The described pairs of a partition with their similarities, ranks and cells."""
    stored, job = files.stored(number), statistics.job
    sides = files.sides(number)
    written = [files.written(number, side.cells) for number, side in enumerate(sides)]
    texts = folded(written[0]).tolist(), folded(written[1]).tolist()
    left, right, at = (stored.integers(name) for name in ("left", "right", "at"))
    scores, places = {}, {}
    for name, view in job.views.items():
        score = stored.floats(f"view {name}")
        scores[name] = score[at]
        places[name] = ranks.places(left, right, score, view.floor, same=job.same).some(at)
    left, right = left[at], right[at]
    n_columns = len(survey.columns)
    weights = weights_of(levels_of(stored, n_columns), job.tables, len(at))
    if n_columns:
        places["bits"] = ranks.places(left, right, weights.total, job.bits_floor, same=job.same)
    numbers = survey.counted.of_pairs(stored)
    return Pairs(
        sides[0].nodes.text[left],
        sides[1].nodes.text[right],
        _words(texts, survey, same=job.same),
        texts,
        scores,
        {name: (own[0][numbers[0]], own[1][numbers[1]]) for name, own in statistics.own.items()},
        places,
        [stored.floats(f"similarity {number}") for number in range(n_columns)],
        [stored.array(f"equal {number}").astype(bool) for number in range(n_columns)],
        weights,
    )


def _words(texts: tuple[list[str], list[str]], survey: Survey, *, same: bool) -> Words:
    """The words of a partition, as rare as they are in both files."""
    spelled, columns, indptr = split(texts[0] if same else [*texts[0], *texts[1]])
    n = survey.counted.n_records
    rarity = np.log((n + 1) / np.maximum(survey.counted.words.of(spelled), 1)).astype(np.float32)
    if not len(spelled):
        rarity = np.zeros(1, dtype=np.float32)
    return weighed(spelled, columns, indptr, rarity, float(np.log(n + 1)), None if same else len(texts[0]))


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
        {name: place.some(here) for name, place in pairs.places.items()},
        [similarity[here] for similarity in pairs.similarity],
        [equal[here] for equal in pairs.equal],
        Weights(pairs.weights.bits[here], pairs.weights.total[here], pairs.weights.tables),
    )
