"""The job of a table with itself as arrays and what JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from linktransformer.decision.correction import from_dict
from linktransformer.estimators.job_files import Arrays, Parts, frozen_from, frozen_parts
from linktransformer.estimators.table_job import PARTS, NearPairs, TableJob

__all__ = ["from_parts", "parts_of"]


def parts_of(job: TableJob) -> Parts:
    """Take a job apart.

    Args:
        job: The job.

    Returns:
        Arrays by name, and what JSON can hold.
    """
    arrays, said = frozen_parts(job.statistics, job.context, job.columns)
    arrays |= {f"near.{name}": getattr(job.near, name) for name in PARTS}
    arrays |= {f"near view.{name}": score for name, score in job.near.views.items()}
    learned = None if job.correction is None else asdict(job.correction)
    return arrays, said | {"n_records": job.near.n_records, "correction": learned}


def from_parts(said: Mapping[str, Any], arrays: Arrays) -> TableJob:
    """Put a job together again.

    Args:
        said: From `parts_of`.
        arrays: Arrays by name, from `parts_of`.

    Returns:
        The job.
    """
    parts: dict[str, Any] = {name: arrays[f"near.{name}"] for name in PARTS}
    views = {name: arrays[f"near view.{name}"] for name in said["views"]}
    near = NearPairs(views=views, n_records=said["n_records"], **parts)
    learned = said["correction"]
    return TableJob(*frozen_from(said, arrays), near, None if learned is None else from_dict(learned))
