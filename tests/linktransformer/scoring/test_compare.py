"""The constructors take what makes sense, and say what does not."""

from __future__ import annotations

import dataclasses

import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.scoring import compare


def test_every_kind_has_a_constructor() -> None:
    assert {getattr(compare, kind)().kind for kind in compare.KINDS} == set(compare.KINDS)


def test_parameters_are_shown_under_the_names_of_the_user() -> None:
    assert compare.number(within=2, relative=0.1).parameters == {"within": 2, "relative": 0.1}
    assert compare.date(within_days=3).parameters == {"within_days": 3}
    assert compare.geo(within_km=0.5).parameters == {"within_km": 0.5}
    assert compare.name().parameters == {}


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: compare.number(within=0), "within=0 "),
        (lambda: compare.number(within=float("nan")), "within=nan"),
        (lambda: compare.number(within="2"), "within='2'"),
        (lambda: compare.number(within=True), "within=True"),
        (lambda: compare.number(relative=1), "relative=1 "),
        (lambda: compare.number(relative=-0.1), "relative=-0.1"),
        (lambda: compare.date(within_days=1.5), "within_days=1.5"),
        (lambda: compare.date(within_days=-1), "within_days=-1"),
        (lambda: compare.date(within_days=True), "within_days=True"),
        (lambda: compare.geo(within_km=float("inf")), "within_km=inf"),
        (lambda: compare.Comparison("nmae"), "kind='nmae'"),
        (lambda: compare.Comparison("text", within=1), "within=1"),
        (lambda: compare.Comparison("date", relative=0.1), "relative=0.1"),
    ],
)
def test_what_cannot_work_is_refused_by_name(call, said: str) -> None:
    with pytest.raises(InvalidArgumentError, match=said):
        call()


def test_it_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        compare.text().kind = "name"  # type: ignore[misc]
