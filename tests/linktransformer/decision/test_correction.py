"""The correction of the shipped decision by labels: what it learns, what it leaves, and its file."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest

from linktransformer.decision import correction
from linktransformer.decision.correction import Correction
from linktransformer.errors import ModelError

SPREAD = 1.9
ONE = Correction(0.9, -0.5, 0.4, ("bits", "match weight of town"), (0.3, -0.2), (1.0, 0.0), (2.0, 1.5),
    ("name", "town"),
)  # fmt: skip


def features(n: int) -> tuple[np.ndarray, np.ndarray]:
    """A feature of n pairs, and the match weights of two columns."""
    draw = np.random.default_rng(0)
    return draw.normal(0, 1, (n, 1)).astype(np.float32), draw.normal(0, 1, (n, 2)).astype(np.float32)


def test_a_pair_does_not_depend_on_the_others() -> None:
    values, bits = features(2000)
    here = ONE.on_columns(("name", "town"))
    assert here is not None
    whole = here.offset(("bits",), values, bits)
    some = here.offset(("bits",), values[7:9], bits[7:9])
    np.testing.assert_array_equal(whole[7:9], some)


def test_columns_are_known_by_name(caplog: pytest.LogCaptureFixture) -> None:
    values, weights = features(50)
    found = [
        here.offset(("bits",), values, bits)
        for bits, names in ((weights, ("name", "town")), (weights[:, ::-1], ("town", "name")))
        if (here := ONE.on_columns(names)) is not None
    ]
    np.testing.assert_array_equal(*found)
    with caplog.at_level(logging.WARNING, logger="linktransformer"):
        assert ONE.on_columns(("name",)) is None and ONE.on_columns(("name", "place")) is None
    renamed = ONE.on_columns(("firm", "place"))
    assert renamed is not None and renamed.features == ("bits", "match weight 1")
    assert "not given here (town)" in caplog.text


def test_the_offset_is_the_weighted_sum_by_hand() -> None:
    here = ONE.on_columns(("town", "name"))  # the weight of town is the first column's
    assert here is not None
    values = np.array([[3.0], [np.nan], [100.0]], dtype=np.float32)
    bits = np.array([[1.5, 9.0], [-3.0, 9.0], [0.0, 9.0]], dtype=np.float32)
    expected = [
        -0.5 + 0.3 * 1 - 0.2 * 1,
        -0.5 + 0.2 * 2,
        -0.5 + 0.3 * 5,
    ]  # unknown is the mean; 5 the furthest
    offset = here.offset(("bits",), values, bits)
    np.testing.assert_allclose(offset, expected, atol=1e-6)
    log_odds = np.array([1, 2, 3], dtype=np.float32)
    np.testing.assert_allclose(here.corrected(log_odds, offset), 0.9 * log_odds + expected, atol=1e-6)
    # without its features a correction is slope and intercept
    nothing = here.offset((), values[:, :0], bits[:, :0])
    np.testing.assert_array_equal(nothing, np.full(3, -0.5, dtype=np.float32))


def test_the_file(tmp_path: Path) -> None:
    path = tmp_path / correction.FILE
    correction.write(ONE, path, {"model": "lexical"})
    found, said = correction.read(path)
    assert found == ONE and said["model"] == "lexical"
    whole = json.loads(path.read_text())
    for wrong, message in (
        ("{}", "another format"),
        (json.dumps({**whole, "format": 1}), "another format"),
        (json.dumps({"format": 2}), "cannot be read"),
        (
            json.dumps({**whole, "correction": {**whole["correction"], "scales": [0.0, 1.0]}}),
            "cannot be used",
        ),
        (json.dumps({**whole, "correction": {**whole["correction"], "slope": "1"}}), "cannot be used"),
        ("no JSON", "cannot be read"),
    ):
        path.write_text(wrong)
        with pytest.raises(ModelError, match=message):
            correction.read(path)
