"""Vectors of one model on disk, found by a hash of what they were made of; shared by processes, bounded."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

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

SMALL, MANY_SMALL = 1024, 32  # rows of a small file; so many of them are written into one
FULL = 0.9  # of the bound is left when old files have been removed
ABANDONED = 3600  # seconds after which a file that was not finished is of a process that was killed
LOCK = ".lock"


def keys_of(contents: Sequence[bytes]) -> Keys:
    """A hash of each content.

    Args:
        contents: Bytes.

    Returns:
        (n,) of `KEY`.

    Example:
        >>> keys_of([b"tea", b"tea", b"coffee"])["high"].tolist()[0] == keys_of([b"tea"])["high"].tolist()[0]
        True
    """
    digest = hashlib.blake2b
    return np.frombuffer(b"".join(digest(one, digest_size=16).digest() for one in contents), KEY)


def segment_files(root: Path) -> list[Path]:
    """Every file of vectors below a folder, the one least recently used first.

    Args:
        root: The cache's folder.

    Returns:
        The files.
    """
    found = []
    for path in root.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(OSError):  # another process may have removed it
            found.append((path.stat().st_mtime_ns, path))
    return [path for _, path in sorted(found)]


@dataclass(slots=True, eq=False)
class VectorStore:
    """Vectors of one model. It holds no file open, so that any process may remove any file at any time.

    Args:
        root: The cache's folder.
        model: What the vectors are of: a name for its folder.
        max_bytes: How large all of the cache may become.
        segments: The files that are known, in any order.
        size: Bytes of the whole cache, as far as this process knows.
        writable: Whether vectors can be written; one warning says when they cannot.
    """

    root: Path
    model: str
    max_bytes: int
    segments: list[Segment] = field(default_factory=list)
    size: int = 0
    writable: bool = True
    _high: NDArray[np.uint64] | None = None
    _place: Integers | None = None

    @property
    def folder(self) -> Path:
        """Where the files of this model are."""
        return self.root / self.model

    def refresh(self) -> None:
        """Look at the files anew; those that are damaged are removed, and many small ones joined."""
        self._read_keys()
        if self._join_small():
            self._read_keys()

    def _read_keys(self) -> None:
        known = {segment.path: segment for segment in self.segments}
        found = []
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            segment = known.get(path)
            if segment is None:
                segment = self._opened(path)
            if segment is not None:
                found.append(segment)
        widths = [segment.width for segment in found]
        if len(set(widths)) > 1:  # what most files say; a model has one
            usual = max(set(widths), key=widths.count)
            for segment in found:
                if segment.width != usual:
                    self._drop(segment.path, "its rows have another length than those of other files")
            found = [segment for segment in found if segment.width == usual]
        self.size = sum(_size(path) for path in segment_files(self.root))
        self._take_in(found)

    def take(self, keys: Keys) -> tuple[Floats | None, Integers]:
        """Read the vectors that are there.

        Args:
            keys: (n,) of `KEY`.

        Returns:
            (n, width) float32, rows that are not there undefined, None where none is; and their numbers.
        """
        place = self._found(keys)
        if not (place >= 0).any():
            return None, np.arange(len(keys))
        ends = np.cumsum([len(segment.keys) for segment in self.segments])
        of = np.where(place >= 0, np.searchsorted(ends, place, side="right"), -1)
        vectors = np.empty((len(keys), self.segments[0].width), np.float32)
        lost = []
        for number in np.unique(of[of >= 0]).tolist():
            segment, rows = self.segments[number], np.flatnonzero(of == number)
            data = self._data(segment)
            if data is None:
                lost.append(segment)
                of[rows] = -1
            else:
                vectors[rows] = data[place[rows] - (ends[number] - len(segment.keys))]
        if lost:
            self._take_in([segment for segment in self.segments if segment not in lost])
        there = of >= 0
        return (vectors if there.any() else None), np.flatnonzero(~there)

    def put(self, keys: Keys, rows: Floats) -> None:
        """Keep vectors; where that cannot be, a warning is logged once and nothing else happens.

        Args:
            keys: (n,) of `KEY`.
            rows: (n, width) float32.
        """
        if not self.writable or not len(keys):
            return
        try:
            path = write_segment(self.folder, self.model, keys, rows)
            self.size += _size(path)
            if self.size > self.max_bytes:
                self._make_room()
        except OSError as error:
            self.writable = False
            logger.warning("vectors cannot be kept in %s (%s); work goes on without", self.root, error)

    def _join_small(self) -> bool:
        """Write many small files into one, as jobs of few rows leave them; say whether that was done."""
        small = [segment for segment in self.segments if len(segment.keys) < SMALL]
        if len(small) < MANY_SMALL or not self.writable:
            return False
        try:
            with self._locked():
                data = [(segment, self._data(segment)) for segment in small]
                whole = [(segment, rows) for segment, rows in data if rows is not None]
                if len(whole) < 2:  # another process was quicker
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
        """Remove the files that were not used for longest."""
        with self._locked():
            files = segment_files(self.root)
            sizes = [_size(path) for path in files]
            self.size, gone = sum(sizes), 0
            for path, size in zip(files, sizes, strict=True):
                if self.size <= FULL * self.max_bytes:
                    break
                with contextlib.suppress(OSError):  # a reader of Windows holds it
                    path.unlink(missing_ok=True)
                    self.size -= size
                    gone += 1
            if gone:
                logger.info(
                    "the cache in %s was full: %d of its %d files removed", self.root, gone, len(files)
                )
            for path in self.root.glob(f"*/*{TEMPORARY}"):
                with contextlib.suppress(OSError):
                    if time.time() - path.stat().st_mtime > ABANDONED:
                        path.unlink()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Only one process removes or joins files at a time."""
        from model_hub.store import locked

        with locked(self.root / LOCK):
            yield

    def _take_in(self, segments: list[Segment]) -> None:
        self.segments = segments
        if not segments:
            self._high = self._place = None
            return
        high = np.concatenate([segment.keys["high"] for segment in segments])
        self._place = np.argsort(high, kind="stable")
        self._high = high[self._place]

    def _found(self, keys: Keys) -> Integers:
        """The number of each key among all rows of all files, -1 for none."""
        if self._high is None or self._place is None:
            return np.full(len(keys), -1, np.int64)
        at = np.minimum(np.searchsorted(self._high, keys["high"]), len(self._high) - 1)
        place = self._place[at]
        low = np.concatenate([segment.keys["low"] for segment in self.segments])
        # two keys with one first half and another second half would be encoded anew each time, which is right
        same = (self._high[at] == keys["high"]) & (low[place] == keys["low"])
        return np.where(same, place, -1)

    def _opened(self, path: Path) -> Segment | None:
        try:
            return open_segment(path, self.model)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s cannot be read (%s); its vectors are made anew", path, error)
        except DamagedError as error:
            self._drop(path, str(error))
        return None

    def _data(self, segment: Segment) -> Floats | None:
        try:
            rows = read_rows(segment)
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("%s cannot be read (%s); its vectors are made anew", segment.path, error)
            return None
        except DamagedError as error:
            self._drop(segment.path, str(error))
            return None
        with contextlib.suppress(OSError):  # when it was last used
            os.utime(segment.path)
        return rows

    def _drop(self, path: Path, reason: str) -> None:
        logger.warning("%s is damaged: %s. It is dropped, and its vectors are made anew", path, reason)
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
