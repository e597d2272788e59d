"""Folders of unfinished work: removed at the end, and those of processes that were killed by the next one.

A folder `NAME` has a lock file `NAME.lock` beside it, which its process holds locked. The system releases
the lock however the process ends; a folder whose lock is free belongs to nobody.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

__all__ = ["hold", "work_folder"]

logger = logging.getLogger(__name__)
LOCK = ".lock"


@contextlib.contextmanager
def work_folder(parent: Path, prefix: str, suffix: str = "", mode: int = 0o777) -> Iterator[Path]:
    """A new folder `parent/PREFIX<32 digits>SUFFIX`, removed at the end unless it was renamed.

    `mode` are its rights, as `os.mkdir` takes them. Folders of the same form that killed processes have left
    are removed first.
    """
    _remove_abandoned(parent, prefix, suffix)
    folder = parent / f"{prefix}{uuid.uuid4().hex}{suffix}"
    lock = folder.with_name(folder.name + LOCK)
    with lock.open("a+b") as stream:
        hold(stream.fileno())
        try:
            folder.mkdir(mode=mode)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if sys.platform != "win32":
                lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        lock.unlink(missing_ok=True)


def _remove_abandoned(parent: Path, prefix: str, suffix: str) -> None:
    digits = "[0-9a-f]" * 32
    for lock in parent.glob(f"{_plain(prefix)}{digits}{_plain(suffix)}{LOCK}"):
        with contextlib.suppress(OSError), lock.open("a+b") as stream:  # of another user, or just removed
            if not hold(stream.fileno()):
                continue
            folder = lock.with_name(lock.name.removesuffix(LOCK))
            if folder.exists():
                logger.info("removed %s, which a process that was killed had left", folder)
            shutil.rmtree(folder, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _plain(text: str) -> str:
    from glob import escape

    return escape(text)


def hold(number: int) -> bool:
    """Lock an open file without waiting; whether that worked. The lock ends with the file or the process."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
