"""Which GPUs there are for the search, found out without loading torch where there can be none."""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["gpus", "if_it_fits"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

FROM_WITH_TORCH = 1e9  # multiplications: below, the CPU takes as long as bringing the rows to a GPU takes
FROM_WITHOUT_TORCH = 2e11  # below, the CPU is quicker than torch is loaded


def gpus(device: str | None, work: float) -> list[str]:
    """The GPUs, such as "cuda:0", on which a search of `work` multiplications is worth it.

    None for "cpu", one for "cuda:1", all for None or "cuda"; none where torch or a GPU is missing.
    """
    if work < (FROM_WITH_TORCH if "torch" in sys.modules else FROM_WITHOUT_TORCH):
        return []
    if device is not None and not str(device).startswith("cuda"):
        return []
    if importlib.util.find_spec("torch") is None or not ("torch" in sys.modules or _has_driver()):
        return []
    from linktransformer.search.gpu import search  # torch, which takes seconds to load

    return search.devices(device)


def if_it_fits(task: str, call: Callable[[], T]) -> T | None:
    """The result of a call on a GPU; None, which is logged, where its memory is too small."""
    import torch

    try:
        return call()
    except torch.cuda.OutOfMemoryError as error:
        logger.warning("%s: done on the CPU, since the GPU has too little memory (%s)", task, error)
    torch.cuda.empty_cache()  # after the handler, which holds what the call had there
    return None


def _has_driver() -> bool:
    """Whether there may be a GPU that torch can use."""
    if os.name == "nt":
        return True
    paths = ("/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
    return any(Path(path).exists() for path in paths) or shutil.which("nvidia-smi") is not None
