"""The benchmark of single queries, in small."""

from __future__ import annotations

from . import query


def test_single_rows_find_their_reference() -> None:
    row = query.measure("lexical", 300, 40)
    assert row["right"] >= 0.9
    assert row["same answer alone and together"] == 1.0
    assert 0 < row["median ms"] <= row["p95 ms"]
