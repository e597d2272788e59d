"""What a user writes to name a model, read into a value."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_hub.errors import ModelNotFoundError

Kind = Literal["bundled", "folder", "hub", "oci"]
BUNDLED = Path(__file__).parent / "bundled"
_HUB = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_OCI = re.compile(r"[A-Za-z0-9][\w.:-]*(/[A-Za-z0-9][\w.-]*)+")
_REVISION = re.compile(r"[A-Za-z0-9][\w./:-]*")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model's kind, its name (or folder) and the revision asked for."""

    kind: Kind
    name: str
    revision: str | None = None

    def __str__(self) -> str:
        scheme = "oci://" if self.kind == "oci" else ""
        return scheme + self.name + (f"@{self.revision}" if self.revision else "")


def bundled_names() -> tuple[str, ...]:
    """The names of the models that come with the package, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in BUNDLED.glob("*/manifest.json")))


def parse(reference: str | os.PathLike[str]) -> ModelRef:
    """Read what a user wrote to name a model.

    A folder that exists, and anything written like a path (`./x`, `/x`, `~/x`), is a folder; the name of a
    bundled model is that model; `org/name`, `org/name@revision` and `hf://org/name` are on the Hugging Face
    Hub; `oci://` names a registry. A folder `org/name` that exists goes before the hub.

    Args:
        reference: The name, path or address.

    Returns:
        The kind, name and revision.

    Raises:
        ModelNotFoundError: It is none of these.

    Example:
        >>> parse("hf://sentence-transformers/all-MiniLM-L6-v2@main")
        ModelRef(kind='hub', name='sentence-transformers/all-MiniLM-L6-v2', revision='main')
    """
    text = os.fspath(reference)
    scheme, _, rest = text.partition("://") if "://" in text else ("", "", text)
    if not scheme:
        if isinstance(reference, str) and text in bundled_names():
            return ModelRef("bundled", text)
        path = Path(text).expanduser()
        if not isinstance(reference, str) or (text and path.is_dir()) or _looks_like_path(text):
            return ModelRef("folder", str(path))
    name, at, revision = rest.partition("@")
    kinds: dict[str, tuple[Kind, re.Pattern[str]]] = {
        "": ("hub", _HUB),
        "hf": ("hub", _HUB),
        "oci": ("oci", _OCI),
    }
    if scheme in kinds and kinds[scheme][1].fullmatch(name) and (not at or _REVISION.fullmatch(revision)):
        return ModelRef(kinds[scheme][0], name, revision or None)
    raise _not_found(text)


def _looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~", "\\")) or "\\" in text or bool(re.match(r"[A-Za-z]:[/\\]", text))


def _not_found(text: str) -> ModelNotFoundError:
    from difflib import get_close_matches

    close = get_close_matches(text.lower(), bundled_names(), 1, 0.5)
    return ModelNotFoundError(
        "There is no model of this name.",
        repr(text),
        (f"Did you mean {close[0]!r}? " if close else "")
        + f"Give a folder, 'org/name@revision', or a bundled model: {', '.join(bundled_names()) or 'none'}.",
    )
