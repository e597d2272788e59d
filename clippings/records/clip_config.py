"""What a CLIP model is made of and how it takes pictures and texts, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from clippings.errors import EncoderError
from clippings.records.bi_encoder_config import FUSIONS

LIBRARIES = ("open_clip", "transformers")
MEAN = (0.48145466, 0.4578275, 0.40821073)  # of OpenAI's CLIP
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
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
        self._want(self.library in LIBRARIES, "library", f"one of {LIBRARIES}")
        self._want(isinstance(self.architecture, Mapping), "architecture", "an object")
        for name in ("dim", "height", "width", "longest_text"):
            value = getattr(self, name)
            self._want(type(value) is int and value > 0, name, "a whole number above 0")
        for name in ("mean", "std"):
            value = getattr(self, name)
            self._want(len(value) == 3 and (name == "mean" or min(value) > 0), name, "three numbers")
        self._want(self.fusion in FUSIONS, "fusion", f"one of {FUSIONS}")
        inside = 0 < self.image_weight < 1 or (self.fusion != "gate" and 0 <= self.image_weight <= 1)
        self._want(inside, "image_weight", "a share between 0 and 1")

    def _want(self, good: bool, name: str, wanted: str) -> None:
        if not good:
            raise EncoderError(
                f"A setting of the CLIP model cannot work. Given: {name}={getattr(self, name)!r}. "
                f"Give {wanted}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON.

        Returns:
            Values by field name; tuples become lists.
        """
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ClipConfig:
        """Make settings of plain values.

        Args:
            values: Names and values.

        Returns:
            The settings.

        Raises:
            EncoderError: A name is unknown (the message has the nearest one) or missing, or a value cannot
                work.
        """
        known = [item.name for item in fields(cls)]
        unknown = sorted(str(name) for name in set(values) - set(known))
        missing = sorted({"library", "name", "architecture", "dim"} - set(values))
        if unknown or missing:
            near = get_close_matches(unknown[0], known, n=1, cutoff=0.5) if unknown else []
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise EncoderError(
                f"The settings of a CLIP model are others. Given: unknown {unknown}, missing {missing}."
                f"{hint} Known are: {known}."
            )
        made: dict[str, Any] = {n: tuple(v) if isinstance(v, list) else v for n, v in values.items()}
        return cls(**made)
