"""Records that have pictures: vectors that were made before, and texts that may be missing or equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.search import blocking
from linktransformer.tables import frames
from linktransformer.tables.records import Records

NAMES = ["Acme Steel", "Baxter Dairy", "Zeller Motors", "Quincy Glass", "North Paper", "Union Silver"]
OF_VECTORS = ("dense ", "columns", "one table", "names")


def unit(rows: Any) -> Any:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def one_a_row(texts: list[str | None]) -> Records:
    said = np.array([text or "" for text in texts], dtype=object)
    return Records(said, np.arange(len(said)), 0, ("ocr",))


def described(
    left: list[str | None], right: list[str | None], on: tuple[str, ...] = ("ocr",), *, same: bool = False
) -> Described:
    """Rows whose vectors are near each other where their places are equal."""
    tables = [frames.wrap(pd.DataFrame({"ocr": side}, dtype=object), "left") for side in (left, right)]
    texts = one_a_row(left), one_a_row(right)
    nodes = [blocking.nodes(of.text_of_row) for of in texts]
    draw = np.random.default_rng(0)
    base = draw.standard_normal((max(len(left), len(right)), 16))
    vectors = [
        unit(base[: len(side)] + 0.2 * draw.standard_normal((len(side), 16))) for side in (left, right)
    ]
    if same:
        vectors[1] = vectors[0]
    return describe(
        (tables[0], tables[1]),
        (list(on), list(on)),
        (nodes[0], nodes[0] if same else nodes[1]),
        (texts[0], texts[0] if same else texts[1]),
        Options(k=3, vectors=dict.fromkeys(("dense", "fused"), (vectors[0], vectors[1])), readings=True),
        same=same,
    )


def column(found: Described, name: str) -> Any:
    return found.features.values[:, found.features.names.index(name)]


def pairs(found: Described) -> tuple[Any, Any]:
    at = found.features.at
    return found.candidates.left[at], found.candidates.right[at]


@pytest.mark.parametrize("same", [False, True])
def test_what_a_text_would_say_is_unknown_where_there_is_none(same: bool) -> None:
    left: list[str | None] = [*NAMES, None, NAMES[0]]
    found = described(left, left, same=same)
    a, b = pairs(found)
    without = (a == 6) | (b == 6)
    assert without.any() and not without.all()
    for name in found.features.names:
        known = ~np.isnan(column(found, name))
        if not name.startswith(OF_VECTORS[0]) and name not in OF_VECTORS[1:]:
            assert not known[without].any(), name
    for name in ("lexical similarity", "lexical gap min", "letters sorted", "bits", "columns mean"):
        assert not np.isnan(column(found, name)[~without]).any(), name
    assert not np.isnan(column(found, "dense similarity")).any()


def test_a_row_without_a_text_says_nothing_of_those_that_have_one() -> None:
    plain = described(list(NAMES), list(NAMES))
    more = described([*NAMES, None, None], list(NAMES))
    for name in ("lexical similarity", "lexical own min", "lexical rank min", "words cosine"):
        a, b = pairs(plain)
        of_plain = dict(zip(zip(a.tolist(), b.tolist(), strict=True), column(plain, name), strict=True))
        a, b = pairs(more)
        of_more = dict(zip(zip(a.tolist(), b.tolist(), strict=True), column(more, name), strict=True))
        shared = [pair for pair in of_plain if pair in of_more and pair[0] == pair[1]]
        assert len(shared) == len(NAMES)
        np.testing.assert_allclose([of_plain[p] for p in shared], [of_more[p] for p in shared], atol=0.1)


def test_rows_that_have_pictures_alone_are_described_by_these() -> None:
    found = described([None] * 8, [None] * 8, ())
    a, b = pairs(found)
    assert (column(found, "dense rank max")[a == b] == 0).all() and set(found.candidates.views) == {
        "dense",
        "fused",
    }
    assert np.isnan(column(found, "lexical similarity")).all() and np.isnan(column(found, "bits")).all()
    assert found.key is None and found.columns == ()


def test_texts_that_are_equal_stay_records_of_their_own() -> None:
    found = described([NAMES[0]] * 3 + list(NAMES[1:]), [NAMES[0]] * 3 + list(NAMES[1:]))
    a, b = pairs(found)
    assert {(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x == y} == {
        (n, n) for n in range(8)
    }
