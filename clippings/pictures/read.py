"""Pictures of records: files, members of zip archives, bytes, images and arrays, read side by side."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any

import numpy as np

from clippings.arrays import Integers
from clippings.errors import EncoderError
from clippings.pictures.decoding import (
    MAX_PIXELS,
    Format,
    Picture,
    decode,
    from_array,
    from_image,
    quiet_pillow,
)
from clippings.pictures.sources import (
    PROBLEMS,
    Place,
    Problem,
    Readers,
    UnusableError,
    is_missing,
    of_struct,
    place_of,
)

__all__ = ["Picture", "count_problems", "read_pictures"]
Source = Any  # a path, bytes, an image of PIL, an array, or a missing value of any library
Task = Any  # None, a `Place`, bytes, or an object that may be a picture
CHUNK = 64  # pictures of one thread's task
MAX_WORKERS = 8  # more threads wait for one another: a part of the work holds Python's lock
_MISSING = Picture(None, "missing")


def read_pictures(
    sources: Sequence[Source],
    *,
    colour: bool = False,
    shortest: int | None = None,
    max_pixels: int = MAX_PIXELS,
    stored: bool = False,
    root: str | os.PathLike[str] | None = None,
    workers: int | None = None,
    progress: Callable[[int], object] | None = None,
) -> list[Picture]:
    """Read pictures; one that cannot be read is a `Picture` that says why, and never an error.

    Equal sources are read once and share one `Picture`. Pictures are brought upright as their EXIF data say,
    put on white where they are transparent, and scaled to 8 bits where they have more. Of a picture with
    several frames the first is used. Nothing is fetched from a network.

    Args:
        sources: For each picture: a path; "book.zip/crop.png" or "book.zip::crop.png" for a member of a zip
            archive; the bytes of a file, also in a BytesIO; a PIL image; an array (h, w), (h, w, channels) or
            (channels, h, w); {"bytes": ..., "path": ...} as data sets of Hugging Face have them; None, NaN or
            "" for no picture.
        colour: RGB pixels (h, w, 3); else grey (h, w).
        shortest: Reduce pictures so that the short side has at most so many pixels. A model needs no more,
            and 100,000 pictures fit into memory.
        max_pixels: A picture that has more is "too large"; its size is known before it is decoded. Pillow's
            own limit holds as well.
        stored: Keep pictures as JPEG, which is decoded when pixels are asked for: a tenth of the memory.
        root: The folder of relative paths; None is the current one.
        workers: Threads; None is one a core, at most 8. The pictures are the same for any number.
        progress: Called with the number of sources done since its last call.

    Returns:
        A picture for each source, in their order.

    Raises:
        EncoderError: `sources` is a single source, or a number is below 1.
        MissingPackageError: Pillow is not installed.

    Example:
        >>> page = np.full((20, 60), 255, np.uint8)
        >>> pictures = read_pictures([page, None, b"no picture"], shortest=10)
        >>> pictures[0].pixels.shape, [picture.problem for picture in pictures]
        ((10, 30), [None, 'missing', 'not an image'])
    """
    _check(sources, shortest=shortest, max_pixels=max_pixels, workers=workers)
    tasks, number = _distinct(sources, root)
    if not tasks:
        return [_MISSING] * len(sources)
    times = np.bincount(number, minlength=len(tasks))
    # members of one archive go to one thread, which opens it once
    order = sorted(range(len(tasks)), key=lambda task: _archive(tasks[task]))
    threads = min(workers or default_workers(), len(tasks))
    size = max(1, min(CHUNK, math.ceil(len(tasks) / (4 * threads))))
    chunks = [order[start : start + size] for start in range(0, len(order), size)]
    done: list[Picture] = [_MISSING] * len(tasks)
    readers = Readers()
    read = partial(_read, readers=readers, form=Format(colour, shortest, max_pixels, stored))
    try:
        with quiet_pillow():
            batches = _map(read, ([tasks[task] for task in chunk] for chunk in chunks), threads)
            for chunk, pictures in zip(chunks, batches, strict=True):
                for task, picture in zip(chunk, pictures, strict=True):
                    done[task] = picture
                if progress is not None:
                    progress(int(times[chunk].sum()))
    finally:
        readers.close()
    return [done[task] for task in number.tolist()]


def count_problems(pictures: Iterable[Picture | None]) -> dict[str, int]:
    """How many pictures cannot be used, by the reason.

    Args:
        pictures: Pictures; None counts as "missing".

    Returns:
        The reasons that occur, in the order of `PROBLEMS`, and how often.

    Example:
        >>> count_problems(read_pictures([None, b"", b"<html>", None]))
        {'missing': 2, 'empty': 1, 'not an image': 1}
    """
    counts: dict[Problem, int] = dict.fromkeys(PROBLEMS, 0)
    for picture in pictures:
        problem = "missing" if picture is None else picture.problem
        if problem is not None:
            counts[problem] += 1
    return {problem: count for problem, count in counts.items() if count}


def default_workers() -> int:
    """One thread for each core that this process may use, at most MAX_WORKERS."""
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        cores = os.cpu_count() or 1
    return max(1, min(MAX_WORKERS, cores))


def _check(sources: object, **numbers: int | None) -> None:
    one_array = isinstance(sources, np.ndarray) and sources.dtype.kind in "buif"
    if (
        one_array
        or isinstance(sources, (str, bytes, bytearray, os.PathLike, dict, BytesIO))
        or hasattr(sources, "getexif")
    ):
        raise EncoderError(
            f"read_pictures takes a list of pictures. Given: one {type(sources).__name__}. Put it in a list."
        )
    for name, value in numbers.items():
        if value is not None and value < 1:
            raise EncoderError(f"{name} has to be 1 or more. Given: {value}. Leave it out for the default.")


def _distinct(sources: Sequence[Source], root: str | os.PathLike[str] | None) -> tuple[list[Task], Integers]:
    """The distinct things to read, and for each source the number of its own.

    Strings and bytes are equal by value; images and arrays are one where they are the same object.
    """
    number_of: dict[Hashable, int] = {}
    tasks: list[Task] = []
    number = np.empty(len(sources), np.int64)
    for at, given in enumerate(sources):
        task: Task
        source = of_struct(given)
        key: Hashable
        if is_missing(source):
            task = key = None
        elif isinstance(source, (str, os.PathLike)):
            task = key = place_of(source, root)
        elif isinstance(source, (bytes, bytearray, memoryview)):
            task = key = bytes(source)
        elif isinstance(source, BytesIO):
            task = key = source.getvalue()
        else:
            task, key = source, (id(source),)  # the caller's list keeps it alive: the number stays its own
        number[at] = number_of.setdefault(key, len(tasks))
        if number[at] == len(tasks):
            tasks.append(task)
    return tasks, number


def _archive(task: Task) -> str:
    return task.archive if isinstance(task, Place) else ""


def _read(tasks: Sequence[Task], readers: Readers, form: Format) -> list[Picture]:
    return [_picture(task, readers, form) for task in tasks]


def _picture(task: Task, readers: Readers, form: Format) -> Picture:
    if task is None:
        return _MISSING
    if isinstance(task, Place):
        try:
            task = readers.here().read(task)
        except UnusableError as error:
            return Picture(None, error.problem)
    if isinstance(task, bytes):
        return decode(task, form)
    if isinstance(task, np.ndarray):
        return from_array(task, form)
    if hasattr(task, "getexif") and hasattr(task, "tobytes"):  # an image of PIL
        return from_image(task, form)
    return Picture(None, "not an image")


def _map(
    read: Callable[[Sequence[Task]], list[Picture]], chunks: Iterable[Sequence[Task]], threads: int
) -> Iterator[list[Picture]]:
    """`map` in `threads` threads."""
    if threads == 1:
        yield from map(read, chunks)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="pictures")
    try:
        yield from pool.map(read, chunks)
    finally:
        pool.shutdown(cancel_futures=True)
