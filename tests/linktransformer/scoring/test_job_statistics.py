"""Statistics that all pairs of a job share."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.scoring.compare import exact
from linktransformer.scoring.job_statistics import ColumnStatistics, share_above

VALUES = st.lists(st.integers(-4, 4), max_size=12)


@given(VALUES, VALUES)
def test_a_share_counts_values_as_high_and_is_never_0_or_1(values: list[int], scores: list[int]) -> None:
    rising = np.sort(np.array(values, dtype=np.float32))
    found = share_above(rising, np.array(scores, dtype=np.float32))
    expected = [(sum(v >= s for v in values) + 0.5) / (len(values) + 1) for s in scores]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert ((found > 0) & (found < 1)).all()


def test_an_unknown_value_is_as_frequent_as_one_record() -> None:
    statistics = ColumnStatistics(exact(), {"acme": 0.75}, 4)
    assert (statistics.frequency_of("acme"), statistics.frequency_of("baxter")) == (0.75, 0.25)
    assert ColumnStatistics(exact(), {}, 0).frequency_of("acme") == 1
