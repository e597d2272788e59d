"""Marked differences: nothing is lost, nothing runs, and what is equal stays unmarked."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.charts.differences import LONGEST, marked, shortened


@given(st.text(max_size=60), st.text(max_size=60))
def test_texts_are_kept_and_escaped(left: str, right: str) -> None:
    for text, html in zip((left, right), marked(left, right), strict=True):
        assert unescape(re.sub("</?mark>", "", html)) == text
        assert not re.sub("</?mark>", "", html).count("<")


@pytest.mark.parametrize(
    ("left", "right", "html"),
    [
        ("same", "same", ("same", "same")),
        ("Smith", "Smyth", ("Sm<mark>i</mark>th", "Sm<mark>y</mark>th")),
        ("Acme Steel", "Acme Dairy", ("Acme <mark>Steel</mark>", "Acme <mark>Dairy</mark>")),
        ("", "x", ("", "<mark>x</mark>")),
        ("<b>", "<b>", ("&lt;b&gt;", "&lt;b&gt;")),
        ("שלום עולם", "שלום", ("שלום<mark> עולם</mark>", "שלום")),
    ],
)
def test_marks(left: str, right: str, html: tuple[str, str]) -> None:
    assert marked(left, right) == html


def test_long_texts_are_cut_visibly() -> None:
    assert shortened("x" * 500) == "x" * (LONGEST - 1) + "…"
