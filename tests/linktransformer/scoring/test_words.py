"""Words of two texts against sets of words."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from linktransformer.scoring import words as module
from linktransformer.scoring.words import WORD, overlap, words, words_of

LEFT = ["acme steel 12", "acme", "", "baxter dairy kdl-40v", "acme acme steel"]
RIGHT = ["acme steel works 13", "baxter 40", "zeller", "acme steel 12"]


def rarity() -> dict[str, float]:
    texts = [set(WORD.findall(text)) for text in (*LEFT, *RIGHT)]
    return {
        word: math.log((len(texts) + 1) / sum(word in text for text in texts)) for word in set().union(*texts)
    }


@pytest.mark.parametrize("a", range(len(LEFT)))
@pytest.mark.parametrize("b", range(len(RIGHT)))
def test_overlap_is_that_of_sets_of_words(a: int, b: int) -> None:
    weight, found = rarity(), words(LEFT, RIGHT)
    of = overlap(found.left, found.right, np.array([a]), np.array([b]), found.rarities.most)
    one, other = set(WORD.findall(LEFT[a])), set(WORD.findall(RIGHT[b]))
    unit = math.log(len(LEFT) + len(RIGHT) + 1)

    def mass(some: set[str], power: int = 1) -> float:
        return sum(weight[word] ** power for word in some)

    assert of.shared[0] == pytest.approx(mass(one & other) / unit, abs=1e-5)
    assert of.only_left[0] == pytest.approx(mass(one - other) / unit, abs=1e-5)
    assert of.only_right[0] == pytest.approx(mass(other - one) / unit, abs=1e-5)
    norm = math.sqrt(mass(one, 2) * mass(other, 2))
    assert of.cosine[0] == pytest.approx(mass(one & other, 2) / norm if norm else 0, abs=1e-5)
    for some, rarest, word in (
        (one - other, of.rarest_left, of.word_left),
        (other - one, of.rarest_right, of.word_right),
    ):
        assert rarest[0] == pytest.approx(max((weight[w] for w in some), default=0) / unit, abs=1e-5)
        assert bool(word[0] < 0) is not bool(some)
        if some:
            assert found.rarities.spelled[word[0]] in some
            assert weight[found.rarities.spelled[word[0]]] == pytest.approx(max(weight[w] for w in some))


def test_numbers_are_told_from_letters() -> None:
    found = words(["kdl-40v", "№ 7"], ["a1b"])
    assert {word for word, number in zip(found.rarities.spelled, found.number, strict=True) if number} == {
        "40",
        "7",
        "1",
    }


def test_one_table_is_both_sides() -> None:
    found = words(LEFT, None)
    assert found.left.shape == found.right.shape and abs(found.left - found.right).sum() == 0


def test_texts_without_words() -> None:
    found = words(["", "!"], ["?"])
    of = overlap(found.left, found.right, np.array([0, 1]), np.array([0, 0]), found.rarities.most)
    assert of.cosine.tolist() == of.shared.tolist() == of.rarest_left.tolist() == [0, 0]
    assert of.word_left.tolist() == [-1, -1]


def test_other_texts_are_weighed_by_known_rarities() -> None:
    whole = words(LEFT, RIGHT)
    some = words_of([LEFT[3], LEFT[0]], [RIGHT[0]], whole.rarities)
    of = overlap(some.left, some.right, np.array([0, 1]), np.array([0, 0]), some.rarities.most)
    wanted = overlap(whole.left, whole.right, np.array([3, 0]), np.array([0, 0]), whole.rarities.most)
    for name in ("cosine", "shared", "only_left", "only_right", "rarest_left", "rarest_right"):
        np.testing.assert_allclose(getattr(of, name), getattr(wanted, name), atol=1e-6)
    assert some.rarities.spelled[of.word_left[0]] == whole.rarities.spelled[wanted.word_left[0]]
    assert words_of(["unheard"], [""], whole.rarities).rarities.rarity[0] == np.float32(whole.rarities.most)
    assert words_of([""], [""], whole.rarities).left.shape == (1, 1)


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_split_is_that_of_sets_of_words_one_by_one(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TEXTS", chunk)
    texts = [*LEFT, *RIGHT, "½ ²3 a_b x\ny", "ǆ𝟙𝔸 漢字 9", "", "b a b a"]
    spelled, columns, indptr = module.split(texts)
    plain = [sorted(set(WORD.findall(text))) for text in texts]
    assert spelled == sorted(set().union(*plain))
    rows = [columns[a:b].tolist() for a, b in pairwise(indptr)]
    assert [[spelled[column] for column in row] for row in rows] == plain
