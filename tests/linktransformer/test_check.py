"""Checks of values that many arguments share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from linktransformer import InvalidArgumentError, check


class _Odd:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**5)), pd.DataFrame({"a": range(99)}), _Odd()])
def test_any_value_is_shown_on_one_short_line(value: Any) -> None:
    text = check.shown(value)
    assert 0 < len(text) <= check.WIDEST and "\n" not in text


@pytest.mark.parametrize("value", [pd.Series(["left"]), pd.NA, None, ["left"], "lef"])
def test_one_of(value: Any) -> None:
    check.one_of("how", "left", ("left", "inner"))
    with pytest.raises(InvalidArgumentError, match=r"how=.* is not one of 'left', 'inner'"):
        check.one_of("how", value, ("left", "inner"))


@pytest.mark.parametrize("value", [None, "cpu", "cuda:1", 0, np.int64(1)])
def test_devices(value: Any) -> None:
    check.device(value)


@pytest.mark.parametrize("value", ["", -1, True, 2.5, ["cpu"], pd.Series(["cpu"])])
def test_no_devices(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="device="):
        check.device(value)
