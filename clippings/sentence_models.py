"""A model of sentence-transformers, from safetensors only; kinds of our own are made known to it first."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from clippings import torchvision_ops
from clippings.errors import EncoderError, MissingPackageError
from clippings.quiet import no_bars
from model_hub import ModelRef, UnsafeModelError
from model_hub.folder import pickled
from model_hub.opening import is_offline

__all__ = ["load_sentence_transformer"]


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
        import_module("clippings.based_model").register()
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
