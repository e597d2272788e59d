"""Fitted jobs as arrays by name and what JSON can hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from linktransformer.decision.context import JobContext, Side
from linktransformer.decision.correction import from_dict
from linktransformer.estimators.clustered_table import TableJob
from linktransformer.estimators.known_pairs import KnownPairs, SamplePairs, TablePairs
from linktransformer.estimators.pair_scoring import JobModel, JobViews
from linktransformer.estimators.row_reader import Contents
from linktransformer.estimators.sample_job import Sample, SampleJob
from linktransformer.estimators.storage import (
    Arrays,
    Json,
    matrix_arrays,
    matrix_of,
    objects,
    vocabulary_arrays,
    vocabulary_of,
)
from linktransformer.linking.reader_scale import Scale
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.scoring.job_statistics import ColumnStatistics, JobStatistics, ViewStatistics
from linktransformer.scoring.known_columns import Cells, KnownColumn
from linktransformer.scoring.words import Rarities
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import is_sparse

__all__ = ["sample_job", "sample_parts", "table_job", "table_parts"]

NUMBERS = ("middle", "high", "enough", "floor")  # of a view
SAMPLE_NAMES = {"left": "sample", "right": "reference", "raised": "folded"}  # of pairs, in files
TABLE_NAMES = {"raised": "log_odds"}


def sample_parts(job: SampleJob) -> tuple[Arrays, Json]:
    """The job of a sample."""
    arrays, values = _model_parts(job.model)
    arrays |= _pair_arrays(job.pairs, "rivals", SAMPLE_NAMES)
    arrays |= {f"own.{name}": own for name, own in job.own.items()}
    more, values["sample"] = _sample_parts(job.sample)
    values |= {"n_reference": job.pairs.n_records, "shift": job.shift, "job_views": asdict(job.views)}
    values["scale"] = None if job.scale is None else asdict(job.scale)
    return arrays | more, values


def sample_job(values: Json, arrays: Arrays) -> SampleJob:
    """The job of `sample_parts`."""
    names, views = list(values["views"]), values["job_views"]
    line = None if views["line"] is None else (views["line"][0], views["line"][1])
    parts = _pair_values(arrays, "rivals", SAMPLE_NAMES, names)
    return SampleJob(
        _model(values, arrays, of_pictures=views["pictures"] == "image"),
        _sample(values["sample"], names, arrays),
        SamplePairs(**parts, n_records=values["n_reference"]),
        {name: arrays[f"own.{name}"] for name in names},
        JobViews(tuple(views["names"]), views["pictures"], line),
        values["shift"],
        _scale(values),
    )


def table_parts(job: TableJob) -> tuple[Arrays, Json]:
    """The job of a table with itself."""
    arrays, values = _model_parts(job.model)
    values |= {"n_records": job.pairs.n_records}
    values["scale"] = None if job.scale is None else asdict(job.scale)
    return arrays | _pair_arrays(job.pairs, "near", TABLE_NAMES), values


def table_job(values: Json, arrays: Arrays) -> TableJob:
    """The job of `table_parts`."""
    parts = _pair_values(arrays, "near", TABLE_NAMES, list(values["views"]))
    pairs = TablePairs(**parts, n_records=values["n_records"])
    return TableJob(_model(values, arrays), pairs, _scale(values))


def _scale(values: Json) -> Scale | None:
    """The scale of a reader; folders of earlier versions have none."""
    return Scale(**values["scale"]) if values.get("scale") else None


def _pair_arrays(pairs: KnownPairs, prefix: str, names: dict[str, str]) -> Arrays:
    arrays = {f"{prefix}.{names.get(name, name)}": values for name, values in pairs.arrays().items()}
    return arrays | {f"{prefix} view.{name}": score for name, score in pairs.views.items()}


def _pair_values(arrays: Arrays, prefix: str, names: dict[str, str], views: Sequence[str]) -> Json:
    parts = ("left", "right", "bits", "pair", "job", "raised")
    values: Json = {name: arrays[f"{prefix}.{names.get(name, name)}"] for name in parts}
    return values | {"views": {name: arrays[f"{prefix} view.{name}"] for name in views}}


def _model_parts(model: JobModel) -> tuple[Arrays, Json]:
    statistics, context = model.statistics, model.context
    rarities, tables = statistics.rarities, statistics.tables
    arrays: Arrays = {
        "rarity": rarities.rarity,
        "table": tables.table,
        "unmatched": tables.unmatched,
        "context": context.values,
    }
    for name, view in statistics.views.items():
        arrays |= {f"view own.{name}": view.own, f"view seconds.{name}": view.seconds}
    for place, side in enumerate(context.sides):
        arrays |= {f"side{place}.best": side.best, f"side{place}.second": side.second}
    for place, column in enumerate(model.columns):
        frequency = column.statistics.frequency
        arrays[f"frequency{place}"] = np.array(list(frequency.values()), dtype=np.float64)
        if column.words is not None:
            arrays |= vocabulary_arrays(f"words{place}", column.words)
    values: Json = {
        "sizes": list(statistics.sizes),
        "same": statistics.same,
        "views": {
            name: {part: getattr(view, part) for part in NUMBERS} for name, view in statistics.views.items()
        },
        "words": rarities.spelled.tolist(),
        "most": rarities.most,
        "prior": tables.prior,
        "bits_floor": statistics.bits_floor,
        "columns": [_column_json(column) for column in model.columns],
        "context": {
            "many": context.many,
            "tied": context.tied,
            "sides": [[side.records, side.middle, side.scale] for side in context.sides],
        },
        "correction": None if model.correction is None else asdict(model.correction),
    }
    return arrays, values


def _column_json(column: KnownColumn) -> Json:
    statistics = column.statistics
    return {
        "comparison": asdict(statistics.comparison),
        "values": list(statistics.frequency),
        "records": statistics.records,
        "n_texts": None if column.words is None else column.words.n_texts,
        "pool": [list(side) for side in column.pool],
    }


def _model(values: Json, arrays: Arrays, of_pictures: bool = False) -> JobModel:
    views = {
        name: ViewStatistics(
            **numbers, own=arrays[f"view own.{name}"], seconds=arrays[f"view seconds.{name}"]
        )
        for name, numbers in values["views"].items()
    }
    columns = tuple(_column(place, column, arrays) for place, column in enumerate(values["columns"]))
    sides = [
        Side(arrays[f"side{place}.best"], arrays[f"side{place}.second"], *numbers)
        for place, numbers in enumerate(values["context"]["sides"])
    ]
    statistics = JobStatistics(
        (values["sizes"][0], values["sizes"][1]),
        values["same"],
        views,
        Rarities(objects(values["words"]), arrays["rarity"], values["most"]),
        tuple(column.statistics for column in columns),
        Tables(arrays["table"], arrays["unmatched"], values["prior"]),
        values["bits_floor"],
    )
    many, tied = values["context"]["many"], values["context"]["tied"]
    context = JobContext(arrays["context"], (sides[0], sides[1]), many, tied)
    correction = None if values["correction"] is None else from_dict(values["correction"])
    return JobModel(statistics, context, columns, correction, of_pictures)


def _column(place: int, values: Json, arrays: Arrays) -> KnownColumn:
    frequency = dict(zip(values["values"], arrays[f"frequency{place}"].tolist(), strict=True))
    statistics = ColumnStatistics(Comparison(**values["comparison"]), frequency, values["records"])
    n_texts = values["n_texts"]
    words = None if n_texts is None else vocabulary_of(f"words{place}", arrays, n_texts)
    return KnownColumn(statistics, words, (tuple(values["pool"][0]), tuple(values["pool"][1])))


def _sample_parts(sample: Sample) -> tuple[Arrays, Json]:
    cells = sample.contents.cells
    arrays: Arrays = {"sample.block": sample.nodes.block, "sample.copy_of": sample.copy_of}
    for name, matrix in sample.matrices.items():
        arrays |= matrix_arrays(f"sample.{name}", matrix)
    arrays |= {f"sample own.{name}": own for name, own in sample.own.items()}
    arrays |= {f"sample cells{place}": column.code for place, column in enumerate(cells)}
    values: Json = {
        "texts": sample.identity.tolist(),
        "n_blocks": sample.n_blocks,
        "written": sample.contents.texts.tolist(),
        "cells": [column.values.tolist() for column in cells],
        "matrices": list(sample.matrices),
        "sparse": [name for name, of in sample.matrices.items() if is_sparse(of)],
    }
    return arrays, values


def _sample(values: Json, views: Sequence[str], arrays: Arrays) -> Sample:
    numbers = np.arange(len(values["texts"]))
    cells = tuple(
        Cells(objects(column), arrays[f"sample cells{place}"]) for place, column in enumerate(values["cells"])
    )
    return Sample(
        objects(values["texts"]),
        Nodes(numbers, arrays["sample.block"], numbers),
        values["n_blocks"],
        {name: matrix_of(f"sample.{name}", arrays) for name in values["matrices"]},
        {name: arrays[f"sample own.{name}"] for name in views},
        Contents(objects(values["written"]), cells),
        arrays["sample.copy_of"],
    )
