"""Which GPUs there are for the search, found out without loading torch where there can be none."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

__all__ = ["cards"]

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
    from linktransformer import gpu_search  # torch, which takes seconds to load

    return gpu_search.devices(device)


def _driver() -> bool:
    """Whether there may be a card that torch can use."""
    if os.name == "nt":
        return True
    places = ("/proc/driver/nvidia/version", "/dev/dxg", "/dev/kfd")
    return any(Path(place).exists() for place in places) or shutil.which("nvidia-smi") is not None
