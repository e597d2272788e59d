"""Settings of a training run say what they may be."""

from __future__ import annotations

from typing import Any

import pytest

from clippings.errors import TrainingError
from clippings.training.recipe import Recipe


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"learning_rate": 10.0}, "learning_rate=10.0. Give a number above 0 and at most 1"),
        ({"weight_decay": 2}, "weight_decay=2. Give a number from 0 to 1"),
        ({"temperature": 0}, "temperature=0. Give a number above 0.0001 and at most 10"),
    ],
)
def test_a_number_out_of_range_names_both_bounds(setting: dict[str, Any], said: str) -> None:
    """A learning rate of 10 was answered with "Give a number above 0"."""
    with pytest.raises(TrainingError) as raised:
        Recipe(**setting)
    assert said in str(raised.value)
