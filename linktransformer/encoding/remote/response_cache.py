"""Paid answers on disk: one checked line of JSON each, appended at once, never changed.

A line that a kill truncated, or that somebody altered, is not used. A disk that is full, cannot be written or
cannot be read is one line in the log, and answers stay in memory. SQLite is slower for such answers.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

from model_hub.store import cache_folder

__all__ = ["CacheFolder", "ResponseCache", "request_key"]

logger = logging.getLogger(__name__)

CacheFolder = (
    str | os.PathLike[str] | bool | None
)  # None and True: the user's cache folder; False: memory only
SYNC_EVERY = 32  # lines between two calls of fsync: a power cut may cost as many, a kill costs none
START = b'{"key":"'
KEY_END = len(START) + 64


def request_key(base_url: str, path: str, payload: Mapping[str, object]) -> str:
    """SHA-256 of server, path and request, 64 hexadecimal digits.

    Example:
        >>> request_key("https://a/v1", "x", {"n": 1})[:8]
        '21836325'
    """
    text = json.dumps([base_url, path, payload], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class ResponseCache:
    """JSON values by `request_key` in `llm/NAME.jsonl`, for several threads and processes at a time.

    Example:
        >>> with ResponseCache(False) as cache:
        ...     cache.put("a" * 64, {"text": "no"})
        ...     cache.get("a" * 64)
        {'text': 'no'}
    """

    def __init__(self, cache: CacheFolder = None, name: str = "answers", write: bool = True) -> None:
        self._lock = threading.Lock()
        self._memory: dict[str, object] = {}
        self._lines: dict[str, tuple[int, int]] = {}  # start and length
        self._unsynced = 0
        self._file: int | None = None
        self.path: Path | None = None
        if cache is False:
            return
        self.path = cache_folder(None if cache is True else cache) / "llm" / f"{name}.jsonl"
        if write:
            self._open(self.path)
        try:
            self._index_lines(self.path)
        except (FileNotFoundError, NotADirectoryError):
            pass
        except OSError as error:
            logger.warning("answers in %s cannot be read (%s); they are asked for again", self.path, error)

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._file is not None:
                self._sync()
            self._close()

    @property
    def on_disk(self) -> bool:
        """Whether answers are still written to the disk."""
        return self._file is not None

    def get(self, key: str) -> object | None:
        """The value that was put under a key, None where there is no undamaged one."""
        if key in self._memory:
            return self._memory[key]
        if self.path is None or key not in self._lines:
            return None
        start, length = self._lines[key]
        try:
            with self.path.open("rb") as file:
                file.seek(start)
                entry = json.loads(file.read(length))
            if entry["key"] == key and entry["sum"] == _checksum(entry["value"]):
                value: object = entry["value"]
                return value
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def put(self, key: str, value: object) -> None:
        """Store a JSON value; it is in the file when this returns, unless the disk refuses it (logged)."""
        with self._lock:
            self._memory[key] = value
            if self._file is None:
                return
            text = json.dumps({"key": key, "sum": _checksum(value), "value": value}, separators=(",", ":"))
            rest = memoryview(f"{text}\n".encode())
            try:
                while rest:
                    rest = rest[os.write(self._file, rest) :]
            except OSError as error:
                self._fail(error)
                return
            self._unsynced += 1
            if self._unsynced >= SYNC_EVERY:
                self._sync()

    def _open(self, path: Path) -> None:
        # answers repeat the caller's rows: no other user may read them
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, flags, 0o600)
        except OSError as error:
            self._fail(error)

    def _sync(self) -> None:
        self._unsynced = 0
        try:
            if self._file is not None:
                os.fsync(self._file)
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> None:
        """Go on without the disk; said once."""
        logger.warning("answers cannot be kept in %s (%s); work goes on without", self.path, error)
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.close(self._file)
            self._file = None

    def _index_lines(self, path: Path) -> None:
        """Locate each whole line; end a truncated last one, so that the next starts on a line of its own."""
        start, whole = 0, True
        with path.open("rb") as file:
            for line in file:
                whole = line.endswith(b"\n")
                at = line.rfind(START)  # behind what another process could not finish on a full disk
                if whole and at >= 0 and len(line) - at > KEY_END:
                    key = line[at + len(START) : at + KEY_END].decode("ascii", "replace")
                    self._lines[key] = (start + at, len(line) - at)
                start += len(line)
        if not whole and self._file is not None:
            try:
                os.write(self._file, b"\n")
            except OSError as error:
                self._fail(error)


def _checksum(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
