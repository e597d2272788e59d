"""Texts as numbers of characters, without a vocabulary: code points, hashed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Integers
from clippings.errors import EncoderError

BEGIN = 0x110000  # stands before every text, so that an empty one has something too; no character has it
_REPLACEMENT = 0xFFFD
# odd multipliers and offsets, drawn once: hash j of c is the upper half of (c * a + b) modulo 2**64
_MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F)
_OFFSETS = (0x1F83D9ABFB41BD6B, 0x5BE0CD19137E2179, 0x6A09E667F3BCC909, 0x510E527FADE682D1)
HASHES = len(_MULTIPLIERS)


def character_ids(
    texts: Sequence[str], longest: int, *, rows: int = 8192, hashes: int = 2
) -> tuple[Integers, Bools]:
    """Write texts as rows of tables of characters.

    Every code point has one row in each of `hashes` tables, found by multiply-shift hashing (M.
    Dietzfelbinger et al., A reliable randomized algorithm for the closest-pair problem, 1997); several small
    tables in place of a large one are the idea of hash embeddings (D. Svenstrup et al., 2017). Any script
    works without a vocabulary. Characters that share a row in one table differ in the other: with 2
    tables of 8,192 rows about 18 characters share a row, and no two of the 144,762 of Unicode 14 share both.
    With 2,048 rows 57,294 of them do, though none below U+10000. The numbers are the same on every machine.

    Returns (n_texts, 1 + length of the longest text, hashes) int64, (n_texts, the same length) bool.

    Example:
        >>> ids, mask = character_ids(["ab", ""], longest=8, rows=100)
        >>> ids.shape, mask.tolist()
        ((2, 3, 2), [[True, True, True], [True, False, False]])
    """
    if isinstance(texts, (str, bytes)):
        raise EncoderError(f"Texts come in a list. Given: one {type(texts).__name__}. Put it in a list.")
    if not 1 <= hashes <= HASHES:
        raise EncoderError(f"There are 1 to {HASHES} tables. Given: hashes={hashes}. Give one of these.")
    points = [code_points(text, longest) for text in texts]
    length = 1 + max((len(row) for row in points), default=0)
    padded = np.full((len(points), length), BEGIN, np.uint64)
    mask = np.zeros((len(points), length), np.bool_)
    mask[:, 0] = True
    for place, row in enumerate(points):
        padded[place, 1 : 1 + len(row)] = row
        mask[place, 1 : 1 + len(row)] = True
    mixed = padded[:, :, None] * np.array(_MULTIPLIERS[:hashes], np.uint64)  # modulo 2**64
    mixed += np.array(_OFFSETS[:hashes], np.uint64)
    ids = ((mixed >> np.uint64(32)) % np.uint64(rows)).astype(np.int64)
    ids[~mask] = 0
    return ids, mask


def code_points(text: str, longest: int) -> npt.NDArray[np.uint32]:
    """The code points of a text.

    Returns (length,) uint32.
    """
    if not isinstance(text, str):
        raise EncoderError(
            f"A text was expected. Given: a {type(text).__name__}, {text!r:.60}. Convert it to str."
        )
    row = np.frombuffer(text[:longest].encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
    return np.where((row >= 0xD800) & (row < 0xE000), np.uint32(_REPLACEMENT), row).astype(np.uint32)
