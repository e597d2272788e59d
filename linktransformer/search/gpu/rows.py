"""Rows on a GPU: copied there in pieces, and rounded to half precision with account of what was lost."""

from __future__ import annotations

import functools
import importlib.util
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.search.matrices import Sparse

__all__ = [
    "Rows", "SparseRows", "fitting", "integers", "on_gpu", "rounded", "runs_triton", "sparse_rows",
    "uploaded", "workspace",
]  # fmt: skip

DEPTH = 64  # half-precision columns are filled up with zeros to a multiple
PIECE = 2**24  # numbers copied, or rounded, at a time
WORKSPACE = 2**31
FEWEST = 2**14  # rows that are brought to a GPU at a time, however little room there seems to be
SHARE = 0.8  # of a GPU's free memory that may be used
TINY = 2.0**-100

# where rows start, (n + 1,) int64; columns, rising in a row, (nnz,) int32; values, (nnz,) float32
SparseRows = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows on a GPU, in float32 and in float16, and what the rounding may have cost.

    Args:
        full: (n, d) float32.
        half: (n, depth) float16: `full` times a power of two that brings the largest number near one.
        size: Norms of the rows of `half`, (n,) float32.
        lost: Norms of what rounding took from them, (n,) float32.
    """

    full: Tensor
    half: Tensor
    size: Tensor
    lost: Tensor


def on_gpu(device: torch.device) -> AbstractContextManager[object]:
    """Make a GPU the current one; nothing for the CPU."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


def runs_triton(device: torch.device) -> bool:
    """Whether Triton is installed and compiles kernels for a GPU; False for the CPU."""
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return False
    return bool(torch.cuda.get_device_capability(device) >= (7, 0))


def workspace(device: torch.device) -> int:
    """Bytes for intermediate results of a search: a 16th of the GPU's memory, 2 GiB at most."""
    if device.type != "cuda":
        return WORKSPACE
    return min(WORKSPACE, int(torch.cuda.get_device_properties(device).total_memory) // 16)


def fitting(device: torch.device, columns: int) -> int:
    """How many rows of so many columns a GPU has room for, in both precisions, beside the workspace."""
    if device.type != "cuda":
        return 2**31
    reusable = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = (torch.cuda.mem_get_info(device)[0] + reusable) * SHARE - 2 * workspace(device)
    return max(FEWEST, int(free / (6 * (columns + DEPTH))))


def uploaded(matrix: Floats, device: torch.device, rows: slice | Integers | None = None) -> Tensor:
    """Copy rows of a matrix to a GPU, piece by piece through page-locked memory, while it computes.

    Takes a slice, or row numbers with -1 for a row of zeros; None for all. Returns (n_rows, d) float32.
    """
    source = matrix[rows] if isinstance(rows, slice) else matrix
    numbers = rows if isinstance(rows, np.ndarray) else None
    n, columns = len(source) if numbers is None else len(numbers), matrix.shape[1]
    stream = _side_stream(device) if device.type == "cuda" else None
    with nullcontext() if stream is None else torch.cuda.stream(stream):
        # memory of the side stream: what the GPU still computes with is never given out
        copy = torch.empty((n, columns), device=device)
        _fill(copy, source, numbers, stream is not None)
    if stream is not None:
        torch.cuda.current_stream(device).wait_stream(stream)
        copy.record_stream(torch.cuda.current_stream(device))
    return copy


@functools.cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]  # torch has no types for it


def _fill(copy: Tensor, source: Floats, numbers: Integers | None, pinned: bool) -> None:
    n, columns = copy.shape
    step = max(1, PIECE // max(1, columns))
    for start in range(0, n, step):
        part = slice(start, min(n, start + step))
        staged = torch.empty((part.stop - start, columns), pin_memory=pinned)
        if numbers is None:
            _copy(source[part], staged)
        else:
            real = numbers[part] >= 0
            staged.zero_()
            staged.numpy()[real] = source[numbers[part][real]]
        copy[part].copy_(staged, non_blocking=True)


def _copy(numbers: Floats, into: Tensor) -> None:
    """Copy on all cores where torch takes the array: not one that cannot be written, or runs backwards."""
    if numbers.flags.writeable and numbers.flags.c_contiguous and numbers.dtype == np.float32:
        into.copy_(torch.from_numpy(numbers))
    else:
        np.copyto(into.numpy(), numbers, casting="same_kind")


def integers(numbers: Integers | Bools, device: torch.device, dtype: torch.dtype = torch.int64) -> Tensor:
    """Copy integers to a GPU without waiting for it."""
    copy = torch.from_numpy(np.array(numbers, dtype=np.int64)).to(dtype)
    return copy.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else copy


def rounded(full: Tensor) -> Rows:
    """Round rows (n, d) float32 to half precision and measure what is lost."""
    n, columns = full.shape
    half = torch.zeros((n, -(-columns // DEPTH) * DEPTH), dtype=torch.float16, device=full.device)
    size, lost = torch.empty(n, device=full.device), torch.empty(n, device=full.device)
    step = max(1, PIECE // max(1, columns))
    largest = torch.full((), TINY, device=full.device)
    for start in range(0, n, step):
        part = full[start : start + step]
        largest = torch.maximum(largest, torch.maximum(part.amax(), -part.amin()))
    scale = torch.exp2(-torch.floor(torch.log2(largest)))
    for start in range(0, n, step):
        rows = slice(start, min(n, start + step))
        scaled = full[rows] * scale
        half[rows, :columns] = scaled
        restored = half[rows, :columns].float()
        size[rows] = restored.norm(dim=1)
        lost[rows] = (scaled - restored).norm(dim=1)
    return Rows(full, half, size, lost)


def sparse_rows(rows: Sparse, gpu: torch.device) -> SparseRows:
    """Copy sparse rows to a GPU."""
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    return (
        torch.from_numpy(rows.indptr.astype(np.int64)).to(gpu),
        torch.from_numpy(np.array(rows.indices, dtype=np.int32)).to(gpu),
        torch.from_numpy(np.array(rows.data, dtype=np.float32)).to(gpu),
    )
