"""The models that were fetched: by the hash of their manifest, whole or not there at all.

Below the cache folder lie `models/<sha256 of manifest.json>/`, the verified folders; `refs/`, what each
reference stood for when it was last seen; and `partial/`, downloads that are not done, which nobody is given.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from model_hub.errors import ModelHubError, TransferError
from model_hub.folder import ModelFolder, sha256, verify
from model_hub.manifest import MANIFEST_NAME

logger = logging.getLogger(__name__)
PARTS = ".parts"  # inside a partial download: files that are not whole


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """Where fetched models are kept.

    Args:
        cache: A folder; None takes LINKTRANSFORMER_CACHE, else the user's cache folder of the platform.

    Returns:
        The folder, which need not exist.

    Example:
        >>> cache_folder("kept").name
        'kept'
    """
    if chosen := (os.fspath(cache) if cache is not None else os.environ.get("LINKTRANSFORMER_CACHE")):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "linktransformer"


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reference stood for when it was last looked up."""

    reference: str
    pinned: str
    model: str


@dataclass(frozen=True, slots=True)
class Store:
    """Fetched models below one folder."""

    root: Path

    def recall(self, reference: str) -> Seen | None:
        """What a reference stood for when it was last seen.

        Args:
            reference: The reference, and where it was asked.

        Returns:
            What was seen, or None.
        """
        try:
            values = json.loads(self._ref(reference).read_bytes())
            seen = Seen(str(values["reference"]), str(values["pinned"]), str(values["model"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return seen if seen.reference == reference and seen.model.isalnum() else None

    def remember(self, seen: Seen) -> None:
        """Note what a reference stands for.

        Args:
            seen: The reference, its hash at the place where it is kept, and the model.
        """
        path = self._ref(seen.reference)
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {"reference": seen.reference, "pinned": seen.pinned, "model": seen.model}
        whole_text(path, json.dumps(values, indent=2) + "\n")

    def model(self, digest: str) -> ModelFolder | None:
        """A fetched model, checked anew.

        Args:
            digest: The SHA-256 of its manifest.

        Returns:
            The folder; None when it is not there, or is no longer what it was (then a line is logged).
        """
        path = self.root / "models" / digest
        if not path.is_dir():
            return None
        try:
            found = verify(path)
            if sha256(found.path / MANIFEST_NAME) == digest:
                return found
            reason = "its manifest was changed"
        except ModelHubError as error:
            reason = str(error)
        logger.warning("the model kept in %s is damaged and is not used: %s", path, reason)
        return None

    def install(self, key: str, fill: Callable[[Path], None]) -> tuple[ModelFolder, str]:
        """Fetch a model into the store: whole and verified, or not at all.

        Args:
            key: What the download is called; a download that broke is taken up under the same key.
            fill: Puts the model's files into the folder that it is given.

        Returns:
            The verified folder and the SHA-256 of its manifest.

        Raises:
            TransferError: The connection broke; what has come is kept for the next try.
            ModelHubError: What came is damaged or unsafe; nothing of it is kept.
        """
        staging = self.root / "partial" / _digest(key)[:32]
        # Only whoever holds the lock touches the folder: another may be moving it away at this moment.
        with locked(staging.with_suffix(".lock")):
            staging.mkdir(parents=True, exist_ok=True)
            try:
                fill(staging)
                for name in (PARTS, ".cache"):
                    shutil.rmtree(staging / name, ignore_errors=True)
                digest = sha256(verify(staging).path / MANIFEST_NAME)
            except TransferError:
                raise
            except ModelHubError:
                shutil.rmtree(staging, ignore_errors=True)
                raise
            return self._move_in(staging, digest), digest

    def _move_in(self, staging: Path, digest: str) -> ModelFolder:
        target = self.root / "models" / digest
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(self.root / "partial" / f"{digest[:32]}.lock"):
            if target.exists() and self.model(digest) is None:
                shutil.rmtree(target)
            if target.exists():  # another process was quicker
                shutil.rmtree(staging)
            else:
                staging.rename(target)
        return verify(target)

    def _ref(self, reference: str) -> Path:
        return self.root / "refs" / f"{_digest(reference)}.json"


def whole_text(path: Path, text: str) -> None:
    """Write a file so that others see the old one or the new one, never a part.

    Args:
        path: The file.
        text: What it is to hold.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # threads of one process write too
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it is let go when the process ends, however it ends.

    Args:
        path: The lock's file, made when missing.

    Yields:
        Nothing, once the lock is held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield  # closing the file lets go


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
