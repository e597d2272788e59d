"""Models as folders with a manifest: named, checked against their hashes, opened; no network, no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_hub.errors import (
        ChecksumError,
        ManifestError,
        ModelHubError,
        ModelNotFoundError,
        UnsafeModelError,
    )
    from model_hub.folder import ModelFolder, verify
    from model_hub.load import DEFAULT, bundled, open_model
    from model_hub.manifest import Manifest, ModelFile
    from model_hub.ref import ModelRef, parse
    from model_hub.ref import bundled_names as bundled_models

__all__ = [
    "DEFAULT",
    "ChecksumError",
    "Manifest",
    "ManifestError",
    "ModelFile",
    "ModelFolder",
    "ModelHubError",
    "ModelNotFoundError",
    "ModelRef",
    "UnsafeModelError",
    "bundled",
    "bundled_models",
    "open_model",
    "parse",
    "verify",
]
_HOME = {
    "errors": {"ChecksumError", "ManifestError", "ModelHubError", "ModelNotFoundError", "UnsafeModelError"},
    "folder": {"ModelFolder", "verify"},
    "load": {"DEFAULT", "bundled", "open_model"},
    "manifest": {"Manifest", "ModelFile"},
    "ref": {"ModelRef", "bundled_names", "parse"},
}


def __getattr__(name: str) -> Any:
    found = "bundled_names" if name == "bundled_models" else name
    home = next((module for module, names in _HOME.items() if found in names), None)
    if home is None or name == "bundled_names":
        raise AttributeError(f"module 'model_hub' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"model_hub.{home}"), found)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
