"""Where the embedding cache is and how large it may become."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from linktransformer.errors import InvalidArgumentError

__all__ = ["CacheSettings", "check_cache", "told_bytes"]

DEFAULT_BYTES = 10 * 10**9
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where vectors are kept, and how many.

    Args:
        folder: The folder; None is `embeddings` in the user's cache folder, or in LINKTRANSFORMER_CACHE.
        max_bytes: How large it may become; None is LINKTRANSFORMER_CACHE_SIZE, such as 500MB, or 10 GB. The
            files that were not used for longest are removed first.

    Raises:
        InvalidArgumentError: One of them cannot work.

    Example:
        >>> CacheSettings("kept", max_bytes=10**9).place().name
        'kept'
    """

    folder: str | os.PathLike[str] | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        folder: Any = self.folder
        if folder is not None and not (isinstance(folder, (str, os.PathLike)) and os.fspath(folder)):
            raise InvalidArgumentError(f"folder={self.folder!r} is no folder. Give a path, or None.")
        most: Any = self.max_bytes
        if most is not None and not (isinstance(most, int) and not isinstance(most, bool) and most >= 1):
            raise InvalidArgumentError(
                f"max_bytes={self.max_bytes!r} is no number of bytes. Give a whole number from 1."
            )
        self.bound()

    def place(self) -> Path:
        """The folder as a path.

        Returns:
            An absolute path; the folder need not exist.
        """
        if self.folder is not None:
            return Path(self.folder).expanduser().absolute()
        from model_hub.store import cache_folder

        return cache_folder() / "embeddings"

    def bound(self) -> int:
        """How large the cache may become.

        Returns:
            Bytes.

        Raises:
            InvalidArgumentError: LINKTRANSFORMER_CACHE_SIZE is no size.
        """
        if self.max_bytes is not None:
            return self.max_bytes
        return told_bytes("LINKTRANSFORMER_CACHE_SIZE", DEFAULT_BYTES)


def told_bytes(variable: str, default: int) -> int:
    """The size that a variable of the environment tells.

    Args:
        variable: Its name.
        default: The size where it is not set.

    Returns:
        Bytes, at least 1.

    Raises:
        InvalidArgumentError: It is no size.
    """
    told = os.environ.get(variable, "").strip().upper()
    if not told:
        return default
    number = told.rstrip("BKMGT")
    try:
        return max(1, int(float(number) * UNITS[told[len(number) :].strip()]))
    except (KeyError, ValueError, OverflowError):
        raise InvalidArgumentError(f"{variable}={told!r} is no size. Give such as 500MB or 20GB.") from None


def check_cache(cache: Any) -> CacheSettings | None:
    """What the argument `cache` means.

    Args:
        cache: None or False for no cache; True for the user's; a folder; or settings.

    Returns:
        The settings, None for no cache.

    Raises:
        InvalidArgumentError: It is something else.
    """
    if cache is None or cache is False:
        return None
    if cache is True:
        return CacheSettings()
    if isinstance(cache, CacheSettings):
        return cache
    if isinstance(cache, (str, os.PathLike)) and os.fspath(cache):
        return CacheSettings(cache)
    raise InvalidArgumentError(
        f"cache={cache!r} is no cache. Give None, True for the user's cache folder, a folder, or "
        "CacheSettings."
    )
