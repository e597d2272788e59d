"""Seal a folder of weights: hash every file, write the manifest and the model card."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model_hub.card import model_card
from model_hub.errors import ManifestError, ModelNotFoundError
from model_hub.folder import CARD_NAME, describe, refuse_unsafe, verify
from model_hub.manifest import MANIFEST_NAME, Manifest, check_path

logger = logging.getLogger(__name__)
_NEEDED = {
    "onnx-text": ("model.onnx", "tokenizer.json"),
    "sentence-transformers": ("modules.json",),
    "clippings": ("config.json", "model.safetensors"),
    "clippings-onnx": ("config.json", "glyphs.onnx", "line.onnx", "text.onnx", "fuse.onnx"),
    "clippings-clip": ("config.json", "model.safetensors"),
}


def seal(
    folder: str | os.PathLike[str],
    *,
    name: str,
    architecture: str,
    base_model: str,
    source: str,
    revision: str,
    licence: str,
    dimension: int,
    max_tokens: int,
    **other: Any,
) -> Manifest:
    """Turn a folder of weights into a model folder that can be published and checked.

    Every file below the folder is hashed into `manifest.json`, and a model card `README.md` is written from
    the manifest; both replace what was there. Hidden files are left out.

    Args:
        folder: The folder; its files stay where they are.
        name: The model's name, see `propose_name`.
        architecture: "onnx-text", "sentence-transformers", "clippings", "clippings-onnx" or "clippings-clip".
        base_model: The model that this one was made from.
        source: Where the base model's weights come from.
        revision: Their version, as a commit or a hash.
        licence: SPDX name of the weights' licence.
        dimension: Length of a vector.
        max_tokens: Texts are cut after so many tokens.
        other: Any other key of `Manifest`: languages, trained_on, metrics, measured_on, decision, task,
            description, base_revision, serializer, pooling, normalize, prefix, versions, created_by.

    Returns:
        The manifest as written.

    Raises:
        ModelNotFoundError: There is no such folder, or a file that the architecture needs is missing.
        UnsafeModelError: It holds a pickle, a .bin or .pt file, a program, or a link out of it.
        ManifestError: A value is of the wrong kind, or a key is unknown.

    Example:
        >>> import shutil, tempfile
        >>> from model_hub import bundled
        >>> old = bundled().manifest
        >>> with tempfile.TemporaryDirectory() as place:
        ...     copy = shutil.copytree(bundled().path, Path(place) / "copy")
        ...     seal(copy, name="lt-firms-match-en", architecture="onnx-text", base_model=old.base_model,
        ...          source=old.source, revision=old.revision, licence="Apache-2.0", dimension=384,
        ...          max_tokens=256, languages=["en"]).languages
        ('en',)
    """
    path = Path(folder)
    if not path.is_dir():
        raise ModelNotFoundError("There is no such model folder.", str(path), "Check the path.")
    unknown = sorted(set(other) - set(Manifest.__dataclass_fields__) | set(other) & {"files", "format"})
    if unknown:
        raise ManifestError("A model's manifest has no such keys.", unknown, "Leave them out.")
    root = path.resolve()
    names = sorted(_safe_files(root))
    missing = sorted(set(_NEEDED.get(architecture, ())) - set(names))
    if missing:
        raise ModelNotFoundError(
            f"A model of the architecture {architecture!r} needs files that are not there.",
            f"{missing} in {root}",
            "Save the model into this folder first.",
        )
    _require_safetensors(root, architecture, names)
    other["languages"] = tuple(other.get("languages", ()))
    manifest = Manifest(
        name=name,
        architecture=architecture,
        base_model=base_model,
        source=source,
        revision=revision,
        licence=licence,
        dimension=dimension,
        max_tokens=max_tokens,
        files=describe(root, names),
        **other,
    )
    manifest.save(root)
    (root / CARD_NAME).write_text(model_card(manifest), encoding="utf-8")
    return verify(root).manifest


def _safe_files(root: Path) -> Iterator[str]:
    """Every file to be listed; the first one that could run code is an error."""
    for base, folders, names in os.walk(root):
        hidden = [name for name in (*folders, *names) if name.startswith(".")]
        if hidden:
            logger.info("left out of the model, for they are hidden: %s", sorted(hidden))
        folders[:] = sorted(set(folders) - set(hidden))
        links = [name for name in folders if (Path(base) / name).is_symlink()]
        for name in sorted({*names, *links} - set(hidden)):
            path = Path(base) / name
            relative = refuse_unsafe(root, path)
            if path.is_file() and relative not in (MANIFEST_NAME, CARD_NAME):
                check_path(relative)
                yield relative


def _require_safetensors(root: Path, architecture: str, names: list[str]) -> None:
    if architecture == "sentence-transformers" and not any(name.endswith(".safetensors") for name in names):
        raise ModelNotFoundError(
            "The model has no weights as safetensors.",
            str(root),
            "Save it with `model.save(folder, safe_serialization=True)`.",
        )
