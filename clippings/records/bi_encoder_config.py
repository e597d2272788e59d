"""The sizes of a model of pictures and texts: everything the shapes of its weights depend on."""

from __future__ import annotations

from dataclasses import dataclass

from clippings.settings import Settings, is_real, is_whole

FUSIONS = ("mean", "centred", "gate")
HINTS = ("confidence", "contrast", "sharpness")  # inputs of `fuse` beside the vectors
# Columns of pixels that become one column of the image tower. Letters of print that is 32 pixels high with
# its margins are 8 to 16 pixels wide: with 8 to a column, narrow ones would share one.
STRIDE = 4
STAGES = 3
_WHOLE = {"dim": 1, "width": 2, "heads": 1, "image_layers": 0, "text_layers": 0, "text_convolutions": 0,
          "table_rows": 1, "table_width": 1, "hashes": 1, "short": STRIDE, "longest": STRIDE,
          "longest_text": 1, "characters": 0}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BiEncoderConfig(Settings):
    """The settings of a `BiEncoder`.

    Args:
        dim: Length of a vector.
        stages: Channels of the three convolutional stages; the first two halve both sides of a picture.
        depths: Blocks of each stage.
        width: Width of both transformers.
        heads: Heads of their attention; the width of a head has to be even.
        image_layers: Layers of the transformer along a picture's reading axis.
        text_layers: Layers of the transformer over characters.
        text_convolutions: Convolutional blocks over characters, before the transformer.
        table_rows: Rows of each table of characters; a code point is hashed to one of them.
        table_width: Width of the tables.
        hashes: Number of tables, each with a hash of its own.
        short: Short side of a strip in pixels, a multiple of 8.
        longest: Longer strips are squeezed to this length, in pixels.
        longest_text: Texts are cut after so many characters.
        dropout: Share of what the transformers' branches give that is dropped in training.
        fusion: How a picture's and a text's vector become one: "mean", "centred" or "gate".
        image_weight: The picture's share in the mean; where the gate starts.
        characters: Classes of the head that reads a picture aloud (CTC, the blank is class 0); 0 for none.

    Raises:
        EncoderError: A value cannot work.

    Example:
        >>> BiEncoderConfig(dim=128).dim, BiEncoderConfig.tiny().width
        (128, 32)
    """

    dim: int = 256
    stages: tuple[int, ...] = (24, 64, 128)
    depths: tuple[int, ...] = (1, 2, 2)
    width: int = 256
    heads: int = 4
    image_layers: int = 3
    text_layers: int = 2
    text_convolutions: int = 2
    table_rows: int = 8192
    table_width: int = 128
    hashes: int = 2
    short: int = 32
    longest: int = 512
    longest_text: int = 128
    dropout: float = 0.1
    fusion: str = "gate"
    image_weight: float = 0.5
    characters: int = 0

    def __post_init__(self) -> None:
        self.check_whole(_WHOLE)
        for name in ("stages", "depths"):
            value = getattr(self, name)
            good = isinstance(value, tuple) and len(value) == STAGES
            good = good and all(is_whole(item) and item > 0 for item in value)
            self.check(good, name, f"{STAGES} whole numbers above 0")
        self.check(self.short % STRIDE == 0, "short", f"a multiple of {STRIDE}")
        self.check(
            self.width % self.heads == 0 and (self.width // self.heads) % 2 == 0,
            "heads",
            f"a number that cuts width={self.width} into equal parts of an even width",
        )
        self.check(is_real(self.dropout) and 0 <= self.dropout < 1, "dropout", "a share from 0 and below 1")
        self.check(self.fusion in FUSIONS, "fusion", f"one of {FUSIONS}")
        weight = self.image_weight
        self.check(is_real(weight) and 0 <= weight <= 1, "image_weight", "a share from 0 to 1")
        # a gate that starts shut has no slope to open by
        self.check(self.fusion != "gate" or 0 < weight < 1, "image_weight", "a share between 0 and 1")

    @classmethod
    def tiny(cls, **changes: object) -> BiEncoderConfig:
        """A model of less than 100,000 parameters, for tests."""
        sizes = {
            "dim": 32, "stages": (8, 12, 16), "depths": (1, 1, 1), "width": 32, "heads": 2,
            "image_layers": 1, "text_layers": 1, "text_convolutions": 1, "table_rows": 256, "table_width": 16,
            "longest": 256, "longest_text": 48, "dropout": 0.0,
        }  # fmt: skip
        return cls.from_dict({**sizes, **changes})
