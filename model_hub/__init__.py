"""Models as folders with a manifest: named, checked against their hashes, opened; no network, no pickle."""

from model_hub.errors import ChecksumError, ManifestError, ModelHubError, ModelNotFoundError, UnsafeModelError
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
