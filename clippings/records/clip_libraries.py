"""Models and tokenizers of open_clip and transformers: by name, or built from settings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Bools, Integers
from clippings.errors import EncoderError, MissingPackageError
from clippings.records.clip_config import MEAN, STD, ClipConfig
from clippings.text.onnx_encoder import SURROGATES
from clippings.third_party import declare_torchvision_ops, need_torch

if TYPE_CHECKING:
    from torch import nn

logger = logging.getLogger(__name__)
Tokenize = Callable[[Sequence[str]], "tuple[Integers, Bools]"]


def need_open_clip() -> ModuleType:
    """open_clip, or the error with the line that installs it."""
    torch = need_torch("A CLIP model")
    declare_torchvision_ops()
    try:
        return import_module("open_clip")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "open_clip", "A model of open_clip", "clip") from error
    except RuntimeError as error:
        raise EncoderError(
            f"open_clip cannot be imported beside torch {torch.__version__}. Given: {str(error)[:200]}. "
            "Install the torchvision that was made for it."
        ) from error


def need_transformers() -> ModuleType:
    """transformers, or the error with the line that installs it."""
    need_torch("A CLIP model")
    declare_torchvision_ops()
    try:
        return import_module("transformers")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "transformers", "A CLIP model of transformers") from error


def build(config: ClipConfig) -> Any:
    """A model with random weights."""
    try:
        if config.library == "transformers":
            library = need_transformers()
            return library.CLIPModel(library.CLIPConfig(**config.architecture))
        library = need_open_clip()
        values = dict(config.architecture)
        # weights come from our own file, never from a hub
        text = {**values["text_cfg"], "hf_model_pretrained": False}
        vision = {**values["vision_cfg"], "timm_model_pretrained": False}
        custom = values.pop("custom_text", False) or bool(text.get("hf_model_name"))
        kind = library.CustomTextCLIP if custom else library.CLIP
        return kind(**{**values, "text_cfg": text, "vision_cfg": vision})
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        if isinstance(error, EncoderError):
            raise
        raise EncoderError(
            f"The CLIP model cannot be built. Given: {config.library} {config.name!r}: {str(error)[:300]}. "
            f"Check its settings, and the version of {config.library}."
        ) from error


def from_open_clip(name: str, pretrained: str, changes: Mapping[str, object]) -> tuple[ClipConfig, Any]:
    """Settings and model of open_clip by name; "" as `pretrained` gives random weights.

    `changes` are other settings: fusion, image_weight.
    """
    library = need_open_clip()
    architecture = library.get_model_config(name)
    if architecture is None:
        raise EncoderError(
            f"open_clip has no such model. Given: {name!r}. `open_clip.list_models()` has the names."
        )
    source = None
    if pretrained:
        try:
            source = library.create_model(name, pretrained=pretrained)
        except (OSError, RuntimeError, ValueError) as error:
            raise EncoderError(
                f"open_clip cannot load the model. Given: {name}/{pretrained}: {str(error)[:300]}. Check the "
                "names and the network."
            ) from error
        # some weights want another bend than the settings of their name say
        quick = any(type(part).__name__ == "QuickGELU" for part in source.modules())
        architecture = {**architecture, "quick_gelu": quick}
    config = _of_open_clip(name, architecture, source, changes)
    model = build(config)
    if source is not None:
        model.load_state_dict(source.state_dict())
    return config, model


def _of_open_clip(
    name: str, architecture: Mapping[str, Any], source: nn.Module | None, changes: Mapping[str, object]
) -> ClipConfig:
    size = architecture["vision_cfg"].get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    visual = getattr(source, "visual", None)
    return ClipConfig.from_dict(
        {
            "library": "open_clip",
            "name": name,
            "architecture": architecture,
            "dim": architecture["embed_dim"],
            "height": height,
            "width": width,
            "mean": getattr(visual, "image_mean", None) or MEAN,
            "std": getattr(visual, "image_std", None) or STD,
            "longest_text": architecture["text_cfg"].get("context_length", 77),
            **changes,
        }
    )


def from_transformers(name: str, changes: Mapping[str, object]) -> tuple[ClipConfig, Any]:
    """Settings and CLIPModel of transformers by "org/name" or folder; its weights have to be safetensors."""
    library = need_transformers()
    try:
        model = library.CLIPModel.from_pretrained(name, use_safetensors=True).float()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"transformers cannot load the CLIP model. Given: {name!r}: {str(error)[:300]}. Check its name, "
            "the network and that it has safetensors weights."
        ) from error
    try:
        processor = library.image_processing_utils.ImageProcessingMixin.get_image_processor_dict(name)[0]
    except (OSError, AttributeError):
        processor = {}  # a model without that file takes pictures as OpenAI's does
    size = model.config.vision_config.image_size
    config = {
        "library": "transformers",
        "name": str(name),
        "architecture": model.config.to_diff_dict(),
        "dim": model.config.projection_dim,
        "height": size,
        "width": size,
        "mean": processor.get("image_mean") or MEAN,
        "std": processor.get("image_std") or STD,
        "longest_text": model.config.text_config.max_position_embeddings,
        **changes,
    }
    return ClipConfig.from_dict(config), model


def tokenizer(config: ClipConfig, folder: Path | None = None) -> tuple[Tokenize, Any]:
    """A function from texts to ids and mask, (n, t) each, and a tokenizer to save with the weights, or None.

    `folder` is the tokenizer's folder of a saved model.
    """
    text = config.architecture.get("text_cfg", {})
    named = text.get("hf_tokenizer_name") if config.library == "open_clip" else config.name
    try:
        if named:
            own = need_transformers().AutoTokenizer.from_pretrained(str(folder or named))
            return lambda texts: _of_transformers(own, texts, config.longest_text), own
        simple = need_open_clip().SimpleTokenizer(context_length=config.longest_text)
    except (OSError, ValueError) as error:
        if isinstance(error, EncoderError):
            raise
        raise EncoderError(
            f"The tokenizer cannot be loaded. Given: {folder or named}: {str(error)[:300]}. Check the model."
        ) from error

    def tokens(texts: Sequence[str]) -> tuple[Integers, Bools]:
        ids = np.asarray(simple([SURROGATES.sub("\ufffd", text) for text in texts]), np.int64)
        return ids, ids != 0

    return tokens, None


def _of_transformers(tokenizer: Any, texts: Sequence[str], longest: int) -> tuple[Integers, Bools]:
    clean = [SURROGATES.sub("\ufffd", text) for text in texts]
    tokens = tokenizer(clean, padding="max_length", truncation=True, max_length=longest, return_tensors="np")
    ids = np.asarray(tokens["input_ids"], np.int64)
    return ids, np.asarray(tokens["attention_mask"], np.bool_)
