"""Publish a model: to a folder, a registry or the Hugging Face Hub."""

from __future__ import annotations

import builtins
import contextlib
import logging
import os
import shutil
from pathlib import Path

from model_hub.card import model_card
from model_hub.errors import ManifestError, ModelHubError, ModelNotFoundError
from model_hub.folder import CARD_NAME, ModelFolder, sha256, verify
from model_hub.manifest import MANIFEST_NAME
from model_hub.opening import is_offline, remote_of
from model_hub.ref import ModelRef, parse
from model_hub.remote import Progress
from model_hub.work_folder import work_folder

logger = logging.getLogger(__name__)


def publish(
    folder: str | os.PathLike[str] | ModelFolder,
    ref: str | os.PathLike[str] | ModelRef,
    *,
    token: str | None = None,
    private: bool | None = None,
    insecure: bool = False,
    progress: Progress | None = None,
) -> str:
    """Publish a sealed model folder.

    Args:
        folder: The folder, see `seal`; every file is checked before anything is sent.
        ref: Where to: a folder that does not exist yet (`./x`, `/shared/x`), `oci://host/name:tag`, or
            `hf://org/name@tag`.
        token: A key to be let in; None takes it from the environment, see docs/hub.md.
        private: Whether a repository that has to be made on the Hugging Face Hub is private.
        insecure: Whether plain HTTP to a registry on another machine is allowed.
        progress: Called with the number of bytes that went since its last call.

    Returns:
        The reference that names exactly this model for ever: `oci://host/name@sha256:...`,
        `hf://org/name@<commit>`, or the folder.

    Raises:
        ModelNotFoundError: The folder has no manifest.
        ChecksumError: The folder differs from its manifest.
        UnsafeModelError: The folder holds a file that could run code.
        ManifestError: The place is taken by another model.
        AccessError: The place does not let the caller write.
        TransferError: The connection broke and did not come back; others see nothing of the model.

    Example:
        >>> import tempfile
        >>> from model_hub import bundled, load
        >>> with tempfile.TemporaryDirectory() as place:
        ...     load(publish(bundled(), Path(place) / "shared")).manifest.name
        'linker-multilingual'
    """
    model = folder if isinstance(folder, ModelFolder) else verify(Path(folder).expanduser())
    target = ref if isinstance(ref, ModelRef) else _target(ref)
    if target.kind == "folder":
        return _into_folder(model, Path(target.name), progress)
    if target.kind == "bundled" or target.pinned:
        raise ModelHubError(
            "A model cannot be published under this name.", str(target), "Give a place and a tag of your own."
        )
    _refuse_offline(target)
    remote = remote_of(target, token=token, private=private, insecure=insecure)
    scheme = "hf://" if target.kind == "hub" else ""
    pinned = remote.push(model, _card(model, scheme + str(target)), target.revision, progress)
    reference = scheme + str(ModelRef(target.kind, target.name, pinned))
    logger.info("published %s as %s", model.path.name, reference)
    return reference


def list(  # noqa: A001 - the public name, as in `model_hub.list(...)`
    ref: str | os.PathLike[str] | ModelRef, *, token: str | None = None, insecure: bool = False
) -> tuple[str, ...]:
    """List the versions that a place has of a model.

    Args:
        ref: A repository of a registry or of the Hugging Face Hub, or a folder of model folders.
        token: A key to be let in; None takes it from the environment.
        insecure: Whether plain HTTP to a registry on another machine is allowed.

    Returns:
        Tags (and branches, on the Hugging Face Hub), or the names of the model folders.

    Raises:
        ModelNotFoundError: There is no such place.
        AccessError: The place does not let the caller in.
        TransferError: The connection broke.

    Example:
        >>> from model_hub.ref import BUNDLED
        >>> list(BUNDLED)
        ('linker-multilingual', 'names', 'photos')
    """
    place = ref if isinstance(ref, ModelRef) else parse(ref)
    if place.kind in ("folder", "bundled"):
        root = Path(place.name)
        if not root.is_dir():
            raise ModelNotFoundError("There is no such folder.", str(root), "Check the path.")
        return tuple(sorted(path.parent.name for path in root.glob(f"*/{MANIFEST_NAME}")))
    _refuse_offline(place)
    return remote_of(place, token=token, insecure=insecure).tags()


def _target(ref: str | os.PathLike[str]) -> ModelRef:
    try:
        return parse(ref)
    except ModelNotFoundError:
        raise ModelHubError(
            "A model cannot be published there: the target is neither a path nor an address.",
            repr(os.fspath(ref)),
            f"Give a folder as a path ('./{os.fspath(ref)}'), 'oci://host/name:tag' in lower case, or "
            "'hf://org/name@tag'.",
        ) from None


def _into_folder(model: ModelFolder, target: Path, progress: Progress | None) -> str:
    """Copy to a sibling, check the copy, then rename: others see the whole model or none."""
    target = target.absolute()
    if target.exists() and any(target.iterdir() if target.is_dir() else [target]):
        return _same(model, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    with work_folder(target.parent, f".{target.name}.", ".part") as staging:
        names: builtins.list[str] = [MANIFEST_NAME, *(file.path for file in model.manifest.files)]
        for name in names:
            (staging / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(model.path / name, staging / name)
            if progress is not None:
                progress((staging / name).stat().st_size)
        # the card names the model by a path that holds on every machine
        (staging / CARD_NAME).write_text(_card(model, f"./{target.name}"), encoding="utf-8")
        verify(staging)
        if target.is_dir():
            with contextlib.suppress(OSError):  # not empty any more: the rename raises
                target.rmdir()
        try:
            staging.rename(target)
        except OSError:
            if not target.exists():
                raise
            return _same(model, target)  # another process was faster
    return str(target)


def _same(model: ModelFolder, target: Path) -> str:
    try:
        published = sha256(verify(target).path / MANIFEST_NAME)
    except ModelHubError:
        published = ""
    if published != sha256(model.path / MANIFEST_NAME):
        raise ManifestError(
            "The folder is taken, and a published model is never overwritten.",
            str(target),
            "Give another folder, such as one with the next version's number.",
        )
    return str(target)


def _card(model: ModelFolder, reference: str) -> str:
    """The card with the reference in its snippet; one that was edited by hand is not changed."""
    try:
        text = (model.path / CARD_NAME).read_text("utf-8")
    except (OSError, ValueError):
        text = ""
    start, _, rest = model_card(model.manifest, "\0").partition('"\\u0000"')
    own = text.startswith(start) and text.endswith(rest) and "\n" not in text[len(start) : -len(rest)]
    return model_card(model.manifest, reference) if own or not text else text


def _refuse_offline(ref: ModelRef) -> None:
    if is_offline():
        raise ModelNotFoundError(
            "The network is not to be used.", f"LINKTRANSFORMER_OFFLINE and {ref}", "Unset it."
        )
