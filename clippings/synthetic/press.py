"""A photograph as a newspaper or a catalogue prints it, and as it is scanned or photographed again."""

from __future__ import annotations

import io
from dataclasses import dataclass, fields

import numpy as np

from clippings.errors import EncoderError
from clippings.pictures.pixel_formats import Pixels, need_pillow
from clippings.synthetic import press_damage
from clippings.synthetic.press_damage import to_floats, to_pixels

__all__ = ["KINDS", "Press", "press", "printed"]

# in this order: what the editor does, the press, the years, the camera
KINDS = ("crop", "mirror", "neighbour", "contrast", "grey", "shrink", "gain", "halftone", "bleed", "tone",
         "scratches", "curl", "rephotograph", "blur", "grain", "jpeg")  # fmt: skip
_WITH_OTHER = ("neighbour", "bleed")


@dataclass(frozen=True, kw_only=True)
class Press:
    """How a photograph was printed, how it aged and how it was copied.

    Args:
        severity: 0 leaves the picture nearly as it is, 1 is a poor newspaper scan, 2 is worse than most.
        crop: Cut by the editor, up to 35 % of each side at severity 1.
        mirror: Printed mirrored, 15 % of the pictures at severity 1.
        neighbour: A part of the picture beside it is in the crop.
        contrast: Another gamma, contrast and brightness.
        grey: Only black ink, or shifted colours.
        shrink: Printed small.
        gain: Dots of ink that run.
        halftone: A screen of dots.
        bleed: The other side of the page shines through.
        tone: Yellow paper and pale ink.
        scratches: Lines and specks.
        curl: A page that is bent towards its spine.
        rephotograph: A photograph of the print, taken at an angle.
        blur: Out of focus.
        grain: Noise in every pixel.
        jpeg: Stored with loss.

    Raises:
        EncoderError: The severity is not a number from 0 to 4, or a switch is not True or False.

    Example:
        >>> Press(severity=0.5, mirror=False).mirror
        False
    """

    severity: float = 1.0
    crop: bool = True
    mirror: bool = True
    neighbour: bool = True
    contrast: bool = True
    grey: bool = True
    shrink: bool = True
    gain: bool = True
    halftone: bool = True
    bleed: bool = True
    tone: bool = True
    scratches: bool = True
    curl: bool = True
    rephotograph: bool = True
    blur: bool = True
    grain: bool = True
    jpeg: bool = True

    def __post_init__(self) -> None:
        value: object = self.severity
        good = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 4
        wrong = [item.name for item in fields(self)[1:] if not isinstance(getattr(self, item.name), bool)]
        if not good or wrong:
            raise EncoderError(
                f"Settings of a press cannot work. Given: {self}. Give a severity from 0 to 4, and True or "
                f"False for {', '.join(KINDS)}."
            )

    @classmethod
    def only(cls, *kinds: str, severity: float = 1.0) -> Press:
        """A press with only the named kinds of damage.

        Args:
            kinds: Their names.
            severity: 0 leaves the picture nearly as it is, 1 (the default) is a poor newspaper scan.

        Returns:
            The settings.

        Raises:
            EncoderError: A name is not known.

        Example:
            >>> Press.only("halftone", "gain").crop
            False
        """
        unknown = sorted(set(kinds) - set(KINDS))
        if unknown:
            raise EncoderError(f"Unknown kinds of damage. Given: {unknown}. Known are: {', '.join(KINDS)}.")
        return cls(severity=severity, **{name: name in kinds for name in KINDS})


def press(
    picture: Pixels,
    settings: Press = Press(),
    seed: int | np.random.Generator = 0,
    *,
    other: Pixels | None = None,
) -> Pixels:
    """Print, age and copy a photograph.

    Args:
        picture: Grey (h, w) or RGB (h, w, 3) uint8, some 200 to 400 pixels a side: dots, lines and blur are
            measured in pixels.
        settings: What happens to it, and how badly.
        seed: A number, or where the draws come from; the same one gives the same picture.
        other: A second picture, for `neighbour` and `bleed`. None: these two do nothing.

    Returns:
        RGB (h, w, 3) uint8, usually of another size.

    Raises:
        EncoderError: A picture is not of that kind.
        MissingPackageError: Pillow is not installed.

    Example:
        >>> ramp = np.tile(np.linspace(0, 255, 120).astype(np.uint8), (90, 1))
        >>> old = press(ramp, Press(severity=0.8), seed=3)
        >>> old.shape[2], bool((old == press(ramp, Press(severity=0.8), seed=3)).all())
        (3, True)
    """
    with need_pillow().open(io.BytesIO(printed(picture, settings, seed, other=other))) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def printed(
    picture: Pixels,
    settings: Press = Press(),
    seed: int | np.random.Generator = 0,
    *,
    other: Pixels | None = None,
) -> bytes:
    """As `press`, stored: a JPEG, or a PNG where `jpeg` is off."""
    for given in (picture, other):
        if given is not None and not _is_picture(given):
            shape, dtype = getattr(given, "shape", ""), getattr(given, "dtype", "")
            raise EncoderError(
                f"Not a picture. Given: {type(given).__name__} {shape} {dtype}. Give uint8 of (height, "
                "width) or (height, width, 3), of 8 pixels a side or more."
            )
    draw = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    # every kind has its own stream, so that switching one off leaves the others as they were
    streams = dict(zip(KINDS, draw.spawn(len(KINDS)), strict=True))
    x = to_floats(picture)
    severity = float(settings.severity)
    for name in KINDS[:-1]:
        if not getattr(settings, name) or not severity:
            continue
        change = getattr(press_damage, name)
        if name not in _WITH_OTHER:
            x = change(x, streams[name], severity)
        elif other is not None:
            x = change(x, streams[name], severity, to_floats(other))
    stored = io.BytesIO()
    image = need_pillow().fromarray(np.ascontiguousarray(to_pixels(x)))
    if settings.jpeg:
        worst = max(15, 70 - round(35 * severity))
        image.save(stored, "JPEG", quality=int(streams["jpeg"].integers(worst, 91)))
    else:
        image.save(stored, "PNG", compress_level=1)
    return stored.getvalue()


def _is_picture(pixels: object) -> bool:
    return (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] == 3))
        and min(pixels.shape[:2]) >= 8
    )
