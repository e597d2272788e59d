"""Which rows stand next to each other in the result."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.joining import Join, with_unpaired
from linktransformer.tables import frames


def test_rows_without_a_pair_come_once_in_their_place() -> None:
    rows, pair = with_unpaired(np.array([1, 1, 3]), 5)
    assert rows.tolist() == [0, 1, 1, 2, 3, 4]
    assert pair.tolist() == [-1, 0, 1, -1, 2, -1]
    none, pair = with_unpaired(np.empty(0, dtype=np.int64), 2)
    assert none.tolist() == [0, 1] and pair.tolist() == [-1, -1]


@pytest.mark.parametrize("arguments", [{"how": "cross"}, {"score_column": ""}, {"indicator": 3}])
def test_arguments_that_cannot_work(arguments) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(arguments))):
        Join(**arguments)


def test_added_columns_have_names_that_no_table_has() -> None:
    left = frames.wrap(pd.DataFrame({"score": [1]}), "left")
    right = frames.wrap(pd.DataFrame({"_merge": [1]}), "right")
    assert Join(indicator=True).added(left, right) == ["score_lt", "_merge_lt"]
    assert Join(indicator="from", score_column="p").added(left, right) == ["p", "from"]
