"""Characters get the same numbers everywhere, and no two of them the same ones."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings import EncoderError
from clippings.records.characters import _MULTIPLIERS, _OFFSETS, BEGIN, character_ids


def plain(character: str, table: int, rows: int) -> int:
    """One hash, in whole numbers of Python."""
    mixed = (ord(character) * _MULTIPLIERS[table] + _OFFSETS[table]) % 2**64
    return (mixed >> 32) % rows


def test_golden() -> None:
    # saved models depend on these numbers
    ids, mask = character_ids(["A東", ""], 8)
    assert ids[:, :, 0].tolist() == [[3486, 453, 5828], [3486, 0, 0]]
    assert mask.tolist() == [[True, True, True], [True, False, False]]
    assert ids.dtype == np.int64


@given(st.lists(st.text(max_size=6), max_size=5), st.integers(1, 5), st.integers(1, 3000), st.integers(1, 4))
def test_as_the_plain_hash(texts: list[str], longest: int, rows: int, hashes: int) -> None:
    ids, mask = character_ids(texts, longest, rows=rows, hashes=hashes)
    assert ids.shape == (*mask.shape, hashes)
    for text, row, counts in zip(texts, ids, mask, strict=True):
        assert counts.tolist() == [place < 1 + len(text[:longest]) for place in range(len(counts))]
        expected = [
            [plain(character, table, rows) for table in range(hashes)] for character in text[:longest]
        ]
        assert row[counts][1:].tolist() == expected
        assert not row[~counts].any()


def test_no_two_characters_share_both_rows() -> None:
    assigned = [chr(c) for c in range(BEGIN) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")]
    ids, _ = character_ids(assigned, 1)
    pairs = ids[:, 1, 0] * 8192 + ids[:, 1, 1]
    assert len(np.unique(pairs)) == len(assigned)
    assert np.bincount(ids[:, 1, 1], minlength=8192).max() < 40  # 18 on average


def test_strange_texts() -> None:
    ids, mask = character_ids(["\ud800", "\ufffd", "x" * 100_000, "🧡"], 6)
    assert ids.shape == (4, 7, 2)
    np.testing.assert_array_equal(ids[0], ids[1])
    assert mask.sum(axis=1).tolist() == [2, 2, 7, 2]
    none, empty = character_ids([], 6)
    assert none.shape == (0, 1, 2) and empty.shape == (0, 1)


def test_refused() -> None:
    with pytest.raises(EncoderError, match="a NoneType, None"):
        character_ids(["a", None], 6)  # type: ignore[list-item] # that it is refused is what is tested
    with pytest.raises(EncoderError, match="Put it in a list"):
        character_ids("abc", 6)
    with pytest.raises(EncoderError, match="1 to 4 tables"):
        character_ids(["abc"], 6, hashes=5)
