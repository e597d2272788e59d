"""Downloaded models, by the hash of their manifest: whole or not there at all.

Below the cache folder lie `models/<sha256 of manifest.json>/`, the verified folders; `refs/`, the model that
each reference last stood for; and `partial/`, incomplete downloads, which are never opened.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import json
import logging
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from model_hub.errors import AccessError, ModelHubError, TransferError
from model_hub.folder import ModelFolder, sha256, verify
from model_hub.manifest import MANIFEST_NAME

logger = logging.getLogger(__name__)
FULL = (errno.ENOSPC, errno.EDQUOT)
PARTS = ".parts"  # inside a partial download: files that are not whole


def cache_folder(cache: str | os.PathLike[str] | None = None) -> Path:
    """The folder of downloaded models: LINKTRANSFORMER_CACHE, else the user's cache folder of the platform.

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
    """The hash and the model that a reference last stood for."""

    reference: str
    pinned: str
    model: str


@dataclass(frozen=True, slots=True)
class Store:
    """Fetched models below one folder."""

    root: Path

    def recall(self, reference: str) -> Seen | None:
        """The model that a reference last stood for, or None."""
        try:
            values = json.loads(self._ref(reference).read_bytes())
            seen = Seen(str(values["reference"]), str(values["pinned"]), str(values["model"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return seen if seen.reference == reference and seen.model.isalnum() else None

    def remember(self, seen: Seen) -> None:
        """Write what a reference stands for; a disk that cannot be written is one line in the log."""
        path = self._ref(seen.reference)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, json.dumps(asdict(seen), indent=2) + "\n")
        except OSError as error:
            logger.warning("%s cannot be noted in %s (%s); work goes on", seen.reference, self.root, error)

    def model(self, digest: str) -> ModelFolder | None:
        """A downloaded model by the SHA-256 of its manifest, verified again; None if missing or damaged."""
        path = self.root / "models" / digest
        if not path.is_dir():
            return None
        try:
            folder = verify(path)
            if sha256(folder.path / MANIFEST_NAME) == digest:
                return folder
            reason = "its manifest was changed"
        except ModelHubError as error:
            reason = str(error)
        logger.warning("the model kept in %s is damaged and is not used: %s", path, reason)
        return None

    def install(self, key: str, fill: Callable[[Path], None]) -> tuple[ModelFolder, str]:
        """Download a model with `fill`, which fills a folder: whole and verified, or not at all.

        Returns the folder and the SHA-256 of its manifest. After a TransferError what came is kept and
        continued under the same key; after any other error nothing is kept. Where the disk takes no files the
        model is kept for this process alone, which is one line in the log.
        """
        try:
            return self._install(key, fill)
        except ModelHubError:
            raise
        except OSError as error:
            if error.errno in FULL:
                raise AccessError(
                    f"The model cannot be kept: {error.strerror}.",
                    self.root,
                    "Make room on that disk, or set LINKTRANSFORMER_CACHE to a folder on another one.",
                ) from error
            logger.warning("%s cannot be written (%s); the model is kept for this process", self.root, error)
            return Store(_for_this_process())._install(key, fill)

    def _install(self, key: str, fill: Callable[[Path], None]) -> tuple[ModelFolder, str]:
        staging = self.root / "partial" / _digest(key)[:32]
        # only under the lock: another process may be moving the folder away
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
            if target.exists():  # another process was faster
                shutil.rmtree(staging)
            else:
                staging.rename(target)
        return verify(target)

    def _ref(self, reference: str) -> Path:
        return self.root / "refs" / f"{_digest(reference)}.json"


def _for_this_process() -> Path:
    """A new folder that goes with the process."""
    folder = tempfile.mkdtemp(prefix="linktransformer-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that others read the old one or the new one, never a part."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")  # threads of one process write too
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock between processes; it is released when the process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(stream.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX)
        yield  # closing the file lets go


@contextlib.contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Whether a lock between processes was free; it is then held until the end, or that of the process."""
    from model_hub.work_folder import hold

    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as stream:
        yield hold(stream.fileno())  # closing the file lets go


def _digest(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()
