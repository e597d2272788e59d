"""The folder of a model of pictures and texts: settings as JSON, weights as safetensors, a manifest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clippings.errors import EncoderError
from clippings.records.inputs import PREPROCESSING
from model_hub import Manifest, ModelFolder, seal

if TYPE_CHECKING:
    from torch import nn

CONFIG, WEIGHTS = "config.json", "model.safetensors"
FORMAT = 1


def seal_records(
    folder: Path, architecture: str, dim: int, longest_text: int, facts: Mapping[str, object]
) -> Manifest:
    """Seal a folder of a model of pictures and texts; `facts` replace the defaults of the manifest."""
    defaults: dict[str, Any] = {
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
    return seal(folder, architecture=architecture, dimension=dim, max_tokens=longest_text, **defaults)


def write_config(folder: Path, model: Mapping[str, object], preprocessing: Mapping[str, object]) -> None:
    """Write a model's settings."""
    values = {"format": FORMAT, "model": model, "preprocessing": preprocessing}
    (folder / CONFIG).write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_config(
    folder: ModelFolder, preprocessing: Mapping[str, object] | None = PREPROCESSING
) -> dict[str, Mapping[str, object]]:
    """Read a model's settings: "model" and "preprocessing".

    Preprocessing that this version does not do is an error; None accepts any.
    """
    path = folder.file(CONFIG)
    try:
        values = json.loads(path.read_bytes())
    except ValueError as error:
        raise EncoderError(
            f"The model's settings cannot be read. Given: {path} ({error}). Download it again."
        ) from None
    if not isinstance(values, dict) or set(values) != {"format", "model", "preprocessing"}:
        raise EncoderError(
            "The model's settings are not those of a model of pictures and texts. "
            f"Given: {sorted(values) if isinstance(values, dict) else type(values).__name__} in {path}. "
            "Download the model folder again."
        )
    readable = preprocessing is None or values["preprocessing"] == dict(preprocessing)
    if values["format"] != FORMAT or not readable:
        raise EncoderError(
            "The model is of a newer kind than this version runs. "
            f"Given: format {values['format']}, preprocessing {values['preprocessing']}. "
            "Update with `pip install --upgrade linktransformer`."
        )
    return values


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a module's parameters and buffers as safetensors."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    import_module("safetensors.torch").save_file(tensors, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Put the parameters and buffers of a file into a module."""
    try:
        model.load_state_dict(import_module("safetensors.torch").load_file(path))
    except RuntimeError as error:
        raise EncoderError(
            "The weights are not those of the model that the settings describe. "
            f"Given: {path}: {str(error)[:400]}. Download the model again."
        ) from None
