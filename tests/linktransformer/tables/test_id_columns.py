"""Ids as texts."""

from __future__ import annotations

import pytest

from linktransformer.errors import ColumnNotFoundError
from linktransformer.tables.id_columns import in_texts
from tests.conftest import make, rows_of


def test_ids_are_texts_in_every_library(library: str) -> None:
    native = make(library, {"id": [7, 9007199254740993], "name": ["a", "b"]})
    assert rows_of(in_texts(native, ["id"], "left")) == [("7", "a"), ("9007199254740993", "b")]
    assert rows_of(in_texts(make(library, {"id": ["007", None]}), None, "left")) == [("007",), (None,)]
    with pytest.raises(ColumnNotFoundError, match="'no'"):
        in_texts(native, ["no"], "left")
