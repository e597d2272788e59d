"""Which records a model that nobody named encodes, and what that changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings import wrap_encoder
from linktransformer.encoding import model_plan
from linktransformer.linking import read_pairs, selective_encoding
from linktransformer.search.candidate_search import Candidates

N = 600  # rows of each table
LETTERS = list("abcdefghijklmnopqrstuvwxyz")
ARABIC = str.maketrans("0123456789", "\u0660\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668\u0669")


class Numbered:
    """Knows the number that a text holds in its own script, and nothing else."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.vectors = np.random.default_rng(0).standard_normal((2 * N, 64)).astype(np.float32)

    def encode(self, texts: list[str]) -> np.ndarray:
        self.asked += texts
        numbers = [int("".join(char for char in text if char.isdecimal())) for text in texts]
        found: np.ndarray = self.vectors[numbers]
        return found


def as_default(monkeypatch: pytest.MonkeyPatch) -> Numbered:
    model = Numbered()
    plan = model_plan.Plan("fake", wrap_encoder(model), chosen=False, reads_key_column=True)
    monkeypatch.setattr(model_plan, "plan", lambda *_: plan)
    return model


def words(seed: int, length: int = 6, n: int = N) -> list[str]:
    draw = np.random.default_rng(seed)
    return ["".join(draw.choice(LETTERS, length)) for _ in range(n)]


def same_script() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every row has a match that n-grams find."""
    left = [f"{word} {number}" for number, word in enumerate(words(1))]
    right = [f"{word} works {number}" for number, word in enumerate(words(1))]
    return shuffled(left, right)


def two_scripts() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every row has a match, and no n-gram is common to the two."""
    left = [f"{word} {number}" for number, word in enumerate(words(1))]
    return shuffled(left, [str(number).translate(ARABIC) for number in range(N)])


def half_and_half() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The even rows are as in `same_script`, the odd ones as in `two_scripts`."""
    left, right = same_script()
    other = two_scripts()[1].set_index("id")["name"]
    odd = right["id"] % 2 == 1
    right.loc[odd, "name"] = other[right["id"][odd]].to_numpy()
    return left, right


def doubtful(share: float = 0.1) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Some rows have a second candidate that is as near by letters, with another number."""
    left, right = same_script()
    n = int(share * N)
    twins = right.head(n).assign(id=-1)
    twins["name"] = [f"{name.split()[0]} works {N + number}" for number, name in enumerate(twins["name"])]
    right = pd.concat([right, twins], ignore_index=True)
    right["name"] = right["name"].str.replace("works", "", regex=False)
    left["name"] = left["name"].str.replace(r"(\w+) (\d+)", r"\2 \1", regex=True)
    return left, right


def shuffled(left: list[str], right: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    order = np.random.default_rng(2).permutation(len(right))
    table = pd.DataFrame({"name": [right[at] for at in order], "id": order})
    return pd.DataFrame({"name": left, "id": range(len(left))}), table


def right_links(links: Any, left: pd.DataFrame, right: pd.DataFrame) -> int:
    same = left["id"].to_numpy()[links.left_rows] == right["id"].to_numpy()[links.right_rows]
    return int(same.sum())


def test_where_ngrams_are_certain_nothing_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = as_default(monkeypatch)
    left, right = same_script()
    links = lt.link(left, right, on="name")
    assert not model.asked and list(links.views) == ["lexical"]
    told = links.report()["encoded"]
    assert told["records"] == [0, 0] and told["of"] == [N, N] and told["pairs_in_doubt"] == 0
    assert right_links(links, left, right) > 0.95 * N


def test_where_ngrams_find_nothing_all_is_encoded_and_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    model = as_default(monkeypatch)
    left, right = two_scripts()
    links = lt.link(left, right, on="name")
    told = links.report()["encoded"]
    assert told["trial"]["share_missed_by_n_grams"] > 0.9 and told["records"] == [N, N]
    assert set(model.asked) == {*left["name"], *right["name"]}
    assert right_links(links, left, right) > 0.5 * N and right_links(links, left, right) > 0.9 * len(links)


def test_where_ngrams_find_half_the_other_half_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    as_default(monkeypatch)
    left, right = half_and_half()
    links = lt.link(left, right, on="name")
    told = links.report()["encoded"]
    assert 0.2 < told["trial"]["share_missed_by_n_grams"] < 0.8
    assert right_links(links, left, right) > 0.75 * N


def test_rows_without_any_match_are_not_all_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    model = as_default(monkeypatch)
    left, right = same_script()
    left["name"] = [f"{word} {N + number}" for number, word in enumerate(words(9, 8))]
    lt.link(left, right, on="name")
    assert len(model.asked) < 2 * N


def test_what_is_in_doubt_is_encoded_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    model = as_default(monkeypatch)
    left, right = doubtful()
    links = lt.link(left, right, on="name")
    told = links.report()["encoded"]
    assert 0 < sum(told["records"]) == len(set(model.asked)) < 0.9 * (len(left) + len(right))
    dense = links.views["dense"]
    read = set(model.asked)
    names = left["name"][links.left_rows], right["name"][links.right_rows]
    known = [a in read and b in read for a, b in zip(*names, strict=True)]
    assert (~np.isnan(dense)).tolist() == known


def test_full_encodes_every_record_and_lexical_none() -> None:
    left, right = (table.head(40) for table in same_script())
    full = lt.link(left, right, on="name", model="full")
    assert not np.isnan(full.views["dense"]).any() and "encoded" not in full.report()
    assert full.report()["model"] == lt.link(left, right, on="name").report()["model"]
    assert "dense" not in lt.link(left, right, on="name", model="lexical").views


def found(pairs: list[tuple[int, int, float]], sizes: tuple[int, int]) -> tuple[Candidates, np.ndarray]:
    left, right, p = (np.array(of) for of in zip(*pairs, strict=True))
    return Candidates(left, right, {}, *sizes), p.astype(np.float32)


def test_doubt() -> None:
    pairs = [(0, 0, 0.99), (0, 1, 0.3), (1, 1, 0.6), (2, 2, 0.04), (3, 0, 0.5), (4, 3, 0.99)]
    candidates, p = found(pairs, (5, 4))
    best = selective_encoding.best_of(candidates, p)
    # certain both ways; one side open; open; improbable; the left record is open; certain
    assert selective_encoding.doubtful(candidates, p, best).tolist() == [
        False,
        True,
        True,
        False,
        True,
        False,
    ]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2]])
def test_the_most_doubtful_pairs_come_first_within_the_budget(order: list[int]) -> None:
    p = np.array([0.5, 0.45, 0.3, 0.9], dtype=np.float32)[order]
    left, right = np.arange(4)[order], np.array([0, 1, 0, 2])[order]
    lengths = np.array([10, 10, 10, 10]), np.array([5, 5, 100])
    chosen, spent = selective_encoding._within(np.ones(4, dtype=bool), p, (left, right), lengths, 40)
    assert spent == 40 and chosen[0].tolist() == [True, True, True, False]  # the third needs 10 more
    assert chosen[1].tolist() == [True, True, False]
    none, spent = selective_encoding._within(np.ones(4, dtype=bool), p, (left, right), lengths, 14)
    assert spent == 0 and not none[0].any() and not none[1].any()


def test_equally_doubtful_pairs_are_all_encoded_or_none() -> None:
    both = np.arange(3), np.arange(3)
    p = np.full(3, 0.5, dtype=np.float32)
    lengths = np.full(3, 10), np.full(3, 10)
    for budget, records in ((60, 3), (59, 0)):
        chosen, spent = selective_encoding._within(np.ones(3, dtype=bool), p, both, lengths, budget)
        assert chosen[0].sum() == records and spent == 20 * records


def test_rows_and_sides_in_any_order_give_the_same_links(monkeypatch: pytest.MonkeyPatch) -> None:
    as_default(monkeypatch)
    left, right = half_and_half()
    draw = np.random.default_rng(5)

    def names(one: pd.DataFrame, two: pd.DataFrame) -> set[tuple[str, str]]:
        links = lt.link(one, two, on="name", validate="1:1")
        sides = one["name"][links.left_rows], two["name"][links.right_rows]
        return set(zip(*sides, strict=True))

    usual = names(left, right)
    mixed = (table.iloc[draw.permutation(N)].reset_index(drop=True) for table in (left, right))
    assert names(*mixed) == usual
    assert {(b, a) for a, b in names(right, left)} == usual


def test_names_in_another_script_are_found_by_the_bundled_model() -> None:
    cyrillic = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопярстуввхиз")
    draw = np.random.default_rng(0)
    syllables = ["".join(draw.choice(LETTERS[:21], 6)) for _ in range(300)]
    names = [" ".join(draw.choice(syllables, 3)) for _ in range(80)]
    left = pd.DataFrame({"name": names, "id": range(80)})
    right = pd.DataFrame({"name": [name.translate(cyrillic) for name in names], "id": range(80)})
    links = lt.link(left, right, on="name")
    assert links.report()["encoded"]["records"] == [80, 80]
    assert right_links(links, left, right) > 70


def test_of_small_tables_all_is_encoded() -> None:
    left = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", None, "Zeller Motors"]})
    right = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Zeler Motors", "Other"]})
    links = lt.link(left, right, on="name")  # with two rivals unread, "Other" was linked to "Baxter Dairy"
    assert list(zip(links.left_rows, links.right_rows, strict=True)) == [(0, 0), (3, 1)]
    assert links.report()["encoded"]["records"] == [3, 3]
    full = lt.link(left, right, on="name", model="full")
    np.testing.assert_allclose(links.score, full.score, atol=1e-6)


@pytest.mark.parametrize("agrees", [True, False])
def test_matches_of_the_trial_are_read(agrees: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model finds by chance in a sample would let all records be encoded."""
    as_default(monkeypatch)
    read: list[int] = []

    def mixed(_: object, __: object, pairs: tuple[Any, Any], log_odds: np.ndarray) -> np.ndarray:
        read.append(len(pairs[0]))
        return np.where(agrees, log_odds, -np.abs(log_odds) - 1).astype(np.float32)

    monkeypatch.setattr(read_pairs.TableReader, "mixed", mixed)
    left, right = two_scripts()
    told = lt.link(left, right, on="name").report()["encoded"]
    assert read[0] > 100
    assert (told["trial"]["matches"] > 100) is agrees and (told["records"] == [N, N]) is agrees
