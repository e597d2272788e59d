"""Paid answers on disk: one checked line of JSON each, appended at once, never changed.

A line that a kill truncated, or that somebody altered, is not used. SQLite is slower for such answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping

from model_hub.store import cache_folder

__all__ = ["CacheFolder", "ResponseCache", "request_key"]

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

    def __init__(self, cache: CacheFolder = None, name: str = "answers") -> None:
        self._lock = threading.Lock()
        self._memory: dict[str, object] = {}
        self._lines: dict[str, tuple[int, int]] = {}  # start and length
        self._unsynced = 0
        self._file: int | None = None
        if cache is False:
            return
        folder = cache_folder(None if cache is True else cache) / "llm"
        folder.mkdir(parents=True, exist_ok=True)
        # answers repeat the caller's rows: no other user may read them
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._path = folder / f"{name}.jsonl"
        self._file = os.open(self._path, flags, 0o600)
        self._index_lines(self._file)

    def __enter__(self) -> ResponseCache:
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._file is not None:
                os.fsync(self._file)
                os.close(self._file)
                self._file = None

    def get(self, key: str) -> object | None:
        """The value that was put under a key, None where there is no undamaged one."""
        if key in self._memory:
            return self._memory[key]
        if self._file is None or key not in self._lines:
            return None
        start, length = self._lines[key]
        with self._path.open("rb") as file:
            file.seek(start)
            line = file.read(length)
        try:
            entry = json.loads(line)
            if entry["key"] == key and entry["sum"] == _checksum(entry["value"]):
                value: object = entry["value"]
                return value
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def put(self, key: str, value: object) -> None:
        """Store a JSON value; it is in the file when this returns."""
        with self._lock:
            self._memory[key] = value
            if self._file is None:
                return
            text = json.dumps({"key": key, "sum": _checksum(value), "value": value}, separators=(",", ":"))
            rest = memoryview(f"{text}\n".encode())
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._unsynced += 1
            if self._unsynced >= SYNC_EVERY:
                os.fsync(self._file)
                self._unsynced = 0

    def _index_lines(self, descriptor: int) -> None:
        """Locate each whole line; end a truncated last one, so that the next starts on a line of its own."""
        start, whole = 0, True
        with self._path.open("rb") as file:
            for line in file:
                whole = line.endswith(b"\n")
                if whole and line.startswith(START) and len(line) > KEY_END:
                    key = line[len(START) : KEY_END].decode("ascii", "replace")
                    self._lines[key] = (start, len(line))
                start += len(line)
        if not whole:
            os.write(descriptor, b"\n")


def _checksum(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
