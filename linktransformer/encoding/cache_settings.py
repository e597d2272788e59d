"""The folder of the embedding cache and its size limit."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from linktransformer import check
from linktransformer.errors import InvalidArgumentError

__all__ = ["CacheLike", "CacheSettings", "bytes_of_environment", "check_cache"]

DEFAULT_BYTES = 10 * 10**9
UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """Where vectors are cached on disk, and how many.

    Args:
        folder: The folder; None is `embeddings` in the user's cache folder, or in LINKTRANSFORMER_CACHE.
        max_bytes: How large it may become; None is LINKTRANSFORMER_CACHE_SIZE, such as 500MB, or 10 GB. The
            least recently used files are removed first.

    Raises:
        InvalidArgumentError: One of them cannot work.

    Example:
        >>> CacheSettings("vectors", max_bytes=10**9).place().name
        'vectors'
    """

    folder: str | os.PathLike[str] | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        if self.folder is not None and not _is_folder(self.folder):
            raise InvalidArgumentError(f"folder={self.folder!r} is not a folder. Give a path, or None.")
        if self.max_bytes is not None and not (type(self.max_bytes) is int and self.max_bytes >= 1):
            raise InvalidArgumentError(
                f"max_bytes={self.max_bytes!r} is not a number of bytes. Give a whole number from 1."
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
            InvalidArgumentError: LINKTRANSFORMER_CACHE_SIZE is not a size.
        """
        if self.max_bytes is not None:
            return self.max_bytes
        return bytes_of_environment("LINKTRANSFORMER_CACHE_SIZE", DEFAULT_BYTES)


# None and False: no cache; True: the user's cache folder
CacheLike = CacheSettings | str | os.PathLike[str] | bool | None


def bytes_of_environment(variable: str, default: int) -> int:
    """A size such as 500MB in an environment variable as bytes, at least 1; `default` where it is not set."""
    value = os.environ.get(variable, "").strip().upper()
    if not value:
        return default
    number = value.rstrip("BKMGT")
    try:
        return max(1, int(float(number) * UNITS[value[len(number) :].strip()]))
    except (KeyError, ValueError, OverflowError):
        raise InvalidArgumentError(
            f"{variable}={value!r} is not a size. Give such as 500MB or 20GB."
        ) from None


def check_cache(cache: CacheLike) -> CacheSettings | None:
    """The settings of an argument `cache`, None for no cache; raises InvalidArgumentError."""
    if cache is None or cache is False:
        return None
    if cache is True:
        return CacheSettings()
    if isinstance(cache, CacheSettings):
        return cache
    if _is_folder(cache):
        return CacheSettings(cache)
    raise InvalidArgumentError(
        f"cache={check.shown(cache)} "
        "is not a cache. Give None, True for the user's cache folder, a folder, or "
        "CacheSettings."
    )


def _is_folder(value: object) -> bool:
    return isinstance(value, (str, os.PathLike)) and bool(os.fspath(value))
