"""Models as folders with a manifest: named, published, downloaded, checked by hashes; no pickle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_hub.card import model_card, propose_name
    from model_hub.errors import (
        AccessError,
        ChecksumError,
        ManifestError,
        ModelHubError,
        ModelNotFoundError,
        TransferError,
        UnreachableError,
        UnsafeModelError,
    )
    from model_hub.folder import ModelFolder, verify
    from model_hub.manifest import Manifest, ModelFile
    from model_hub.opening import DEFAULT, bundled, load, open_model
    from model_hub.publishing import list as list  # noqa: A004 - the public name
    from model_hub.publishing import publish
    from model_hub.ref import ModelRef, parse
    from model_hub.ref import bundled_names as bundled_models
    from model_hub.sealing import seal

# without "list": `from model_hub import *` must not hide the builtin
__all__ = [
    "DEFAULT",
    "AccessError",
    "ChecksumError",
    "Manifest",
    "ManifestError",
    "ModelFile",
    "ModelFolder",
    "ModelHubError",
    "ModelNotFoundError",
    "ModelRef",
    "TransferError",
    "UnreachableError",
    "UnsafeModelError",
    "bundled",
    "bundled_models",
    "load",
    "model_card",
    "open_model",
    "parse",
    "propose_name",
    "publish",
    "seal",
    "verify",
]
_HOME = {
    "card": {"model_card", "propose_name"},
    "errors": {name for name in __all__ if name.endswith("Error")},
    "folder": {"ModelFolder", "verify"},
    "manifest": {"Manifest", "ModelFile"},
    "opening": {"DEFAULT", "bundled", "load", "open_model"},
    "publishing": {"list", "publish"},
    "ref": {"ModelRef", "bundled_names", "parse"},
    "sealing": {"seal"},
}


def __getattr__(name: str) -> object:
    attribute = "bundled_names" if name == "bundled_models" else name
    home = next((module for module, names in _HOME.items() if attribute in names), None)
    if home is None or name == "bundled_names":
        raise AttributeError(f"module 'model_hub' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"model_hub.{home}"), attribute)


def __dir__() -> Sequence[str]:
    return sorted({*globals(), *__all__})
