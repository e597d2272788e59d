"""Cells that come later are compared as those of the job."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring import compare
from linktransformer.scoring.columns import PairedColumn, compared
from linktransformer.scoring.known_columns import Cells, known_column
from tests.linktransformer.scoring.test_columns import COLUMN, LEFT, PAIRS, RANDOM, RIGHT


@pytest.mark.parametrize(
    ("values", "comparison"),
    [
        ((LEFT, RIGHT), compare.text()),
        ((LEFT, RIGHT), compare.name()),
        ((["10", "12", "400"], ["10.0", "13", "7"]), compare.number(within=2)),
        (
            (["2020-01-02", "1999-05-05", "2001-01-01"], ["2020-01-03", "1999-05-05", "1980-03-03"]),
            compare.date(),
        ),
    ],
)
def test_cells_that_come_later_are_compared_as_those_of_the_job(
    values: tuple[list[str], list[str]], comparison: compare.Comparison
) -> None:
    column = PairedColumn("c", *values, COLUMN.left, COLUMN.right, comparison)
    whole = compared(column, PAIRS, RANDOM)
    known = known_column(column, whole.statistics)
    cells = [
        Cells(np.array(side, dtype=object), codes)
        for side, codes in zip(values, (COLUMN.left, COLUMN.right), strict=True)
    ]
    similarity, equal, levels = known.compare(cells[0], cells[1], *PAIRS)
    np.testing.assert_allclose(similarity, whole.similarity, atol=1e-6)
    np.testing.assert_array_equal(equal, whole.equal)
    np.testing.assert_array_equal(levels.level, whole.levels.level)
    np.testing.assert_allclose(levels.frequency[~np.isnan(similarity)],
                               whole.levels.frequency[~np.isnan(similarity)], atol=1e-6)  # fmt: skip
    one, same, _ = known.compare(cells[0], cells[1], PAIRS[0][1:2], PAIRS[1][1:2])
    np.testing.assert_allclose(one, similarity[1:2], atol=1e-6)
    assert same.tolist() == equal[1:2].tolist()
