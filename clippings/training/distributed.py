"""Several processes that train one model, one a GPU: sums and equal answers across them.

`torchrun` or `accelerate launch` start them and set their numbers in the environment. Every process makes
the same batches, encodes its share of each, and gets the vectors of all; the gradients are summed. So the
outcome is that of one process with the same batch size.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import numpy.typing as npt

from clippings.third_party import need_torch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

A = TypeVar("A", bound=npt.NDArray[np.generic])
PURPOSE = "Training on several GPUs"


@dataclass(frozen=True, slots=True)
class Ranks:
    """The number of this process, and of all.

    Attributes:
        rank: From 0; the first one writes files.
        world: How many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self.rank == 0

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over all processes."""
        if self.world > 1:
            torch = need_torch(PURPOSE)
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)

    def add_gradients(self, weights: Mapping[str, Tensor]) -> None:
        """Replace the gradients of parameters by their sums over all processes."""
        if self.world > 1:
            for value in weights.values():
                value.grad = need_torch(PURPOSE).zeros_like(value) if value.grad is None else value.grad
            self.add([value.grad for value in weights.values() if value.grad is not None])

    def agree(self, values: A, device: str) -> A:
        """The array of the first process, in all of them: decisions must not differ by rounding."""
        if self.world == 1:
            return values
        torch = need_torch(PURPOSE)
        tensor = torch.as_tensor(values, device=device)
        torch.distributed.broadcast(tensor, 0)
        agreed: A = tensor.cpu().numpy()
        return agreed

    def wait(self) -> None:
        """Wait until every process has reached this call."""
        if self.world > 1:
            need_torch(PURPOSE).distributed.barrier()


def join() -> Ranks:
    """Join the other processes, where the environment names some."""
    world = int(os.environ.get("WORLD_SIZE", "1") or 1)
    if world == 1:
        return Ranks()
    torch = need_torch(PURPOSE)
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


def own_device(device: str | None) -> str | None:
    """The caller's device; with several processes and none given, the GPU of this process's number."""
    several = int(os.environ.get("WORLD_SIZE", "1") or 1) > 1
    if device is not None or not several:
        return device
    torch = need_torch(PURPOSE)
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
