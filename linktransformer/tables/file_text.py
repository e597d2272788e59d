"""The text of a file whose encoding may be unknown."""

from __future__ import annotations

import codecs
import re

from linktransformer.errors import InvalidArgumentError

__all__ = ["decoded", "line_at"]

GUESS = "cp1252"
MARKS = (  # utf-32 first: its mark begins with the one of utf-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
SAMPLE = 4096  # bytes in which zero bytes are counted
ZEROS = 0.3  # least share of zeros among every other byte of UTF-16 text
# bytes that texts in cp1252 rarely have, and texts of DOS and in Shift JIS often
RARE = re.compile(rb"[\x81\x83\x86-\x88\x8b\x8d\x8f\x90\x98\x9b\x9d\x9f]|(?<=[A-Za-z])[\x82\x84]")
RUN = re.compile(rb"[\x80-\xff]{3,}")  # three letters beyond ASCII in a row: a word of another alphabet
# two to four bytes that are one letter in UTF-8
LETTER = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def decoded(data: bytes, encoding: str | None, name: str) -> tuple[str, str | None]:
    """The text of a file, and a sentence on what was assumed, None if nothing was.

    Without an encoding a byte order mark decides, then whether the bytes are valid UTF-8, then the zero bytes
    of UTF-16. What remains is read as cp1252, which is a guess, unless it is hardly a western text. `name` is
    the file's in messages.

    Raises:
        InvalidArgumentError: The encoding is not known, or a byte is not valid in it.

    Example:
        >>> decoded("Zürich".encode("utf-16"), None, "a.csv")
        ('Zürich', None)
    """
    if encoding is not None:
        return _in(data, encoding, name), None
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InvalidArgumentError(
            f"{name} is not a text: it looks like a workbook or an archive. Rename it."
        )
    marked = next((codec for mark, codec in MARKS if data.startswith(mark)), None)
    if marked:
        return _in(data, marked, name), None
    zeros = _utf16(data)
    if zeros:
        return _in(data, zeros, name), f"{name}: read as {zeros} because of its zero bytes."
    try:
        return data.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        place, byte = line_at(data[: error.start], "latin-1"), data[error.start]
    letters = len(LETTER.findall(data))
    if letters > sum(value >= 0x80 for value in LETTER.sub(b"", data)):
        raise InvalidArgumentError(
            f"{name}, line {place}: the byte 0x{byte:02x} is not valid UTF-8, although {letters} other "
            f"letters of the file are. Correct that line, or name the encoding, such as --encoding {GUESS}."
        )
    if not _western(data):
        raise InvalidArgumentError(
            f"{name}, line {place}: the byte 0x{byte:02x} is not valid UTF-8, and as {GUESS} the letters "
            "beyond ASCII would make no words. Name the encoding that the file was written in, such as "
            "--encoding cp1251, cp850, shift_jis, gb18030 or euc-kr."
        )
    return (
        _in(data, GUESS, name),
        f"{name}: not UTF-8 (line {place}), read as {GUESS}, the encoding of Windows in western Europe. This "
        "is a guess: if letters are wrong, give --encoding.",
    )


def line_at(before: bytes, encoding: str) -> int:
    """The number, from 1, of the line in which some bytes end."""
    text = before.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.count("\n") + 1


def _in(data: bytes, encoding: str, name: str) -> str:
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except LookupError:
        raise InvalidArgumentError(
            f"--encoding {encoding} is not known. Give such as utf-8, cp1252, cp1250, utf-16 or shift_jis."
        ) from None
    except UnicodeDecodeError as error:
        line, byte = line_at(data[: error.start], encoding), data[error.start]
        raise InvalidArgumentError(
            f"{name}, line {line}: the byte 0x{byte:02x} is not a letter in {encoding}. Give the encoding "
            "that the file was written in, such as --encoding utf-8, cp1252, latin-1, cp1250 or shift_jis."
        ) from None


def _utf16(data: bytes) -> str | None:
    """utf-16-le or utf-16-be for text without a mark whose every other byte is often zero."""
    sample = data[:SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > ZEROS * len(sample) / 2 and not even:
        return "utf-16-le"
    return "utf-16-be" if even > ZEROS * len(sample) / 2 and not odd else None


def _western(data: bytes) -> bool:
    """Whether the bytes beyond ASCII may be letters of cp1252: single ones among ASCII, most of them."""
    beyond = sum(value >= 0x80 for value in data)
    in_runs = sum(map(len, RUN.findall(data)))
    return in_runs * 2 <= beyond and len(RARE.findall(data)) * 3 <= beyond
