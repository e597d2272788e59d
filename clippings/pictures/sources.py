"""Where the bytes of a picture are: a file, or a member of a zip archive."""

from __future__ import annotations

import os
import posixpath
import re
import stat
import threading
import unicodedata
import zipfile
import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

import numpy as np

Problem = Literal[
    "missing", "not found", "not a file", "not readable", "bad archive", "encrypted", "empty", "not an image",
    "truncated", "damaged", "too large", "too small",
]  # fmt: skip
PROBLEMS: dict[Problem, str] = {
    "missing": "no picture was named",
    "not found": "there is no such file, or the archive has no such member",
    "not a file": "a folder, a pipe or a device",
    "not readable": "the system did not let it be read",
    "bad archive": "the zip archive is broken or of a kind that cannot be read",
    "encrypted": "the member of the archive has a password",
    "empty": "the file has no bytes",
    "not an image": "a file or object that is not a picture of a known kind",
    "truncated": "the end of the file is missing",
    "damaged": "it begins as a picture and cannot be decoded",
    "too large": "it has more pixels, or bytes, than may be decoded",
    "too small": "a side is too short to hold a letter",
}
MAX_BYTES = 2**28  # a file that is larger is not read: no crop is, and a zip may unpack to anything
MAX_OPEN = 8  # archives that one thread keeps open
_ZIPPED = re.compile(r"(.+?\.(?:zip|cbz))(?:::|[/\\])(.+)", re.IGNORECASE | re.DOTALL)
_MARKED = re.compile(r"(.+?)::(.+)", re.DOTALL)
_NO_SUCH_NAME = (FileNotFoundError, NotADirectoryError, ValueError)  # ValueError: a zero byte in the name


class UnusableError(Exception):
    """A picture that cannot be used: becomes `Picture.problem`, never seen by a caller."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem)


@dataclass(frozen=True, slots=True)
class Place:
    """A path; `archive` is the part that may be a zip archive ("" for none), `member` the name inside it."""

    path: str
    archive: str = ""
    member: str = ""


def is_missing(source: object) -> bool:
    """Whether a table cell names no picture: None, NaN, NaT, pandas' NA, or blank.

    Example:
        >>> [is_missing(source) for source in (None, float("nan"), " ", "crop.png")]
        [True, True, True, False]
    """
    if source is None or type(source).__name__ in ("NAType", "NaTType"):
        return True
    if isinstance(source, str):
        return not source.strip()
    return isinstance(source, (float, np.floating)) and bool(np.isnan(source))


def of_struct(source: object) -> object:
    """The bytes, else the path of {"bytes": ..., "path": ...}; anything else as it is.

    Example:
        >>> of_struct({"bytes": None, "path": "crop.png"}), of_struct({"bytes": b"GIF8", "path": "crop.gif"})
        ('crop.png', b'GIF8')
    """
    if not isinstance(source, dict) or not source or not set(source) <= {"bytes", "path"}:
        return source
    data = source.get("bytes")
    return source.get("path") if data is None else data


def place_of(path: str | os.PathLike[str], root: str | os.PathLike[str] | None = None) -> Place:
    """Parse "crop.png", "book.zip/page/crop.png" or "book.zip::page/crop.png"; the disk is not read.

    Example:
        >>> place_of("book.zip::page/crop.png")
        Place(path='book.zip::page/crop.png', archive='book.zip', member='page/crop.png')
    """
    text = os.fsdecode(os.fspath(path))
    if root is not None:
        text = os.path.join(os.fsdecode(os.fspath(root)), text)  # noqa: PTH118 # a Path would turn :: and \ around
    match = _ZIPPED.fullmatch(text) or _MARKED.fullmatch(text)
    return Place(text, match[1], match[2]) if match else Place(text)


class Archives:
    """The zip archives that one thread has open; the oldest is closed when there are too many."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, _Archive | UnusableError | None] = OrderedDict()

    def close(self) -> None:
        """Close all of them."""
        while self._open:
            self._drop()

    def read(self, place: Place) -> bytes:
        """The bytes of a file or member; raises `UnusableError` with the problem."""
        archive = self._archive(place.archive) if place.archive else None
        return _read_file(place.path) if archive is None else archive.read(place.member)

    def _archive(self, path: str) -> _Archive | None:
        """The open archive, or None where the path is not a file (a folder may be called x.zip)."""
        if path not in self._open:
            self._open[path] = _opened(path)
            if len(self._open) > MAX_OPEN:
                self._drop()
        self._open.move_to_end(path)
        archive = self._open[path]
        if isinstance(archive, UnusableError):
            raise UnusableError(archive.problem)
        return archive

    def _drop(self) -> None:
        _, oldest = self._open.popitem(last=False)
        if isinstance(oldest, _Archive):
            oldest.close()


class Readers:
    """One `Archives` for each thread, so that no thread waits for another one's file."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[Archives] = []

    def here(self) -> Archives:
        """The archives of the calling thread."""
        if not hasattr(self._own, "archives"):
            self._own.archives = Archives()
            self._all.append(self._own.archives)
        archives: Archives = self._own.archives
        return archives

    def close(self) -> None:
        """Close all archives; no thread may be reading."""
        for archives in self._all:
            archives.close()


class _Archive:
    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file
        self._readable: dict[str, zipfile.ZipInfo] | None = None

    def close(self) -> None:
        self._file.close()

    def read(self, member: str) -> bytes:
        info = self._find(member)
        if info.is_dir():
            raise UnusableError("not a file")
        if info.flag_bits & 1:
            raise UnusableError("encrypted")
        if info.file_size > MAX_BYTES:  # never more than this is unpacked, whatever the archive says
            raise UnusableError("too large")
        try:
            return self._file.read(info)
        except (NotImplementedError, RuntimeError):  # a way of packing that Python does not know
            raise UnusableError("bad archive") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
            raise UnusableError("damaged") from None

    def _find(self, member: str) -> zipfile.ZipInfo:
        """The member of that name, else the one whose name reads like it."""
        names = self._file.NameToInfo
        plain = posixpath.normpath(member.replace("\\", "/"))
        entry = names.get(member) or names.get(plain) or names.get(plain + "/")
        if entry is None:
            if self._readable is None:
                self._readable = {_readable(info): info for info in names.values()}
            entry = self._readable.get(unicodedata.normalize("NFC", plain))
        if entry is None:
            raise UnusableError("not found")
        return entry


def _readable(info: zipfile.ZipInfo) -> str:
    """A member's name as people see it: many programs write UTF-8 or Shift JIS and do not say so."""
    name = info.filename
    if not info.flag_bits & 0x800:
        for encoding in ("utf-8", "cp932"):
            try:
                name = info.filename.encode("cp437").decode(encoding)
                break
            except UnicodeError:
                continue
    return unicodedata.normalize("NFC", name)


def _opened(path: str) -> _Archive | UnusableError | None:
    if not os.path.isfile(path):  # noqa: PTH113 # takes any string, also one with a zero byte
        return None
    try:
        return _Archive(zipfile.ZipFile(path))
    except PermissionError:
        return UnusableError("not readable")
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return UnusableError("bad archive")


def _read_file(path: str) -> bytes:
    try:
        kind = os.stat(path)  # noqa: PTH116 # a Path for each of 100,000 crops takes longer than the call
        if not stat.S_ISREG(kind.st_mode):  # a pipe would never end
            raise UnusableError("not a file")
        if kind.st_size > MAX_BYTES:
            raise UnusableError("too large")
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read(MAX_BYTES)
    except _NO_SUCH_NAME:
        raise UnusableError("not found") from None
    except OSError as error:
        # ENAMETOOLONG on Linux and macOS
        raise UnusableError("not found" if error.errno in (36, 63) else "not readable") from None
