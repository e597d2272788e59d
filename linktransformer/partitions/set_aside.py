"""Rows of files set aside by partition in a temporary folder, for as long as they are worked on."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from linktransformer import __version__
from linktransformer.encoding.model_plan import Plan
from linktransformer.engines.engine import Engine, EngineLike, opened
from linktransformer.linking.options import Job
from linktransformer.partitions.checkpoint import job_folder, key_of
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.partition import MEMORY, divide
from linktransformer.tables import null_values as nulls
from linktransformer.tables.null_values import NullValues
from linktransformer.tables.parquet_tables import ParquetTable
from model_hub.work_folder import work_folder

__all__ = ["SetAside", "set_aside"]

LATER = ("validate", "threshold", "reader")  # what the results of pieces do not depend on


@dataclass(frozen=True, slots=True, eq=False)
class SetAside:
    """Files whose rows are set aside.

    Args:
        files: The rows by partition, and how they are compared; a reader stays in this process.
        engine: What works on partitions.
        folder: Where more may be written until the end of the call.
        null_counts: By table and key column, how many cells stood for a missing one.
    """

    files: FileJob
    engine: Engine
    folder: Path
    null_counts: dict[str, dict[str, int]]


@contextmanager
def set_aside(
    tables: tuple[ParquetTable, ParquetTable],
    key: tuple[list[str], list[str]],
    null_values: NullValues,
    job: Job,
    plan: Plan,
    workspace: Path | None,
    engine: EngineLike,
) -> Iterator[SetAside]:
    """Divide the rows of two files, or of one table given twice, into partitions.

    They are removed at the end. Their results are kept in `workspace`, by the name of the job; with None they
    are removed too.
    """
    same, place = tables[0] is tables[1], workspace or Path(tempfile.gettempdir())
    null_texts = nulls.check(null_values, key[0] if same else [*key[0], *key[1]])
    name = None if workspace is None else _name(tables, key, null_values, job, plan)
    with (
        work_folder(place, "linktransformer-", mode=0o700) as folder,  # it holds rows
        _results(workspace, name, folder) as results,
        opened(engine) as running,
    ):
        partitions = divide(
            tables,
            key,
            job.block_on,
            folder,
            memory=(job.memory_limit or MEMORY) // 2,  # one is read while another one is searched
            dense=plan.encoder is not None,
            reading=plan.reading,
            null_texts=null_texts,
            same=same,
        )
        counts = {
            tables[side].name: {
                column: partitions.n_emptied[side].get(column, 0)
                for column in key[side]
                if null_texts.get(column)
            }
            for side in ((0,) if same else (0, 1))
        }
        files = FileJob(partitions, plan, replace(job, reader=False), results)
        yield SetAside(files, running, folder, counts)


def _name(
    tables: tuple[ParquetTable, ParquetTable],
    key: tuple[list[str], list[str]],
    null_values: NullValues,
    job: Job,
    plan: Plan,
) -> str | None:
    """What the results of pieces depend on; None where a model or a learned decision has no key."""
    encoder = getattr(plan.encoder, "inner", plan.encoder)
    of_model = "" if encoder is None else getattr(encoder, "cache_key", None)
    if of_model is None or plan.correction is not None:
        return None
    options = {name: value for name, value in job.options().items() if name not in LATER}
    facts = [table.fingerprint for table in tables]
    return key_of(__version__, facts, key, null_values, options, plan.name, of_model, plan.chosen)


def _results(workspace: Path | None, name: str | None, folder: Path) -> AbstractContextManager[Path]:
    """Where results of pieces are kept: by the name of the job, or with none in the folder of this call."""
    return nullcontext(folder) if workspace is None or name is None else job_folder(workspace, name)
