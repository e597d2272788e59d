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
    "KEY",
    "SUFFIX",
    "TEMPORARY",
    "DamagedError",
    "Segment",
    "open_segment",
    "read_rows",
    "write_segment",
]

FORMAT = 1
SUFFIX = ".vectors"
TEMPORARY = ".writing"
KEY = np.dtype([("high", "<u8"), ("low", "<u8")])  # a hash of 128 bits
ROWS = np.dtype("<f4")
LONGEST_HEADER = 4096

Keys = NDArray[np.void]


class DamagedError(Exception):
    """A file is not what was written."""


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """A file of vectors whose line and keys have been checked.

    Args:
        path: Where it is.
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
    """Write vectors into a file of their own; others see it whole or not at all.

    Args:
        folder: Where, made when missing.
        model: What the vectors are of, written into the file.
        keys: (n,) of `KEY`.
        rows: (n, width).

    Returns:
        The file.

    Raises:
        OSError: It cannot be written.
    """
    said, data = keys.tobytes(), np.ascontiguousarray(rows, ROWS).tobytes()
    line = {"format": FORMAT, "model": model, "count": len(keys), "width": rows.shape[1]}
    line |= {"keys": hashlib.sha256(said).hexdigest(), "rows": hashlib.sha256(data).hexdigest()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}{SUFFIX}"
    temporary = path.with_suffix(TEMPORARY)
    try:
        with temporary.open("xb") as stream:
            stream.write(json.dumps(line).encode() + b"\n")
            stream.write(said)
            stream.write(data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return path


def open_segment(path: Path, model: str) -> Segment:
    """Read what a file holds, without its vectors.

    Args:
        path: The file.
        model: Of which the vectors have to be.

    Returns:
        The segment.

    Raises:
        DamagedError: It was cut, altered, or is of another model.
        OSError: It cannot be read; FileNotFoundError where another process has removed it.
    """
    with path.open("rb") as stream:
        first = stream.readline(LONGEST_HEADER)
        try:
            line = json.loads(first)
            shape = int(line["count"]), int(line["width"])
            wrong = line["format"] != FORMAT or line["model"] != model or min(shape) < 1
            digests = str(line["keys"]), str(line["rows"])
        except (ValueError, KeyError, TypeError):
            raise DamagedError("its first line cannot be read") from None
        if wrong:
            raise DamagedError("its first line is not the one that was written")
        start = len(first) + shape[0] * KEY.itemsize
        size = os.fstat(stream.fileno()).st_size
        if size != start + shape[0] * shape[1] * ROWS.itemsize:
            raise DamagedError(f"it has {size} bytes, and its first line says another number")
        said = stream.read(shape[0] * KEY.itemsize)
    if hashlib.sha256(said).hexdigest() != digests[0]:
        raise DamagedError("its keys do not have their checksum")
    return Segment(path, np.frombuffer(said, KEY), shape[1], start, digests[1])


def read_rows(segment: Segment) -> Floats:
    """Read the vectors of a file, all of them, for one checksum covers all.

    They are not memory-mapped: a file that somebody cuts meanwhile would then end the process.

    Args:
        segment: From `open_segment`.

    Returns:
        (n, width) float32, read-only.

    Raises:
        DamagedError: They do not have their checksum.
        OSError: The file cannot be read; FileNotFoundError where another process has removed it.
    """
    with segment.path.open("rb") as stream:
        stream.seek(segment.start)
        data = stream.read()
    if hashlib.sha256(data).hexdigest() != segment.digest:
        raise DamagedError("its vectors do not have their checksum")
    return np.frombuffer(data, ROWS).reshape(len(segment.keys), segment.width)
