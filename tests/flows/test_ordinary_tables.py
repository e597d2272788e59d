"""Tables of several columns and tables that share a frame: duplicates go, and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.benchmarks.made_tables import make

GIVEN = [
    "Anna",
    "Bertil",
    "Clara",
    "David",
    "Edit",
    "Folke",
    "Greta",
    "Hugo",
    "Irma",
    "Jakob",
    "Knut",
    "Lisa",
]
STEMS = [
    "Ahl",
    "Berg",
    "Dahl",
    "Ek",
    "Fors",
    "Gran",
    "Holm",
    "Lind",
    "Nord",
    "Ost",
    "Ryd",
    "Sjo",
    "Sund",
    "Vik",
]
ENDS = ["berg", "by", "dal", "gren", "holm", "kvist", "man", "mark", "qvist", "stedt", "strom", "vall"]
KEYS = ["family", "given", "born"]


def persons(n: int, twice: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Persons, the first ones again with a letter of the surname lost, and who each row is."""
    draw = np.random.default_rng(seed)
    rows: dict[tuple[str, str, str], None] = {}
    while len(rows) < n:
        day = f"18{draw.integers(30, 99)}-{draw.integers(1, 13):02d}-{draw.integers(1, 29):02d}"
        rows[str(draw.choice(STEMS)) + str(draw.choice(ENDS)), str(draw.choice(GIVEN)), day] = None
    people = list(rows)
    lost = []
    for family, given, born in people[:twice]:
        place = int(draw.integers(1, len(family)))
        lost.append((family[:place] + family[place + 1 :], given, born))
    return pd.DataFrame(people + lost, columns=KEYS), pd.Series([*range(n), *range(twice)])


@pytest.mark.parametrize("order", [KEYS, KEYS[::-1]])
def test_persons_in_three_columns_in_any_order(order: list[str]) -> None:
    table, who = persons(400, 40, seed=1)
    found = lt.cluster(table, on=order)
    assert found.evaluate(who)["f1"] > 0.9 and abs(len(found) - 400) <= 8


@pytest.mark.parametrize("parishes", [5, 40])
def test_the_size_of_blocks_makes_little_difference(parishes: int) -> None:
    table, who = persons(600, 90, seed=2)
    parish = np.random.default_rng(3).integers(parishes, size=600)
    table["parish"] = [f"parish {number}" for number in [*parish, *parish[:90]]]
    assert lt.cluster(table, on=KEYS, block_on="parish").evaluate(who)["f1"] > 0.9


@pytest.mark.parametrize(
    "texts",
    [
        [f"Shop no. {number} {town}" for town in ("Uppsala", "Lund", "Kalmar") for number in range(31, 45)],
        [f"{stem}{end} {last}" for stem, end in zip(STEMS, ENDS, strict=False) for last in ("Media", "Bank")],
        [f"Annual report {year}" for year in range(1950, 1990)],
    ],
)  # fmt: skip
def test_a_frame_that_the_table_shares_is_no_sign_of_a_duplicate(texts: list[str]) -> None:
    kept = lt.dedup_rows(pd.DataFrame({"name": texts}), on="name")
    assert len(kept) >= 0.95 * len(texts)


def test_scores_do_not_depend_on_the_order_of_columns() -> None:
    """To the last digit: pairs are judged in their job, which has a left and a right record of each."""
    table = make("persons, 2 columns", 174, 0.4, 0).table
    one, other = (
        lt.cluster(table, on=on, reader=False, progress=False) for on in (["name", "born"], ["born", "name"])
    )
    assert one.evidence is not None and other.evidence is not None
    assert one.label.tolist() == other.label.tolist()
    assert sorted(one.evidence.log_odds.tolist()) == sorted(other.evidence.log_odds.tolist())
