"""Model folders for tests: one in the cache as if it had come from the hub, one that cannot be trained."""

from __future__ import annotations

import shutil
from pathlib import Path

from model_hub import bundled, parse, seal
from model_hub.opening import remote_of
from model_hub.store import Seen, Store


def keep(folder: Path, reference: str, cache: Path) -> None:
    """Put a model folder into a cache, where a reference finds it without a connection."""
    asked = f"{remote_of(parse(reference)).key}@"
    store = Store(cache)
    _, digest = store.install(asked, lambda into: shutil.copytree(folder, into, dirs_exist_ok=True) and None)
    store.remember(Seen(asked, "0" * 40, digest))


def for_running_only(into: Path) -> Path:
    """A folder of the bundled text model that does not say what its graph was made of."""
    found = bundled()
    into.mkdir()
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copy(found.file(name), into)
    names = ("architecture", "base_model", "source", "revision", "licence", "dimension", "max_tokens")
    seal(into, name="running-only", **{name: getattr(found.manifest, name) for name in names})
    return into
