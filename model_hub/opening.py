"""Open a model by what the user calls it: fetched when need be, checked, then handed over."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from model_hub.errors import ModelNotFoundError, TransferError, UnreachableError
from model_hub.folder import ModelFolder, verify
from model_hub.ref import BUNDLED, ModelRef, bundled_names, parse
from model_hub.remote import Progress, Remote, remote_of
from model_hub.store import Seen, Store, cache_folder

DEFAULT = "linker-multilingual"
logger = logging.getLogger(__name__)


def open_model(reference: str | os.PathLike[str] | ModelRef) -> ModelFolder:
    """Open a model folder after checking every file in it.

    Args:
        reference: The name of a bundled model, a folder, or where a published model is kept, see `load`.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: There is no such model.
        ManifestError: The manifest cannot be read or is not allowed.
        ChecksumError: A file is missing or changed.
        UnsafeModelError: The folder holds a file that could run code.
        TransferError: The connection broke, or there is none and the model was never fetched.

    Example:
        >>> open_model("linker-multilingual").manifest.dimension
        384
    """
    return load(reference)


def load(
    reference: str | os.PathLike[str] | ModelRef,
    *,
    cache: str | os.PathLike[str] | None = None,
    offline: bool = False,
    token: str | None = None,
    insecure: bool = False,
    progress: Progress | None = None,
) -> ModelFolder:
    """Get a published model: from the cache when it is there, else over the network; verified either way.

    A reference with a hash (`@sha256:...`, `@<commit>`) asks the network once in its life. A tag or branch is
    looked up every time; without a connection it is what it was when last seen, and a warning is logged.

    Args:
        reference: `oci://host/name:tag`, `hf://org/name@revision`, a folder, or the name of a bundled model.
        cache: Where fetched models are kept; None takes LINKTRANSFORMER_CACHE or the user's cache folder.
        offline: Use only what was fetched before; also set by LINKTRANSFORMER_OFFLINE=1.
        token: A key to be let in; None takes it from the environment, see docs/hub.md.
        insecure: Whether a registry on another machine may be spoken to without encryption.
        progress: Called with the number of bytes that came since its last call.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: There is no such model, or offline and never fetched.
        ManifestError: The manifest cannot be read or is not allowed.
        ChecksumError: What came is not what was published; nothing of it is kept.
        UnsafeModelError: The model holds a file that could run code; nothing of it is kept.
        AccessError: The place does not let the caller in.
        TransferError: The connection broke and did not come back; the next call goes on from there.

    Example:
        >>> load("linker-multilingual").manifest.licence
        'MIT'
    """
    ref = reference if isinstance(reference, ModelRef) else parse(reference)
    if ref.kind == "bundled":
        return bundled(ref.name)
    if ref.kind == "folder":
        return verify(Path(ref.name))
    store = Store(cache_folder(cache))
    remote = remote_of(ref, token=token, insecure=insecure)
    asked = f"{remote.key}@{ref.revision or ''}"
    seen = store.recall(asked)
    if is_offline(offline):
        if seen is not None and (found := store.model(seen.model)):
            return found
        raise _not_fetched(ref, store)
    try:
        pinned = remote.pin(ref.revision)  # what is a hash already is not asked for
    except TransferError as error:
        if seen is None or (found := store.model(seen.model)) is None:
            raise UnreachableError(error.wrong, error.given, error.remedy) from None
        logger.warning("%s cannot be reached; using it as last seen (%s): %s", ref, seen.pinned, error.wrong)
        return found
    return _fetched(store, remote, asked, pinned, progress)


def _fetched(store: Store, remote: Remote, asked: str, pinned: str, progress: Progress | None) -> ModelFolder:
    name = f"{remote.key}@{pinned}"
    seen = store.recall(name)
    found = store.model(seen.model) if seen else None
    if seen is None or found is None:
        logger.info("fetching %s", name)
        found, digest = store.install(name, lambda folder: remote.fetch(pinned, folder, progress))
        seen = Seen(name, pinned, digest)
        store.remember(seen)
    if asked != name:
        store.remember(Seen(asked, pinned, seen.model))
    return found


def is_offline(offline: bool = False) -> bool:
    """Whether the network must not be used.

    Args:
        offline: What the caller said.

    Returns:
        True when the caller or LINKTRANSFORMER_OFFLINE says so.
    """
    return offline or os.environ.get("LINKTRANSFORMER_OFFLINE", "").lower() in ("1", "true", "yes", "on")


def _not_fetched(ref: ModelRef, store: Store) -> ModelNotFoundError:
    return ModelNotFoundError(
        "The model was never fetched, and the network is not to be used.",
        f"{ref}, kept models are in {store.root}",
        "Fetch it once with a connection (`linktransformer pull`), or give a folder.",
    )


def bundled(name: str | None = None) -> ModelFolder:
    """Open a model that comes with the package.

    Args:
        name: Its name; None is the default one.

    Returns:
        The folder and its manifest.

    Raises:
        ModelNotFoundError: No bundled model has this name.
        ChecksumError: The installed files were changed.

    Example:
        >>> bundled().manifest.name
        'linker-multilingual'
    """
    name = DEFAULT if name is None else name
    if name not in bundled_names():
        raise ModelNotFoundError(
            "No model of this name comes with the package.",
            repr(name),
            f"There are: {', '.join(bundled_names()) or 'none (reinstall the package)'}.",
        )
    return verify(BUNDLED / name)
