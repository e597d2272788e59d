"""Damage and scan a clean crop: every kind of damage is a small function of ink, generator and severity.

Inside, a crop is float32 ink, (h, w), from 0 (paper) to 1 (black), so that damage adds up; outside it is grey
from 0 (black) to 255 (white). Severity 0 is the mildest damage, 1 a poor scan.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, fields
from types import ModuleType

import numpy as np

from clippings.arrays import Floats
from clippings.errors import EncoderError, MissingPackageError
from clippings.synthetic.render import Grey

Ink = Floats
SWITCHES = ("skew", "wear", "blotches", "bleed", "blur", "shrink", "tone", "grain", "specks", "jpeg")
SMALLEST = 8  # pixels of the short side that shrinking leaves


@dataclass(frozen=True, kw_only=True)
class Damage:
    """How a page aged and was scanned.

    Args:
        severity: 0 leaves the crop as it is, apart from `shrink`, `tone` and `jpeg` at their mildest; 1 is
            a poor scan; above 2 little can be read.
        skew: Turned by up to 1.2 degrees times the severity.
        wear: Strokes that have lost their edge, or have run into the paper.
        blotches: Places where the ink is pale.
        bleed: The other side of the page shines through on six of ten crops.
        blur: A lens that is not in focus.
        shrink: Few pixels a letter.
        tone: Grey paper and pale ink.
        grain: Noise in every pixel.
        specks: Black and white dots.
        jpeg: Stored with loss.

    Raises:
        EncoderError: The severity is not a number from 0 to 10, or a switch is not True or False.

    Example:
        >>> Damage(severity=0.75, bleed=False).severity
        0.75
    """

    severity: float = 1.0
    skew: bool = True
    wear: bool = True
    blotches: bool = True
    bleed: bool = True
    blur: bool = True
    shrink: bool = True
    tone: bool = True
    grain: bool = True
    specks: bool = True
    jpeg: bool = True

    def __post_init__(self) -> None:
        value: object = self.severity
        good = isinstance(value, (int, float)) and 0 <= value <= 10
        wrong = [item.name for item in fields(self)[1:] if not isinstance(getattr(self, item.name), bool)]
        if not good or wrong:
            raise EncoderError(
                f"Settings of damage cannot work. Given: {self}. Give a severity from 0 to 10, and True or "
                f"False for {', '.join(SWITCHES)}."
            )

    @classmethod
    def only(cls, *switches: str, severity: float = 1.0) -> Damage:
        """Damage of only the named kinds.

        Args:
            switches: Their names.
            severity: 0 leaves the crop nearly as it is, 1 (the default) is a poor scan, above 2 little can be
                read.

        Returns:
            The settings.

        Raises:
            EncoderError: A name is not known.

        Example:
            >>> Damage.only("blur").jpeg
            False
        """
        unknown = sorted(set(switches) - set(SWITCHES))
        if unknown:
            raise EncoderError(
                f"Unknown kinds of damage. Given: {unknown}. Known are: {', '.join(SWITCHES)}."
            )
        return cls(severity=severity, **{name: name in switches for name in SWITCHES})


def damage(
    crop: Grey,
    settings: Damage = Damage(),
    seed: int | np.random.Generator = 0,
    *,
    other: Grey | None = None,
) -> Grey:
    """Make a clean crop look like a scanned one.

    Args:
        crop: Grey crop, (h, w) uint8: 0 is black, 255 is paper.
        settings: What happens to it, and how badly.
        seed: A number, or where the draws come from; the same one gives the same crop.
        other: A crop of the page behind this one, for `bleed`; any size. None: nothing shines through.

    Returns:
        The damaged crop, (h, w) uint8, smaller than the clean one where `shrink` is on.

    Raises:
        EncoderError: The crop is not of that kind.
        MissingPackageError: `jpeg` is on and Pillow is not installed.

    Example:
        >>> from clippings.synthetic.render import render
        >>> crop = render("Hill & Co.")
        >>> old = damage(crop, Damage(severity=0.8), seed=3)
        >>> old.shape < crop.shape, bool((old == damage(crop, Damage(severity=0.8), seed=3)).all())
        (True, True)
    """
    stored = scan(crop, settings, seed, other=other)
    return decode(stored)


def scan(
    crop: Grey,
    settings: Damage = Damage(),
    seed: int | np.random.Generator = 0,
    *,
    other: Grey | None = None,
) -> bytes:
    """As `damage`, stored: a JPEG, or a PNG where `jpeg` is off.

    Example:
        >>> from clippings.synthetic.render import render
        >>> scan(render("Hill"), seed=1)[:2] == bytes([0xFF, 0xD8])
        True
    """
    if crop.ndim != 2 or crop.dtype != np.uint8 or not crop.size:
        raise EncoderError(
            f"Not a grey crop. Given: an array of {crop.dtype}, {crop.shape}. Give uint8 of (height, width)."
        )
    draw = seed if isinstance(seed, np.random.Generator) else np.random.default_rng(seed)
    # every kind has its own stream, so that switching one off leaves the others as they were
    streams = dict(zip(SWITCHES, draw.spawn(len(SWITCHES)), strict=True))
    s, ink = float(settings.severity), _ink(crop)
    behind = None if other is None else _ink(other)
    kinds = {
        "skew": skew, "wear": wear, "blotches": blotches,
        "bleed": lambda ink, draw, s: ink if behind is None else bleed(ink, draw, s, behind),
        "blur": blur, "shrink": shrink,
    }  # fmt: skip
    for name, change in kinds.items():
        if getattr(settings, name):
            ink = change(ink, streams[name], s)
    grey = tone(ink, streams["tone"], s) if settings.tone else np.float32(255) * (1 - ink)
    if settings.grain:
        grey = grain(grey, streams["grain"], s)
    if settings.specks:
        grey = specks(grey, streams["specks"], s)
    pixels = np.clip(np.rint(grey), 0, 255).astype(np.uint8)
    return encode(pixels, int(streams["jpeg"].integers(28, 56)) if settings.jpeg else None)


def skew(ink: Ink, draw: np.random.Generator, severity: float) -> Ink:
    """Rotate a crop by a small angle about its middle; corners are filled with paper."""
    angle = draw.uniform(-1.2, 1.2) * severity
    if not angle:
        return ink
    turned = _pillow().fromarray(ink).rotate(angle, _pillow().Resampling.BILINEAR)
    return np.asarray(turned, dtype=np.float32)


def wear(ink: Ink, draw: np.random.Generator, severity: float) -> Ink:
    """Thin every stroke by a pixel, or let it run into the paper around it."""
    from scipy import ndimage

    if draw.random() < min(0.5, 0.45 * severity):  # never most of the crops: some print is bold
        return np.asarray(ndimage.minimum_filter(ink, size=2, mode="nearest"), dtype=np.float32)
    amount = np.float32(min(1.0, draw.uniform(0, 0.8) * severity))
    wide = ndimage.maximum_filter(ink, size=2, mode="nearest")
    return np.asarray(ink + amount * (wide - ink), dtype=np.float32)


def blotches(ink: Ink, draw: np.random.Generator, severity: float) -> Ink:
    """Fade the ink in places about as large as a letter."""
    high, wide = (max(2, side // 6 + 2) for side in ink.shape)
    noise = _pillow().fromarray(draw.random((high, wide), dtype=np.float32))
    cloud = np.asarray(noise.resize(ink.shape[::-1], _pillow().Resampling.BILINEAR), dtype=np.float32)
    lost = np.clip((cloud - draw.uniform(0.5, 0.9)) * 3, 0, 1) * min(0.9, 0.7 * severity)
    return np.asarray(ink * (1 - lost), dtype=np.float32)


def bleed(ink: Ink, draw: np.random.Generator, severity: float, other: Ink) -> Ink:
    """Let the ink of another crop of any size shine through, mirrored and blurred, on six of ten crops."""
    from scipy import ndimage

    if draw.random() >= 0.6:
        return ink
    rows = (np.arange(ink.shape[0]) + draw.integers(other.shape[0])) % other.shape[0]
    columns = (np.arange(ink.shape[1]) + draw.integers(other.shape[1])) % other.shape[1]
    behind = ndimage.gaussian_filter(other[:, ::-1][np.ix_(rows, columns)], 1.5)
    return np.asarray(np.maximum(ink, behind * draw.uniform(0.08, 0.22) * severity), dtype=np.float32)


def blur(ink: Ink, draw: np.random.Generator, severity: float) -> Ink:
    """Blur by half a pixel to one."""
    from scipy import ndimage

    sigma = draw.uniform(0.5, 1.0) * severity
    return np.asarray(ndimage.gaussian_filter(ink, sigma), dtype=np.float32) if sigma else ink


def shrink(ink: Ink, draw: np.random.Generator, severity: float) -> Ink:
    """Scale down to between a half and four fifths, further where the damage is severe."""
    factor = draw.uniform(0.5, 0.8) / max(0.6, severity**0.5)
    factor = min(1.0, max(factor, SMALLEST / min(ink.shape)))
    high, wide = (max(1, round(side * factor)) for side in ink.shape)
    image = _pillow().fromarray(ink)
    return np.asarray(image.resize((wide, high), _pillow().Resampling.BOX), dtype=np.float32)


def tone(ink: Ink, draw: np.random.Generator, severity: float) -> Floats:
    """Grey values of ink and paper, 20-70 and 195-235 (0 black, 255 white), uneven over the page."""
    black, white = draw.uniform(20, 70), draw.uniform(195, 235)
    slope = draw.uniform(-6, 6, size=2) * min(severity, 1.5)
    rows = np.linspace(-1, 1, ink.shape[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, ink.shape[1], dtype=np.float32)[None, :]
    paper = white + slope[0] * rows + slope[1] * columns
    return np.asarray(paper + ink * (black - paper), dtype=np.float32)


def grain(grey: Floats, draw: np.random.Generator, severity: float) -> Floats:
    """Add noise to the grey of every pixel; values are not clipped."""
    noise = draw.standard_normal(grey.shape, dtype=np.float32)
    return np.asarray(grey + noise * np.float32(draw.uniform(5, 14) * severity), dtype=np.float32)


def specks(grey: Floats, draw: np.random.Generator, severity: float) -> Floats:
    """Set a few pixels to black and as many to white."""
    dust = draw.random(grey.shape, dtype=np.float32)
    share = 0.0025 * severity
    return np.where(dust < share, 0.0, np.where(dust > 1 - share, 255.0, grey)).astype(np.float32)


def _ink(crop: Grey) -> Ink:
    ink: Ink = (np.float32(255) - crop.astype(np.float32)) / np.float32(255)
    return ink


def encode(pixels: Grey, quality: int | None) -> bytes:
    """Store a grey crop as JPEG of a quality, or as PNG where it is None."""
    target = io.BytesIO()
    image = _pillow().fromarray(pixels)
    if quality is None:
        image.save(target, "PNG", compress_level=1)
    else:
        image.save(target, "JPEG", quality=quality)
    return target.getvalue()


def decode(stored: bytes) -> Grey:
    """Read a stored crop as grey pixels, (h, w) uint8: 0 is black, 255 is white."""
    with _pillow().open(io.BytesIO(stored)) as image:
        return np.asarray(image.convert("L"), dtype=np.uint8)


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError:
        raise MissingPackageError("pillow", "Scanning crops", extra="images") from None
    return Image
