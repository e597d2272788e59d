"""Tuning the reader: it learns, the best epoch is kept, and near non-matches are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from clippings.text.pair_reader import PairReader
from model_hub import bundled

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from clippings.export.pair_export import torch_layers
from clippings.training import pair_tuning
from clippings.training.pair_tuning import LabelledPairs, tuned

COLOURS = ("red", "blue", "green", "black")


@pytest.fixture(scope="module")
def reader() -> PairReader:
    return PairReader(bundled(), threads=1)


def pairs(reader: PairReader, seed: int, n: int = 48) -> LabelledPairs:
    """Names with a colour: what the shipped reader takes for a difference is none here."""
    draw = np.random.default_rng(seed)
    names = [f"{word} {draw.choice(COLOURS)}" for word in draw.permutation(list("abcdefghijklmnop"))]
    left = draw.integers(0, len(names), n)
    match = np.arange(n) % 2 == 0
    right = np.where(match, left, (left + draw.integers(1, len(names), n)) % len(names))
    other = [f"{name.split()[0]} {draw.choice(COLOURS)}" for name in names]
    sides = reader.tokens([(name,) for name in names]), reader.tokens([(name,) for name in other])
    return LabelledPairs(sides, left, right, match, np.ones(n, np.float32))


def test_a_reader_learns_what_matches_here(reader: PairReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pair_tuning, "RATE", 2e-4)
    train, val = pairs(reader, 0), pairs(reader, 1)

    def cost(read: np.ndarray) -> float:
        signed = np.where(val.match, -read, read)
        return float(np.logaddexp(0, signed).mean())

    done: list[int] = []
    found = tuned(reader, torch_layers(bundled()), train, val, cost, tick=done.append)
    assert found.losses[found.epoch] == min(found.losses) < 0.8 * found.losses[0]
    assert sum(done) == (len(found.losses) - 1) * len(train)
    read = pair_tuning._read(reader, found.layers, torch.from_numpy(found.place), val)
    assert cost(read) == pytest.approx(found.losses[found.epoch], abs=1e-4)
    again = tuned(reader, torch_layers(bundled()), train, val, cost)
    assert again.losses == pytest.approx(found.losses, abs=1e-5)  # the same seed, the same weights


def test_weights_that_are_worse_are_not_kept(reader: PairReader) -> None:
    val, costs = pairs(reader, 1, 16), iter([1.0, 1.0, 0.0])
    found = tuned(reader, torch_layers(bundled()), pairs(reader, 0, 96), val, lambda read: next(costs))
    assert found.epoch == 0 and found.losses == (1.0, 1.0)  # an epoch that does not help is the last
    np.testing.assert_array_equal(found.place, reader.place)
    before = torch_layers(bundled()).state_dict()
    assert all(torch.equal(value, before[name]) for name, value in found.layers.state_dict().items())


def test_all_matches_and_twice_as_many_near_others_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    n = 1000
    match, doubt = np.arange(n) < 50, np.where(np.arange(n) < 400, 0.5, 0.0)
    some = LabelledPairs((None, None), np.arange(n), np.arange(n), match, doubt.astype(np.float32))  # type: ignore[arg-type]
    drawn = pair_tuning._drawn(some, np.random.default_rng(0))
    assert set(range(50)) <= set(drawn.tolist()) and len(set(drawn.tolist())) == len(drawn) == 150
    assert (drawn < 400).mean() > 0.95
    monkeypatch.setattr(pair_tuning, "MOST", 60)
    drawn = pair_tuning._drawn(some, np.random.default_rng(0))
    assert len(drawn) == 60 and (drawn < 50).sum() == 20


def test_a_part_of_a_step_has_pairs_of_one_length(reader: PairReader) -> None:
    some = pairs(reader, 2, 90)
    steps = list(pair_tuning._batches(some, np.arange(90), np.random.default_rng(0)))
    assert sorted(np.concatenate([part for step in steps for part in step]).tolist()) == list(range(90))
    assert all(len(set(some.lengths[part].tolist())) == 1 for step in steps for part in step)
    assert max(sum(map(len, step)) for step in steps) < 2 * pair_tuning.BATCH
