"""DeepKeyLink can be solved by reading, and not by words; depth, length and noise are what they say."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from tools.recipes.long import deepkey as data


def letters(words):
    return [[ord(char) for char in word] for word in words]


@pytest.fixture(scope="module")
def world() -> data.World:
    return data.World(letters, noise=0.05, readings=8)


def drawn(world: data.World, length: int, hops: int, seed: int = 0, **more) -> data.Group:
    return data.group(world, np.random.default_rng(seed), length, hops, **more)


@pytest.mark.parametrize("hops", [1, 2])
@pytest.mark.parametrize("length", [4000, 20_000])
def test_who_reads_the_record_finds_the_pair(world: data.World, hops: int, length: int) -> None:
    for seed in range(4):
        found = drawn(world, length, hops, seed)
        left, right = ([data.oracle(world.clean(one)) for one in side] for side in (found.left, found.right))
        assert left == right and len(set(left)) == 9


@pytest.mark.parametrize("hops", [1, 2])
def test_a_bag_of_words_does_not(world: data.World, hops: int) -> None:
    telling = {*data.ROLES, *(word for words in data.FIELDS.values() for word in words)}
    found = drawn(world, 9000, hops)
    bags = [
        Counter(word for word in world.clean(one) if word in telling) for one in (*found.left, *found.right)
    ]
    assert all(bag == bags[0] for bag in bags) and sum(bags[0].values()) == 9 * 4


@pytest.mark.parametrize("hops", [1, 2])
def test_near_words_do_not_tell_either_where_there_are_two_hops(world: data.World, hops: int) -> None:
    """Role and fields stand in one statement, or more than a thousand tokens apart."""
    for one in drawn(world, 20_000, hops, seed=5).left:
        words, fields = world.clean(one), data.oracle(world.clean(one))
        role = words.index(data.SUBJECT)
        near = set(words[max(0, role - 15) : role + 15])
        assert near.issuperset(fields) is (hops == 1)
        if hops == 2:
            tokens = world.lengths(one.words, one.readings)
            mark = next(word for word in words[role - 8 : role + 8] if word in data.MARKS)
            at = sorted(place for place, word in enumerate(words) if word == mark)
            assert len(at) == 2 and int(tokens[at[0] : at[1]].sum()) > 1000


@pytest.mark.parametrize("depth", data.DEPTHS)
def test_the_key_stands_where_it_is_said_to(world: data.World, depth: float) -> None:
    for hops in (1, 2):
        for one in drawn(world, 20_000, hops, depth=depth).left:
            words, fields = world.clean(one), data.oracle(world.clean(one))
            starts = [place for place, word in enumerate(words) if word == "item"]
            at = next(s for s in starts if set(fields) <= set(words[s : s + 15]))
            assert one.depth == depth and abs(at / len(words) - depth) < 0.05


@pytest.mark.parametrize("length", [1200, 5000])
def test_records_are_as_long_as_asked(world: data.World, length: int) -> None:
    for one in (*drawn(world, length, 1).left, *drawn(world, length, 1).right):
        assert length - 20 < len(world.ids(one)) + 2 <= length
        assert world.ids(one).tolist() == [ord(char) for char in world.text(one) if char != " "]


def test_noise_is_as_asked_and_seeds_repeat() -> None:
    clean, noisy = (data.World(letters, noise=share, readings=50) for share in (0.0, 0.1))
    assert all(text == word for word, row in zip(clean.words, clean.texts, strict=True) for text in row)
    wrong = np.mean(
        [text != word for word, row in zip(noisy.words, noisy.texts, strict=True) for text in row]
    )
    length = np.array([len(word) for word in noisy.words])
    assert abs(wrong - np.mean(1 - 0.9**length)) < 0.03
    a, b = (noisy.text(drawn(noisy, 3000, 2, seed=1).left[3]) for _ in range(2))
    assert a == b != noisy.text(drawn(noisy, 3000, 2, seed=2).left[3])


def test_no_field_is_trained_on_and_tested(world: data.World) -> None:
    for name in data.FIELDS:
        train, test = (set(world.values[part][name].tolist()) for part in ("train", "test"))
        assert not train & test and len(test) >= 20
    found = drawn(world, 3000, 1, part="test", subjects=2)
    assert len(found.left) == 2
    assert {world.number[word] for word in data.oracle(world.clean(found.left[0]))} <= {
        number for values in world.values["test"].values() for number in values.tolist()
    }


def test_lists_do_not_overlap() -> None:
    lists = [
        set(data.FILLER),
        set(data.ROLES),
        set(data.MARKS),
        *(set(words) for words in data.FIELDS.values()),
    ]
    formed = {
        word
        for form in (*data.SINGLE, *data.DECLARED, *data.MARKED)
        for word in form.split()
        if "{" not in word
    }
    for place, one in enumerate(lists):
        for other in lists[place + 1 :]:
            assert not one & other, one & other
    assert "item" not in set().union(*lists) and not formed & set().union(*lists[1:])
