"""A key column compared in candidates: similarities, equality, levels and frequencies."""

from __future__ import annotations

import numpy as np
import pytest

from linktransformer.scoring import compare
from linktransformer.scoring.columns import PairedColumn, compared
from linktransformer.scoring.fellegi_sunter import level_of
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
