"""The libraries of CLIP models, open_clip and transformers: models built from settings, tokenizers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from clippings.arrays import Bools, Integers
from clippings.errors import EncoderError, MissingPackageError
from clippings.records.clip_config import ClipConfig
from clippings.text.onnx_encoder import SURROGATES
from clippings.third_party import declare_torchvision_ops, need_torch
from model_hub import ModelHubError

Tokenize = Callable[[Sequence[str]], "tuple[Integers, Bools]"]
# types of transformers whose vectors are those of their own class, and how the names of its classes begin
KINDS = {"clip": "CLIP", "metaclip_2": "MetaClip2", "siglip": "Siglip", "chinese_clip": "ChineseCLIP"}


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
            made, settings = classes(str(config.architecture.get("model_type", "clip")), config.name)
            return made(settings(**config.architecture))
        library = need_open_clip()
        values = dict(config.architecture)
        # weights come from our own file, never from a hub
        text = {**values["text_cfg"], "hf_model_pretrained": False}
        vision = {**values["vision_cfg"], "timm_model_pretrained": False}
        custom = values.pop("custom_text", False) or bool(text.get("hf_model_name"))
        kind = library.CustomTextCLIP if custom else library.CLIP
        return kind(**{**values, "text_cfg": text, "vision_cfg": vision})
    except EncoderError:
        raise
    except Exception as error:  # of the library, by version
        raise EncoderError(
            f"The CLIP model cannot be built. Given: {config.library} {config.name!r}: {str(error)[:300]}. "
            f"Check its settings, and the version of {config.library}."
        ) from error


def classes(model_type: str, name: str) -> tuple[Any, Any]:
    """The classes of transformers for the model and the settings of a `model_type`; others are refused."""
    if model_type not in KINDS:
        raise EncoderError(
            f"A model of this type cannot be used for pictures and texts. Given: {name!r}, whose config.json "
            f"has model_type={model_type!r}. Give one of the types {', '.join(KINDS)}."
        )
    library = need_transformers()
    stem = KINDS[model_type]
    try:
        return getattr(library, f"{stem}Model"), getattr(library, f"{stem}Config")
    except AttributeError as error:
        raise EncoderError(
            f"The installed transformers {library.__version__} has no {stem}Model. Given: {name!r}, "
            f"model_type={model_type!r}. Run: pip install --upgrade transformers"
        ) from error


def tokenizer(config: ClipConfig, folder: Path | None = None) -> tuple[Tokenize, Any]:
    """A function from texts to ids and mask, (n, t) each, and a tokenizer to save with the weights, or None.

    `folder` is the tokenizer's folder of a saved model.
    """
    text = config.architecture.get("text_cfg", {})
    named = text.get("hf_tokenizer_name") if config.library == "open_clip" else config.name
    try:
        if config.library == "transformers":
            own = need_transformers().AutoTokenizer.from_pretrained(str(folder or named))
            # of a tower that heeds the mask any padding will do, and a BERT's limit is long
            padding = "longest" if config.architecture.get("model_type") == "chinese_clip" else "max_length"
            return lambda texts: _of_transformers(own, texts, config.longest_text, padding), own
        library = need_open_clip()
        options = {"context_length": config.longest_text, **text.get("tokenizer_kwargs", {})}
        if named:
            mode = {"tokenizer_mode": text["tokenizer_mode"]} if text.get("tokenizer_mode") else {}
            theirs = library.tokenizer.HFTokenizer(str(folder or named), **options, **mode)
        else:
            theirs = library.SimpleTokenizer(**options)
    except (EncoderError, ModelHubError):
        raise
    except Exception as error:  # of the libraries, by version
        raise EncoderError(
            f"The tokenizer cannot be loaded. Given: {folder or named}: {str(error)[:300]}. Check the model."
        ) from error

    def tokens(texts: Sequence[str]) -> tuple[Integers, Bools]:
        ids = np.asarray(theirs([SURROGATES.sub("\ufffd", text) for text in texts]), np.int64)
        return ids, ids != 0

    return tokens, theirs.tokenizer if named else None


def _of_transformers(
    tokenizer: Any, texts: Sequence[str], longest: int, padding: str
) -> tuple[Integers, Bools]:
    clean = [SURROGATES.sub("\ufffd", text) for text in texts]
    tokens = tokenizer(
        clean, padding=padding, truncation=True, max_length=longest, return_tensors="np",
        return_attention_mask=True,
    )  # fmt: skip
    ids = np.asarray(tokens["input_ids"], np.int64)
    return ids, np.asarray(tokens["attention_mask"], np.bool_)
