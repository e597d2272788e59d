"""Samples that depend on texts alone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.scoring.sampling import Drawing, drawn, first_side, in_order
from linktransformer.search.blocking import Nodes, nodes

TEXTS = st.lists(st.text("abc", max_size=3), min_size=1, max_size=8, unique=True)


@given(TEXTS, st.data())
def test_records_are_in_order_of_their_texts(texts: list[str], data: st.DataObject) -> None:
    assert [texts[place] for place in in_order(texts).tolist()] == sorted(texts)
    of = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=12))
    order = in_order(texts, np.array(of, dtype=np.int64)).tolist()
    assert order == sorted(range(len(of)), key=lambda record: (texts[of[record]], record))


@given(TEXTS, TEXTS)
def test_one_of_two_tables_is_first_whichever_is_left(one: list[str], other: list[str]) -> None:
    one, other = sorted(one), sorted(other)
    first = first_side(one, other)
    assert first == 0 if one == other else first == 1 - first_side(other, one)
    if len(one) != len(other):
        assert len((one, other)[first]) == min(len(one), len(other))


def test_a_sample_is_rising_without_repeats_and_the_same_records_in_any_numbering() -> None:
    draw = np.random.default_rng(0)
    texts = [f"text {number:03}" for number in range(300)]
    turned = draw.permutation(300)
    chosen = drawn(in_order(texts), 50)
    again = drawn(in_order([texts[place] for place in turned.tolist()]), 50)
    assert len(set(chosen.tolist())) == 50 and (np.diff(chosen) > 0).all()
    assert {texts[at] for at in chosen.tolist()} == {texts[turned[at]] for at in again.tolist()}
    assert drawn(np.array([3, 1, 2]), 3).tolist() == [1, 2, 3]


def test_pairs_are_the_same_texts_when_rows_move_and_tables_are_swapped() -> None:
    draw = np.random.default_rng(0)
    one, other = [f"a{n:02}" for n in range(20)], [f"b{n:02}" for n in range(15)]

    def texts_of(left: list[str], right: list[str]) -> list[tuple[str, str]]:
        sides: tuple[Nodes, Nodes] = (nodes(np.arange(len(left))), nodes(np.arange(len(right))))
        i, j = Drawing.of((left, right), sides).pairs(40, seed=5)
        return [(left[a], right[b]) for a, b in zip(i.tolist(), j.tolist(), strict=True)]

    straight = texts_of(one, other)
    moved = texts_of([one[at] for at in draw.permutation(20)], [other[at] for at in draw.permutation(15)])
    swapped = [(a, b) for b, a in texts_of(other, one)]
    assert straight == moved == swapped and len(set(straight)) > 20


def test_in_one_table_both_sides_are_drawn_from_it() -> None:
    table = nodes(np.array([1, 0, 2]))
    drawing = Drawing.of((["b", "a", "c"], ["b", "a", "c"]), (table, table), same=True)
    assert drawing.first == 0 and drawing.ordered[0].tolist() == drawing.ordered[1].tolist()
    i, j = drawing.pairs(60)
    assert set(i.tolist()) == set(j.tolist()) == {0, 1, 2}
