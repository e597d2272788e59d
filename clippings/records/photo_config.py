"""The settings of a model of photographs and captions, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clippings.records.bi_encoder_config import FUSIONS
from clippings.settings import Settings, is_real

# how pictures and texts become numbers; written beside the weights, and refused where it is another way
PHOTO_PREPROCESSING: Mapping[str, object] = {"pixels": "square RGB, levels stretched, 127 is 0 and 255 is 1",
                                             "text": "vectors of a text model"}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PhotoConfig(Settings):
    """The settings of a `PhotoModel`.

    Args:
        dim: Length of a vector.
        side: Pictures are resized to a square of so many pixels a side.
        depth: How many times as many blocks the convolutional network has as EfficientNet-Lite0.
        text_model: The text model whose vectors are projected, a bundled one.
        text_dim: Length of its vectors.
        longest_text: Tokens of a text that the text model reads.
        fusion: How a picture's and a text's vector become one: "mean", "centred" or "gate".
        image_weight: The picture's share in the mean; where the gate starts.

    Raises:
        EncoderError: A value cannot work.

    Example:
        >>> PhotoConfig(dim=128).side
        224
    """

    noun: ClassVar[str] = "setting of the model of photographs"
    dim: int = 256
    side: int = 224
    depth: float = 1.0
    text_model: str = "linker-multilingual"
    text_dim: int = 384
    longest_text: int = 128
    fusion: str = "gate"
    image_weight: float = 0.6

    def __post_init__(self) -> None:
        self.check_whole({"dim": 1, "side": 32, "text_dim": 1, "longest_text": 1})
        self.check(is_real(self.depth) and 0 < self.depth <= 4, "depth", "a number above 0, at most 4")
        self.check(bool(self.text_model), "text_model", "a model's name")
        self.check(self.fusion in FUSIONS, "fusion", f"one of {FUSIONS}")
        weight = self.image_weight
        self.check(is_real(weight) and 0 < weight < 1, "image_weight", "a share between 0 and 1")

    @property
    def short(self) -> int:
        """The short side of a prepared picture."""
        return self.side
