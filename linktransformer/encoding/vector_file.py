"""Vectors in a file: written whole or not at all, every byte checked when it is read; no pickle.

A file is one line of JSON, then keys of 16 bytes, then float32 rows, little-endian. The line has the number
and the width of the rows, the model, and the SHA-256 of keys and of rows. A file is never changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Floats

__all__ = [
    "KEY", "SUFFIX", "TEMPORARY", "DamagedError", "Keys", "Segment", "open_segment", "read_rows",
    "write_segment",
]  # fmt: skip

FORMAT = 1
SUFFIX = ".vectors"
TEMPORARY = ".writing"
KEY = np.dtype([("high", "<u8"), ("low", "<u8")])  # a hash of 128 bits
ROWS = np.dtype("<f4")
MAX_HEADER = 4096

Keys = NDArray[np.void]


class DamagedError(Exception):
    """A file does not hold what was written."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A file of vectors whose header and keys have been checked.

    Args:
        path: The file.
        keys: One for each row, (n,) of `KEY`.
        width: Numbers in a row.
        start: Where the rows begin, in bytes.
        digest: SHA-256 of the rows, not yet checked.
    """

    path: Path
    keys: Keys
    width: int
    start: int
    digest: str


def write_segment(folder: Path, model: str, keys: Keys, rows: Floats) -> Path:
    """Write (n, width) vectors into a new file of a folder; other processes see it whole or not at all."""
    key_bytes, data = keys.tobytes(), np.ascontiguousarray(rows, ROWS).tobytes()
    header = {"format": FORMAT, "model": model, "count": len(keys), "width": rows.shape[1]}
    header |= {"keys": hashlib.sha256(key_bytes).hexdigest(), "rows": hashlib.sha256(data).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    temporary = path.with_suffix(TEMPORARY)
    try:
        with temporary.open("xb") as stream:
            stream.writelines([json.dumps(header).encode() + b"\n", key_bytes, data])
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def open_segment(path: Path, model: str) -> Segment:
    """Read and check header and keys; raises DamagedError, or OSError where the file cannot be read."""
    with path.open("rb") as stream:
        line = stream.readline(MAX_HEADER)
        try:
            header = json.loads(line)
            n, width = int(header["count"]), int(header["width"])
            wrong = header["format"] != FORMAT or header["model"] != model or min(n, width) < 1
            digests = str(header["keys"]), str(header["rows"])
        except (ValueError, KeyError, TypeError):
            raise DamagedError("its first line cannot be read") from None
        if wrong:
            raise DamagedError("its first line is not the one that was written")
        start = len(line) + n * KEY.itemsize
        size = os.fstat(stream.fileno()).st_size
        if size != start + n * width * ROWS.itemsize:
            raise DamagedError(f"it has {size} bytes, and its first line says another number")
        key_bytes = stream.read(n * KEY.itemsize)
    if hashlib.sha256(key_bytes).hexdigest() != digests[0]:
        raise DamagedError("its keys do not have their checksum")
    return Segment(path, np.frombuffer(key_bytes, KEY), width, start, digests[1])


def read_rows(segment: Segment) -> Floats:
    """Read all vectors of a file, (n, width) float32, read-only; one checksum covers all.

    Not memory-mapped: truncating a mapped file would end the process. Raises DamagedError or OSError.
    """
    with segment.path.open("rb") as stream:
        stream.seek(segment.start)
        data = stream.read()
    if hashlib.sha256(data).hexdigest() != segment.digest:
        raise DamagedError("its vectors do not have their checksum")
    return np.frombuffer(data, ROWS).reshape(len(segment.keys), segment.width)
