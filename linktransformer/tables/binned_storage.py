"""Rows and texts stored on disk in numbered bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.optional import need
from linktransformer.tables.columns import Native

__all__ = ["OrderedTexts", "Shelf", "first_of", "ordered_texts", "text_parts", "texts_at"]


class Shelf:
    """Rows on disk in numbered bins, to be read bin by bin.

    The folder is created; its owner removes it. `name` is that of the files.

    Example:
        >>> import pandas as pd, tempfile
        >>> with tempfile.TemporaryDirectory() as folder, Shelf(Path(folder), "rows") as shelf:
        ...     shelf.put(np.array([1, 0, 1]), {"row": np.arange(3)})
        ...     shelf.close()
        ...     shelf.take(1).column("row").to_pylist()
        [0, 2]
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._name = folder, name
        self._writers: dict[int, Native] = {}
        self._bins: set[int] = set()
        self._open = ExitStack()

    def __enter__(self) -> Shelf:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, bins: Integers, columns: Native) -> None:
        """Append rows, a pyarrow table or arrays by name, to their bins, (n,) int64, in their order."""
        pa = need("pyarrow", extra="cli")
        table = pa.table(dict(columns)) if isinstance(columns, dict) else columns
        order = np.argsort(bins, kind="stable")
        table = table.take(pa.array(order))
        starts = np.flatnonzero(np.diff(bins[order], prepend=-1))
        for start, stop in zip(starts.tolist(), [*starts[1:].tolist(), len(bins)], strict=True):
            self._writer(int(bins[order[start]]), table.schema).write_table(table.slice(start, stop - start))

    def _writer(self, number: int, schema: Native) -> Native:
        if number not in self._writers:
            ipc = need("pyarrow.ipc", extra="cli")
            self._writers[number] = self._open.enter_context(ipc.new_stream(self._path(number), schema))
            self._bins.add(number)
        return self._writers[number]

    def _path(self, number: int) -> str:
        return str(self._folder / f"{self._name}-{number}.arrow")

    def close(self) -> None:
        """Close the files; only then can bins be read, and the shelf be sent to another process."""
        self._open.close()
        self._writers.clear()

    def take(self, number: int, *, keep: bool = False) -> Native | None:
        """A bin as a pyarrow table, None for one without rows; it is removed unless `keep`."""
        if number not in self._bins:
            return None
        ipc = need("pyarrow.ipc", extra="cli")
        path = self._path(number)
        with ipc.open_stream(path) as stream:
            table = stream.read_all()
        if not keep:
            Path(path).unlink()
        return table

    def parts(self, number: int) -> Iterator[Native]:
        """A bin as pyarrow record batches; it is kept."""
        if number not in self._bins:
            return
        ipc = need("pyarrow.ipc", extra="cli")
        with ipc.open_stream(self._path(number)) as stream:
            yield from stream


def text_parts(shelf: Shelf, number: int) -> Iterator[list[str]]:
    """The column "text" of a bin, batch by batch."""
    for part in shelf.parts(number):
        yield part.column("text").to_pylist()


def texts_at(shelf: Shelf, number: int, places: Integers, column: str = "text") -> list[str]:
    """Texts of a bin at rising positions, (n,) int64, from 0."""
    pa = need("pyarrow", extra="cli")
    texts: list[str] = []
    start = 0
    for batch in shelf.parts(number):
        first, last = np.searchsorted(places, [start, start + batch.num_rows])
        texts += batch.column(column).take(pa.array(places[first:last] - start)).to_pylist()
        start += batch.num_rows
        if last == len(places):
            break
    return texts


@dataclass(frozen=True, slots=True, eq=False)
class OrderedTexts:
    """Texts of the records of a table, a pyarrow array, and the records in order of text and number."""

    texts: Native
    order: Integers

    def at(self, records: Integers) -> list[str]:
        """The texts of records, (n,) int64."""
        return list(self.texts.take(need("pyarrow", extra="cli").array(records)).to_pylist())


def ordered_texts(shelf: Shelf, number: int, records: Sequence[Integers]) -> OrderedTexts:
    """Sort the texts of a bin as `scoring.sampling.in_order` sorts texts in memory.

    `records` has the record of each text, in parts.
    """
    pa, compute = need("pyarrow", extra="cli"), need("pyarrow.compute", extra="cli")
    column = pa.chunked_array([part.column("text") for part in shelf.parts(number)], pa.string())
    by_record = pa.array(np.argsort(np.concatenate(records), kind="stable"))
    texts = column.cast(pa.large_string()).combine_chunks().take(by_record)
    # by bytes of UTF-8, which is by characters; equal texts keep their order
    return OrderedTexts(texts, np.asarray(compute.sort_indices(texts)).astype(np.int64))


def first_of(left: OrderedTexts, right: OrderedTexts) -> int:
    """The side that is drawn from first, as `scoring.sampling.first_side` chooses it.

    It is 0 or 1: the side of fewer texts, else that whose first different text is lower.
    """
    compute = need("pyarrow.compute", extra="cli")
    if len(left.order) != len(right.order):
        return int(len(right.order) < len(left.order))
    a, b = (side.texts.take(side.order) for side in (left, right))
    place = compute.index(compute.not_equal(a, b), value=True).as_py()
    return int(place >= 0 and b[place].as_py() < a[place].as_py())
