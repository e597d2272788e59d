"""Two files that are linked partition by partition: their rows from disk, their vectors, arrays set aside."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from linktransformer.arrays import Floats, Integers
from linktransformer.encoding import model_plan
from linktransformer.encoding.memmap_embeddings import embed_on_disk
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking.options import Job
from linktransformer.partitions.checkpoint import Stored
from linktransformer.partitions.partition import Partitions
from linktransformer.search import blocking, ngrams
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix
from linktransformer.tables import frames, records
from linktransformer.tables.factorize import factorize
from linktransformer.tables.serialize import Serializer

__all__ = ["FileJob", "Matrix", "Partition", "Side", "Texts"]

Texts = NDArray[np.object_]

_loaded: dict[str, Plan] = {}  # the plan of a named model, once in a process
_encoding = Lock()  # a model encodes one piece at a time, while another piece is searched


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The rows of one file in one partition.

    Args:
        rows: The number of each row in its file, (n_rows,) int64.
        texts: The different texts.
        nodes: The records; their rows are places in `rows`.
    """

    rows: Integers
    texts: Texts
    nodes: Nodes


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The rows of some blocks, ready to be searched, with the vectors of the texts by view."""

    number: int
    texts: tuple[Texts, Texts]
    nodes: tuple[Nodes, Nodes]
    matrices: Mapping[str, tuple[Matrix, Matrix]]


@dataclass(frozen=True, slots=True, eq=False)
class FileJob:
    """Two files set aside by partition, the model, and how rows are linked.

    `results` is the folder of what is finished of each piece; None is that of the partitions.
    """

    partitions: Partitions
    plan: Plan
    job: Job
    results: Path | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """What is sent to another process: a model is loaded there again."""
        plan = replace(self.plan, encoder=None)
        return _received, (self.partitions, plan, self.plan.encoder is not None, self.job, self.results)

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are searched."""
        return ("lexical",) if self.plan.encoder is None else ("lexical", "dense")

    def stored(self, number: int, stage: str = "search") -> Stored:
        """The arrays that a stage has set aside of a partition; with a model they are others."""
        stage = stage if stage == "count" else f"{stage}{len(self.views)}"
        return Stored(self.results or self.partitions.folder, number, stage)

    def sides(self, number: int) -> tuple[Side, Side]:
        """The rows of a partition, left and right."""
        return self._side(0, number), self._side(1, number)

    def _side(self, side: int, number: int) -> Side:
        rows = self.partitions.shelves[side].take(number, keep=True)
        if rows is None:
            none = np.empty(0, dtype=np.int64)
            return Side(none, np.empty(0, dtype=object), blocking.nodes(none, none))
        row, block = (np.asarray(rows.column(name)).astype(np.int64) for name in ("row", "block"))
        unique, code = factorize(rows.column("text").to_pylist())
        texts = np.fromiter(unique, dtype=object, count=len(unique))
        return Side(row, texts, blocking.nodes(code, block).in_text_order(unique))

    def read(self, number: int) -> Partition:
        """Read a partition, count its n-grams and run the model on its texts."""
        left, right = self.sides(number)
        texts = left.texts.tolist(), right.texts.tolist()
        matrices: dict[str, tuple[Matrix, Matrix]] = {"lexical": self.ngrams(texts)}
        if self.plan.encoder is not None:
            matrices["dense"] = self._encoded(0, texts[0], number), self._encoded(1, texts[1], number)
        return Partition(number, (left.texts, right.texts), (left.nodes, right.nodes), matrices)

    def ngrams(self, texts: tuple[list[str], list[str]]) -> tuple[csr_matrix, csr_matrix]:
        """N-gram vectors of left and right texts, as rare as n-grams are in both files."""
        counts = self.partitions.counts
        counted = counts.counted([*texts[0], *texts[1]])
        return ngrams.weighed(counted, counts.rarity(counted), len(texts[0]))

    def _encoded(self, side: int, texts: list[str], number: int) -> Floats:
        """The model's vectors of the texts of one side, written as the model reads them."""
        table, column, plan = self.partitions.tables[side], self.partitions.on[side], self.plan
        if texts and not plan.reads_key_column and plan.serializer != Serializer():
            column_of = {column: np.fromiter(texts, dtype=object, count=len(texts))}
            rows = frames.wrap(frames.new_frame(table.head, column_of), table.name)
            written = records.read(rows, [column], plan.serializer)
            texts = [written.texts[at] if at >= 0 else "" for at in written.text_of_row.tolist()]
        with _encoding:
            return embed_on_disk(
                plan.encoder, texts, self._vectors(number, table.name), batch_size=self.job.batch_size
            )

    def _vectors(self, number: int, side: str) -> Path:
        return self.partitions.folder / f"vectors-{number}-{side}.npy"

    def forget(self, number: int) -> None:
        """Remove the vectors of a partition from the disk."""
        for side in ("left", "right"):
            with contextlib.suppress(OSError):  # where the file is still mapped, on Windows
                self._vectors(number, side).unlink(missing_ok=True)


def _received(partitions: Partitions, plan: Plan, encodes: bool, job: Job, results: Path | None) -> FileJob:
    """The same job in another process."""
    if encodes:
        model = job.model
        named = model is None or isinstance(model, (str, os.PathLike))
        key = repr((model, job.device, job.cache)) if named else ""
        if not named or key not in _loaded:
            _loaded.clear()
            _loaded[key] = model_plan.plan(model, job.device, job.cache)
        plan = replace(plan, encoder=_loaded[key].encoder)
    return FileJob(partitions, plan, job, results)
