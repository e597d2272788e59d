"""Copies of long texts are made as their names say, and hits are counted rightly."""

from __future__ import annotations

import numpy as np
import pytest

from . import long_text, long_text_data
from .long_text_data import Parallel


def test_hits_and_the_best_f1() -> None:
    score = np.array([[0.9, 0.1, 0.2], [0.2, 0.8, 0.1], [0.3, 0.1, 0.7], [0.6, 0.1, 0.1]])
    score = np.concatenate([score, [[0], [0], [0], [0.5]]], axis=1)
    assert long_text.hit(score) == 0.75
    assert long_text.best_f1(score) == pytest.approx(2 * 3 / (3 + 4))
    # the partners of 1 and 3 are missing: 1 is alone, and 0 and 2 are found
    assert long_text.best_f1(score, missing=True) == 1
    assert long_text.best_f1(np.eye(4)) == 1 and long_text.best_f1(np.eye(4)[::-1]) == 0


def test_copies() -> None:
    draw = np.random.default_rng(0)
    verses = [f"verse {n} of the chapter" for n in range(30)]
    third = long_text_data.abridged(verses, 1 / 3, draw)
    assert len(third) == 10 and sorted(third, key=verses.index) == third
    mixed = long_text_data.reordered(verses, draw)
    assert mixed != verses and sorted(mixed) == sorted(verses)
    text = "the same words " * 400
    wrong = long_text_data.misread(text, 0.1, draw)
    assert 0.85 < len(wrong) / len(text) < 1.15 and long_text_data.misread(text, 0, draw) == text
    assert long_text.copy("half", verses, verses, verses, draw).count("verse") == 15
    decoys = long_text.mixed(["aaaabbbb", "ccccdddd"])
    assert decoys == ["aaaa dddd", "cccc bbbb"]


def test_records_are_as_long_as_asked_and_do_not_cross_books() -> None:
    books = [[f"{book} {n} " + "x" * 90 for n in range(100)] for book in "abc"]
    parallel = Parallel(("a", "b", "c"), {"kjv": books, "es": [[v.upper() for v in own] for own in books]})
    found = long_text_data.records(parallel, "es", 500)
    assert {verse[0] for record in found for verse in record} == {"A", "C"}  # b is for training
    assert all(len({verse[0] for verse in record}) == 1 for record in found)
    assert all(1800 < sum(len(verse) + 1 for verse in record) < 2200 for record in found)
    assert len(long_text_data.records(parallel, "kjv", 500, None)) > len(found)


def test_markup_of_manual_pages_is_dropped() -> None:
    page = '.TH LS 1\n.\\" a comment\n.SH NAME\nls \\- list \\fBdirectory\\fR contents\n.B "ls"\n'
    assert long_text_data._plain(page) == "NAME ls - list directory contents ls"
