"""The job of a sample as arrays and what JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.blocking import Nodes
from linktransformer.decision.context import JobContext, Side
from linktransformer.reference_files import matrix_arrays, sparse_of, vocabulary_of, words_arrays
from linktransformer.sample_job import PARTS, Rivals, Sample, SampleJob
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.scoring.job_statistics import ColumnStatistics, JobStatistics, ViewStatistics
from linktransformer.scoring.known_columns import Cells, KnownColumn
from linktransformer.scoring.words import Rarities
from linktransformer.written_rows import Written

__all__ = ["from_parts", "parts_of"]

Arrays = Mapping[str, NDArray[Any]]
Parts = tuple[dict[str, NDArray[Any]], dict[str, Any]]

OF_VIEW = ("middle", "high", "enough", "floor")


def parts_of(job: SampleJob) -> Parts:
    """Take a job apart.

    Args:
        job: The job.

    Returns:
        Arrays by name, and what JSON can hold.
    """
    arrays, said = _of_statistics(job.statistics)
    more, said["columns"] = _of_columns(job.columns)
    arrays |= more
    context = job.context
    arrays["context"] = context.values
    said["context"] = {"many": context.many, "tied": context.tied, "sides": []}
    for place, side in enumerate(context.sides):
        arrays |= {f"side{place}.best": side.best, f"side{place}.second": side.second}
        said["context"]["sides"].append([side.records, side.middle, side.scale])
    more, said["sample"] = _of_sample(job.sample)
    arrays |= more
    arrays |= {f"rivals.{name}": _numbers(getattr(job.rivals, name)) for name in PARTS}
    arrays |= {f"rivals view.{name}": score for name, score in job.rivals.views.items()}
    arrays |= {f"own.{name}": values for name, values in job.own.items()}
    said |= {"n_reference": job.rivals.n_reference, "shift": job.shift}
    return arrays, said


def from_parts(said: Mapping[str, Any], arrays: Arrays) -> SampleJob:
    """Put a job together again.

    Args:
        said: From `parts_of`.
        arrays: Likewise.

    Returns:
        The job.
    """
    views = list(said["views"])
    rivals: dict[str, Any] = {name: arrays[f"rivals.{name}"] for name in PARTS}
    rivals |= {name: rivals[name].astype(bool) for name in ("copy", "described")}
    scores = {name: arrays[f"rivals view.{name}"] for name in views}
    sides = [
        Side(arrays[f"side{place}.best"], arrays[f"side{place}.second"], *numbers)
        for place, numbers in enumerate(said["context"]["sides"])
    ]
    return SampleJob(
        _statistics(said, arrays),
        JobContext(arrays["context"], (sides[0], sides[1]), said["context"]["many"], said["context"]["tied"]),
        tuple(_column(place, of, arrays) for place, of in enumerate(said["columns"])),
        _sample(said["sample"], views, arrays),
        Rivals(**rivals, views=scores, n_reference=said["n_reference"]),
        {name: arrays[f"own.{name}"] for name in views},
        said["shift"],
    )


def _of_statistics(of: JobStatistics) -> Parts:
    arrays: dict[str, NDArray[Any]] = {"rarity": of.rarities.rarity}
    arrays |= {"table": of.tables.table, "unmatched": of.tables.unmatched}
    views = {}
    for name, view in of.views.items():
        views[name] = {part: getattr(view, part) for part in OF_VIEW}
        arrays |= {f"view own.{name}": view.own, f"view seconds.{name}": view.seconds}
    said = {
        "sizes": list(of.sizes),
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
        False,
        views,
        Rarities(_texts(said["words"]), arrays["rarity"], said["most"]),
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


def _of_sample(sample: Sample) -> Parts:
    arrays: dict[str, NDArray[Any]] = {"sample.block": sample.nodes.block, "sample.copy_of": sample.copy_of}
    for name, matrix in sample.matrices.items():
        arrays |= matrix_arrays(f"sample.{name}", matrix)
    arrays |= {f"sample own.{name}": values for name, values in sample.own.items()}
    cells = sample.written.cells
    arrays |= {f"sample cells{place}": of.code for place, of in enumerate(cells)}
    said = {
        "texts": sample.texts.tolist(),
        "n_blocks": sample.n_blocks,
        "written": sample.written.texts.tolist(),
        "cells": [of.values.tolist() for of in cells],
        "sparse": [name for name, matrix in sample.matrices.items() if sp.issparse(matrix)],
    }
    return arrays, said


def _sample(said: Mapping[str, Any], views: Sequence[str], arrays: Arrays) -> Sample:
    every = np.arange(len(said["texts"]))
    matrices: dict[str, Any] = {
        name: sparse_of(f"sample.{name}", arrays) if name in said["sparse"] else arrays[f"sample.{name}"]
        for name in views
    }
    cells = tuple(
        Cells(_texts(values), arrays[f"sample cells{place}"]) for place, values in enumerate(said["cells"])
    )
    return Sample(
        _texts(said["texts"]),
        Nodes(every, arrays["sample.block"], every),
        said["n_blocks"],
        matrices,
        {name: arrays[f"sample own.{name}"] for name in views},
        Written(_texts(said["written"]), cells),
        arrays["sample.copy_of"],
    )


def _texts(values: Sequence[str]) -> NDArray[np.object_]:
    return np.fromiter(values, dtype=object, count=len(values))


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.uint8) if values.dtype == bool else values
