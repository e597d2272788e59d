"""The work of a job on disk: a folder by its inputs and options, and what is finished of each piece in it."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers
from linktransformer.errors import InvalidArgumentError
from model_hub.work_folder import hold

__all__ = ["Stored", "job_folder", "key_of"]

VERSION = 1  # of what is stored; another one has other keys


@dataclass(frozen=True, slots=True)
class Stored:
    """Arrays of a piece on disk, of which each is read as it is needed.

    A file is written beside its place and then renamed, so that it is whole or not there.
    """

    folder: Path
    number: int
    stage: str

    def put(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Set arrays aside by name."""
        for name, values in arrays.items():
            with self._replacing(f"{name}.npy") as path, path.open("wb") as stream:
                np.save(stream, values, allow_pickle=False)

    def array(self, name: str) -> NDArray[np.generic]:
        """One of the arrays."""
        return np.asarray(np.load(self._path(f"{name}.npy"), allow_pickle=False))

    def integers(self, name: str) -> Integers:
        """An array of integers that is kept in fewer bytes."""
        return self.array(name).astype(np.int64)

    def floats(self, name: str) -> Floats:
        """An array of float32."""
        return self.array(name).astype(np.float32, copy=False)

    def finish(self, result: Mapping[str, NDArray[np.generic]]) -> None:
        """Write the result of the stage, after everything else: then the piece is finished."""
        with self._replacing("result.npz") as path, path.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **result)

    def result(self) -> dict[str, NDArray[np.generic]] | None:
        """The result of the stage, None for a piece that is not finished."""
        try:
            with np.load(self._path("result.npz"), allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except FileNotFoundError:
            return None

    @contextlib.contextmanager
    def _replacing(self, name: str) -> Iterator[Path]:
        path = self._path(name)
        new = path.with_name(f"{uuid.uuid4().hex}.part")  # a piece may be worked on twice at the same time
        try:
            yield new
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{self.stage}-{self.number}-{name.replace(' ', '-')}"


def key_of(*facts: object) -> str:
    """32 digits that change with the facts, which tell themselves by `repr`.

    Example:
        >>> key_of("name", 10) == key_of("name", 10), key_of("name", 10) == key_of("name", 11)
        (True, False)
    """
    return hashlib.blake2b(repr((VERSION, facts)).encode(), digest_size=16).hexdigest()


@contextlib.contextmanager
def job_folder(parent: Path, key: str) -> Iterator[Path]:
    """The folder of a job, removed when the block ends well; after an error it stays for the next attempt.

    Raises:
        InvalidArgumentError: Another process works on the same job.
    """
    folder = parent / f"linktransformer-job-{key}"
    lock = folder.with_name(f"{folder.name}.lock")
    with lock.open("a+b") as stream:
        if not hold(stream.fileno()):
            raise InvalidArgumentError(
                f"workspace={str(parent)!r}: another process links the same files there. Wait for its end, "
                "or give another folder."
            )
        folder.mkdir(mode=0o700, exist_ok=True)  # it holds rows
        yield folder
        shutil.rmtree(folder)
        with contextlib.suppress(OSError):  # an open file, on Windows
            lock.unlink(missing_ok=True)
