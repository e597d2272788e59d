"""The statistics that are the same for all pairs of two files, put together from their partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.partitions.checkpoint import Stored
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.file_survey import RandomPairs, Survey
from linktransformer.partitions.partition_search import Searched
from linktransformer.progress import stage
from linktransformer.scoring.features import first_guess, prior_of, view_statistics
from linktransformer.scoring.fellegi_sunter import (
    ColumnLevels,
    Tables,
    level_of,
    match_weights,
    weights_of,
)
from linktransformer.scoring.job_statistics import JobStatistics
from linktransformer.scoring.words import Rarities
from linktransformer.search.matrices import Matrix
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.normalize import folded

__all__ = ["FileStatistics", "levels_of", "statistics_of"]


LEARNED_FROM = 2**21  # pairs: a rate of one in a thousand is known to two in a hundred of itself


@dataclass(frozen=True, slots=True, eq=False)
class FileStatistics:
    """What is the same for all pairs of two files.

    Args:
        job: Views, columns and match weights of the job; without word rarities, for there are too many words.
        own: By view, how near the nearest other record of its own file is to each left and each right record,
            NaN for unknown.
    """

    job: JobStatistics
    own: Mapping[str, tuple[Floats, Floats]]


@stage("features")
def statistics_of(files: FileJob, survey: Survey, searched: Sequence[Searched]) -> FileStatistics:
    """Put the statistics together from the partitions.

    Match weights are learned from all pairs, or from about two million of them, chosen by their numbers.
    """
    random = survey.random
    apart = _unrelated(random, searched)
    left, right = random.left[apart], random.right[apart]
    own, views = {}, {}
    for name in files.views:
        own[name] = _of_records(name, 0, survey, searched), _of_records(name, 1, survey, searched)
        views[name] = view_statistics(
            pair_scores(*_vectors(files, random, name, searched), left, right),
            survey.counted.sizes,
            min(part.lowest[name] for part in searched),
            np.concatenate(own[name]),
            np.concatenate([part.seconds[name] for part in searched]),
        )
    texts = [folded(side).tolist() for side in random.texts]
    unrelated = survey.column.compare(texts[0], texts[1], left, right)
    tables = _tables(files, survey, searched, level_of(unrelated.similarity, unrelated.equal))
    lowest = 0.0
    for number, part in enumerate(searched):
        levels = levels_of(files.stored(number))
        lowest = min(lowest, float(weights_of([levels], tables, part.n_described).total.min(initial=0)))
    most = float(np.log(sum(survey.counted.sizes) + 1))
    rarities = Rarities(np.empty(0, dtype=object), np.empty(0, dtype=np.float32), most)
    columns = (survey.column.statistics,)
    job = JobStatistics(
        survey.counted.sizes, False, views, rarities, columns, tables, float(np.float32(lowest))
    )
    return FileStatistics(job, own)


def levels_of(stored: Stored) -> ColumnLevels:
    """How equal the cells of the described pairs of a partition are."""
    level = level_of(stored.floats("similarity"), stored.array("equal").astype(bool))
    return ColumnLevels(level, np.empty(0, dtype=np.int8), stored.floats("frequency"))


def _unrelated(random: RandomPairs, searched: Sequence[Searched]) -> Bools:
    """The random pairs, (n,) bool, that are not nearest candidates; as in `scoring.candidate_evidence`."""
    width = len(random.texts[1])
    related = np.concatenate([part.related[0] * width + part.related[1] for part in searched])
    apart = ~np.isin(random.left * width + random.right, related)
    return apart if apart.any() else np.ones(len(apart), dtype=bool)


def _vectors(
    files: FileJob, random: RandomPairs, name: str, searched: Sequence[Searched]
) -> tuple[Matrix, Matrix]:
    """The vectors of the texts of random pairs in one view."""
    if name == "lexical":
        return files.ngrams(random.texts)
    sides = []
    for side, texts in enumerate(random.texts):
        parts = [part.vectors[name][side] for part in searched]
        width = max(vectors.shape[1] for _, vectors in parts)
        matrix = np.zeros((len(texts), width), dtype=np.float32)
        for place, vectors in parts:
            if len(place):
                matrix[place] = vectors
        sides.append(matrix)
    return sides[0], sides[1]


def _of_records(name: str, side: int, survey: Survey, searched: Sequence[Searched]) -> Floats:
    """How near the nearest other record of its own file is to each record, NaN for unknown."""
    scores = np.full(survey.counted.sizes[side], np.nan, dtype=np.float32)
    for part in searched:
        number, score = part.own[name][side]
        scores[number] = score
    return scores


def _tables(files: FileJob, survey: Survey, searched: Sequence[Searched], random: NDArray[np.int8]) -> Tables:
    """Match weights of the key column, learned in the order of the records."""
    total = sum(part.n_described for part in searched)
    names = ("code", "nearest", "strong", "level", "frequency")
    parts: dict[str, list[NDArray[np.generic]]] = {name: [] for name in names}
    for number in range(len(searched)):
        stored = files.stored(number)
        left, right = survey.counted.of_pairs(stored)
        code = left * survey.counted.sizes[1] + right
        some = _share(code, LEARNED_FROM / max(1, total))
        levels = levels_of(stored)
        graded = (levels.level, levels.frequency)
        columns: list[NDArray[np.generic]] = [code, stored.array("nearest"), stored.array("strong"), *graded]
        for name, values in zip(names, columns, strict=True):
            parts[name].append(values[some])
    code, nearest, strong, level, frequency = (np.concatenate(values) for values in parts.values())
    order = np.argsort(code)
    guess = first_guess(nearest[order], strong[order])
    column = ColumnLevels(level[order], random, frequency[order])
    return match_weights([column], guess, prior_of(survey.counted.sizes)).tables


def _share(code: Integers, share: float) -> Bools:
    """About this share of pairs, whatever their order: by 32 bits of a hash of their codes."""
    if share >= 1:
        return np.ones(len(code), dtype=bool)
    mixed = code.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing, D. Knuth 1973
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(32)) < np.uint64(share * 2**32))
