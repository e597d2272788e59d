"""Which columns of two tables are compared with each other."""

from __future__ import annotations

from linktransformer.tables import key_columns


def test_columns_are_paired_by_name_or_by_place() -> None:
    assert key_columns.paired(["a", "b"], ["b", "a"]) == [("a", "a"), ("b", "b")]
    assert key_columns.paired(["a", "b"], ["c", "d"]) == [("a", "c"), ("b", "d")]
    assert key_columns.paired(["a", "b"], ["c"]) == []
    assert key_columns.paired(["a", "b"], ["b", "c", "d"]) == [("b", "b")]
