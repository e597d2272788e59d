"""Comparisons and the expected overlap are used or refused, and the report says how columns were compared."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

import linktransformer as lt

LEFT = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Crown Mills"], "born": ["1901", "1887", "1922"]})
RIGHT = pd.DataFrame(
    {"name": ["Acme Steel Co", "Baxter Dairies", "Dunmore"], "born": ["1902", "1887", "1950"]}
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"compare": {"bron": lt.compare.number()}},
            "'bron', which is not a key column.*Did you mean 'born'",
        ),
        ({"compare": {"born": "number"}}, "is not understood"),
        ({"expected_overlap": 1.5}, "is not a share"),
    ],
)
def test_what_cannot_be_used_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(lt.InvalidArgumentError, match=message):
        lt.link(LEFT, RIGHT, on=["name", "born"], model="lexical", **given)


def test_the_report_says_how_columns_were_compared() -> None:
    report = lt.link(LEFT, RIGHT, on=["name", "born"], model="lexical").report()
    assert report["comparisons"]["born"] == "number"
    given = {"born": lt.compare.exact()}
    report = lt.link(LEFT, RIGHT, on=["name", "born"], model="lexical", compare=given).report()
    assert report["comparisons"]["born"] == "exact"
    for bits in report["match_weights"].values():
        assert len(bits) == 7 and bits == sorted(bits)
