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

__all__ = ["cards", "if_it_fits"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

LOADED_FROM = 1e9  # multiplications: below, the processor is as quick as bringing the rows to a card
FROM = 2e11  # and below, quicker than torch is loaded


def cards(device: str | None, work: float) -> list[str]:
    """The cards on which a search is worth it.

    Args:
        device: "cpu" for none, "cuda:1" for that one, None or "cuda" for all.
        work: Multiplications that the search needs.

    Returns:
        Names such as "cuda:0"; none where torch is not installed, there is no card, or the search is small.

    Example:
        >>> cards("cpu", 1e15)
        []
    """
    if work < (LOADED_FROM if "torch" in sys.modules else FROM):
        return []
    if device is not None and not str(device).startswith("cuda"):
        return []
    if importlib.util.find_spec("torch") is None or not ("torch" in sys.modules or _driver()):
        return []
    from linktransformer.search import gpu_search  # torch, which takes seconds to load

    return gpu_search.devices(device)


def if_it_fits(what: str, call: Callable[[], T]) -> T | None:
    """Do something on a card, unless its memory is too small.

    Args:
        what: What is done, for the message.
        call: Does it.

    Returns:
        What it gives, or None: there was too little memory, which is logged, and the processor is to do it.
    """
    import torch

    try:
        return call()
    except torch.cuda.OutOfMemoryError as error:
        logger.warning("%s: done by the processor, since the GPU has too little memory (%s)", what, error)
    torch.cuda.empty_cache()  # after the handler, which holds what the call had there
    return None


def _driver() -> bool:
    """Whether there may be a card that torch can use."""
    if os.name == "nt":
        return True
    places = ("/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
    return any(Path(place).exists() for place in places) or shutil.which("nvidia-smi") is not None
