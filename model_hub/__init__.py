"""Models as folders with a manifest: named, checked against their hashes, opened; no network, no pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_hub.card import model_card, propose_name
    from model_hub.errors import (
        ChecksumError,
        ManifestError,
        ModelHubError,
        ModelNotFoundError,
        UnsafeModelError,
    )
    from model_hub.folder import ModelFolder, verify
    from model_hub.manifest import Manifest, ModelFile
    from model_hub.opening import DEFAULT, bundled, open_model
    from model_hub.ref import ModelRef, parse
    from model_hub.ref import bundled_names as bundled_models
    from model_hub.sealing import seal

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
    "model_card",
    "open_model",
    "parse",
    "propose_name",
    "seal",
    "verify",
]
_HOME = {
    "card": {"model_card", "propose_name"},
    "errors": {"ChecksumError", "ManifestError", "ModelHubError", "ModelNotFoundError", "UnsafeModelError"},
    "folder": {"ModelFolder", "verify"},
    "opening": {"DEFAULT", "bundled", "open_model"},
    "manifest": {"Manifest", "ModelFile"},
    "ref": {"ModelRef", "bundled_names", "parse"},
    "sealing": {"seal"},
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
