"""One piece of two files: its rows from disk, their vectors, and arrays that are set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.encoding.memmap_embeddings import embed_on_disk
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking.options import Job
from linktransformer.partitions.partition import Divided
from linktransformer.search import blocking, ngrams
from linktransformer.search.blocking import Nodes
from linktransformer.search.ngram_counts import TextCounts
from linktransformer.tables import frames, records
from linktransformer.tables.factorize import factorize
from linktransformer.tables.parquet_tables import ParquetTable
from linktransformer.tables.serialize import Serializer
from linktransformer.tables.shelf import Shelf

__all__ = ["Known", "Piece", "Side", "Stored", "ngrams_of", "read", "side_of"]

Side = tuple[Integers, NDArray[np.object_], Nodes]  # rows, different texts, records


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What holds for every piece.

    Args:
        tables: The files.
        on: The key column of either.
        plan: The model.
        job: How rows are linked.
        counts: In how many texts each n-gram is.
        folder: Where pieces are kept.
    """

    tables: tuple[ParquetTable, ParquetTable]
    on: tuple[str, str]
    plan: Plan
    job: Job
    counts: TextCounts
    folder: Path

    @property
    def views(self) -> tuple[str, ...]:
        """The views that pieces are searched in."""
        return ("lexical",) if self.plan.encoder is None else ("lexical", "dense")


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The rows of some blocks, ready to be searched.

    Args:
        number: Which piece.
        texts: The different texts of either side.
        nodes: The records of either side; their rows are places in the piece.
        matrices: By view, the vectors of the texts.
    """

    number: int
    texts: tuple[NDArray[np.object_], NDArray[np.object_]]
    nodes: tuple[Nodes, Nodes]
    matrices: Mapping[str, tuple[Any, Any]]


def read(known: Known, divided: Divided, number: int) -> Piece:
    """Read a piece, count its n-grams and run the model on its texts."""
    (_, left, x), (_, right, y) = (side_of(shelf, number) for shelf in divided.shelves)
    texts = left.tolist(), right.tolist()
    matrices = {"lexical": ngrams_of(known, texts)}
    if known.plan.encoder is not None:
        both = [
            embed_on_disk(
                known.plan.encoder,
                _written(table, column, side, known.plan),
                known.folder / f"piece-{number}-{table.name}.npy",
                batch_size=known.job.batch_size,
            )
            for table, column, side in zip(known.tables, known.on, texts, strict=True)
        ]
        matrices["dense"] = both[0], both[1]
    return Piece(number, (left, right), (x, y), matrices)


def side_of(shelf: Shelf, number: int) -> Side:
    """Read the rows of one side of a piece.

    The number of each row in its file, (n_rows,) int64; the different texts; and the records.
    """
    found = shelf.take(number, keep=True)
    if found is None:
        none = np.empty(0, dtype=np.int64)
        return none, np.empty(0, dtype=object), blocking.nodes(none, none)
    row, block = (np.asarray(found.column(name)).astype(np.int64) for name in ("row", "block"))
    unique, code = factorize(found.column("text").to_pylist())
    texts = np.fromiter(unique, dtype=object, count=len(unique))
    return row, texts, blocking.nodes(code, block)


def ngrams_of(known: Known, texts: tuple[list[str], list[str]]) -> tuple[Any, Any]:
    """Weigh the n-grams of texts by how rare they are in both files."""
    found = known.counts.counted([*texts[0], *texts[1]])
    return ngrams.weighed(found, known.counts.rarity(found), len(texts[0]))


def _written(table: ParquetTable, column: str, texts: list[str], plan: Plan) -> list[str]:
    """Texts as the model reads them."""
    if plan.reads_key_column or plan.serializer == Serializer() or not texts:
        return texts
    made = frames.new_frame(table.head, {column: np.fromiter(texts, dtype=object, count=len(texts))})
    again = records.read(frames.wrap(made, table.name), [column], plan.serializer)
    return [again.texts[place] if place >= 0 else "" for place in again.text_of_row.tolist()]


@dataclass(frozen=True, slots=True)
class Stored:
    """Arrays of a piece on disk, of which each is read as it is needed.

    Args:
        folder: Where they are.
        number: Which piece.
    """

    folder: Path
    number: int

    def put(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Set arrays aside."""
        for name, values in arrays.items():
            np.save(self._path(name), values, allow_pickle=False)

    def array(self, name: str) -> NDArray[Any]:
        """Read one of the arrays."""
        return np.asarray(np.load(self._path(name), allow_pickle=False))

    def integers(self, name: str) -> Integers:
        """Read an array of integers that is kept in fewer bytes. int64."""
        return np.asarray(self.array(name), dtype=np.int64)

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.number}-{name.replace(' ', '-')}.npy"
