"""CLIP models by name or folder: "open_clip:NAME/WEIGHTS" and "hf:org/name" become settings and weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clippings.errors import EncoderError
from clippings.records.clip_config import MEAN, STD, ClipConfig
from clippings.records.clip_libraries import build, classes, need_open_clip, need_transformers
from clippings.text.folder_checks import read_object, refuse_pointers, tensor_names
from model_hub import ModelHubError, TransferError
from model_hub.hf import HubRepository, fetched_folder
from model_hub.opening import is_offline
from model_hub.ref import HUB_NAME

__all__ = ["from_open_clip", "from_transformers", "parts_of_name"]

LOCAL, HUB = "local-dir:", "hf-hub:"  # of open_clip, before a folder and before a name on the hub
SETTINGS = "open_clip_config.json"
WEIGHTS = (".safetensors", ".pt", ".pth", ".bin", ".npz", ".npy", ".ckpt")
Named = tuple[ClipConfig, Any, Path | None]  # settings, model, and the folder of its tokenizer


def parts_of_name(name: str) -> tuple[str, str]:
    """Model and weights of "NAME/WEIGHTS", divided at the first slash; "local-dir:..." is a model whole.

    Example:
        >>> parts_of_name("ViT-B-32//models/w.safetensors"), parts_of_name("local-dir:/models/clip")
        (('ViT-B-32', '/models/w.safetensors'), ('local-dir:/models/clip', ''))
    """
    if name.startswith((LOCAL, HUB)):
        return name, ""
    model, _, weights = name.partition("/")
    return model, weights


def from_open_clip(name: str, weights: str, changes: Mapping[str, object]) -> Named:
    """Settings and model of open_clip by name.

    `weights` are a tag of open_clip or a file of safetensors; "" gives random ones, or those of the folder or
    the repository that `name` has behind "local-dir:" or "hf-hub:". `changes` are other settings: fusion,
    image_weight.
    """
    library = need_open_clip()
    if name.startswith(HUB) and is_offline():
        name = LOCAL + str(fetched_folder(name.removeprefix(HUB)))
    folder = _checked_folder(name) if name.startswith(LOCAL) else None
    file = None if folder else _weights_file(name, weights)
    try:
        architecture = library.get_model_config(name if folder is None else f"{LOCAL}{folder}")
    except Exception as error:  # of the hub's client
        raise _failed(name, weights, error) from error
    if architecture is None:
        raise EncoderError(
            f"open_clip has no such model. Given: {name!r}. `open_clip.list_models()` has the names; weights "
            "of your own are named 'open_clip:NAME/path/to/weights.safetensors'."
        )
    source = None
    if weights or name.startswith((LOCAL, HUB)):
        quick: dict[str, Any] = {}
        if weights and file is None and is_offline():
            file, quick = _fetched_weights(library, name, weights)
        wanted = f"{LOCAL}{folder}" if folder else name
        try:
            source = library.create_model(wanted, pretrained=str(file or weights) or None, **quick)
        except Exception as error:  # of open_clip, torch and the hub's client
            raise _failed(name, weights, error) from error
        # some weights want another activation than the settings of their name say
        bent = any(type(part).__name__ == "QuickGELU" for part in source.modules())
        architecture = {**architecture, "quick_gelu": bent}
    config = _of_open_clip(folder.name if folder else name, architecture, source, file, changes)
    model = build(config)
    if source is not None:
        model.load_state_dict(source.state_dict())
    return config, model, folder


def _failed(name: str, weights: str, error: Exception) -> EncoderError:
    return EncoderError(
        f"open_clip cannot load the model. Given: {name}{'/' if weights else ''}{weights}: "
        f"{type(error).__name__}: {str(error)[:300]}. Check the names and the network."
    )


def _checked_folder(name: str) -> Path:
    """The folder behind "local-dir:", which has settings and safetensors."""
    folder = Path(name.removeprefix(LOCAL)).expanduser()
    if not (folder / SETTINGS).is_file():
        raise EncoderError(
            f"The folder is not a model of open_clip. Given: {str(folder)!r} without "
            f"{SETTINGS}. Check the path."
        )
    if not isinstance(read_object(folder / SETTINGS).get("model_cfg"), dict):
        raise EncoderError(
            f"The folder's settings do not describe a model. Given: {folder / SETTINGS} without model_cfg. "
            "Save the model again."
        )
    refuse_pointers(folder)
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise EncoderError(
            f"The folder has no weights as safetensors. Given: {str(folder)!r}. Convert them by "
            "safetensors.torch.save_file(model.state_dict(), 'open_clip_model.safetensors')."
        )
    for file in files:
        tensor_names(file)
    return folder


def _weights_file(name: str, weights: str) -> Path | None:
    """The file that `weights` name; None for a tag of open_clip. Pickles are refused."""
    path = Path(weights).expanduser()
    if not weights or not (len(path.parts) > 1 or path.suffix in WEIGHTS or path.is_file()):
        return None
    if not path.is_file():
        raise EncoderError(f"There is no such file of weights. Given: {weights!r} for {name!r}. Check it.")
    if path.suffix != ".safetensors":
        raise EncoderError(
            f"Weights are read from safetensors only: other files can run code. Given: {weights!r}. Convert "
            "them by safetensors.torch.save_file(state_dict, 'weights.safetensors')."
        )
    if path.stat().st_size < 1024:
        refuse_pointers(path.parent)
    tensor_names(path)
    return path


def _fetched_weights(library: Any, name: str, tag: str) -> tuple[Path, dict[str, Any]]:
    """The file of a tag's weights in the hub's cache, without a request, and what the tag says of them."""
    known = library.get_pretrained_cfg(name, tag) or {}
    repository, _, _ = str(known.get("hf_hub", "")).rstrip("/").partition("@")
    repository = "/".join(repository.split("/")[:2])
    files = sorted(fetched_folder(repository).glob("*.safetensors")) if HUB_NAME.fullmatch(repository) else []
    if not files:
        raise EncoderError(
            f"The weights were never fetched as safetensors, and the network is not to be used. Given: "
            f"{name}/{tag}. Name a file: 'open_clip:{name}/path/to/weights.safetensors'."
        )
    pixels = {key: known[key] for key in ("mean", "std") if known.get(key)}
    return files[0], {
        "force_preprocess_cfg": pixels,
        "force_quick_gelu": bool(known.get("quick_gelu", False)),
    }


def _of_open_clip(
    name: str, architecture: Mapping[str, Any], source: Any, file: Path | None, changes: Mapping[str, object]
) -> ClipConfig:
    size = architecture["vision_cfg"].get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    visual = getattr(source, "visual", None)
    beside = None if file is None else file.parent / SETTINGS
    said = read_object(beside).get("preprocess_cfg") if beside is not None and beside.is_file() else None
    said = said if isinstance(said, dict) else {}
    return ClipConfig.from_dict(
        {
            "library": "open_clip",
            "name": name,
            "architecture": architecture,
            "dim": architecture["embed_dim"],
            "height": height,
            "width": width,
            "mean": said.get("mean") or getattr(visual, "image_mean", None) or MEAN,
            "std": said.get("std") or getattr(visual, "image_std", None) or STD,
            "longest_text": architecture["text_cfg"].get("context_length", 77),
            **changes,
        }
    )


def from_transformers(name: str, changes: Mapping[str, object]) -> Named:
    """Settings and model of transformers by "org/name" or folder, in the class that its config.json names.

    Weights have to be safetensors; one that is missing or left over is an error.
    """
    library = need_transformers()
    source = _source(name)
    try:
        if isinstance(source, Path):
            values: Mapping[str, Any] = read_object(source / "config.json")
        else:
            values = library.PretrainedConfig.get_config_dict(source)[0]
        made, _ = classes(str(values.get("model_type")), name)
        model, info = made.from_pretrained(source, use_safetensors=True, output_loading_info=True)
        model = model.float()
    except (EncoderError, ModelHubError):
        raise
    except Exception as error:  # of transformers, safetensors and the hub's client
        raise EncoderError(
            f"transformers cannot load the CLIP model. Given: {name!r}: {str(error)[:300]}. Check its name, "
            "the network and that it has safetensors weights."
        ) from error
    odd = {kind: [str(key) for key in info.get(f"{kind}_keys", ())] for kind in ("missing", "unexpected")}
    odd["of another shape"] = [str(key) for key in info.get("mismatched_keys", ())]
    # older files hold the numbers of positions, which are not weights
    odd = {kind: [key for key in keys if "position_ids" not in key] for kind, keys in odd.items()}
    if wrong := [f"{len(keys)} {kind} ({keys[0]}, ...)" for kind, keys in odd.items() if keys]:
        raise EncoderError(
            f"The weights are not those of the model's class. Given: {name!r}, {type(model).__name__}: "
            f"{'; '.join(wrong)}. Download the model again, or correct its config.json."
        )
    try:
        processor = library.image_processing_utils.ImageProcessingMixin.get_image_processor_dict(source)[0]
    except (OSError, AttributeError):
        processor = {}  # a model without that file takes pictures as OpenAI's does
    size = model.config.vision_config.image_size
    text = model.config.text_config
    dim = getattr(model.config, "projection_dim", None) or getattr(text, "projection_size", None)
    config = {
        "library": "transformers",
        "name": str(name),
        "architecture": {**model.config.to_diff_dict(), "model_type": model.config.model_type},
        "dim": dim or text.hidden_size,
        "height": size,
        "width": size,
        "mean": processor.get("image_mean") or MEAN,
        "std": processor.get("image_std") or STD,
        "longest_text": text.max_position_embeddings,
        **changes,
    }
    return ClipConfig.from_dict(config), model, source if isinstance(source, Path) else None


def _source(name: str) -> Path | str:
    """A checked folder, or a hub's name; the folder fetched earlier where the hub is not asked."""
    folder = Path(name).expanduser()
    if not folder.is_dir():
        if not HUB_NAME.fullmatch(name):
            raise EncoderError(
                f"transformers cannot load the CLIP model. Given: {name!r}, no folder and no 'org/name'. "
                "Check it."
            )
        try:
            if not is_offline():
                HubRepository(name).pin("main")
                return name
        except TransferError:  # away or in trouble: the libraries would try for minutes
            pass
        except ModelHubError:  # the hub answers: its own client says what is wrong
            return name
        folder = fetched_folder(name)
    refuse_pointers(folder)
    if not (folder / "config.json").is_file():
        raise EncoderError(
            f"transformers cannot load the CLIP model. Given: {name!r} without config.json. Check the path."
        )
    for file in folder.glob("*.safetensors"):
        tensor_names(file)
    return folder
