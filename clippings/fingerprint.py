"""A text that changes when a model's weights, settings, runtime or device do: a key for cached vectors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from model_hub import ModelFolder, ModelRef
from model_hub.folder import CARD_NAME, sha256

__all__ = ["of_folder", "of_object", "of_reference"]

# packages whose version may change bits or tokens
RUNTIME = ("onnxruntime", "tokenizers", "torch", "transformers", "sentence-transformers", "pillow")
OURS = "linktransformer"
ADAPTER = "adapter_config.json"
READ = ("architecture", "dimension", "max_tokens", "pooling", "normalize", "prefix", "serializer")


def of_folder(model: ModelFolder, device: str) -> str:
    """The fingerprint of a verified folder on a device; name, metrics and decision are left out.

    Example:
        >>> from model_hub import bundled
        >>> of_folder(bundled(), "cpu") == of_folder(bundled(), "cuda")
        False
    """
    manifest = model.manifest
    files = {file.path: file.sha256 for file in manifest.files}
    files = {name: digest for name, digest in files.items() if name not in (manifest.decision, CARD_NAME)}
    facts = {name: getattr(manifest, name) for name in READ}
    return _digest({"files": files, **facts}, device)


def of_reference(ref: ModelRef, device: str) -> str | None:
    """The fingerprint of a model of sentence-transformers: by file hashes, or its commit on the hub.

    None where neither is known, and for an adapter, whose base model is elsewhere.
    """
    if ref.kind == "folder":
        root = Path(ref.name)
        paths = [path for path in sorted(root.rglob("*")) if path.is_file() and path.name != CARD_NAME]
        if any(path.name == ADAPTER for path in paths):
            return None  # its vectors depend on a base model elsewhere, too
        files = {path.relative_to(root).as_posix(): sha256(path) for path in paths}
        return _digest({"files": files}, device) if files else None
    commit = _commit(ref) if ref.kind == "hub" else None
    return commit and _digest({"hub": ref.name, "commit": commit}, device)


def _commit(ref: ModelRef) -> str | None:
    """The commit of a hub's model in the cache of huggingface_hub, from which it was loaded."""
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:
        return None
    if isinstance(try_to_load_from_cache(ref.name, ADAPTER, revision=ref.revision), str):
        return None
    for name in ("modules.json", "config.json"):
        path = try_to_load_from_cache(ref.name, name, revision=ref.revision)
        if isinstance(path, str):
            return Path(path).parent.name
    return None


def of_object(model: object) -> str | None:
    """The fingerprint of a caller's object: its class and its text attribute `cache_key` or `revision`.

    That text has to change whenever the vectors do. A torch module's `revision` is not used, since its
    weights may have been trained since. None where the object has neither.

    Example:
        >>> class Model:
        ...     revision = "v1"
        >>> of_object(Model()), of_object(object())
        ('...Model v1', None)
    """
    names: Sequence[str] = ("cache_key",) if hasattr(model, "state_dict") else ("cache_key", "revision")
    for name in names:
        value = getattr(model, name, None)
        if isinstance(value, str) and value:
            kind = type(model)
            return f"{kind.__module__}.{kind.__qualname__} {value}"
    return None


def _digest(facts: Mapping[str, object], device: str) -> str:
    text = json.dumps(facts, sort_keys=True, default=_plain)
    kind = device.partition(":")[0]
    return " ".join([hashlib.sha256(text.encode()).hexdigest(), kind, *_versions()])


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


def _versions() -> list[str]:
    versions = []
    for name in (OURS, *RUNTIME):
        try:
            versions.append(f"{name}={version(name)}")
        except PackageNotFoundError:  # a base installation has no torch
            continue
    return versions
