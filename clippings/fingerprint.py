"""What vectors depend on, as one text: it changes when a model's weights, settings, runtime or device do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from model_hub import ModelFolder, ModelRef
from model_hub.folder import CARD_NAME, sha256

__all__ = ["of_folder", "of_object", "of_reference"]

# whatever reads texts and pictures or multiplies may give other bits, or other tokens, in another version
RUNTIME = ("onnxruntime", "tokenizers", "torch", "transformers", "sentence-transformers", "pillow")
OURS = "linktransformer"
READ = ("architecture", "dimension", "max_tokens", "pooling", "normalize", "prefix", "serializer")


def of_folder(model: ModelFolder, device: str) -> str:
    """The fingerprint of a verified folder.

    Its name, metrics and learned decision do not change a vector, and are left out.

    Args:
        model: The folder; its files have been checked against their hashes.
        device: Where it runs.

    Returns:
        A text that names these files, these settings and this runtime.

    Example:
        >>> from model_hub import bundled
        >>> of_folder(bundled(), "cpu") == of_folder(bundled(), "cuda")
        False
    """
    manifest = model.manifest
    files = {file.path: file.sha256 for file in manifest.files}
    files = {name: digest for name, digest in files.items() if name not in (manifest.decision, CARD_NAME)}
    facts = {name: getattr(manifest, name) for name in READ}
    return _told({"files": files, **facts}, device)


def of_reference(ref: ModelRef, device: str) -> str | None:
    """The fingerprint of a model that sentence-transformers has opened by its folder or its name on the hub.

    Args:
        ref: The reference.
        device: Where it runs.

    Returns:
        A text that names the files by their hashes, or the commit on the hub; None where neither is known.
    """
    if ref.kind == "folder":
        root = Path(ref.name)
        found = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != CARD_NAME]
        files = {path.relative_to(root).as_posix(): sha256(path) for path in found}
        return _told({"files": files}, device) if files else None
    commit = _commit(ref) if ref.kind == "hub" else None
    return commit and _told({"hub": ref.name, "commit": commit}, device)


def _commit(ref: ModelRef) -> str | None:
    """Which commit of a hub's model lies in the cache of huggingface_hub, where it was loaded from."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    for name in ("modules.json", "config.json"):
        found = try_to_load_from_cache(ref.name, name, revision=ref.revision)
        if isinstance(found, str):
            return Path(found).parent.name
    return None


def of_object(model: Any) -> str | None:
    """The fingerprint of a caller's object, by what it says of itself.

    Args:
        model: Any object. Its attribute `cache_key` or `revision`, a text, has to change whenever its vectors
            do. A torch module's `revision` is no such promise, for its weights may have been trained since.

    Returns:
        A text with its class and that attribute; None where it has neither.

    Example:
        >>> class Model:
        ...     revision = "v1"
        >>> of_object(Model()), of_object(object())
        ('...Model v1', None)
    """
    names: Sequence[str] = ("cache_key",) if hasattr(model, "state_dict") else ("cache_key", "revision")
    for name in names:
        found = getattr(model, name, None)
        if isinstance(found, str) and found:
            kind = type(model)
            return f"{kind.__module__}.{kind.__qualname__} {found}"
    return None


def _told(facts: Mapping[str, Any], device: str) -> str:
    text = json.dumps(facts, sort_keys=True, default=_plain)
    kind = device.partition(":")[0]
    return " ".join([hashlib.sha256(text.encode()).hexdigest(), kind, *_versions()])


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _versions() -> list[str]:
    found = []
    for name in (OURS, *RUNTIME):
        try:
            found.append(f"{name}={version(name)}")
        except PackageNotFoundError:  # a base installation has no torch
            continue
    return found
