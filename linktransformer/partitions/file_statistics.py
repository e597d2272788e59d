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
    same = files.partitions.same
    apart = _unrelated(random, searched, same=same)
    left, right = random.left[apart], random.right[apart]
    own, views = {}, {}
    for name in files.views:
        own[name] = _of_records(name, 0, survey, searched), _of_records(name, 1, survey, searched)
        views[name] = view_statistics(
            pair_scores(*_vectors(files, random, name, searched), left, right),
            survey.counted.sizes,
            min(part.lowest[name] for part in searched),
            own[name][0] if same else np.concatenate(own[name]),
            np.concatenate([part.seconds[name] for part in searched]),
        )
    unrelated = []
    for column in survey.columns:
        cells = [
            folded(side[place]).tolist() for side, place in zip(random.cells, column.places, strict=True)
        ]
        compared = column.compare(cells[0], cells[1], left, right)
        unrelated.append(level_of(compared.similarity, compared.equal))
    tables = _tables(files, survey, searched, unrelated)
    lowest = 0.0
    for number, part in enumerate(searched):
        levels = levels_of(files.stored(number), len(survey.columns))
        lowest = min(lowest, float(weights_of(levels, tables, part.n_described).total.min(initial=0)))
    most = float(np.log(survey.counted.n_records + 1))
    rarities = Rarities(np.empty(0, dtype=object), np.empty(0, dtype=np.float32), most)
    columns = tuple(column.statistics for column in survey.columns)
    job = JobStatistics(
        survey.counted.sizes, same, views, rarities, columns, tables, float(np.float32(lowest))
    )
    return FileStatistics(job, own)


def levels_of(stored: Stored, n_columns: int) -> list[ColumnLevels]:
    """How equal the cells of the described pairs of a partition are, column by column."""
    levels = []
    for number in range(n_columns):
        level = level_of(stored.floats(f"similarity {number}"), stored.array(f"equal {number}").astype(bool))
        levels.append(ColumnLevels(level, np.empty(0, dtype=np.int8), stored.floats(f"frequency {number}")))
    return levels


def _unrelated(random: RandomPairs, searched: Sequence[Searched], *, same: bool) -> Bools:
    """The random pairs, (n,) bool, that are not nearest candidates; as in `scoring.candidate_evidence`."""
    width = len(random.texts[1])
    related = np.concatenate([part.related[0] * width + part.related[1] for part in searched])
    apart = ~np.isin(random.left * width + random.right, related)
    if same:
        left, right = (np.array(texts, dtype=object) for texts in random.texts)
        apart &= left[random.left] != right[random.right]
    return apart if apart.any() else np.ones(len(apart), dtype=bool)


def _vectors(
    files: FileJob, random: RandomPairs, name: str, searched: Sequence[Searched]
) -> tuple[Matrix, Matrix]:
    """The vectors of the texts of random pairs in one view."""
    if name != "dense":
        return files.ngrams(name, random.texts, random.cells)
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


def _tables(
    files: FileJob, survey: Survey, searched: Sequence[Searched], random: Sequence[NDArray[np.int8]]
) -> Tables:
    """Match weights of the key columns, learned in the order of the records."""
    total = sum(part.n_described for part in searched)
    parts: list[list[NDArray[np.generic]]] = []
    for number in range(len(searched)):
        stored = files.stored(number)
        left, right = survey.counted.of_pairs(stored)
        code = left * survey.counted.sizes[1] + right
        some = _share(code, LEARNED_FROM / max(1, total))
        values: list[NDArray[np.generic]] = [code, stored.array("nearest"), stored.array("strong")]
        for levels in levels_of(stored, len(survey.columns)):
            values += [levels.level, levels.frequency]
        parts.append([array[some] for array in values])
    code, nearest, strong, *graded = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.argsort(code)
    guess = first_guess(nearest[order], strong[order])
    columns = [
        ColumnLevels(level[order], of_random, frequency[order])
        for level, frequency, of_random in zip(graded[::2], graded[1::2], random, strict=True)
    ]
    return match_weights(columns, guess, prior_of(survey.counted.sizes)).tables


def _share(code: Integers, share: float) -> Bools:
    """About this share of pairs, whatever their order: by 32 bits of a hash of their codes."""
    if share >= 1:
        return np.ones(len(code), dtype=bool)
    mixed = code.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # Fibonacci hashing, D. Knuth 1973
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(32)) < np.uint64(share * 2**32))
