"""A model of pictures and texts whose weights can move, and what its loss learns beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import TrainingError
from clippings.record_training.batches import LENGTHS, ROWS, is_upright, padded, parts, rows_of
from clippings.record_training.draws import hints
from clippings.record_training.examples import Pixels, RecordExamples
from clippings.record_training.losses import PAIRS
from clippings.records.characters import character_ids
from clippings.records.inputs import normal
from clippings.training.batches import by_length

if TYPE_CHECKING:
    from torch import Tensor

    from clippings.records.bi_encoder import BiEncoder

Augment = Callable[..., "Tensor"]  # (batch (n, 1, h, w) in 0..1, mask (n, length), generator) -> batch
ENCODE_SIZE = 512
_LOSS, _OWN = "loss.", ("scale", "bias")
_TEXT_STEP, _FEW_TEXT_STEPS = 8, 16  # texts are padded to multiples, so that few different shapes are seen


@dataclass(frozen=True, slots=True, eq=False)
class Vectors:
    """The vectors of records.

    Attributes:
        image: Unit rows, zeros where there is no picture, (n, d) float32.
        text: Unit rows, zeros where there is no text.
        fused: Unit rows, zeros where there is neither.
        has_image: (n,) bool.
        has_text: (n,) bool.
    """

    image: Floats
    text: Floats
    fused: Floats
    has_image: Bools
    has_text: Bools


class RecordTrainable:
    """A model of pictures and texts in training.

    Args:
        model: The model, on the CPU or where it shall run.
        device: Where it shall run; None leaves it.

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
        self.model: Any = model.to(device) if device else model
        first = next(iter(model.parameters()))
        self.device = str(first.device)
        self.dim, self.short = int(model.config.dim), int(model.config.short)
        self.few_shapes = self.device.startswith("cuda")
        self._half = False
        with torch.no_grad():
            self.scale = torch.nn.Parameter(self.model.scale.detach().repeat(len(PAIRS)))
            self.bias = torch.nn.Parameter(self.model.bias.detach().repeat(len(PAIRS)))

    def use(self, precision: str) -> None:
        """Set how it computes.

        Args:
            precision: "auto", "bf16" or "fp32".
        """
        able = self.device.startswith("cuda") and import_module("torch").cuda.is_bf16_supported()
        self._half = precision == "bf16" or (precision == "auto" and able)

    def autocast(self) -> Any:
        """The context in which the towers compute.

        Returns:
            A `torch.autocast`: bfloat16 in half precision, else disabled.
        """
        torch = import_module("torch")
        return torch.autocast(self.device.partition(":")[0], dtype=torch.bfloat16, enabled=self._half)

    def pixels(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Any = None
    ) -> tuple[Tensor, Tensor, bool]:
        """Strips of one direction as the image tower takes them.

        Args:
            strips: The strips of a part.
            augment: What damages them, on the device.
            generator: Where its draws come from.

        Returns:
            The strips (n, 1, h, w) in 0 to 1, the mask (n, length), and whether they are upright. With
            `few_shapes` there may be empty rows behind the last strip.
        """
        torch = import_module("torch")
        if max(max(strip.shape) for strip in strips) > self.model.config.longest:
            raise TrainingError(
                f"A strip is longer than the model reads. Given: {max(max(s.shape) for s in strips)} pixels, "
                f"longest={self.model.config.longest}. Squeeze it to that."
            )
        made, lengths = padded(strips, self.short)
        if self.few_shapes:
            made, lengths = padded(strips, self.short, LENGTHS, rows_of(len(strips)))
        upright = is_upright(strips[0], self.short)
        batch = self.place(made)[:, None].float() / 255
        columns = torch.arange(made.shape[1 if upright else 2], device=self.device)
        mask = columns[None, :] < self.place(lengths)[:, None]
        return (augment(batch, mask, generator) if augment else batch), mask, upright

    def place(self, values: Any) -> Tensor:
        """An array on the device, on its way there while the program goes on.

        Args:
            values: An array.

        Returns:
            The tensor.
        """
        torch = import_module("torch")
        tensor = torch.from_numpy(np.ascontiguousarray(values))
        if self.device.startswith("cuda"):
            return tensor.pin_memory().to(self.device, non_blocking=True)  # type: ignore[no-any-return]
        return tensor  # type: ignore[no-any-return]

    def image_vectors(
        self, strips: Sequence[Pixels], augment: Augment | None = None, generator: Any = None
    ) -> Tensor:
        """Strips of one direction as float32 unit rows that carry gradients, (n, d).

        Args:
            strips: The strips of a part.
            augment: What damages them, on the device.
            generator: Where its draws come from.

        Returns:
            The tensor.
        """
        batch, mask, upright = self.pixels(strips, augment, generator)
        with self.autocast():
            found: Tensor = self.model.image(batch, mask, upright)
        return found[: len(strips)].float()

    def text_vectors(self, texts: Sequence[str]) -> Tensor:
        """Texts as float32 unit rows that carry gradients, (n, d).

        Args:
            texts: The texts of a part.

        Returns:
            The tensor.
        """
        config = self.model.config
        clean = [normal(text, config.longest_text) for text in texts]
        ids, mask = character_ids(clean, config.longest_text, rows=config.table_rows, hashes=config.hashes)
        more = -ids.shape[1] % (_FEW_TEXT_STEPS if self.few_shapes else _TEXT_STEP)
        empty = rows_of(len(texts)) - len(texts) if self.few_shapes else 0
        ids, mask = np.pad(ids, ((0, empty), (0, more), (0, 0))), np.pad(mask, ((0, empty), (0, more)))
        with self.autocast():
            found: Tensor = self.model.text(self.place(ids), self.place(mask))
        return found[: len(texts)].float()

    def parts(self, strips: Sequence[Pixels | None], most: int) -> list[list[int]]:
        """Places of strips that are seen together, see `record_batches.parts`.

        Args:
            strips: The strips of a batch, None where there is none.
            most: Strips in a part at most.

        Returns:
            The parts.
        """
        return list(parts(strips, self.short, most, few_shapes=self.few_shapes))

    def text_parts(self, texts: Sequence[str], most: int) -> list[list[int]]:
        """Places of texts that are seen together, of like lengths.

        Args:
            texts: The texts.
            most: Texts in a part at most.

        Returns:
            The parts.
        """
        return list(by_length(list(texts), min(most, ROWS) if self.few_shapes else most))

    def encode(self, examples: RecordExamples, numbers: Integers | None = None) -> Vectors:
        """Records as unit rows, without gradients, dropout or damage.

        Args:
            examples: The records.
            numbers: Which of them; None for all.

        Returns:
            Their vectors.
        """
        torch = import_module("torch")
        numbers = np.arange(len(examples)) if numbers is None else numbers
        strips = examples.pixels(numbers, 0)
        texts = [examples.texts[number] for number in numbers.tolist()]
        has_image, has_text = (
            examples.has_image[numbers],
            np.array([bool(text.strip()) for text in texts], np.bool_),
        )
        image, text = (torch.zeros(len(numbers), self.dim, device=self.device) for _ in range(2))
        told = self.place(hints(examples.confidence[numbers], examples.quality[numbers], has_image))
        training = self.model.training
        self.model.eval()
        with torch.no_grad():
            for part in self.parts(strips, ENCODE_SIZE):
                seen = [strip for strip in (strips[place] for place in part) if strip is not None]
                image[part] = self.image_vectors(seen)
            for part in self.text_parts(texts, ENCODE_SIZE):
                text[part] = self.text_vectors([texts[place] for place in part])
            there = self.place(has_image), self.place(has_text)
            text = text * there[1][:, None]
            fused = self.model.fuse(image, text, *there, told)
        self.model.train(training)
        one, two, both = (tensor.float().cpu().numpy() for tensor in (image, text, fused))
        return Vectors(one, two, both, has_image, has_text)

    def weights(self) -> dict[str, Any]:
        """Every parameter by name, with those of the loss; a head that reads is left alone.

        Returns:
            Name -> tensor.
        """
        own = {
            name: value
            for name, value in self.model.named_parameters()
            if name not in _OWN and ".reader." not in f".{name}"
        }
        return {**own, _LOSS + "scale": self.scale, _LOSS + "bias": self.bias}

    def load_weights(self, weights: Mapping[str, Any]) -> None:
        """Put other values into the parameters, and those of the loss into the model.

        Args:
            weights: As `weights` gives them.

        Raises:
            TrainingError: They are those of another model.
        """
        torch = import_module("torch")
        own = self.weights()
        if {n: v.shape for n, v in own.items()} != {n: v.shape for n, v in weights.items()}:
            raise TrainingError(
                f"The checkpoint is of another model. Given: {len(weights)} tensors, and this model has "
                f"{len(own)} or other shapes. Resume with the model that the run began with."
            )
        with torch.no_grad():
            for name, value in own.items():
                value.copy_(weights[name])
            # the model keeps those of fused vectors: they say how likely a pair is
            self.model.scale.copy_(self.scale[-1])
            self.model.bias.copy_(self.bias[-1])
