"""Open a model by what the user calls it: checked first, then handed over."""

from __future__ import annotations

import os
from pathlib import Path

from model_hub.errors import ModelNotFoundError
from model_hub.folder import ModelFolder, verify
from model_hub.ref import BUNDLED, ModelRef, bundled_names, parse

DEFAULT = "all-minilm-l6-v2-int8"


def open_model(reference: str | os.PathLike[str] | ModelRef) -> ModelFolder:
    """Open a model folder after checking every file in it.

    Args:
        reference: The name of a bundled model, or a folder.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: There is no such model, or it is kept where this version cannot open it.
        ManifestError: The manifest cannot be read or is not allowed.
        ChecksumError: A file is missing or changed.
        UnsafeModelError: The folder holds a file that could run code.

    Example:
        >>> open_model("all-minilm-l6-v2-int8").manifest.dimension
        384
    """
    ref = reference if isinstance(reference, ModelRef) else parse(reference)
    if ref.kind == "bundled":
        return bundled(ref.name)
    if ref.kind == "folder":
        return verify(Path(ref.name))
    raise ModelNotFoundError(
        "Models with a manifest are opened from a folder or from the package, not over the network.",
        str(ref),
        "Download the model's folder and give its path.",
    )


def bundled(name: str | None = None) -> ModelFolder:
    """Open a model that comes with the package.

    Args:
        name: Its name; None is the default one.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: No bundled model has this name.
        ChecksumError: The installed files were changed.

    Example:
        >>> bundled().manifest.name
        'all-minilm-l6-v2-int8'
    """
    name = DEFAULT if name is None else name
    if name not in bundled_names():
        raise ModelNotFoundError(
            "No model of this name comes with the package.",
            repr(name),
            f"There are: {', '.join(bundled_names()) or 'none (reinstall the package)'}.",
        )
    return verify(BUNDLED / name)
