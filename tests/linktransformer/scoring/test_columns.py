"""A key column compared in candidates, and cells that come later compared as those of the job."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring import compare
from linktransformer.scoring.columns import PairedColumn, compared
from linktransformer.scoring.fellegi_sunter import level_of
from linktransformer.scoring.known_columns import Cells, known_column
from linktransformer.search import lexical

LEFT, RIGHT = ["acme steel", "baxter", "quill"], ["acme steel co", "baxter", "zeller"]
COLUMN = PairedColumn("name", LEFT, RIGHT, np.array([0, 1, 2, -1, 1]), np.array([1, 0, 2, -1]),
                      compare.text())  # fmt: skip
PAIRS = np.array([0, 1, 2, 3, 4, 4]), np.array([1, 0, 2, 0, 3, 0])
RANDOM = np.array([0, 2]), np.array([2, 0])


def test_texts_are_compared_by_the_cosine_of_their_n_grams() -> None:
    found = compared(COLUMN, PAIRS, RANDOM)
    view = lexical.fit(LEFT, RIGHT)
    cosine = (view.left @ view.right.T).toarray()
    expected = [cosine[0, 0], cosine[1, 1], cosine[2, 2], np.nan, np.nan, cosine[1, 1]]
    np.testing.assert_allclose(found.similarity, expected, atol=1e-6)
    assert found.equal.tolist() == [False, True, False, False, False, True]


@pytest.mark.parametrize("comparison", [compare.text(), compare.name(), compare.exact(), None])
def test_levels_and_frequencies_are_those_of_the_cells(comparison: compare.Comparison | None) -> None:
    column = PairedColumn("name", LEFT, RIGHT, COLUMN.left, COLUMN.right, comparison)
    found = compared(column, PAIRS, RANDOM)
    np.testing.assert_array_equal(np.isnan(found.similarity), [False, False, False, True, True, False])
    np.testing.assert_array_equal(found.levels.level, level_of(found.similarity, found.equal))
    assert len(found.levels.random) == 2
    # seven records have a value; three of them are baxter
    assert found.statistics.records == 7
    assert found.statistics.frequency_of("baxter") == pytest.approx(3 / 7)
    assert found.statistics.frequency_of("nobody") == pytest.approx(1 / 7)
    np.testing.assert_allclose(found.levels.frequency, [1 / 7, 3 / 7, 1 / 7, 0, 3 / 7, 3 / 7])


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
