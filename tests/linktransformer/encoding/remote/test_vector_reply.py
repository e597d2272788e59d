"""vectors_in: every form in which servers write vectors, in the order of the texts."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest

from linktransformer.encoding.remote.vector_reply import vectors_in

ONE, TWO = [1.0, 2.0], [3.0, 4.0]


def packed(vector: list[float]) -> str:
    return base64.b64encode(np.array(vector, "<f4").tobytes()).decode()


@pytest.mark.parametrize(
    "data",
    [
        [{"index": 0, "embedding": ONE}, {"index": 1, "embedding": TWO}],
        [{"index": 1, "embedding": TWO}, {"index": 0, "embedding": ONE}],
        [{"embedding": ONE}, {"embedding": TWO}],
        [{"embedding": ONE, "index": None}, {"embedding": TWO, "index": 1}],
        [{"index": 1, "embedding": TWO}, {"embedding": ONE}],
        [{"index": 0, "embedding": ONE}, {"embedding": TWO}],
        [{"index": 0, "embedding": [ONE]}, {"index": 1, "embedding": [TWO]}],
        [{"index": 1, "embedding": packed(TWO)}, {"index": 0, "embedding": packed(ONE)}],
    ],
    ids=range(8),
)
def test_forms_of_vectors(data: Any) -> None:
    np.testing.assert_array_equal(vectors_in({"data": data}, 2), [ONE, TWO])


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([{"embedding": ONE}], "to 2 texts has 1 vectors"),
        ([{"embedding": ONE}] * 3, "to 2 texts has 3 vectors"),
        ([ONE, TWO], "not objects"),
        ([{"index": 0, "embedding": ONE}] * 2, "indexes"),
        ([{"index": 1, "embedding": ONE}, {"index": 2, "embedding": TWO}], "indexes"),
        ([{"index": True, "embedding": ONE}, {"index": 0, "embedding": TWO}], "indexes"),
        ([{"embedding": ONE}, {"embedding": [ONE, TWO]}], "matrix of 2 rows"),
        ([{"embedding": ONE}, {"embedding": []}], "no length"),
        ([{"embedding": ONE}, {}], "not numbers|no length|not finite"),
        ([{"embedding": ONE}, {"embedding": [None, 1]}], "not finite|not numbers"),
        ([{"embedding": ONE}, {"embedding": ["x", 1]}], "not numbers"),
        ([{"embedding": ONE}, {"embedding": "%%%"}], "not numbers"),
        ([{"embedding": ONE}, {"embedding": "YWJj"}], "not numbers"),
    ],
    ids=range(13),
)
def test_what_are_no_vectors_of_these_texts(data: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        vectors_in({"data": data}, 2)
