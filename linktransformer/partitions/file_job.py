"""Two files that are linked partition by partition: their rows from disk, their vectors, arrays set aside."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
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
from linktransformer.partitions.key_cells import cell_name, written
from linktransformer.partitions.naming import Naming
from linktransformer.partitions.partition import Partitions
from linktransformer.search import blocking, ngrams
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix
from linktransformer.tables import frames, records
from linktransformer.tables.factorize import factorize
from linktransformer.tables.serialize import Serializer

__all__ = ["FileJob", "Matrix", "Partition", "Side", "Texts"]

Texts = NDArray[np.object_]
Cells = Sequence[Texts] | Sequence[list[str]]  # by key column

TILED_FROM = 1.5  # of what the limit has room for: partitions of several blocks are a little above it

_loaded: dict[str, Plan] = {}  # the plan of a named model, once in a process
_encoding = Lock()  # a model encodes one piece at a time, while another piece is searched


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The rows of one file in one partition.

    Args:
        rows: The number of each row in its file, (n_rows,) int64.
        texts: The different texts.
        nodes: The records; their rows are places in `rows`.
        cells: The cells of each text in each key column, "" for none.
    """

    rows: Integers
    texts: Texts
    nodes: Nodes
    cells: tuple[Texts, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Partition:
    """The rows of some blocks, ready to be searched, with the vectors of the texts by view.

    Of a partition that is searched tile by tile, only those of a model are there.
    """

    number: int
    sides: tuple[Side, Side]
    matrices: Mapping[str, tuple[Matrix, Matrix]]

    @property
    def nodes(self) -> tuple[Nodes, Nodes]:
        """The records."""
        return self.sides[0].nodes, self.sides[1].nodes

    @property
    def texts(self) -> tuple[Texts, Texts]:
        """The texts of all key columns."""
        return self.sides[0].texts, self.sides[1].texts


@dataclass(frozen=True, slots=True, eq=False)
class FileJob:
    """Two files set aside by partition, the model, and how rows are linked.

    `results` is the folder of what is finished of each piece; None is that of the partitions. `naming` is how
    several key columns are read; None for one.
    """

    partitions: Partitions
    plan: Plan
    job: Job
    results: Path | None = None
    naming: Naming | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """What is sent to another process: a model is loaded there again."""
        plan = replace(self.plan, encoder=None)
        encodes = self.plan.encoder is not None
        return _received, (self.partitions, plan, encodes, self.job, self.results, self.naming)

    @property
    def views(self) -> tuple[str, ...]:
        """The views that are searched."""
        key = ("key column",) if self.naming is not None and self.naming.key is not None else ()
        return ("lexical", *key, *(() if self.plan.encoder is None else ("dense",)))

    def stored(self, number: int, stage: str = "search") -> Stored:
        """The arrays that a stage has set aside of a partition; with a model they are others."""
        stage = stage if stage == "count" else f"{stage}{len(self.views)}"
        return Stored(self.results or self.partitions.folder, number, stage)

    def sides(self, number: int) -> tuple[Side, Side]:
        """The rows of a partition, left and right."""
        left = self._side(0, number)
        return left, left if self.partitions.same else self._side(1, number)

    def _side(self, side: int, number: int) -> Side:
        rows = self.partitions.shelves[side].take(number, keep=True)
        if rows is None:
            none = np.empty(0, dtype=np.int64)
            empty = np.empty(0, dtype=object)
            return Side(none, empty, blocking.nodes(none, none), (empty,) * len(self.partitions.on[side]))
        row, block = (np.asarray(rows.column(name)).astype(np.int64) for name in ("row", "block"))
        unique, code = factorize(rows.column("text").to_pylist())
        texts = np.fromiter(unique, dtype=object, count=len(unique))
        cells: tuple[Texts, ...] = (texts,)
        if self.partitions.several:
            first = np.unique(code, return_index=True)[1]
            columns = (rows.column(cell_name(at)) for at in range(len(self.partitions.on[side])))
            cells = tuple(_objects(column.to_pylist())[first] for column in columns)
        return Side(row, texts, blocking.nodes(code, block).in_text_order(unique), cells)

    def written(self, side: int, cells: Cells) -> list[str]:
        """Texts by their cells, the columns in an order that does not depend on that of the caller."""
        order = [0] if self.naming is None else self.naming.order[side]
        return list(cells[0]) if len(order) == 1 else written(cells, order)

    @property
    def most(self) -> int | None:
        """How many rows of a partition are searched at once; None for all, where no limit was given."""
        if self.job.memory_limit is None:
            return None
        return max(1, int(self.job.memory_limit / 2 / self.partitions.bytes_a_row))

    def is_tiled(self, left: Side, right: Side) -> bool:
        """Whether a partition is much larger than the limit, since one of its blocks is."""
        if self.partitions.same:  # a pair of records would be in two tiles
            return False
        return self.most is not None and len(left.rows) + len(right.rows) > TILED_FROM * self.most

    def read(self, number: int) -> Partition:
        """Read a partition, count its n-grams and run the model on its texts."""
        left, right = self.sides(number)
        matrices: dict[str, tuple[Matrix, Matrix]] = {}
        for name in self.views:
            if self.is_tiled(left, right) and name != "dense":
                continue
            if self.partitions.same:
                matrices[name] = self._of_one(name, left, number)
            elif name == "dense":
                matrices[name] = self._encoded(0, left, number), self._encoded(1, right, number)
            else:
                matrices[name] = self.ngrams(
                    name, (left.texts.tolist(), right.texts.tolist()), (left.cells, right.cells)
                )
        return Partition(number, (left, right), matrices)

    def _of_one(self, view: str, side: Side, number: int) -> tuple[Matrix, Matrix]:
        """The vectors of one table on both sides."""
        if view == "dense":
            dense = self._encoded(0, side, number)
            return dense, dense
        nothing = [cell[:0] for cell in side.cells]
        sparse, _ = self.ngrams(view, (side.texts.tolist(), []), (side.cells, nothing))
        return sparse, sparse

    def ngrams(
        self,
        view: str,
        texts: tuple[list[str], list[str]],
        cells: tuple[Cells, Cells],
    ) -> tuple[csr_matrix, csr_matrix]:
        """N-gram vectors of left and right texts, as rare as n-grams are in both files.

        `cells` are those of the texts in each key column: the view "key column" has their n-grams.
        """
        counts, key, naming = self.partitions.counts, self._key, self.naming
        if view == "key column" and key is not None and naming is not None and naming.counts is not None:
            counts, texts = naming.counts, (list(cells[0][key[0]]), list(cells[1][key[1]]))
        counted = counts.counted([*texts[0], *texts[1]])
        return ngrams.weighed(counted, counts.rarity(counted), len(texts[0]))

    @property
    def _key(self) -> tuple[int, int] | None:
        """The places of the column that names the records, of several; None for none."""
        key = None if self.naming is None else self.naming.key
        return None if key is None else self.partitions.pairs[key]

    def _encoded(self, number_of_side: int, side: Side, number: int) -> Floats:
        """The model's vectors of the texts of one side, written as the model reads them."""
        texts = self._readable(number_of_side, side)
        path = self._vectors(number, self.partitions.tables[number_of_side].name)
        unique, place = factorize(texts)
        with _encoding:
            vectors = embed_on_disk(self.plan.encoder, unique, path, batch_size=self.job.batch_size)
        if len(unique) < len(texts) or "" in unique:
            vectors = vectors[place]
            vectors[np.array([text == "" for text in texts], dtype=bool)] = 0  # equal to nothing
        return vectors

    def _readable(self, number_of_side: int, side: Side) -> list[str]:
        """What a model reads of the texts of one side."""
        table, on = self.partitions.tables[number_of_side], self.partitions.on[number_of_side]
        key, plan = self._key, self.plan
        if plan.reads_key_column:
            whole = self.written(number_of_side, side.cells)
            return whole if key is None else list(side.cells[key[number_of_side]])
        if plan.serializer == Serializer() or not len(side.texts):
            return list(side.texts.tolist())
        rows = frames.new_frame(table.head, dict(zip(on, side.cells, strict=True)))
        written = records.read(frames.wrap(rows, table.name), on, plan.serializer)
        return [written.texts[at] if at >= 0 else "" for at in written.text_of_row.tolist()]

    def _vectors(self, number: int, side: str) -> Path:
        return self.partitions.folder / f"vectors-{number}-{side}.npy"

    def forget(self, number: int) -> None:
        """Remove the vectors of a partition from the disk."""
        for side in ("left", "right"):
            with contextlib.suppress(OSError):  # where the file is still mapped, on Windows
                self._vectors(number, side).unlink(missing_ok=True)


def _objects(texts: list[str]) -> Texts:
    return np.fromiter(texts, dtype=object, count=len(texts))


def _received(
    partitions: Partitions, plan: Plan, encodes: bool, job: Job, results: Path | None, naming: Naming | None
) -> FileJob:
    """The same job in another process."""
    if encodes:
        model = job.model
        named = model is None or isinstance(model, (str, os.PathLike))
        key = repr((model, job.device, job.cache)) if named else ""
        if not named or key not in _loaded:
            _loaded.clear()
            _loaded[key] = model_plan.plan(model, job.device, job.cache)
        plan = replace(plan, encoder=_loaded[key].encoder)
    return FileJob(partitions, plan, job, results, naming)
