"""Vectors of one model on disk, by a hash of their text or picture; shared by processes, bounded in size.

SQLite with a BLOB a vector writes five times slower, takes a third more space and reads all vectors slower;
its WAL does not work on network file systems, and it does not notice an altered byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.encoding.vector_file import (
    KEY,
    SUFFIX,
    TEMPORARY,
    DamagedError,
    Keys,
    Segment,
    open_segment,
    read_rows,
    write_segment,
)

__all__ = ["VectorStore", "keys_of", "segment_files"]

logger = logging.getLogger(__name__)

SMALL, MANY_SMALL = 1024, 32  # rows of a small file; so many small files are joined into one
FULL = 0.9  # of the bound remains after old files have been removed
ABANDONED = 3600  # seconds after which an unfinished file belongs to a process that was killed
LOCK = ".lock"
WRITING, ENCODING = ".write.lock", ".encode.lock"  # in a model's folder
Read = TypeVar("Read")


def keys_of(contents: Sequence[bytes]) -> Keys:
    """A hash of each content, (n,) of `KEY`.

    Example:
        >>> keys_of([b"tea", b"tea", b"coffee"])["high"].tolist()[0] == keys_of([b"tea"])["high"].tolist()[0]
        True
    """
    digests = (hashlib.blake2b(content, digest_size=16).digest() for content in contents)
    return np.frombuffer(b"".join(digests), KEY)


def segment_files(root: Path) -> list[Path]:
    """All files of vectors below a cache folder, the least recently used first."""
    times = []
    for path in root.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(OSError):  # another process may have removed it
            times.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(times)]


@dataclass(slots=True, eq=False)
class VectorStore:
    """Vectors of one model. It holds no file open: any process may remove any file at any time.

    Args:
        root: The cache folder.
        model: Name of the model's folder in it.
        max_bytes: How large the whole cache may become.
        segments: The files seen by the last `refresh`.
        size: Bytes of the whole cache, as far as this process can tell.
        writable: False after a write has failed; one warning says so.
    """

    root: Path
    model: str
    max_bytes: int
    segments: list[Segment] = field(default_factory=list)
    size: int = 0
    writable: bool = True
    _own: set[Path] = field(default_factory=set)  # written by this process since the last listing
    _listings: int = 0
    _sorted: NDArray[np.uint64] | None = None  # first halves of all keys
    _order: Integers | None = None  # the row of each in the concatenated files

    @property
    def folder(self) -> Path:
        """The folder of this model's files."""
        return self.root / self.model

    def refresh(self) -> None:
        """List the files again; damaged ones are removed, and many small ones joined."""
        self._list_segments()
        if self._join_small():
            self._list_segments()

    def _list_segments(self) -> None:
        self._own.clear()
        self._listings += 1
        opened = {segment.path: segment for segment in self.segments}
        segments = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            segment = opened.get(path) or self._checked(path, partial(open_segment, path, self.model))
            if segment is not None:
                segments.append(segment)
        widths = [segment.width for segment in segments]
        usual = max(set(widths), key=widths.count, default=0)
        for segment in segments:
            if segment.width != usual:
                self._drop(segment.path, "its rows have another length than those of other files")
        self.size = sum(map(_size, segment_files(self.root)))
        self._index([segment for segment in segments if segment.width == usual])

    def take(self, keys: Keys) -> tuple[Floats | None, Integers]:
        """(n, width) float32 vectors of n keys, None where none is stored; and the numbers of missing ones.

        Rows of missing ones are undefined.
        """
        row = self._rows_of(keys)
        ends = np.cumsum([len(segment.keys) for segment in self.segments], dtype=np.int64)
        number = np.where(row >= 0, np.searchsorted(ends, row, side="right"), -1)
        width = self.segments[0].width if self.segments else 0
        vectors = np.empty((len(keys), width), np.float32)
        lost = []
        for n in np.unique(number[number >= 0]).tolist():
            segment, places = self.segments[n], np.flatnonzero(number == n)
            data = self._read(segment)
            if data is None:
                lost.append(segment)
                number[places] = -1
            else:
                vectors[places] = data[row[places] - (ends[n] - len(segment.keys))]
        if lost:
            self._index([segment for segment in self.segments if segment not in lost])
        stored = number >= 0
        return (vectors if stored.any() else None), np.flatnonzero(~stored)

    def put(self, keys: Keys, rows: Floats) -> None:
        """Store (n, width) vectors that are not there; where that fails, one warning is logged.

        Vectors that another process has stored meanwhile are not stored again.
        """
        if not self.writable or not len(keys):
            return
        try:
            with contextlib.ExitStack() as alone:
                with contextlib.suppress(OSError):  # a file system without locks
                    alone.enter_context(self._locked(self.folder / WRITING))
                self.see_new()
                new = np.flatnonzero(self._rows_of(keys) < 0)
                if len(new):
                    path = write_segment(self.folder, self.model, keys[new], rows[new])
                    self._own.add(path)
                    self.size += _size(path)
            if self.size > self.max_bytes:
                self._make_room()
        except OSError as error:
            self.writable = False
            logger.warning("vectors cannot be kept in %s (%s); work goes on without", self.root, error)

    def see_new(self) -> int:
        """List the files again if others have written some; how often they have been listed."""
        known = {segment.path for segment in self.segments} | self._own
        new = set(self.folder.glob(f"*{SUFFIX}")) - known
        if new:
            self._list_segments()
        return self._listings

    @contextlib.contextmanager
    def first(self) -> Iterator[bool]:
        """Whether no other process encodes for this folder; held to the end. True where that is unknown."""
        from model_hub.store import locked_if_free

        with contextlib.ExitStack() as held:
            free = True
            if self.writable:
                with contextlib.suppress(OSError):  # `put` warns
                    free = held.enter_context(locked_if_free(self.folder / ENCODING))
            yield free

    def _join_small(self) -> bool:
        """Join many small files, as calls with few rows leave them; whether the list of files has changed."""
        small = [segment for segment in self.segments if len(segment.keys) < SMALL]
        if len(small) < MANY_SMALL or not self.writable:
            return False
        try:
            with self._locked():
                data = [(segment, self._read(segment)) for segment in small]
                whole = [(segment, rows) for segment, rows in data if rows is not None]
                if len(whole) < 2:  # another process has joined them
                    return True
                keys = np.concatenate([segment.keys for segment, _ in whole])
                _, first = np.unique(keys, return_index=True)
                rows = np.concatenate([rows for _, rows in whole])[first]
                write_segment(self.folder, self.model, keys[first], rows)
                for segment, _ in whole:
                    segment.path.unlink(missing_ok=True)
        except OSError as error:
            logger.debug("small files of %s stay as they are: %s", self.folder, error)
            return False
        return True

    def _make_room(self) -> None:
        """Remove the least recently used files, and unfinished ones of killed processes."""
        with self._locked():
            files = segment_files(self.root)
            sizes = list(map(_size, files))
            self.size, removed = sum(sizes), 0
            for path, size in zip(files, sizes, strict=True):
                if self.size <= FULL * self.max_bytes:
                    break
                with contextlib.suppress(OSError):  # Windows: another process reads it
                    path.unlink(missing_ok=True)
                    self.size -= size
                    removed += 1
            if removed:
                logger.info(
                    "the cache in %s was full: %d of its %d files removed", self.root, removed, len(files)
                )
            for path in self.root.glob(f"*/*{TEMPORARY}"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > ABANDONED:
                        path.unlink()

    def _locked(self, path: Path | None = None) -> contextlib.AbstractContextManager[None]:
        """Only one process removes or joins files, or adds to a model's, at a time."""
        from model_hub.store import locked

        return locked(path or self.root / LOCK)

    def _index(self, segments: list[Segment]) -> None:
        self.segments = segments
        high = np.concatenate([np.empty(0, np.uint64), *(segment.keys["high"] for segment in segments)])
        self._order = np.argsort(high, kind="stable")
        self._sorted = high[self._order]

    def _rows_of(self, keys: Keys) -> Integers:
        """The row of each key in the concatenated files, -1 for none.

        Of keys that share a first half only the first is found: the others are encoded each time.
        """
        if self._sorted is None or self._order is None or not len(self._sorted):
            return np.full(len(keys), -1, np.int64)
        place = np.minimum(np.searchsorted(self._sorted, keys["high"]), len(self._sorted) - 1)
        row = self._order[place]
        low = np.concatenate([segment.keys["low"] for segment in self.segments])
        return np.where((self._sorted[place] == keys["high"]) & (low[row] == keys["low"]), row, -1)

    def _read(self, segment: Segment) -> Floats | None:
        rows = self._checked(segment.path, partial(read_rows, segment))
        if rows is not None:
            with contextlib.suppress(OSError):
                os.utime(segment.path)  # used now
        return rows

    def _checked(self, path: Path, read: Callable[[], Read]) -> Read | None:
        """What a file holds; None, with a warning, where it cannot be read; a damaged file is removed."""
        try:
            return read()
        except FileNotFoundError:  # another process has removed it
            pass
        except OSError as error:
            logger.warning("%s cannot be read (%s); its vectors are encoded again", path, error)
        except DamagedError as error:
            self._drop(path, str(error))
        return None

    def _drop(self, path: Path, reason: str) -> None:
        logger.warning("%s is damaged: %s. It is dropped, and its vectors are encoded again", path, reason)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
