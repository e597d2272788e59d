"""A run on disk: weights, optimizer and place in the plan, as safetensors and JSON, whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from clippings.arrays import Integers
from clippings.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.optim import Optimizer

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
        epoch: The current epoch, from 0.
        batch: Batches of it that are done.
        best: The best validation so far.
        best_step: The step of the best validation.
        stale: Epochs without a better one.
        done: Whether the run is finished.
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
    weights: Mapping[str, Tensor],
    optimizer: Optimizer | None = None,
    mined: Integers | None = None,
    average: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint; an older one in the folder is replaced only when the new one is whole."""
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
        state = {
            f"{key}:{name}": value.detach().cpu().contiguous()
            for name, parameter in weights.items()
            for key, value in optimizer.state.get(parameter, {}).items()
        }
        if mined is not None:
            state[_MINED] = torch.as_tensor(mined).contiguous()
        write(state, fresh / _OPTIMIZER)
    (fresh / _STATE).write_text(json.dumps(asdict(place)) + "\n", encoding="utf-8")
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def read(folder: Path) -> Place | None:
    """The place of a checkpoint, None without one; after a crash between two renames the older one counts."""
    path = _whole(folder)
    if path is None:
        return None
    try:
        return Place(**json.loads((path / _STATE).read_bytes()))
    except (ValueError, TypeError, OSError) as error:
        raise TrainingError(
            f"The checkpoint cannot be read. Given: {path} ({error}). Train into another folder."
        ) from error


def weights(folder: Path) -> dict[str, Tensor]:
    """The parameters of a checkpoint by name."""
    return _load(folder, _WEIGHTS)


def average(folder: Path) -> dict[str, Tensor]:
    """The moving average of the parameters, of a checkpoint that was saved with one."""
    return _load(folder, _AVERAGE)


def copy_weights(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    """Copy a checkpoint's values into parameters of the same names and shapes."""
    if {n: v.shape for n, v in own.items()} != {n: v.shape for n, v in weights.items()}:
        raise TrainingError(
            f"The checkpoint is of another model. Given: {len(weights)} tensors, and this model has "
            f"{len(own)} or other shapes. Resume with the model and the settings that the run began with."
        )
    with import_module("torch").no_grad():
        for name, value in own.items():
            value.copy_(weights[name])


def _load(folder: Path, name: str) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = import_module("safetensors.torch").load_file(
        (_whole(folder) or folder) / name
    )
    return tensors


def restore(folder: Path, optimizer: Optimizer, named: Mapping[str, Tensor]) -> Integers | None:
    """Load the state of a fresh optimizer over the same parameters; returns the mined negatives."""
    state = _load(folder, _OPTIMIZER)
    mined = state.pop(_MINED, None)
    for name, value in state.items():
        key, _, parameter = name.partition(":")
        own = named[parameter]
        # AdamW keeps its step count on the CPU
        optimizer.state[own][key] = value if key == "step" else value.to(own.device)
    return None if mined is None else mined.numpy()


def _whole(folder: Path) -> Path | None:
    old = folder.with_name(folder.name + ".old")
    return next((path for path in (folder, old) if (path / _STATE).exists()), None)
