"""What is frozen of a job as arrays and what JSON can hold: statistics, context, columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.context import JobContext, Side
from linktransformer.estimators.reference_files import vocabulary_of, words_arrays
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.scoring.job_statistics import ColumnStatistics, JobStatistics, ViewStatistics
from linktransformer.scoring.known_columns import KnownColumn
from linktransformer.scoring.words import Rarities

__all__ = ["Arrays", "Frozen", "Parts", "frozen_from", "frozen_parts", "texts_of"]

Arrays = Mapping[str, NDArray[Any]]
Parts = tuple[dict[str, NDArray[Any]], dict[str, Any]]
Frozen = tuple[JobStatistics, JobContext, tuple[KnownColumn, ...]]

OF_VIEW = ("middle", "high", "enough", "floor")


def frozen_parts(statistics: JobStatistics, context: JobContext, columns: Sequence[KnownColumn]) -> Parts:
    """Take what is the same for all pairs of a job apart.

    Args:
        statistics: Of the job.
        context: Of its log-odds.
        columns: How its key columns are compared.

    Returns:
        Arrays by name, and what JSON can hold.
    """
    arrays, said = _of_statistics(statistics)
    more, said["columns"] = _of_columns(columns)
    arrays |= more
    arrays["context"] = context.values
    said["context"] = {"many": context.many, "tied": context.tied, "sides": []}
    for place, side in enumerate(context.sides):
        arrays |= {f"side{place}.best": side.best, f"side{place}.second": side.second}
        said["context"]["sides"].append([side.records, side.middle, side.scale])
    return arrays, said


def frozen_from(said: Mapping[str, Any], arrays: Arrays) -> Frozen:
    """Put it together again.

    Args:
        said: From `frozen_parts`.
        arrays: Arrays by name, from `frozen_parts`.

    Returns:
        Statistics, context and columns.
    """
    sides = [
        Side(arrays[f"side{place}.best"], arrays[f"side{place}.second"], *numbers)
        for place, numbers in enumerate(said["context"]["sides"])
    ]
    of = said["context"]
    context = JobContext(arrays["context"], (sides[0], sides[1]), of["many"], of["tied"])
    columns = tuple(_column(place, of, arrays) for place, of in enumerate(said["columns"]))
    return _statistics(said, arrays), context, columns


def _of_statistics(of: JobStatistics) -> Parts:
    arrays: dict[str, NDArray[Any]] = {"rarity": of.rarities.rarity}
    arrays |= {"table": of.tables.table, "unmatched": of.tables.unmatched}
    views = {}
    for name, view in of.views.items():
        views[name] = {part: getattr(view, part) for part in OF_VIEW}
        arrays |= {f"view own.{name}": view.own, f"view seconds.{name}": view.seconds}
    said = {
        "sizes": list(of.sizes),
        "same": of.same,
        "views": views,
        "words": of.rarities.spelled.tolist(),
        "most": of.rarities.most,
        "prior": of.tables.prior,
        "bits_floor": of.bits_floor,
    }
    return arrays, said


def _statistics(said: Mapping[str, Any], arrays: Arrays) -> JobStatistics:
    views = {
        name: ViewStatistics(
            **numbers, own=arrays[f"view own.{name}"], seconds=arrays[f"view seconds.{name}"]
        )
        for name, numbers in said["views"].items()
    }
    columns = tuple(_column_statistics(place, of, arrays) for place, of in enumerate(said["columns"]))
    return JobStatistics(
        (said["sizes"][0], said["sizes"][1]),
        said["same"],
        views,
        Rarities(texts_of(said["words"]), arrays["rarity"], said["most"]),
        columns,
        Tables(arrays["table"], arrays["unmatched"], said["prior"]),
        said["bits_floor"],
    )


def _of_columns(columns: Sequence[KnownColumn]) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    arrays: dict[str, NDArray[Any]] = {}
    said = []
    for place, column in enumerate(columns):
        of = column.statistics
        arrays[f"frequency{place}"] = np.array(list(of.frequency.values()), dtype=np.float64)
        if column.words is not None:
            arrays |= words_arrays(f"words{place}", column.words)
        said.append(
            {
                "comparison": asdict(of.comparison),
                "values": list(of.frequency),
                "records": of.records,
                "n_texts": None if column.words is None else column.words.n_texts,
                "pool": [list(side) for side in column.pool],
            }
        )
    return arrays, said


def _column_statistics(place: int, said: Mapping[str, Any], arrays: Arrays) -> ColumnStatistics:
    frequency = dict(zip(said["values"], arrays[f"frequency{place}"].tolist(), strict=True))
    return ColumnStatistics(Comparison(**said["comparison"]), frequency, said["records"])


def _column(place: int, said: Mapping[str, Any], arrays: Arrays) -> KnownColumn:
    n_texts = said["n_texts"]
    words = None if n_texts is None else vocabulary_of(f"words{place}", dict(arrays), n_texts)
    pool = tuple(said["pool"][0]), tuple(said["pool"][1])
    return KnownColumn(_column_statistics(place, said, arrays), words, pool)


def texts_of(values: Sequence[str]) -> NDArray[np.object_]:
    """Texts of a list.

    Args:
        values: They.

    Returns:
        (n,) object.
    """
    return np.fromiter(values, dtype=object, count=len(values))
