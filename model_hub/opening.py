"""Open a model by its name or address: downloaded if needed, and checked."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from model_hub.errors import ModelNotFoundError, TransferError, UnreachableError
from model_hub.folder import ModelFolder, verify
from model_hub.ref import BUNDLED, ModelRef, bundled_names, parse
from model_hub.remote import Progress, Remote
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
        insecure: Whether plain HTTP to a registry on another machine is allowed.
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
    name = f"{remote.key}@{ref.revision or ''}"
    seen = store.recall(name)
    if is_offline(offline):
        if seen is not None and (model := store.model(seen.model)):
            return model
        raise _not_fetched(ref, store)
    try:
        pinned = remote.pin(ref.revision)
    except TransferError as error:
        if seen is None or (model := store.model(seen.model)) is None:
            raise UnreachableError(error.wrong, error.given, error.remedy) from None
        logger.warning("%s cannot be reached; using it as last seen (%s): %s", ref, seen.pinned, error.wrong)
        return model
    return _fetched(store, remote, name, pinned, progress)


def _fetched(store: Store, remote: Remote, name: str, pinned: str, progress: Progress | None) -> ModelFolder:
    """The model of a hash, from the store or the network; the store keeps what `name` stands for."""
    full_name = f"{remote.key}@{pinned}"
    seen = store.recall(full_name)
    model = store.model(seen.model) if seen else None
    if seen is None or model is None:
        logger.info("fetching %s", full_name)
        model, digest = store.install(full_name, lambda folder: remote.fetch(pinned, folder, progress))
        seen = Seen(full_name, pinned, digest)
        store.remember(seen)
    if name != full_name:
        store.remember(Seen(name, pinned, seen.model))
    return model


def remote_of(
    ref: ModelRef, *, token: str | None = None, private: bool | None = None, insecure: bool = False
) -> Remote:
    """The repository that a reference of the kind "hub" or "oci" names; nothing is sent yet.

    Example:
        >>> remote_of(parse("oci://localhost:5000/team/model:v1")).key
        'oci://localhost:5000/team/model'
    """
    if ref.kind == "oci":
        from model_hub.oci.repository import OciRepository

        return OciRepository(ref.name, token=token, insecure=insecure)
    from model_hub.hf import HubRepository

    return HubRepository(ref.name, token=token, private=private)


def is_offline(offline: bool = False) -> bool:
    """Whether the caller or LINKTRANSFORMER_OFFLINE forbids the network."""
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
