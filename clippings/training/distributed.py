"""Several processes that train one model, one a GPU: sums and equal answers across them.

Started by `torchrun` or `accelerate launch`, which say in the environment who is who. Every process makes
the same batches, embeds its share of each, and sees the vectors of all; the gradients are summed. So the
outcome is that of one process with the same batch size.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clippings.third_party import need_torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Ranks:
    """Which of how many processes this is.

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
        """Replace tensors by their sums over all processes.

        Args:
            tensors: Equal shapes in every process.
        """
        if self.world > 1:
            torch = need_torch("Training on several GPUs")
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)

    def agree(self, values: Any, device: str) -> Any:
        """What the first process has, in all of them: decisions must not differ by rounding.

        Args:
            values: An array of NumPy, of one shape in every process.
            device: Where the tensors of these processes are.

        Returns:
            The array of the first process.
        """
        if self.world == 1:
            return values
        torch = need_torch("Training on several GPUs")
        tensor = torch.as_tensor(values, device=device)
        torch.distributed.broadcast(tensor, 0)
        return tensor.cpu().numpy()

    def wait(self) -> None:
        """Wait until every process has come here."""
        if self.world > 1:
            need_torch("Training on several GPUs").distributed.barrier()


def join() -> Ranks:
    """Meet the other processes, where the environment says that there are some.

    Returns:
        Who this is.
    """
    world = int(os.environ.get("WORLD_SIZE", "1") or 1)
    if world == 1:
        return Ranks()
    torch = need_torch("Training on several GPUs")
    if not torch.distributed.is_initialized():
        torch.distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return Ranks(torch.distributed.get_rank(), torch.distributed.get_world_size())


def own_device(device: str | None) -> str | None:
    """The device of this process: the caller's, or the GPU of its number where there are several processes.

    Args:
        device: The caller's wish.

    Returns:
        A device, or None to leave the choice.
    """
    several = int(os.environ.get("WORLD_SIZE", "1") or 1) > 1
    if device is not None or not several:
        return device
    torch = need_torch("Training on several GPUs")
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if torch.cuda.is_available() else "cpu"
