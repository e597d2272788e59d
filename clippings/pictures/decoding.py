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
from io import BytesIO
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from clippings.pictures.pixel_formats import Note, Pixels, eight_bits, flatten, need_pillow
from clippings.pictures.sources import Problem, UnusableError

if TYPE_CHECKING:
    from PIL.Image import Image

MIN_SIDE = 8  # pixels: below that no letter can be read
MAX_PIXELS = 2**26  # a newspaper page at 600 dpi; larger pictures are not decoded
KEPT_PIXELS = 2**22  # larger pictures are reduced to this
STORED_QUALITY = 90  # of pictures that are kept as JPEG
NOTES: dict[Note, str] = {
    "first frame": "the picture has several frames or pages; the first is used",
    "reduced": f"it has more than {KEPT_PIXELS:,} pixels and is kept smaller",
    "stretched": "its values have no known range; the lowest is black and the highest white",
}
# No other format is tried: some of Pillow's readers start programs (EPS) or read other files.
FORMATS = ("JPEG", "MPO", "PNG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "JPEG2000", "AVIF")
_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"RIFF", b"II*\0", b"MM\0*", b"BM")
_ORIENTATION = 0x0112  # the EXIF tag
# Pillow's name of the transposition that brings each orientation upright
_UPRIGHT = {
    2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE",
    6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A decoded picture, or why there is none.

    Attributes:
        content: The pixels, uint8, grey (h, w) or RGB (h, w, 3), read-only; or a JPEG of them, in a tenth of
            the memory; None where there is a problem.
        problem: None, or one of `PROBLEMS`.
        key: A digest of the source: of its bytes, or of its values where it was an image or array. "" where
            nothing was read.
        note: None, or what was altered, one or more of `NOTES` with ", " between them.
    """

    content: Pixels | bytes | None
    problem: Problem | None = None
    key: str = ""
    note: str | None = None

    @property
    def pixels(self) -> Pixels | None:
        """The pixels, decoded where they are kept as a JPEG; None where there is a problem."""
        if not isinstance(self.content, bytes):
            return self.content
        with need_pillow().open(BytesIO(self.content), formats=["JPEG"]) as image:
            return np.asarray(image, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Format:
    """The form in which pictures are returned.

    Attributes:
        colour: RGB; else grey.
        shortest: The short side is reduced to so many pixels; None leaves it.
        max_pixels: A picture with more pixels is not decoded.
        stored: Pictures are kept as JPEG and decoded when their pixels are asked for.
    """

    colour: bool = False
    shortest: int | None = None
    max_pixels: int = MAX_PIXELS
    stored: bool = False


def decode(data: bytes, form: Format) -> Picture:
    """A picture from the bytes of a file; never raises for bad bytes.

    Example:
        >>> decode(b"<svg/>", Format()).problem
        'not an image'
    """
    if not data:
        return Picture(None, "empty")
    key = hashlib.sha256(data).hexdigest()
    image_module = need_pillow()
    try:
        image = image_module.open(BytesIO(data), formats=_formats(image_module))
        notes: list[Note] = ["first frame"] if getattr(image, "is_animated", False) else []
        _check_size(image.size, form)
        if form.shortest and image.format in ("JPEG", "MPO"):
            _decode_smaller(image, form)
        return _finished(image, form, key, notes)
    except Exception as error:  # readers of damaged files raise anything
        return Picture(None, _problem(error, data), key)


def from_image(image: Image, form: Format) -> Picture:
    """A picture from a PIL image, which is not changed."""
    key = ""
    try:
        _check_size(image.size, form)
        image.load()
        digest = hashlib.sha256(f"{image.mode} {image.size} {image.info.get('transparency')}".encode())
        digest.update(image.tobytes())
        if image.palette is not None and image.mode in ("P", "PA"):
            digest.update(image.palette.tobytes())
        key = digest.hexdigest()
        return _finished(image, form, key, [])
    except Exception as error:
        return Picture(None, _problem(error, b""), key)


def from_array(array: npt.NDArray[Any], form: Format) -> Picture:
    """A picture from an array of bools, integers or floats, scaled by `eight_bits`.

    Shapes: (h, w), (h, w, 1), (h, w, 2) grey and opacity, (h, w, 3) RGB or (h, w, 4) with opacity; or with
    the channels first, where the last side has more than four pixels.
    """
    key = ""
    try:
        if array.dtype.kind not in "buif" or array.ndim not in (2, 3):
            raise UnusableError("not an image")
        if array.ndim == 3 and array.shape[0] <= 4 < array.shape[2]:
            array = np.moveaxis(array, 0, 2)
        if array.ndim == 3 and not 1 <= array.shape[2] <= 4:
            raise UnusableError("not an image")
        _check_size((array.shape[1], array.shape[0]), form)
        key = hashlib.sha256(f"{array.dtype} {array.shape}".encode() + array.tobytes()).hexdigest()
        values, note = eight_bits(array)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[:, :, 0]
        image = need_pillow().fromarray(np.ascontiguousarray(values))
        return _finished(image, form, key, [note] if note else [])
    except Exception as error:
        return Picture(None, _problem(error, b""), key)


_quiet_lock = threading.Lock()
_quiet_depth = 0
_quiet_before: Any = None


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Turn Pillow's decompression-bomb warning into an error and hide its other warnings.

    Warning filters belong to the process. Overlapping calls share one change, and the last one to leave
    undoes it.
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


def _formats(image_module: ModuleType) -> list[str]:
    """Those of FORMATS that this Pillow knows."""
    if not set(FORMATS) <= set(image_module.OPEN):
        image_module.init()
    return [name for name in FORMATS if name in image_module.OPEN]


def _check_size(size: tuple[int, int], form: Format) -> None:
    if min(size) < MIN_SIDE:
        raise UnusableError("too small")
    if size[0] * size[1] > form.max_pixels:
        raise UnusableError("too large")


def _decode_smaller(image: Image, form: Format) -> None:
    """Let the JPEG decoder skip what would be thrown away; twice the target size is left to average over."""
    factor = 2 * (form.shortest or 1) / min(image.size)
    if factor <= 0.5:
        width, height = (max(1, round(side * factor)) for side in image.size)
        image.draft(None if form.colour else "L", (width, height))


def _finished(image: Image, form: Format, key: str, notes: list[Note]) -> Picture:
    """Pixels of an image whose size has been checked: flat, upright, and reduced."""
    image.load()
    flat, altered = flatten(image, "RGB" if form.colour else "L")
    notes = [*notes, altered] if altered else notes
    # Pillow turns a TIFF while it is loaded; older ones still have the tag afterwards
    turn = None if image.format == "TIFF" else _UPRIGHT.get(_orientation(image))
    if turn:
        flat = flat.transpose(getattr(need_pillow().Transpose, turn))
    factor = min(1.0, (form.shortest or min(flat.size)) / min(flat.size))
    most = (KEPT_PIXELS / (flat.size[0] * flat.size[1])) ** 0.5
    if most < factor:
        factor, notes = most, [*notes, "reduced"]
    if factor < 1:
        size = [max(1, round(side * factor)) for side in flat.size]
        flat = flat.resize(size, need_pillow().Resampling.BICUBIC, reducing_gap=3.0)
    note = ", ".join(notes) or None
    if form.stored:
        stream = BytesIO()
        flat.save(stream, "JPEG", quality=STORED_QUALITY, subsampling=0)
        return Picture(stream.getvalue(), None, key, note)
    pixels = np.array(flat, dtype=np.uint8)
    pixels.flags.writeable = False  # equal sources share them
    return Picture(pixels, None, key, note)


def _orientation(image: Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # a damaged EXIF block is no reason to lose the picture
        return 1


def _problem(error: Exception, data: bytes) -> Problem:
    """The problem that an error indicates."""
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
