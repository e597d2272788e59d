"""Code lists, and tables of which few rows or none have a match: what is linked, and what the report says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt

CODES = [
    "bakery goods", "dairy products", "fresh vegetables", "frozen fish", "garden tools", "kitchen ware",
    "office paper", "shoes for children", "sports equipment", "winter clothing", "wooden furniture",
    "writing instruments",
]  # fmt: skip
GIVEN = [
    "Ada", "Bela", "Carl", "Dora", "Emil", "Frida", "Gustav", "Hanna", "Ivar", "Jonna", "Karin", "Lars",
    "Maria", "Nils", "Olga", "Per", "Rosa", "Sven", "Tora", "Ulla",
]  # fmt: skip
STEMS = [
    "berg", "dahl", "ek", "fors", "gran", "holm", "kvist", "lind", "mal", "nord", "ost", "ryd", "sand",
    "tall", "vik", "wall", "ahl", "bjork", "hag", "lund",
]  # fmt: skip


def misspelled(text: str, draw: np.random.Generator) -> str:
    letters = list(text)
    for _ in range(int(draw.integers(1, 4))):
        place, kind = int(draw.integers(len(letters))), int(draw.integers(3))
        if kind == 0:
            del letters[place]
        elif kind == 1:
            letters[place] = "abcdefghijklmnopqrstuvwxyz"[int(draw.integers(26))]
        else:
            letters.insert(place, "abcdefghijklmnopqrstuvwxyz"[int(draw.integers(26))])
    return "".join(letters)


def people(n: int, draw: np.random.Generator) -> pd.DataFrame:
    rows = [
        (
            str(draw.choice(GIVEN)),
            str(draw.choice(STEMS)).title() + str(draw.choice(STEMS)),
            str(int(draw.integers(1830, 1900))),
            str(draw.choice(STEMS)).title() + "by",
        )
        for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["given", "family", "born", "parish"])


@pytest.mark.parametrize("seed", [0, 1])
def test_messy_values_find_their_code(seed: int) -> None:
    draw = np.random.default_rng(seed)
    code = draw.integers(0, len(CODES), 600)
    left = pd.DataFrame({"what": [misspelled(CODES[each], draw) for each in code]})
    links = lt.link(left, pd.DataFrame({"code": CODES}), left_on="what", right_on="code", model="lexical")
    right = links.right_rows == code[links.left_rows]
    assert right.sum() >= 0.95 * 600
    assert links.report()["precision_interval"][0] <= right.mean()


@pytest.mark.parametrize("common", [20, 120])
def test_a_precision_that_is_asked_for_holds_where_few_rows_match(common: int) -> None:
    draw = np.random.default_rng(common)
    left, other = people(400, draw), people(400 - common, draw)
    copies = left.iloc[:common].copy()
    copies["family"] = [
        misspelled(name, draw) if place % 3 else name for place, name in enumerate(copies["family"])
    ]
    right = pd.concat([copies, other], ignore_index=True)
    links = lt.link(
        left, right, on=["given", "family", "born", "parish"], model="lexical", threshold={"precision": 0.9}
    )
    true = (links.left_rows == links.right_rows) & (links.left_rows < common)
    # where a twentieth of the rows match, nothing may be linked rather than too much
    assert len(links) >= (common / 4 if common > 50 else 0)
    assert not len(links) or true.mean() >= 0.85


def test_tables_without_a_common_row_are_hardly_linked() -> None:
    draw = np.random.default_rng(3)
    links = lt.link(
        people(500, draw), people(500, draw), on=["given", "family", "born", "parish"], model="lexical"
    )
    assert len(links) <= 0.02 * 500


def test_what_a_user_expects_moves_the_links() -> None:
    draw = np.random.default_rng(4)
    left = people(300, draw)
    right = left.assign(family=[misspelled(name, draw) for name in left["family"]])
    on = ["given", "family"]
    found = [
        lt.link(left, right, on=on, model="lexical", threshold=0.5, expected_overlap=share)
        for share in (0.02, None, 1.0)
    ]
    assert len(found[0]) < len(found[1]) <= len(found[2])
    with pytest.raises(lt.InvalidArgumentError, match="expected_overlap"):
        lt.link(left, right, on=on, expected_overlap=30)
