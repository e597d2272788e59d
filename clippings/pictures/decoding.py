"""One picture out of bytes, a PIL image or an array: 8-bit pixels the right way up, or why there are none."""

from __future__ import annotations

import hashlib
import struct
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from clippings.pictures.modes import Pixels, eight_bits, flatten, need_pillow
from clippings.pictures.sources import UnusableError

MIN_SIDE = 8  # pixels: below that no letter can be read
MAX_PIXELS = 2**26  # a page of a newspaper at 600 dpi; what says that it is larger is not decoded
KEPT_PIXELS = 2**22  # what is larger is kept reduced to this
NOTES = {
    "first frame": "the picture has several frames or pages; the first is used",
    "reduced": f"it has more than {KEPT_PIXELS:,} pixels and is kept smaller",
    "stretched": "its values have no known range; the lowest is black and the highest white",
}
# No other kind is tried: some of Pillow's readers start programs (EPS), or read what is no picture.
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
_ORIENTATION = 0x0112  # the EXIF tag
# what brings a picture upright that has this orientation; the names are Pillow's
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, or why there is none.

    Attributes:
        pixels: uint8, grey (h, w) or RGB (h, w, 3), read-only; None where there is a problem.
        problem: None, or one of `PROBLEMS`.
        key: A digest of the source: of its bytes, or of its values where it was an image or array. "" where
            nothing was read.
        note: None, or what was altered, one or more of `NOTES` with ", " between them.
    """

    pixels: Pixels | None
    problem: str | None = None
    key: str = ""
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """How pictures are wanted.

    Attributes:
        colour: RGB; else grey.
        shortest: The short side is reduced to so many pixels; None leaves it.
        max_pixels: A picture that has more is not decoded.
    """

    colour: bool = False
    shortest: int | None = None
    max_pixels: int = MAX_PIXELS


def decode(data: bytes, wanted: Wanted) -> Picture:
    """A picture out of the bytes of a file; never raises for bad bytes.

    Args:
        data: The whole file.
        wanted: How it is wanted.

    Returns:
        The picture.

    Example:
        >>> decode(b"<svg/>", Wanted()).problem
        'not an image'
    """
    if not data:
        return Picture(None, "empty")
    key = hashlib.sha256(data).hexdigest()
    image_module = need_pillow()
    try:
        image = image_module.open(_stream(data), formats=_formats(image_module))
        notes = ["first frame"] if getattr(image, "is_animated", False) else []
        _check_size(image.size, wanted)
        if wanted.shortest and image.format in ("JPEG", "MPO"):
            _decode_smaller(image, wanted)
        return _finished(image, wanted, key, notes)
    except Exception as error:  # readers of damaged files raise anything
        return Picture(None, _problem(error, data), key)


def from_image(image: Any, wanted: Wanted) -> Picture:
    """A picture out of a PIL image, which stays as it is.

    Args:
        image: The image.
        wanted: How it is wanted.

    Returns:
        The picture.
    """
    key = ""
    try:
        _check_size(image.size, wanted)
        image.load()
        digest = hashlib.sha256(f"{image.mode} {image.size} {image.info.get('transparency')}".encode())
        digest.update(image.tobytes())
        if image.mode in ("P", "PA"):
            digest.update(image.palette.tobytes())
        key = digest.hexdigest()
        return _finished(image, wanted, key, [])
    except Exception as error:
        return Picture(None, _problem(error, b""), key)


def from_array(array: npt.NDArray[Any], wanted: Wanted) -> Picture:
    """A picture out of an array.

    Args:
        array: (h, w), (h, w, 1), (h, w, 2) grey and opacity, (h, w, 3) RGB or (h, w, 4) with opacity; bool,
            whole numbers or floats, see `eight_bits`.
        wanted: How it is wanted.

    Returns:
        The picture.
    """
    key = ""
    try:
        if array.dtype.kind not in "buif" or array.ndim not in (2, 3):
            raise UnusableError("not an image")
        if array.ndim == 3 and not 1 <= array.shape[2] <= 4:
            raise UnusableError("not an image")
        _check_size((array.shape[1], array.shape[0]), wanted)
        key = hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
        values, note = eight_bits(array)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[:, :, 0]
        image = need_pillow().fromarray(np.ascontiguousarray(values))
        return _finished(image, wanted, key, [note] if note else [])
    except Exception as error:
        return Picture(None, _problem(error, b""), key)


_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_before: Any = None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Within it Pillow's warning of a bomb is an error and its other warnings are not shown.

    The filters of warnings belong to the whole process. Calls that overlap share one change, and the last
    one to leave takes it back: leaving in another order than entering would leave the change behind.

    Yields:
        Nothing.
    """
    global _quiet_depth, _quiet_before
    bomb = need_pillow().DecompressionBombWarning
    with _quiet_lock:
        if _quiet_depth == 0:
            _quiet_before = warnings.catch_warnings()
            _quiet_before.__enter__()
            warnings.filterwarnings("ignore", module=r"PIL\.")
            warnings.simplefilter("error", bomb)
        _quiet_depth += 1
    try:
        yield
    finally:
        with _quiet_lock:
            _quiet_depth -= 1
            if _quiet_depth == 0:
                _quiet_before.__exit__(None, None, None)
                _quiet_before = None


def _stream(data: bytes) -> Any:
    from io import BytesIO

    return BytesIO(data)


def _formats(image_module: Any) -> list[str]:
    """Those of FORMATS that this Pillow knows."""
    if not set(FORMATS) <= set(image_module.OPEN):
        image_module.init()
    return [name for name in FORMATS if name in image_module.OPEN]


def _check_size(size: tuple[int, int], wanted: Wanted) -> None:
    if min(size) < MIN_SIDE:
        raise UnusableError("too small")
    if size[0] * size[1] > wanted.max_pixels:
        raise UnusableError("too large")


def _decode_smaller(image: Any, wanted: Wanted) -> None:
    """Let the JPEG decoder skip what would be thrown away; twice the wanted size is left to average over."""
    factor = 2 * (wanted.shortest or 1) / min(image.size)
    if factor <= 0.5:
        image.draft(None if wanted.colour else "L", [max(1, round(side * factor)) for side in image.size])


def _finished(image: Any, wanted: Wanted, key: str, notes: list[str]) -> Picture:
    """Pixels out of an image that has passed the check of its size."""
    image.load()
    flat, note = flatten(image, "RGB" if wanted.colour else "L")
    notes = [*notes, note] if note else notes
    # Pillow turns a TIFF while it is loaded; older ones still have the tag afterwards
    turn = None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image))
    if turn:
        flat = flat.transpose(getattr(need_pillow().Transpose, turn))
    factor = min(1.0, (wanted.shortest or min(flat.size)) / min(flat.size))
    most = (KEPT_PIXELS / (flat.size[0] * flat.size[1])) ** 0.5
    if most < factor:
        factor, notes = most, [*notes, "reduced"]
    if factor < 1:
        size = [max(1, round(side * factor)) for side in flat.size]
        flat = flat.resize(size, need_pillow().Resampling.BICUBIC, reducing_gap=3.0)
    pixels = np.array(flat, dtype=np.uint8)
    pixels.flags.writeable = False  # equal sources share them
    return Picture(pixels, None, key, ", ".join(notes) or None)


def _orientation(image: Any) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return 1


def _problem(error: Exception, data: bytes) -> str:
    """The problem that an error is a sign of."""
    image_module = need_pillow()
    if isinstance(error, UnusableError):
        return error.problem
    bombs = (image_module.DecompressionBombError, image_module.DecompressionBombWarning, MemoryError)
    if isinstance(error, bombs):
        return "too large"
    if isinstance(error, import_module("PIL").UnidentifiedImageError) and not data.startswith(_MAGIC):
        return "not an image"
    if isinstance(error, EOFError) or "truncated" in str(error).lower() or _is_cut(data):
        return "truncated"
    return "damaged"


def _is_cut(data: bytes) -> bool:
    """Whether a file that cannot be decoded lacks its end."""
    if data.startswith(b"\xff\xd8\xff"):
        return not data.rstrip(b"\0\r\n").endswith(b"\xff\xd9")
    if data.startswith(b"\x89PNG"):
        return b"IEND" not in data[-32:]
    if data.startswith(b"GIF8"):
        return not data.rstrip(b"\0").endswith(b";")
    if data.startswith(b"RIFF"):
        return len(data) < 12 or struct.unpack_from("<I", data, 4)[0] + 8 > len(data)
    return data.startswith(b"BM") and (len(data) < 6 or struct.unpack_from("<I", data, 2)[0] > len(data))
