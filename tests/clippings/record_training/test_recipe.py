"""Settings that cannot work are refused; draws repeat, and never take a record all it has."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clippings.errors import TrainingError
from clippings.record_training.examples import Readings, RecordExamples
from clippings.record_training.recipe import STAGES, RecordRecipe
from clippings.record_training.record_augment import draw, keys, misread, without


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"views": 0}, "views=0"),
        ({"modality_dropout": 1.0}, "modality_dropout"),
        ({"pairs": (1, 1, 1)}, "image-image"),
        ({"pairs": (0, 0, 0, 0)}, "pairs"),
        ({"stage": "pre"}, "stage='pre'"),
        ({"augment": 1}, "True or False"),
        ({"hard_negative": 1}, "hard_negatives"),
        ({"decay": "step"}, "restarts"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict, words: str) -> None:
    with pytest.raises(TrainingError, match=words):
        RecordRecipe.from_dict(wrong)


@pytest.mark.parametrize("stage", STAGES)
def test_settings_survive_json(stage: str) -> None:
    recipe = RecordRecipe.for_stage(stage, seed=3)
    assert RecordRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1), st.floats(0, 0.99), st.integers(0, 9))
def test_no_record_loses_both_nor_gains_anything(drawn, share: float, seed: int) -> None:
    image, text = (np.array([one[side] for one in drawn]) for side in (0, 1))
    left = without(image, text, share, np.random.default_rng(seed))
    assert ((left[0] | left[1]) == (image | text)).all()
    assert not (left[0] & ~image).any() and not (left[1] & ~text).any()
    alone = image ^ text
    assert (left[0] == image)[alone].all() and (left[1] == text)[alone].all()


def test_either_modality_is_held_back_as_often_as_wanted() -> None:
    every = np.ones(4000, np.bool_)
    image, text = without(every, every, 0.4, np.random.default_rng(0))
    assert abs((~image).mean() - 0.2) < 0.03 and abs((~text).mean() - 0.2) < 0.03


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=12), st.floats(0, 1), st.integers(0, 9))
def test_a_misread_text_is_never_emptied(text: str, share: float, seed: int) -> None:
    found = misread(text, share, "xy", np.random.default_rng(seed))
    assert bool(found) == bool(text) and misread(text, 0.0, "xy", np.random.default_rng(seed)) == text


def test_a_text_is_misread_in_all_three_ways() -> None:
    dice = np.random.default_rng(0)
    lengths = [len(misread("abcdef", 0.17, "z", dice)) for _ in range(300)]
    assert {5, 6, 7} <= set(lengths) and abs(np.mean(lengths) - 6) < 0.2


def test_draws_repeat_by_seed_and_step_and_differ_between_views() -> None:
    n = 40
    examples = RecordExamples(
        tuple("abcdefgh" for _ in range(n)),
        [np.full((8, 9), i, np.uint8) if i else None for i in range(n)],
        np.arange(n),
        quality=np.full((n, 2), 0.5, np.float32),
        readings=(Readings(tuple("ABCDEFGH" for _ in range(n)), np.full(n, 0.5, np.float32)),),
    )
    recipe = RecordRecipe(views=2, character_noise=0.2, modality_dropout=0.5)
    numbers = np.arange(n)
    one, other = (draw(examples, keys(examples), numbers, recipe, 0, step) for step in (3, 4))
    again = draw(examples, keys(examples), numbers, recipe, 0, 3)
    assert one.texts == again.texts and (one.fused_image == again.fused_image).all()
    assert one.texts != other.texts and one.texts[:n] != one.texts[n:]
    assert one.record.tolist() == [*range(n), *range(n)] and one.picture[0] == -1
    # each reading comes with its own confidence
    capital = np.array([sum(c.isupper() for c in text) > 4 for text in one.texts])
    assert 0.2 < capital.mean() < 0.8
    assert np.isnan(one.hints[~capital, 0]).all() and (one.hints[capital, 0] == 0.5).all()
    assert np.isnan(one.hints[0, 1:]).all() and not np.isnan(one.hints[1, 1:]).any()
