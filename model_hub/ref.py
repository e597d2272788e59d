"""References to models: a name, path or address, parsed into a value."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from model_hub.errors import ModelNotFoundError

Kind = Literal["bundled", "folder", "hub", "oci"]
BUNDLED = Path(__file__).parent / "bundled"
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?")
_PART = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*")  # registries take lower case only
_TAG = re.compile(r"\w[\w.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]+")
COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]*")


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model's kind, its name (or folder) and the requested revision."""

    kind: Kind
    name: str
    revision: str | None = None

    def __str__(self) -> str:
        scheme = "oci://" if self.kind == "oci" else ""
        mark = ":" if self.kind == "oci" and self.revision and ":" not in self.revision else "@"
        return scheme + self.name + (f"{mark}{self.revision}" if self.revision else "")

    @property
    def pinned(self) -> bool:
        """Whether the revision is a hash, so that it names the same files for ever."""
        if self.revision is None or self.kind not in ("hub", "oci"):
            return False
        return bool((COMMIT if self.kind == "hub" else _DIGEST).fullmatch(self.revision))


def bundled_names() -> tuple[str, ...]:
    """The names of the models that come with the package, in alphabetical order.

    Returns:
        The names.
    """
    return tuple(sorted(path.parent.name for path in BUNDLED.glob("*/manifest.json")))


def parse(reference: str | os.PathLike[str]) -> ModelRef:
    """Parse a reference to a model.

    A folder that exists, and anything written like a path (`./x`, `/x`, `~/x`), is a folder; the name of a
    bundled model is that model; `org/name`, `org/name@revision` and `hf://org/name` are on the Hugging Face
    Hub; `oci://host/name:tag`, or `@sha256:...` in place of the tag, is in a registry. A folder `org/name`
    that exists goes before the hub.

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
    ref = _oci(rest) if scheme == "oci" else _hub(rest) if scheme in ("", "hf") else None
    if ref is None:
        raise _not_found(text)
    return ref


def _hub(text: str) -> ModelRef | None:
    name, at, revision = text.partition("@")
    good = HUB_NAME.fullmatch(name) and ".." not in revision and (not at or _REVISION.fullmatch(revision))
    return ModelRef("hub", name, revision or None) if good else None


def _oci(text: str) -> ModelRef | None:
    place, at, revision = text.partition("@")
    host, _, path = place.partition("/")
    path, colon, tag = path.partition(":")
    if not _HOST.fullmatch(host) or not all(_PART.fullmatch(part) for part in path.split("/")):
        return None
    if (at and not _DIGEST.fullmatch(revision)) or (colon and not _TAG.fullmatch(tag)):
        return None
    # with both, the hash decides and the tag is a note for people
    return ModelRef("oci", f"{host}/{path}", revision or tag or None)


def _looks_like_path(text: str) -> bool:
    return text.startswith((".", "/", "~", "\\")) or "\\" in text or bool(re.match(r"[A-Za-z]:[/\\]", text))


def _not_found(text: str) -> ModelNotFoundError:
    from difflib import get_close_matches

    close = get_close_matches(text.lower(), bundled_names(), 1, 0.5)
    return ModelNotFoundError(
        "There is no model of this name.",
        repr(text),
        (f"Did you mean {close[0]!r}? " if close else "")
        + "Give a folder (./NAME), 'org/name@revision', 'oci://host/name:tag' in lower case, or a bundled "
        + f"model: {', '.join(bundled_names()) or 'none'}.",
    )
