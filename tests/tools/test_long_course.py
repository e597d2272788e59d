"""The records, the loss and the scores of the training on DeepKeyLink."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from tools.recipes.long import deepkey, hits
from tools.recipes.long.course import Course, Records, drawn, padded
from tools.recipes.long.train_arm import statement_loss
from tools.recipes.long.words import MARKS, ROLES


def test_hits_by_hand() -> None:
    score = np.zeros((2, 9, 2, 9))
    for group in range(2):
        for own in range(9):
            score[group, own, group, own if group == 0 or own else 3] = 1.0  # one is wrong in its group
            score[group, 5, 1 - group, 0] = 2.0  # and two where all are looked at
    found = hits.hits("a", 100, 1, [0.1, 0.9], score, 3.6)
    assert [row["depth"] for row in found] == [0.1, 0.9]
    assert [row["hit of 9"] for row in found] == pytest.approx([1.0, 8 / 9])
    assert [row["hit of all"] for row in found] == pytest.approx([8 / 9, 7 / 9])
    assert (found[0]["pairs"], found[0]["of"], found[0]["ms a record"]) == (9, 18, pytest.approx(100))
    assert hits.by_length(found) == [{"arm": "a", "hops": 1, "100": pytest.approx(17 / 18)}]


def test_a_step_is_made_of_groups() -> None:
    world = deepkey.World(lambda words: [[1] * len(word) for word in words])
    draw = np.random.default_rng(0)
    made = padded(drawn(world, draw, (4000, 1, 9), 4000 * 22).ids, (8, 9))
    ids, mask = made["input_ids"], made["attention_mask"]
    assert len(ids) == 22 and bool((ids[:, 0] == 8).all()) and int(mask.sum(dim=1).min()) > 3900
    ends = mask.sum(dim=1) - 1
    assert bool((ids.gather(1, ends[:, None]) == 9).all())
    assert len(drawn(world, draw, (4000, 2, 9), 1).ids) == 8


def test_a_course_goes_from_one_entity_to_nine_and_from_one_hop_to_two() -> None:
    world = deepkey.World(lambda words: [[number] for number, _ in enumerate(words)])
    course = Course(world, [640, 1024], 640 * 8, steps=100, seed=3)
    places = [world.number[role] for role in ROLES], [world.number[mark] for mark in MARKS]

    def seen(number: int) -> list[int]:
        ids = course.step(number).ids[0] // world.readings
        return [len(set(ids.tolist()) & set(some)) for some in places]

    assert seen(0) == [1, 0] and seen(14) == [9, 0]
    late = [seen(number) for number in range(50, 70)]
    assert {roles for roles, _ in late} == {9} and {marks for _, marks in late} == {0, 9}
    two = [seen(number) for number in range(15, 45)]
    grown = [roles for roles, marks in two if marks]
    assert grown == sorted(grown) and grown[0] == 2 and len(set(grown)) == 8
    lengths = [max(map(len, course.step(number).ids)) for number in (0, 49, *range(80, 100))]
    assert max(lengths[:2]) <= 640 < max(lengths) <= 1024
    assert sum(course.shares().values()) == pytest.approx(1)


@pytest.mark.parametrize("hops", [1, 2])
def test_statements_stand_where_their_words_are(hops: int) -> None:
    # words of one to three tokens, the first of which says which word it is
    world = deepkey.World(lambda words: [[10 + i // 24] * (1 + i // 24 % 3) for i, _ in enumerate(words)])
    made = drawn(world, np.random.default_rng(1), (900, hops, 5), 900 * 14)
    said = np.array([world.words[made.ids[r][p] - 10] for r, p in zip(made.row, made.place, strict=True)])
    said, entity = said.reshape(14, 5 * hops), made.entity.reshape(14, 5 * hops)
    if hops == 1:
        assert all(row.tolist() == list(ROLES[:5]) for row in said)
    else:
        assert all(len(set(row[:5]) & set(MARKS)) == 5 for row in said)
        assert (said[:, :5] == said[:, 5:]).all() and (entity[:, :5] == entity[:, 5:]).all()
        record = deepkey.group(world, np.random.default_rng(2), 900, 2).left[0]
        words = world.clean(record)
        for at, role in zip(record.asked.tolist(), ROLES * 2, strict=True):
            begin = max(place for place in range(at) if words[place] == "item")
            declared = set(words[begin : begin + 8]) & set(ROLES)
            assert declared in ({role}, set())
    # the subject of left record i is that of right record i, and whoever is named there twice is one
    first = entity[:, 0]
    assert first[:7].tolist() == first[7:].tolist() and len(set(first.tolist())) == 7
    assert all(len(set(of[:5])) == 5 for of in entity.tolist())


def test_statements_of_one_entity_are_brought_together() -> None:
    import torch

    x = torch.zeros(4, 6, 8)
    x[0, 1, 0] = x[0, 3, 1] = x[1, 1, 2] = 1  # left
    x[2, 2, 0] = x[2, 5, 1] = x[3, 4, 2] = 1  # right, at other places
    row, place = np.array([0, 0, 1, 2, 2, 3]), np.array([0, 2, 0, 1, 4, 3])
    own = Records([None] * 4, row, place, np.array([5, 6, 7, 5, 6, 7]))
    other = Records([None] * 4, row, place, np.array([5, 6, 7, 6, 7, 5]))
    alone = Records([None] * 4, row, place, np.array([5, 6, 7, 5, 8, 9]))
    assert float(statement_loss(x, own)) < 1e-6 and float(statement_loss(x, other)) > 15
    assert float(statement_loss(x, alone)) < 1e-6  # who is named on one side only is nobody's
