"""A model of pictures and texts in training, with the learned scale and bias of its loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from clippings.arrays import Integers
from clippings.errors import TrainingError
from clippings.record_training.batches import LENGTHS, ROWS, is_upright, padded, parts, rows_of
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.losses import PAIRS
from clippings.record_training.record_augment import hints
from clippings.records.characters import character_ids
from clippings.records.encoder import RecordVectors
from clippings.records.inputs import normal
from clippings.training.batches import by_length
from clippings.training.checkpoint import copy_weights
from clippings.training.trainable import evaluating, half_precision, to_device

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from clippings.records.bi_encoder import BiEncoder

Augment = Callable[..., "Tensor"]  # (batch (n, 1, h, w) in 0..1, mask (n, length), generator) -> batch
ENCODE_SIZE = 512
_LOSS, _OWN = "loss.", ("scale", "bias")
_TEXT_STEP, _FEW_TEXT_STEPS = 8, 16  # texts are padded to multiples, so that few different shapes are seen


class RecordTrainable:
    """A model of pictures and texts in training.

    Attributes:
        model: The model.
        device: Where it runs.
        dim: Length of a vector.
        few_shapes: Whether parts are filled up with empty rows, since it runs on a GPU.
        scale: The logarithm of what cosines are multiplied with, one a kind of pair, (4,).
        bias: What is added to them, (4,).
    """

    def __init__(self, model: BiEncoder, device: str | None = None) -> None:
        torch = import_module("torch")
        self.model: BiEncoder = model.to(device) if device else model
        first = next(iter(model.parameters()))
        self.device = str(first.device)
        self.dim, self.short = int(model.config.dim), int(model.config.short)
        self.few_shapes = self.device.startswith("cuda")
        self._half = False
        with torch.no_grad():
            self.scale = torch.nn.Parameter(self.model.scale.detach().repeat(len(PAIRS)))
            self.bias = torch.nn.Parameter(self.model.bias.detach().repeat(len(PAIRS)))

    def use(self, precision: str) -> None:
        """Set the precision: "auto", "bf16" or "fp32"."""
        self._half = half_precision(precision, self.device)

    def autocast(self) -> AbstractContextManager[object]:
        """The context in which the towers compute: bfloat16 in half precision."""
        torch = import_module("torch")
        context: AbstractContextManager[object] = torch.autocast(
            self.device.partition(":")[0], dtype=torch.bfloat16, enabled=self._half
        )
        return context

    def pixels(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor, bool]:
        """Strips of one direction as the image tower takes them.

        Returns the strips, (n, 1, h, w) in 0 to 1, damaged by `augment`, the mask, (n, length), and whether
        they are upright. With `few_shapes` there may be empty rows behind the last strip.
        """
        torch = import_module("torch")
        if max(max(strip.shape) for strip in strips) > self.model.config.longest:
            raise TrainingError(
                f"A strip is longer than the model reads. Given: {max(max(s.shape) for s in strips)} pixels, "
                f"longest={self.model.config.longest}. Squeeze it to that."
            )
        shape = (LENGTHS, rows_of(len(strips))) if self.few_shapes else ()
        pixels, lengths = padded(strips, self.short, *shape)
        upright = is_upright(strips[0], self.short)
        batch = self.place(pixels)[:, None].float() / 255
        columns = torch.arange(pixels.shape[1 if upright else 2], device=self.device)
        mask = columns[None, :] < self.place(lengths)[:, None]
        return (augment(batch, mask, generator) if augment else batch), mask, upright

    def place(self, values: npt.NDArray[np.generic]) -> Tensor:
        """An array on the device of the model."""
        return to_device(values, self.device)

    def image_vectors(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Generator | None = None
    ) -> Tensor:
        """Strips of one direction as float32 unit rows with gradients, (n, d)."""
        batch, mask, upright = self.pixels(strips, augment, generator)
        with self.autocast():
            vectors: Tensor = self.model.image(batch, mask, upright)
        return vectors[: len(strips)].float()

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """Texts as float32 unit rows with gradients, (n, d)."""
        config = self.model.config
        clean = [normal(text, config.longest_text) for text in texts]
        ids, mask = character_ids(clean, config.longest_text, rows=config.table_rows, hashes=config.hashes)
        more = -ids.shape[1] % (_FEW_TEXT_STEPS if self.few_shapes else _TEXT_STEP)
        empty = rows_of(len(texts)) - len(texts) if self.few_shapes else 0
        ids, mask = np.pad(ids, ((0, empty), (0, more), (0, 0))), np.pad(mask, ((0, empty), (0, more)))
        with self.autocast():
            vectors: Tensor = self.model.text(self.place(ids), self.place(mask))
        return vectors[: len(texts)].float()

    def parts(self, strips: Sequence[Pixels | None], most: int) -> list[list[int]]:
        """Places of strips that are encoded at once, see `record_batches.parts`."""
        return list(parts(strips, self.short, most, few_shapes=self.few_shapes))

    def text_parts(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Places of texts that are encoded at once, of similar lengths."""
        return list(by_length(list(texts), min(most, ROWS) if self.few_shapes else most))

    def encode(self, examples: RecordExamples, numbers: Integers | None = None) -> RecordVectors:
        """Vectors of records (of all, or of some by number), without gradients, dropout or damage."""
        torch = import_module("torch")
        numbers = np.arange(len(examples)) if numbers is None else numbers
        strips = examples.pixels(numbers, 0)
        texts = [examples.texts[number] for number in numbers.tolist()]
        has_image, has_text = examples.has_image[numbers], examples.has_text[numbers]
        image, text = (torch.zeros(len(numbers), self.dim, device=self.device) for _ in range(2))
        fusion_inputs = self.place(hints(examples.confidence[numbers], examples.quality[numbers], has_image))
        with evaluating(self.model):
            for part in self.parts(strips, ENCODE_SIZE):
                pictures = [strip for strip in (strips[place] for place in part) if strip is not None]
                image[part] = self.image_vectors(pictures)
            for part in self.text_parts(texts, ENCODE_SIZE):
                text[part] = self.text_vectors([texts[place] for place in part])
            present = self.place(has_image), self.place(has_text)
            text = text * present[1][:, None]
            fused = self.model.fuse(image, text, *present, fusion_inputs)
        rows = [tensor.float().cpu().numpy() for tensor in (image, text, fused)]
        return RecordVectors(rows[0], rows[1], rows[2], has_image, has_text)

    def weights(self) -> dict[str, Tensor]:
        """Every parameter by name, with those of the loss, without the head that reads."""
        own = {
            name: value
            for name, value in self.model.named_parameters()
            if name not in _OWN and ".reader." not in f".{name}"
        }
        return {**own, _LOSS + "scale": self.scale, _LOSS + "bias": self.bias}

    def load_weights(self, weights: Mapping[str, Tensor]) -> None:
        """Copy other values into the parameters, and those of the loss into the model."""
        copy_weights(self.weights(), weights)
        with import_module("torch").no_grad():
            # the model keeps those of fused vectors: they give the probability of a pair
            self.model.scale.copy_(self.scale[-1])
            self.model.bias.copy_(self.bias[-1])
