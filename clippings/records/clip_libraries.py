"""open_clip and transformers: models and tokenizers of theirs by name, or rebuilt from settings alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from clippings.arrays import Bools, Integers
from clippings.errors import EncoderError, MissingPackageError
from clippings.records.clip_config import MEAN, STD, ClipConfig
from clippings.text.onnx_encoder import SURROGATES
from clippings.third_party import declare_torchvision_ops, need_torch

logger = logging.getLogger(__name__)
Tokenize = Callable[[Sequence[str]], "tuple[Integers, Bools]"]


def need_open_clip() -> Any:
    """open_clip, or the error that says how to get it.

    Returns:
        The module.

    Raises:
        MissingPackageError: It is not installed, or something that it needs.
        EncoderError: It is, and cannot be imported.
    """
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


def need_transformers() -> Any:
    """transformers, or the error that says how to get it.

    Returns:
        The module.

    Raises:
        MissingPackageError: It is not installed.
    """
    need_torch("A CLIP model")
    declare_torchvision_ops()
    try:
        return import_module("transformers")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "transformers", "A CLIP model of transformers") from error


def build(config: ClipConfig) -> Any:
    """A model with random weights.

    Args:
        config: What it is made of.

    Returns:
        The library's own model.

    Raises:
        EncoderError: The library cannot build that.
    """
    try:
        if config.library == "transformers":
            library = need_transformers()
            return library.CLIPModel(library.CLIPConfig(**config.architecture))
        library = need_open_clip()
        values = dict(config.architecture)
        # weights come from our own file, never from a hub on the way
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


def from_open_clip(name: str, pretrained: str, **changes: Any) -> tuple[ClipConfig, Any]:
    """A model of open_clip by name.

    Args:
        name: Such as "ViT-B-32".
        pretrained: Which weights, such as "laion2b_s34b_b79k"; "" for random ones.
        changes: Settings of ours that shall be others: fusion, image_weight.

    Returns:
        Its settings and the model.

    Raises:
        EncoderError: There is no such model, or its weights cannot be had.
    """
    library = need_open_clip()
    architecture = library.get_model_config(name)
    if architecture is None:
        raise EncoderError(
            f"open_clip knows no such model. Given: {name!r}. `open_clip.list_models()` has the names."
        )
    given = None
    if pretrained:
        try:
            given = library.create_model(name, pretrained=pretrained)
        except (OSError, RuntimeError, ValueError) as error:
            raise EncoderError(
                f"open_clip cannot load the model. Given: {name}/{pretrained}: {str(error)[:300]}. Check the "
                "names and the network."
            ) from error
        # some weights want another bend than the settings of their name say
        quick = any(type(part).__name__ == "QuickGELU" for part in given.modules())
        architecture = {**architecture, "quick_gelu": quick}
    config = _of_open_clip(name, architecture, given, changes)
    model = build(config)
    if given is not None:
        model.load_state_dict(given.state_dict())
    return config, model


def _of_open_clip(
    name: str, architecture: Mapping[str, Any], given: Any, changes: Mapping[str, Any]
) -> ClipConfig:
    size = architecture["vision_cfg"].get("image_size", 224)
    height, width = (size, size) if isinstance(size, int) else size
    visual = getattr(given, "visual", None)
    return ClipConfig(
        library="open_clip",
        name=name,
        architecture=architecture,
        dim=architecture["embed_dim"],
        height=height,
        width=width,
        mean=tuple(getattr(visual, "image_mean", None) or MEAN),
        std=tuple(getattr(visual, "image_std", None) or STD),
        longest_text=architecture["text_cfg"].get("context_length", 77),
        **changes,
    )


def from_transformers(name: str, **changes: Any) -> tuple[ClipConfig, Any]:
    """A CLIPModel of transformers by name.

    Args:
        name: "org/name" on the hub, or a folder; its weights have to be safetensors.
        changes: Settings of ours that shall be others: fusion, image_weight.

    Returns:
        Its settings and the model.

    Raises:
        EncoderError: There is no such model, or it cannot be read.
    """
    library = need_transformers()
    try:
        model = library.CLIPModel.from_pretrained(name, use_safetensors=True).float()
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        raise EncoderError(
            f"transformers cannot load the CLIP model. Given: {name!r}: {str(error)[:300]}. Check its name, "
            "the network and that it has safetensors weights."
        ) from error
    try:
        found = library.image_processing_utils.ImageProcessingMixin.get_image_processor_dict(name)[0]
    except (OSError, AttributeError):
        found = {}  # a model without that file takes pictures as OpenAI's does
    size = model.config.vision_config.image_size
    return ClipConfig(
        library="transformers",
        name=str(name),
        architecture=model.config.to_diff_dict(),
        dim=model.config.projection_dim,
        height=size,
        width=size,
        mean=tuple(found.get("image_mean") or MEAN),
        std=tuple(found.get("image_std") or STD),
        longest_text=model.config.text_config.max_position_embeddings,
        **changes,
    ), model


def tokenizer(config: ClipConfig, folder: Path | None = None) -> tuple[Tokenize, Any]:
    """The way from texts to a model's tokens.

    Args:
        config: Which model.
        folder: Where the tokenizer of a saved model is, if it has one of its own.

    Returns:
        A function of texts that gives ids and which of them count, each (n, t); and an object with
        `save_pretrained` if the tokenizer has to be kept beside the weights, else None.

    Raises:
        EncoderError: It cannot be had.
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


def _of_transformers(own: Any, texts: Sequence[str], longest: int) -> tuple[Integers, Bools]:
    clean = [SURROGATES.sub("\ufffd", text) for text in texts]
    found = own(clean, padding="max_length", truncation=True, max_length=longest, return_tensors="np")
    ids = np.asarray(found["input_ids"], np.int64)
    return ids, np.asarray(found["attention_mask"], np.bool_)
