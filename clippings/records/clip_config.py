"""The architecture of a CLIP model and the form of its inputs, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from clippings.records.bi_encoder_config import FUSIONS
from clippings.settings import Settings

LIBRARIES = ("open_clip", "transformers")
MEAN = (0.48145466, 0.4578275, 0.40821073)  # of OpenAI's CLIP
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, kw_only=True)
class ClipConfig(Settings):
    """The settings of a `ClipModel`.

    Args:
        library: What builds it, "open_clip" or "transformers".
        name: What it is called there.
        architecture: Its sizes, as that library writes them in JSON.
        dim: Length of a vector.
        height: Height of the pictures it takes.
        width: Their width; a picture is put on white paper of this form.
        mean: What is subtracted from each of the three colours (0 to 1).
        std: By what each of them is divided then.
        longest_text: Tokens of a text.
        fusion: How a picture's and a text's vector become one: "mean", "centred" or "gate".
        image_weight: The picture's share in the mean; where the gate starts.

    Raises:
        EncoderError: A value cannot work.
    """

    noun: ClassVar[str] = "setting of the CLIP model"
    library: str
    name: str
    architecture: Mapping[str, Any] = field(hash=False)
    dim: int
    height: int = 224
    width: int = 224
    mean: tuple[float, ...] = MEAN
    std: tuple[float, ...] = STD
    longest_text: int = 77
    fusion: str = "mean"
    image_weight: float = 0.5

    def __post_init__(self) -> None:
        self.check(self.library in LIBRARIES, "library", f"one of {LIBRARIES}")
        self.check(isinstance(self.architecture, Mapping), "architecture", "an object")
        self.check_whole({"dim": 1, "height": 1, "width": 1, "longest_text": 1})
        for name in ("mean", "std"):
            value = getattr(self, name)
            self.check(len(value) == 3 and (name == "mean" or min(value) > 0), name, "three numbers")
        self.check(self.fusion in FUSIONS, "fusion", f"one of {FUSIONS}")
        inside = 0 < self.image_weight < 1 or (self.fusion != "gate" and 0 <= self.image_weight <= 1)
        self.check(inside, "image_weight", "a share between 0 and 1")
