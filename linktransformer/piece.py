"""One piece of two files: read from disk, searched, and its candidates set aside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer import blocking, frames, ngrams, records
from linktransformer.blocking import Nodes
from linktransformer.encode import Plan
from linktransformer.factorize import factorize
from linktransformer.fuse import SAME, alike
from linktransformer.job import Job
from linktransformer.ngram_counts import TextCounts
from linktransformer.parquet_tables import ParquetTable, Shelf
from linktransformer.pieces import Divided
from linktransformer.search import Candidates, search
from linktransformer.serialize import Serializer
from linktransformer.vectors_on_disk import embed_on_disk

__all__ = ["Known", "Piece", "found_in", "made_of", "matrices_of", "read"]

NEAR = SAME - 1e-6  # a candidate whose texts are equal scores more in some view

Integers = NDArray[np.int64]


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


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """The rows of some blocks, ready to be searched.

    Args:
        number: Which piece.
        rows: The rows of either side in their files, (n,) int64 each.
        texts: The different texts of either side.
        nodes: Of either side; their rows are places in `rows`.
        matrices: As of `views.Views`.
    """

    number: int
    rows: tuple[Integers, Integers]
    texts: tuple[NDArray[np.object_], NDArray[np.object_]]
    nodes: tuple[Nodes, Nodes]
    matrices: Mapping[str, tuple[Any, Any]]


def read(known: Known, divided: Divided, number: int, names: Shelf | None = None) -> Piece:
    """Take a piece from the shelves, count its n-grams and run the model on its texts.

    Args:
        known: What holds for every piece.
        divided: Where the rows are.
        number: Which piece.
        names: Where the text of every node is noted, in bins 0 and 1 for left and right; None for nowhere.

    Returns:
        The piece.
    """
    sides = [_side(shelf, number) for shelf in divided.shelves]
    if names is not None:
        for side, (_, texts, nodes) in enumerate(sides):
            if len(nodes):
                names.put(np.full(len(nodes), side), {"text": texts[nodes.text]})
    matrices = matrices_of(known, (sides[0][1].tolist(), sides[1][1].tolist()), f"piece-{number}")
    (a, left, x), (b, right, y) = sides
    return Piece(number, (a, b), (left, right), (x, y), matrices)


def _side(shelf: Shelf, number: int) -> tuple[Integers, NDArray[np.object_], Nodes]:
    found = shelf.take(number)
    if found is None:
        none = np.empty(0, dtype=np.int64)
        return none, np.empty(0, dtype=object), blocking.nodes(none, none)
    row, block = (np.asarray(found.column(name)).astype(np.int64) for name in ("row", "block"))
    unique, code = factorize(found.column("text").to_pylist())
    texts = np.fromiter(unique, dtype=object, count=len(unique))
    return row, texts, blocking.nodes(code, block)


def matrices_of(known: Known, texts: tuple[list[str], list[str]], name: str) -> dict[str, tuple[Any, Any]]:
    """The views of some texts of both sides.

    Args:
        known: What holds for every piece.
        texts: Of the left and of the right file.
        name: Of files in the workspace.

    Returns:
        Matrices by view.
    """
    found = known.counts.counted([*texts[0], *texts[1]])
    left, right = ngrams.weighed(found, known.counts.rarity(found), len(texts[0]))
    made: dict[str, tuple[Any, Any]] = {"lexical": (left, right)}
    if known.plan.encoder is not None:
        both = [
            embed_on_disk(
                known.plan.encoder,
                _written(table, column, side, known.plan.serializer),
                known.folder / f"{name}-{table.name}.npy",
                batch_size=known.job.batch_size,
            )
            for table, column, side in zip(known.tables, known.on, texts, strict=True)
        ]
        made["dense"] = (both[0], both[1])
    return made


def _written(table: ParquetTable, column: str, texts: list[str], serializer: Serializer) -> list[str]:
    """Texts as the model reads them."""
    if serializer == Serializer() or not texts:
        return texts
    made = frames.new_frame(table.head, {column: np.fromiter(texts, dtype=object, count=len(texts))})
    again = records.read(frames.wrap(made, table.name), [column], serializer)
    return [again.texts[place] if place >= 0 else "" for place in again.text_of_row.tolist()]


def found_in(known: Known, piece: Piece) -> Candidates:
    """Search a piece, and keep on disk what is needed of it later.

    Args:
        known: What holds for every piece.
        piece: From `read`.

    Returns:
        Its candidates, of its own nodes.
    """
    found = search(
        piece.matrices,
        *piece.nodes,
        int(known.job.k),
        memory_limit=known.job.memory_limit,
        device=known.job.device,
    )
    most = np.full(len(found), -np.inf, dtype=np.float32)
    for score in found.views.values():
        np.maximum(most, score, out=most)
    near = np.flatnonzero(most > NEAR)
    same = np.zeros(len(found), dtype=np.int8)
    sides = zip(piece.texts, piece.nodes, (found.left, found.right), strict=True)
    a, b = (texts[nodes.text[of[near]]] for texts, nodes, of in sides)
    same[near] = alike(a, b)
    kept: dict[str, NDArray[Any]] = {
        "left": found.left.astype(np.int32),
        "right": found.right.astype(np.int32),
        "same": same,
        **{f"view {name}": score for name, score in found.views.items()},
    }
    for side, (rows, nodes) in enumerate(zip(piece.rows, piece.nodes, strict=True)):
        kept[f"row {side}"], kept[f"node {side}"] = rows, nodes.node_of_row.astype(np.int32)
        kept[f"text {side}"], kept[f"block {side}"] = nodes.text.astype(np.int32), nodes.block
        matrix = piece.matrices["lexical"][side]
        for part in ("data", "indices", "indptr", "shape"):
            kept[f"{part} {side}"] = np.asarray(getattr(matrix, part))
    for name, values in kept.items():
        np.save(_path(known, piece.number, name), values, allow_pickle=False)
    return found


def _path(known: Known, number: int, name: str) -> Path:
    return known.folder / f"{number}-{name.replace(' ', '-')}.npy"


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A piece on disk, of which parts are read as they are needed."""

    known: Known
    number: int
    names: tuple[str, ...]

    def array(self, name: str) -> NDArray[Any]:
        """One of its arrays."""
        return np.asarray(np.load(_path(self.known, self.number, name), allow_pickle=False))

    def candidates(self, n_left: int, n_right: int) -> tuple[Candidates, NDArray[np.int8]]:
        """Its candidates as they were found, and how equal their texts are."""
        scores = {name: self.array(f"view {name}") for name in self.names}
        left, right = (self.array(name).astype(np.int64) for name in ("left", "right"))
        return Candidates(left, right, scores, n_left, n_right), self.array("same")

    def nodes(self, side: int) -> Nodes:
        """The nodes of a side; their rows are places in `array("row ..")`."""
        parts = [self.array(f"{name} {side}").astype(np.int64) for name in ("text", "block", "node")]
        return Nodes(*parts)

    def ngrams(self, side: int) -> sp.csr_matrix:
        """The n-grams of a side's texts."""
        data, indices, indptr, shape = (
            self.array(f"{part} {side}") for part in ("data", "indices", "indptr", "shape")
        )
        matrix = sp.csr_matrix((data, indices, indptr), shape=tuple(shape.tolist()), copy=False)
        matrix.has_sorted_indices = True
        return matrix


def made_of(known: Known, number: int, names: tuple[str, ...]) -> Kept:
    """A piece that `found_in` has kept.

    Args:
        known: What holds for every piece.
        number: Which one.
        names: Its views.

    Returns:
        What is on disk.
    """
    return Kept(known, number, names)
