"""The job of a sample as arrays and what JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer.decision.correction import from_dict
from linktransformer.estimators.job_files import Arrays, Parts, frozen_from, frozen_parts, texts_of
from linktransformer.estimators.job_views import JobViews
from linktransformer.estimators.reference_files import matrix_arrays, sparse_of
from linktransformer.estimators.sample_job import PARTS, Rivals, Sample, SampleJob
from linktransformer.estimators.written_rows import Written
from linktransformer.scoring.known_columns import Cells
from linktransformer.search.blocking import Nodes

__all__ = ["from_parts", "parts_of"]


def parts_of(job: SampleJob) -> Parts:
    """Take a job apart.

    Args:
        job: The job.

    Returns:
        Arrays by name, and what JSON can hold.
    """
    arrays, said = frozen_parts(job.statistics, job.context, job.columns)
    more, said["sample"] = _of_sample(job.sample)
    arrays |= more
    arrays |= {f"rivals.{name}": _numbers(getattr(job.rivals, name)) for name in PARTS}
    arrays |= {f"rivals view.{name}": score for name, score in job.rivals.views.items()}
    arrays |= {f"own.{name}": values for name, values in job.own.items()}
    said |= {"n_reference": job.rivals.n_reference, "shift": job.shift, "job_views": asdict(job.views)}
    said["correction"] = None if job.correction is None else asdict(job.correction)
    return arrays, said


def from_parts(said: Mapping[str, Any], arrays: Arrays) -> SampleJob:
    """Put a job together again.

    Args:
        said: From `parts_of`.
        arrays: Arrays by name, from `parts_of`.

    Returns:
        The job.
    """
    views, seen = list(said["views"]), said["job_views"]
    line, learned = seen["line"], said["correction"]
    rivals: dict[str, Any] = {name: arrays[f"rivals.{name}"] for name in PARTS}
    rivals |= {name: rivals[name].astype(bool) for name in ("copy", "described")}
    scores = {name: arrays[f"rivals view.{name}"] for name in views}
    return SampleJob(
        *frozen_from(said, arrays),
        _sample(said["sample"], views, arrays),
        Rivals(**rivals, views=scores, n_reference=said["n_reference"]),
        {name: arrays[f"own.{name}"] for name in views},
        JobViews(tuple(seen["names"]), seen["pictures"], None if line is None else (line[0], line[1])),
        said["shift"],
        None if learned is None else from_dict(learned),
    )


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
        "matrices": list(sample.matrices),
        "sparse": [name for name, matrix in sample.matrices.items() if sp.issparse(matrix)],
    }
    return arrays, said


def _sample(said: Mapping[str, Any], views: Sequence[str], arrays: Arrays) -> Sample:
    every = np.arange(len(said["texts"]))
    matrices: dict[str, Any] = {
        name: sparse_of(f"sample.{name}", arrays) if name in said["sparse"] else arrays[f"sample.{name}"]
        for name in said["matrices"]
    }
    cells = tuple(
        Cells(texts_of(values), arrays[f"sample cells{place}"]) for place, values in enumerate(said["cells"])
    )
    return Sample(
        texts_of(said["texts"]),
        Nodes(every, arrays["sample.block"], every),
        said["n_blocks"],
        matrices,
        {name: arrays[f"sample own.{name}"] for name in views},
        Written(texts_of(said["written"]), cells),
        arrays["sample.copy_of"],
    )


def _numbers(values: NDArray[Any]) -> NDArray[Any]:
    return values.astype(np.uint8) if values.dtype == bool else values
