"""Several left rows may share a right row: what is found, and what is not taken for it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from linktransformer import link

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "pa", "ri", "so", "tu", "va", "we", "xi", "yo", "zu", "do", "fe")


def names(n: int, seed: int) -> list[str]:
    """Different made-up names of three words."""
    draw = np.random.default_rng(seed)
    found: dict[str, None] = {}
    while len(found) < n:
        words = ("".join(draw.choice(SYLLABLES, 3)) for _ in range(3))
        found[" ".join(words)] = None
    return list(found)


def misspelt(name: str, draw: np.random.Generator) -> str:
    """Two letters replaced."""
    letters = list(name)
    for place in draw.choice(len(letters), 2, replace=False):
        letters[place] = "qjh"[int(draw.integers(3))]
    return "".join(letters)


@pytest.fixture
def register() -> pd.DataFrame:
    """200 names, each once."""
    return pd.DataFrame({"name": names(200, 0)})


def test_every_spelling_of_a_shared_row_is_linked(register: pd.DataFrame) -> None:
    draw = np.random.default_rng(1)
    truth = np.repeat(np.arange(200), 3)
    left = pd.DataFrame({"name": [misspelt(register["name"][row], draw) for row in truth]})
    links = link(left, register, on="name", model="lexical")
    right = links.right_rows == truth[links.left_rows]
    assert right.mean() > 0.97
    assert right.sum() > 0.9 * len(left)


def test_rows_of_missing_families_do_not_share_what_resembles_them(register: pd.DataFrame) -> None:
    """Rows that come in families, of which the register has one member: the rest has no partner there."""
    draw = np.random.default_rng(5)
    words = ["".join(draw.choice(SYLLABLES, 3)) for _ in range(1000)]
    heads = [name.rsplit(" ", 1)[0] for name in register["name"]]
    left = pd.DataFrame(
        {"name": [f"{head} {words[4 * n + i]}" for n, head in enumerate(heads) for i in range(4)]}
    )
    member = pd.DataFrame({"name": [f"{head} {word}" for head, word in zip(heads, words[800:], strict=True)]})
    links = link(left, member, on="name", model="lexical")
    assert len(links) <= 210


def test_precision_asked_for_counts_links_that_share(register: pd.DataFrame) -> None:
    draw = np.random.default_rng(2)
    truth = np.repeat(np.arange(200), 3)
    left = pd.DataFrame({"name": [misspelt(register["name"][row], draw) for row in truth]})
    links = link(left, register, on="name", model="lexical", threshold={"precision": 0.9})
    assert len(links) > 300
    assert (links.right_rows == truth[links.left_rows]).mean() >= 0.9


def test_one_to_one_never_shares(register: pd.DataFrame) -> None:
    draw = np.random.default_rng(3)
    left = pd.DataFrame({"name": [misspelt(name, draw) for name in register["name"] for _ in range(2)]})
    links = link(left, register, on="name", model="lexical", validate="1:1")
    assert len(links) == 200
    assert len(set(links.right_rows.tolist())) == 200


def test_rivals_are_those_of_the_block(register: pd.DataFrame) -> None:
    """The same names in every block: only rows of the block compete, so all are linked as without blocks."""
    draw = np.random.default_rng(4)
    right = pd.concat([register.assign(block=block) for block in range(12)], ignore_index=True)
    truth = np.repeat(np.arange(len(right)), 3)
    left = pd.DataFrame({"name": [misspelt(right["name"][row], draw) for row in truth]})
    links = link(
        left.assign(block=right["block"].to_numpy()[truth]),
        right,
        on="name",
        model="lexical",
        block_on="block",
    )
    assert (links.right_rows == truth[links.left_rows]).sum() > 0.9 * len(left)
