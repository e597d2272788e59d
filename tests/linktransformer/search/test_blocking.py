"""Nodes and blocks against dictionaries of rows."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.search.blocking import first_rows, nodes, nodes_of_rows, pair_blocks

ROWS = st.lists(st.tuples(st.integers(-1, 4), st.integers(-1, 3)), max_size=30)


def arrays(rows: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return table[:, 0], table[:, 1]


@given(ROWS, st.booleans())
def test_each_text_is_one_node_in_each_block(rows: list[tuple[int, int]], blocked: bool) -> None:
    text, block = arrays(rows)
    made = nodes(text, block if blocked else None)
    number: dict[tuple[int, int], int] = {}
    expected = []
    for a, b in rows:
        key = (a, b if blocked else 0)
        expected.append(-1 if min(key) < 0 else number.setdefault(key, len(number)))
    assert made.node_of_row.tolist() == expected
    assert list(zip(made.text.tolist(), made.block.tolist(), strict=True)) == list(number)
    assert first_rows(made).tolist() == [expected.index(node) for node in range(len(number))]


@given(ROWS)
def test_every_row_may_be_a_node(rows: list[tuple[int, int]]) -> None:
    text, block = arrays(rows)
    made = nodes_of_rows(text, block)
    keyed = [row for row in rows if min(row) >= 0]
    assert list(zip(made.text.tolist(), made.block.tolist(), strict=True)) == keyed
    assert [node for node in made.node_of_row.tolist() if node >= 0] == list(range(len(keyed)))
    assert [rows[row] for row in first_rows(made).tolist()] == keyed


@given(ROWS, st.data())
def test_some_nodes_are_numbered_from_zero(rows: list[tuple[int, int]], data: st.DataObject) -> None:
    made = nodes(*arrays(rows))
    chosen = sorted(data.draw(st.sets(st.integers(0, len(made) - 1)))) if len(made) else []
    some = made.some(np.array(chosen, dtype=np.int64))
    place = {node: number for number, node in enumerate(chosen)}
    assert some.node_of_row.tolist() == [place.get(node, -1) for node in made.node_of_row.tolist()]
    assert some.text.tolist() == made.text[chosen].tolist()
    assert some.block.tolist() == made.block[chosen].tolist()


@given(ROWS, ROWS)
def test_shared_blocks_hold_all_nodes_of_both_tables(
    left_rows: list[tuple[int, int]], right_rows: list[tuple[int, int]]
) -> None:
    left, right = nodes(*arrays(left_rows)), nodes(*arrays(right_rows))
    paired = pair_blocks(left, right)
    shared = sorted(set(left.block.tolist()) & set(right.block.tolist()))
    assert len(paired.left_start) == len(shared)
    for number, block in enumerate(shared):
        one = paired.left[paired.left_start[number] : paired.left_stop[number]]
        other = paired.right[paired.right_start[number] : paired.right_stop[number]]
        assert one.tolist() == np.flatnonzero(left.block == block).tolist()
        assert other.tolist() == np.flatnonzero(right.block == block).tolist()
        assert paired.areas[number] == len(one) * len(other)


@given(ROWS)
def test_nodes_in_text_order_are_the_same_nodes(rows: list[tuple[int, int]]) -> None:
    made, texts = nodes(*arrays(rows)), ["m", "b", "z", "a", "q"]
    sorted_nodes = made.in_text_order(texts)
    assert [texts[text] for text in sorted_nodes.text] == sorted(texts[text] for text in made.text)
    for before, after in zip(made.node_of_row.tolist(), sorted_nodes.node_of_row.tolist(), strict=True):
        assert (before < 0) == (after < 0)
        if before >= 0:
            assert (made.text[before], made.block[before]) == (
                sorted_nodes.text[after],
                sorted_nodes.block[after],
            )
    assert (np.diff(first_rows(sorted_nodes)[sorted_nodes.text == 1]) > 0).all()  # of one text, by first row
