"""Which columns of two tables are compared with each other."""

from __future__ import annotations

from linktransformer.tables import keys


def test_columns_are_paired_by_name_or_by_place() -> None:
    assert keys.paired(["a", "b"], ["b", "a"]) == [("a", "a"), ("b", "b")]
    assert keys.paired(["a", "b"], ["c", "d"]) == [("a", "c"), ("b", "d")]
    assert keys.paired(["a", "b"], ["c"]) == []
    assert keys.paired(["a", "b"], ["b", "c", "d"]) == [("b", "b")]
