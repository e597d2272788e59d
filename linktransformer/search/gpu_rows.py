"""Rows on a card: brought there in pieces, and rounded to half precision with account of what was lost."""

from __future__ import annotations

import functools
import importlib.util
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from linktransformer.arrays import Floats, Integers

__all__ = [
    "Rows",
    "fitting",
    "integers",
    "on_card",
    "rounded",
    "runs_triton",
    "uploaded",
    "workspace",
]

DEPTH = 64  # half-precision columns are filled up with zeros to a multiple
PIECE = 2**24  # numbers copied, or rounded, at a time
WORKSPACE = 2**31
FEWEST = 2**14  # rows that are brought to a card at a time, however little room there seems to be
SHARE = 0.8  # of a card's free memory that may be used
TINY = 2.0**-100

Matrix = Floats


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows on a card, in float32 and in float16, and what the rounding may have cost.

    Args:
        full: (n, d) float32.
        half: (n, depth) float16: `full` times a power of two that brings the largest number near one.
        size: Lengths of the rows of `half`, (n,) float32.
        lost: Lengths of what rounding took from them, (n,) float32.
    """

    full: Any
    half: Any
    size: Any
    lost: Any


def on_card(device: Any) -> AbstractContextManager[Any]:
    """Make a card the current one; nothing for the processor.

    Args:
        device: A torch device.

    Returns:
        A context manager.
    """
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def runs_triton(device: Any) -> bool:
    """Whether Triton is installed and makes kernels for a card.

    Args:
        device: A torch device.

    Returns:
        True or False; False for the processor.
    """
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    return bool(torch.cuda.get_device_capability(device) >= (7, 0))


def workspace(device: Any) -> int:
    """Bytes for what a search writes down on the way: a 16th of the card, 2 GiB at most.

    Args:
        device: A torch device.

    Returns:
        Bytes.
    """
    if device.type != "cuda":
        return WORKSPACE
    return min(WORKSPACE, int(torch.cuda.get_device_properties(device).total_memory) // 16)


def fitting(device: Any, columns: int) -> int:
    """How many rows of a matrix a card has room for, in both precisions, beside the workspace of a search.

    Args:
        device: A torch device.
        columns: Columns of the matrix.

    Returns:
        Rows, some thousands at least; on the processor as many as one likes.
    """
    if device.type != "cuda":
        return 2**31
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = (torch.cuda.mem_get_info(device)[0] + kept) * SHARE - 2 * workspace(device)
    return max(FEWEST, int(free / (6 * (columns + DEPTH))))


def uploaded(matrix: Matrix, device: Any, rows: slice | Integers | None = None) -> Any:
    """Bring rows to a card, piece by piece through page-locked memory, while it works on something else.

    Args:
        matrix: (n, d) numbers.
        device: A torch device.
        rows: Which rows, as a slice or one by one with -1 for a row of zeros; None for all.

    Returns:
        (n_rows, d) float32 on the card.
    """
    some = matrix[rows] if isinstance(rows, slice) else matrix
    which = rows if isinstance(rows, np.ndarray) else None
    n, columns = len(some) if which is None else len(which), matrix.shape[1]
    stream = _side_stream(device) if device.type == "cuda" else None
    with nullcontext() if stream is None else torch.cuda.stream(stream):
        # memory of the side stream: what the card still works on is never given out
        there = torch.empty((n, columns), device=device)
        _fill(there, some, which, stream is not None)
    if stream is not None:
        torch.cuda.current_stream(device).wait_stream(stream)
        there.record_stream(torch.cuda.current_stream(device))
    return there


@functools.cache
def _side_stream(device: Any) -> Any:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types for it


def _fill(there: Any, some: Matrix, which: Integers | None, pinned: bool) -> None:
    n, columns = there.shape
    step = max(1, PIECE // max(1, columns))
    for start in range(0, n, step):
        stop = min(n, start + step)
        stage = torch.empty((stop - start, columns), pin_memory=pinned)
        if which is None:
            _copy(some[start:stop], stage)
        else:
            real = which[start:stop] >= 0
            stage.zero_()
            stage.numpy()[real] = some[which[start:stop][real]]
        there[start:stop].copy_(stage, non_blocking=True)


def _copy(numbers: Matrix, into: Any) -> None:
    """Copy on all cores where torch takes the array: not one that cannot be written, or runs backwards."""
    if numbers.flags.writeable and numbers.flags.c_contiguous and numbers.dtype == np.float32:
        into.copy_(torch.from_numpy(numbers))
    else:
        np.copyto(into.numpy(), numbers, casting="same_kind")


def integers(numbers: NDArray[np.integer[Any]], device: Any, dtype: Any = torch.int64) -> Any:
    """Bring integers to a card without waiting for it.

    Args:
        numbers: Any shape.
        device: A torch device.
        dtype: What they become.

    Returns:
        The tensor.
    """
    there = torch.from_numpy(np.array(numbers, dtype=np.int64)).to(dtype)
    return there.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else there


def rounded(full: Any) -> Rows:
    """Round rows to half precision and measure what is lost.

    Args:
        full: (n, d) float32 on a card.

    Returns:
        The rows.

    Example:
        >>> rows = rounded(torch.tensor([[1.0, 2.0**-13], [0.0, 0.5]]))
        >>> rows.half.shape, rows.lost.tolist()
        (torch.Size([2, 64]), [0.0, 0.0])
    """
    n, columns = full.shape
    half = torch.zeros((n, -(-columns // DEPTH) * DEPTH), dtype=torch.float16, device=full.device)
    size, lost = torch.empty(n, device=full.device), torch.empty(n, device=full.device)
    step = max(1, PIECE // max(1, columns))
    largest = torch.full((), TINY, device=full.device)
    for start in range(0, n, step):
        some = full[start : start + step]
        largest = torch.maximum(largest, torch.maximum(some.amax(), -some.amin()))
    scale = torch.exp2(-torch.floor(torch.log2(largest)))
    for start in range(0, n, step):
        stop = min(n, start + step)
        scaled = full[start:stop] * scale
        half[start:stop, :columns] = scaled
        kept = half[start:stop, :columns].float()
        size[start:stop] = kept.norm(dim=1)
        lost[start:stop] = (scaled - kept).norm(dim=1)
    return Rows(full, half, size, lost)
