"""Answers that were paid for, kept on disk: one line each, written at once, never changed.

A line that a kill cut in the middle, or that somebody altered, is not used; its question is asked again.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model_hub.store import cache_folder

__all__ = ["Store", "question_key"]

SYNC_EVERY = 32  # lines between two calls of fsync: what a power cut may cost; a kill costs nothing
_START = b'{"key":"'
_KEY_ENDS = len(_START) + 64


def question_key(base_url: str, path: str, payload: Mapping[str, Any]) -> str:
    """The name of a question: of the server, the model, the prompt and all parameters.

    Args:
        base_url: The server.
        path: What is called there.
        payload: What is sent.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> question_key("https://a/v1", "x", {"n": 1})[:8]
        '21836325'
    """
    text = json.dumps([base_url, path, payload], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Store:
    """Answers below a folder, by `question_key`. Several threads and processes may use it at a time.

    Args:
        cache: The folder; None takes the user's cache folder; False keeps the answers in memory only.
        name: The file, such as "answers".

    Example:
        >>> with Store(False) as store:
        ...     store.put("a" * 64, {"text": "no"})
        ...     store.get("a" * 64)
        {'text': 'no'}
    """

    def __init__(self, cache: str | os.PathLike[str] | bool | None = None, name: str = "answers") -> None:
        self._lock = threading.Lock()
        self._memory: dict[str, Any] = {}
        self._place: dict[str, tuple[int, int]] = {}
        self._unsynced = 0
        self._file: int | None = None
        if cache is False:
            return
        folder = cache_folder(None if cache is True else cache) / "llm"
        folder.mkdir(parents=True, exist_ok=True)
        # answers speak of the caller's rows: nobody else reads them
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._path = folder / f"{name}.jsonl"
        self._file = os.open(self._path, flags, 0o600)
        self._read()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._place) + len(self._memory)

    def get(self, key: str) -> Any | None:
        """The answer to a question, None where there is none that is whole.

        Args:
            key: As `question_key` gives it.

        Returns:
            What `put` was given.
        """
        with self._lock:
            if key in self._memory:
                return self._memory[key]
            if self._file is None or key not in self._place:
                return None
            start, length = self._place[key]
            with Path(self._path).open("rb") as file:
                file.seek(start)
                line = file.read(length)
        try:
            found = json.loads(line)
            if found["key"] == key and found["sum"] == _sum(found["value"]):
                return found["value"]
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        with self._lock:
            self._place.pop(key, None)
        return None

    def put(self, key: str, value: Any) -> None:
        """Keep an answer: it is in the file when this returns.

        Args:
            key: As `question_key` gives it.
            value: What JSON can hold.
        """
        with self._lock:
            self._memory[key] = value
            if self._file is None:
                return
            text = json.dumps({"key": key, "sum": _sum(value), "value": value}, separators=(",", ":"))
            rest = memoryview(f"{text}\n".encode())
            while rest:
                rest = rest[os.write(self._file, rest) :]
            self._unsynced += 1
            if self._unsynced >= SYNC_EVERY:
                os.fsync(self._file)
                self._unsynced = 0

    def close(self) -> None:
        """Bring what was written safely to disk, and let go of the file."""
        with self._lock:
            if self._file is None:
                return
            if self._unsynced:
                os.fsync(self._file)
            os.close(self._file)
            self._file = None

    def _read(self) -> None:
        """Find each whole line; end a half one, so that the next begins on its own."""
        place, whole = 0, True
        with self._path.open("rb") as file:
            for line in file:
                whole = line.endswith(b"\n")
                if whole and line.startswith(_START) and len(line) > _KEY_ENDS:
                    key = line[len(_START) : _KEY_ENDS].decode("ascii", "replace")
                    self._place[key] = (place, len(line))
                place += len(line)
        if not whole and self._file is not None:
            os.write(self._file, b"\n")


def _sum(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
