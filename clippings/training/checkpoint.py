"""A run on disk: weights, optimizer and place in the plan, as safetensors and JSON, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from clippings.errors import TrainingError

FOLDER, LAST, BEST = "checkpoints", "last", "best"
_STATE, _WEIGHTS, _OPTIMIZER = "state.json", "weights.safetensors", "optimizer.safetensors"
_AVERAGE = "average.safetensors"
_MINED = "mined negatives"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """How far a run is.

    Attributes:
        run: A hash of the settings and the examples, so that no other run is continued by mistake.
        step: Steps done.
        epoch: The epoch that is under way, from 0.
        batch: Batches of it that are done.
        best: The best validation so far.
        best_step: When it was.
        stale: Epochs without a better one.
        done: Whether the run was over.
    """

    run: str
    step: int = 0
    epoch: int = 0
    batch: int = 0
    best: float = float("-inf")
    best_step: int = 0
    stale: int = 0
    done: bool = False


def save(
    folder: Path,
    place: Place,
    weights: Mapping[str, Any],
    optimizer: Any = None,
    mined: Any = None,
    average: Mapping[str, Any] | None = None,
) -> None:
    """Write a checkpoint; one that is there already is replaced only when the new one is whole.

    Args:
        folder: Where it shall be.
        place: How far the run is.
        weights: Parameters by name.
        optimizer: Its state is kept too, where it is given.
        mined: The mined negatives of the epoch under way or just over, an array of int64.
        average: The moving average of the parameters, where there is one.
    """
    torch = import_module("torch")
    write = import_module("safetensors.torch").save_file
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    for path in (fresh, old):
        shutil.rmtree(path, ignore_errors=True)
    fresh.mkdir(parents=True)
    for tensors, name in ((weights, _WEIGHTS), (average or {}, _AVERAGE)):
        if tensors:
            write({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, fresh / name)
    if optimizer is not None:
        state = _tensors(optimizer, weights)
        if mined is not None:
            state[_MINED] = torch.as_tensor(mined).contiguous()
        write(state, fresh / _OPTIMIZER)
    (fresh / _STATE).write_text(json.dumps(asdict(place)) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read(folder: Path) -> Place | None:
    """How far a run is that left a checkpoint.

    Args:
        folder: Where it is; after a death between two renames the one before counts.

    Returns:
        The place, None where there is no checkpoint.

    Raises:
        TrainingError: It cannot be read.
    """
    path = _whole(folder)
    if path is None:
        return None
    try:
        return Place(**json.loads((path / _STATE).read_bytes()))
    except (ValueError, TypeError, OSError) as error:
        raise TrainingError(
            f"The checkpoint cannot be read. Given: {path} ({error}). Train into another folder."
        ) from error


def weights(folder: Path) -> dict[str, Any]:
    """The parameters of a checkpoint.

    Args:
        folder: Where it is.

    Returns:
        Tensors by name.
    """
    return _load(folder, _WEIGHTS)


def average(folder: Path) -> dict[str, Any]:
    """The moving average of the parameters of a checkpoint.

    Args:
        folder: Where it is; it was saved with an average.

    Returns:
        Tensors by name.
    """
    return _load(folder, _AVERAGE)


def _load(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = import_module("safetensors.torch").load_file((_whole(folder) or folder) / name)
    return found


def restore(folder: Path, optimizer: Any, named: Mapping[str, Any]) -> Any:
    """Put the optimizer where it was.

    Args:
        folder: The checkpoint.
        optimizer: A fresh one over the same parameters.
        named: The parameters by name.

    Returns:
        The mined negatives that were kept, or None.
    """
    state = _load(folder, _OPTIMIZER)
    mined = state.pop(_MINED, None)
    for name, value in state.items():
        key, _, parameter = name.partition(":")
        own = named[parameter]
        # AdamW keeps its count of steps on the CPU
        optimizer.state[own][key] = value if key == "step" else value.to(own.device)
    return None if mined is None else mined.numpy()


def _tensors(optimizer: Any, named: Mapping[str, Any]) -> dict[str, Any]:
    return {
        f"{key}:{name}": value.detach().cpu().contiguous()
        for name, parameter in named.items()
        for key, value in optimizer.state.get(parameter, {}).items()
    }


def _whole(folder: Path) -> Path | None:
    old = folder.with_name(folder.name + ".old")
    return next((path for path in (folder, old) if (path / _STATE).exists()), None)
