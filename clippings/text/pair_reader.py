"""A cross-encoder: both records of a pair are read together, which gives log-odds that they are one thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from clippings.arrays import Bools, Floats, Integers
from clippings.errors import EncoderError
from clippings.text.onnx_encoder import CHARS_PER_TOKEN, SURROGATES, batches, session
from model_hub import ModelFolder

if TYPE_CHECKING:
    from pathlib import Path

    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

__all__ = [
    "GRAPH", "SETTINGS", "TABLE", "TOKENIZER", "CellTokens", "PairReader", "cut_lengths", "has_reader",
    "joined",
]  # fmt: skip

LEAST_SLOPE = 1e-3  # of a reading in the mix of both: below it the reading cannot be told from the mix
GRAPH, SETTINGS = "reader.onnx", "reader.json"
TABLE, TOKENIZER = "reader.safetensors", "reader-tokenizer.json"  # of a reader beside another text model
CLS, PAD, SEP = 0, 1, 2
MARKS, SIDES, COLUMNS = 4, 3, 16  # kinds of a token, see `joined`
ABSENT, ELSEWHERE, SAME_COLUMN = 1, 2, 3  # whether a token is in the other record


@dataclass(frozen=True, slots=True, eq=False)
class CellTokens:
    """Records as tokens, column by column.

    Args:
        ids: Token numbers of each record, padded at the end, (n_records, longest) int32.
        column: The column of each token, (n_records, longest) uint8.
        whole: Records of which nothing was cut off, (n_records,) bool.
    """

    ids: npt.NDArray[np.int32]
    column: npt.NDArray[np.uint8]
    whole: Bools

    @property
    def lengths(self) -> Integers:
        """Tokens of each record, (n_records,) int64."""
        return np.asarray((self.ids != PAD).sum(axis=1), dtype=np.int64)


class PairReader:
    """The cross-encoder of a verified folder, run by onnxruntime beside the folder's text model.

    It has layers of its own, and the tokenizer and the table of tokens of the bundled text model, which lie
    in the folder's text model or in files of their own. Only pairs of one length
    share a batch, without padding, and the record that comes first by its tokens is read first: the log-odds
    of a pair depend on the pair alone, and not on which table a record is from.

    Attributes:
        most: Tokens of a record; longer ones are cut.
        mixing: How its log-odds are mixed with a decision's own, (4,): see `mixed`.
        place: What is added for each kind, record and column of a token, (23, width) float32.

    Example:
        >>> from model_hub import bundled
        >>> reader = PairReader(bundled(), threads=1)
        >>> left = reader.tokens([["TU Munich"]])
        >>> right = reader.tokens([["Technical University of Munich"], ["LMU Munich"]])
        >>> same, other = reader.log_odds(left, right, np.array([0, 0]), np.array([0, 1]))
        >>> bool(same > other)
        True
    """

    def __init__(self, model: ModelFolder, *, threads: int | None = None) -> None:
        if not has_reader(model):
            raise EncoderError(
                f"The model has no reader. Given: {model.manifest.name!r} without {GRAPH}. "
                "Give the bundled one."
            )
        settings = json.loads(model.file(SETTINGS).read_text("utf-8"))
        self.most = int(settings["max_tokens"])
        self.mixing = np.array(settings["mixing"], dtype=np.float64)
        self.place = np.array(settings["places"], dtype=np.float32)
        table = settings["table"]
        shape = int(table["rows"]), int(table["width"])
        file = model.file(table.get("file", "model.onnx"))
        self._table = np.memmap(file, np.uint8, "r", int(table["numbers"]), shape)
        self._scale = np.memmap(file, np.float32, "r", int(table["scales"]), (shape[0], 1))
        self._tokenizer = _tokenizer(model.file(settings.get("tokenizer", "tokenizer.json")))
        self._session: InferenceSession = session(model, None, threads, GRAPH)[0]

    def tokens(self, cells: Sequence[Sequence[str]]) -> CellTokens:
        """Tokenize records.

        Args:
            cells: The texts of each record, one for each column; "" for none.

        Returns:
            Their tokens, at most `most` for each record: short cells whole, long ones cut to one length.
        """
        width = len(cells[0]) if cells else 1
        limit = self.most * CHARS_PER_TOKEN
        flat = [SURROGATES.sub("\ufffd", cell[:limit]) for row in cells for cell in row]
        encoded = [one.ids for one in self._tokenizer.encode_batch(flat, add_special_tokens=False)]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded)).reshape(-1, width)
        long = np.fromiter((len(cell) > limit for row in cells for cell in row), bool, len(flat))
        kept = cut_lengths(lengths, self.most)
        total = kept.sum(axis=1)
        mask = np.arange(int(total.max(initial=1)))[None] < total[:, None]
        ids, column = np.full(mask.shape, PAD, np.int32), np.full(mask.shape, 255, np.uint8)
        counts = kept.ravel()
        ids[mask] = np.fromiter(
            (n for one, count in zip(encoded, counts.tolist(), strict=True) for n in one[:count]),
            np.int32, int(counts.sum()),
        )  # fmt: skip
        column[mask] = np.repeat(np.tile(np.minimum(np.arange(width), COLUMNS - 1), len(cells)), counts)
        whole = (kept == lengths).all(axis=1) & ~long.reshape(-1, width).any(axis=1)
        return CellTokens(ids, column, whole)

    def log_odds(
        self,
        left: CellTokens,
        right: CellTokens,
        left_rows: Integers,
        right_rows: Integers,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Log-odds that both records of each pair are one thing, by their texts alone.

        Args:
            left: Records of one table.
            right: Records of the other, with the same columns.
            left_rows: The left record of each pair, (n_pairs,) int64.
            right_rows: The right one.
            progress: Called with the number of pairs done since its last call.

        Returns:
            (n_pairs,) float32, natural logarithms.
        """
        found = np.empty(len(left_rows), np.float32)
        lengths = left.lengths[left_rows] + right.lengths[right_rows]
        for part in batches((lengths + 3).tolist(), None):
            ids, marks, sides, columns = joined(left, right, left_rows[part], right_rows[part])
            given = self.words(ids)
            given += self.place[marks] + self.place[MARKS + sides] + self.place[MARKS + SIDES + columns]
            found[part] = self._session.run(None, {"given": given})[0]
            if progress is not None:
                progress(len(part))
        return found

    def words(self, ids: Integers) -> Floats:
        """The rows of the table of tokens, (..., width) float32."""
        return np.asarray((self._table[ids].astype(np.float32) - 128) * self._scale[ids[..., None], 0])

    def mixed(self, own: Floats, read: Floats) -> Floats:
        """A decision's own log-odds with what the reader adds.

        A logistic regression on both and their product, in the unit of the decision's own log-odds: where
        the reader is even, little changes.

        Args:
            own: The decision's log-odds of pairs, (n_pairs,) float32.
            read: The reader's.

        Returns:
            (n_pairs,) float32.
        """
        a, of_own, of_read, of_both = self.mixing
        r = np.clip(read, -8, 8)
        return np.asarray(a + of_own * own + of_read * r + of_both * np.clip(own, -8, 8) * r, np.float32)

    def unmixed(self, own: Floats, mixed: Floats) -> Floats:
        """The reader's log-odds, from those of `mixed` and the decision's own, (n_pairs,) float32."""
        a, of_own, of_read, of_both = self.mixing
        slope = of_read + of_both * np.clip(own, -8, 8)
        r = (mixed - a - of_own * own) / np.where(np.abs(slope) < LEAST_SLOPE, np.nan, slope)
        return np.asarray(np.clip(r, -8, 8), np.float32)


def has_reader(model: ModelFolder) -> bool:
    """Whether a folder has a reader beside its text model."""
    return {GRAPH, SETTINGS} <= {file.path for file in model.manifest.files}


def joined(
    left: CellTokens, right: CellTokens, left_rows: Integers, right_rows: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """The tokens of pairs of one length: first token, a record, separator, the other record, separator.

    Args:
        left: Records of one table.
        right: Records of the other.
        left_rows: The left record of each pair, (n,) int64.
        right_rows: The right one; all pairs have equally many tokens.

    Returns:
        Of each token, (n, length) int64 each: its number, how it occurs in the other record (0 for special
        tokens, 1 not, 2 in another column, 3 in the same), its record (0, 1, 2), its column.
    """
    sides = [(left.ids[left_rows], left.column[left_rows]), (right.ids[right_rows], right.column[right_rows])]
    width = max(ids.shape[1] for ids, _ in sides)
    wide = [np.pad(ids, ((0, 0), (0, width - ids.shape[1])), constant_values=PAD) for ids, _ in sides]
    padded = [
        np.pad(column, ((0, 0), (0, width - column.shape[1])), constant_values=255) for _, column in sides
    ]
    swap = _comes_after(np.hstack([wide[0], padded[0]]), np.hstack([wide[1], padded[1]]))
    ids = [np.where(swap[:, None], wide[1 - side], wide[side]) for side in (0, 1)]
    column = [np.where(swap[:, None], padded[1 - side], padded[side]) for side in (0, 1)]
    real = [side != PAD for side in ids]
    same = (ids[0][:, :, None] == ids[1][:, None, :]) & real[0][:, :, None] & real[1][:, None, :]
    there = same & (column[0][:, :, None] == column[1][:, None, :])
    counts = [side.sum(axis=1) for side in real]
    n, length = len(left_rows), int(counts[0][0] + counts[1][0]) + 3
    found = [np.full((n, length), SEP if kind == 0 else 0, dtype=np.int64) for kind in range(4)]
    found[0][:, 0] = CLS
    for side, first in enumerate((np.ones(n, dtype=np.int64), counts[0] + 2)):
        row, place = np.nonzero(real[side])
        to = place + first[row]
        mark = np.where(
            there.any(axis=2 - side), SAME_COLUMN, np.where(same.any(axis=2 - side), ELSEWHERE, ABSENT)
        )
        for values, kind in zip(found, (ids[side], mark, None, column[side]), strict=True):
            values[row, to] = side + 1 if kind is None else kind[row, place]
    return found[0], found[1], found[2], found[3]


def _comes_after(one: Integers, other: Integers) -> Bools:
    """Whether each row comes after the other one in the order of its first different number.

    Rows are tokens, then their columns: records with the same tokens in other columns have an order too.
    """
    first = (one != other).argmax(axis=1)
    at = np.arange(len(one))
    return np.asarray(one[at, first] > other[at, first], dtype=bool)


def cut_lengths(lengths: Integers, most: int) -> Integers:
    """How many tokens of each cell are kept: short cells whole, long ones cut to one length.

    Args:
        lengths: Tokens of each cell, (n_records, n_columns).
        most: Tokens of a record.

    Returns:
        Kept tokens, (n_records, n_columns), at most `most` in a row; of more columns than that, the first.

    Example:
        >>> cut_lengths(np.array([[2, 9, 8], [1, 1, 1]]), 10).tolist()
        [[2, 4, 4], [1, 1, 1]]
    """
    rising = np.sort(lengths, axis=1)
    below = np.cumsum(rising, axis=1) - rising
    cells = lengths.shape[1] - np.arange(lengths.shape[1])  # of this length or longer
    fits = below + rising * cells <= most
    first = np.argmin(fits, axis=1)[:, None]
    cap = np.take_along_axis((most - below) // cells, first, axis=1)
    cap = np.where(fits.all(axis=1)[:, None], rising[:, -1:], np.maximum(cap, 1))
    kept = np.minimum(lengths, cap)
    over = np.maximum(np.cumsum(kept, axis=1) - most, 0)
    return np.asarray(np.maximum(kept - over, 0), dtype=np.int64)


def _tokenizer(path: Path) -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
