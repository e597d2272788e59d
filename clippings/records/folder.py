"""The folder of a model of pictures and texts: settings as JSON, weights as safetensors, a manifest."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from clippings.errors import EncoderError
from clippings.records.inputs import PREPROCESSING
from model_hub import Manifest, ModelFolder, seal

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = 1


def seal_records(
    folder: Path, architecture: str, dim: int, longest_text: int, facts: Mapping[str, Any]
) -> Manifest:
    """Seal a folder of a model of pictures and texts.

    Args:
        folder: The folder.
        architecture: How it is run.
        dim: Length of a vector.
        longest_text: Where texts are cut.
        facts: What is known of it.

    Returns:
        The manifest.
    """
    known: dict[str, Any] = {
        "name": "clippings",
        "base_model": "none: trained from nothing",
        "source": "clippings",
        "revision": "1",
        "licence": "NOASSERTION",
        "pooling": "attention",
        "created_by": "clippings",
        "task": "linking pictures and texts of records",
        **facts,
    }
    return seal(folder, architecture=architecture, dimension=dim, max_tokens=longest_text, **known)


def write_config(folder: Path, model: Mapping[str, Any], preprocessing: Mapping[str, Any]) -> None:
    """Write a model's settings.

    Args:
        folder: Its folder.
        model: Its sizes.
        preprocessing: How pictures and texts become numbers.
    """
    values = {"format": FORMAT, "model": model, "preprocessing": preprocessing}
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_config(
    folder: ModelFolder, preprocessing: Mapping[str, Any] | None = PREPROCESSING
) -> dict[str, Any]:
    """Read a model's settings.

    Args:
        folder: A verified folder.
        preprocessing: What this version does with pictures and texts; None takes any.

    Returns:
        What stands in the file: "model" and "preprocessing".

    Raises:
        EncoderError: It is no such file, or the model wants its pictures or texts otherwise.
    """
    path = folder.file(CONFIG)
    try:
        found = json.loads(path.read_bytes())
    except ValueError as error:
        raise EncoderError(
            f"The model's settings cannot be read. Given: {path} ({error}). Get it anew."
        ) from None
    if not isinstance(found, dict) or set(found) != {"format", "model", "preprocessing"}:
        raise EncoderError(
            "The model's settings are not those of a model of pictures and texts. "
            f"Given: {sorted(found) if isinstance(found, dict) else type(found).__name__} in {path}. Get the "
            "model folder anew."
        )
    wanted = preprocessing is None or found["preprocessing"] == dict(preprocessing)
    if found["format"] != FORMAT or not wanted:
        raise EncoderError(
            "The model is of a newer kind than this version runs. "
            f"Given: format {found['format']}, preprocessing {found['preprocessing']}. "
            "Update with `pip install --upgrade linktransformer`."
        )
    return found


def save_weights(model: Any, path: Path) -> None:
    """Write a module's parameters and buffers as safetensors.

    Args:
        model: The module.
        path: The file.
    """
    write: Callable[..., Any] = import_module("safetensors.torch").save_file
    write({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, path)


def load_weights(model: Any, path: Path) -> None:
    """Put the parameters and buffers of a file into a module.

    Args:
        model: The module.
        path: The safetensors file.

    Raises:
        EncoderError: They are those of another model.
    """
    try:
        model.load_state_dict(import_module("safetensors.torch").load_file(path))
    except RuntimeError as error:
        raise EncoderError(
            "The weights are not those of the model that the settings describe. "
            f"Given: {path}: {str(error)[:400]}. Get the model folder anew."
        ) from None
