"""The column that names a record, by content alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.key_column import information, key_column, naming_order

N = 60


def column(name: str, left: list[str | None], right: list[str | None]) -> PairedColumn:
    made = []
    for cells in (left, right):
        values = list(dict.fromkeys(cell for cell in cells if cell is not None))
        codes = np.array([-1 if cell is None else values.index(cell) for cell in cells], dtype=np.int64)
        made.append((values, codes))
    return PairedColumn(name, made[0][0], made[1][0], made[0][1], made[1][1])


@pytest.fixture
def columns() -> list[PairedColumn]:
    draw = np.random.default_rng(0)

    def word() -> str:
        return "".join(draw.choice(list("abcdefghijklmnopqrstuvwxyz"), 9))

    names = [f"{word()} {word()}" for _ in range(N)]
    kinds = draw.choice(["shop", "mill", "bank"], N).tolist()
    return [
        column("note", [word() for _ in range(N)], [word() for _ in range(N)]),
        column("kind", kinds, kinds),
        column("firm", names, [name[:-1] + "x" for name in names]),
        column("number", [str(n) for n in range(N)], [str(n) for n in range(N)]),
    ]


def test_the_names_are_chosen_in_any_order(columns: list[PairedColumn]) -> None:
    for order in itertools.permutations(columns):
        place = key_column(order)
        assert place is not None and order[place].name == "firm"


def test_neither_shared_values_nor_numbers_name_a_record(columns: list[PairedColumn]) -> None:
    assert key_column([columns[1], columns[3]]) is None
    assert key_column([]) is None
    assert key_column([columns[1], columns[0]]) == 1


def test_of_one_table_a_record_is_not_its_own_match(columns: list[PairedColumn]) -> None:
    firm = columns[2]
    both = [*firm.left_values, *firm.right_values]
    twice = column("firm", both, both)
    notes = [*columns[0].left_values, *columns[0].right_values]
    assert key_column([column("note", notes, notes), twice], same=True) == 1


def test_columns_are_written_by_falling_information(columns: list[PairedColumn]) -> None:
    wanted = [columns[place].name for place in naming_order(columns, 2)]
    assert wanted[0] == "firm" and wanted[-1] == "kind"
    turned = columns[::-1]
    assert [turned[place].name for place in naming_order(turned, 1)] == wanted
    assert len(naming_order(columns, None)) == 4


def test_information_is_entropy() -> None:
    assert information(column("x", ["a", "b"], ["a", "b"])) == pytest.approx(1)
    assert information(column("x", ["a", "a"], ["a", "a"])) == pytest.approx(0)
    assert information(column("x", ["a", "b", None], ["c", None, None])) == pytest.approx(
        -3 / 6 * np.log2(1 / 6) - 3 / 6 * np.log2(3 / 6)
    )
