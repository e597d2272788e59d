"""The training of a long encoder runs from one end to the other, and is given what it learns from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from tests.benchmarks.test_deepkey import ran, table
from tools.recipes.long import arms, deepkey
from tools.recipes.long import draws as based_draws
from tools.recipes.long import train as train_based


def test_a_short_encoder_becomes_a_long_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_DATA", str(tmp_path))
    report = ran(
        train_based, "--preset", "tiny", "--steps", "2", "--device", "cpu", "--to", str(tmp_path / "run")
    )
    stages = table(report, "stages")
    hits = [row.get(train_based.KNOWN) for row in stages[:3]]
    best = str(1 + hits.index(max(hits)))
    assert [(row["stage"], row["steps"]) for row in stages] == [
        *((f"teach-{number}", 2) for number in (1, 2, 3)),  # so few teach nothing
        ("transfer-" + best, 2),
        ("contrast-" + best, 2),
    ]
    kept = table(report, "kept")[0]
    assert kept["cosine to the original, short records (lowest)"] > 0.9999
    assert len(report.skipped) == len(based_draws.TABLES) + (max(hits) < train_based.KNOWS)
    assert (tmp_path / "run" / "model" / "model.safetensors").exists()


def test_pairs_of_rows_share_rows_and_one_side_may_be_short() -> None:
    world = deepkey.World(lambda words: [[1] * len(word) for word in words])
    rows = [[[10 * row + reading] * 20 for reading in range(3)] for row in range(50)]
    draws = based_draws.Draws(world, rows, (1, 2), {"lengths": (600,), "tokens": 24_000}, 0, 100)
    made = draws.pairs(2, 600)
    left, right = (
        [{int(token) // 10 for token in ids if token > 2} for ids in side]
        for side in made["input_ids"].chunk(2)
    )
    assert len(left) == 20 and all(len(a & b) >= 2 for a, b in zip(left, right, strict=True))
    lengths = made["attention_mask"].sum(dim=1)[:20]
    assert (
        set(lengths.tolist()) <= {62, 42, 600, 602} | set(range(596, 601))
        and 0 < int((lengths < 100).sum()) < 20
    )


def test_each_stage_is_given_what_it_learns_from() -> None:
    world = deepkey.World(lambda words: [[1] for _ in words])
    rows = [[[10 * row + reading] * 20 for reading in range(3)] for row in range(50)]
    draws = based_draws.Draws(world, rows, (1, 2), {"lengths": (800, 900), "tokens": 24_000}, 0, 500)
    for name, lengths in (("teach", {628, 800, 900}), ("contrast", {800, 900})):
        seen: dict[str, int] = {"ids": 0, "pairs": 0, "records": 0}
        for number in range(24):
            step = draws.step(name, 24, number)
            (kind,) = [kind for kind in seen if getattr(step, kind) is not None]
            seen[kind] += 1
            if kind == "pairs":
                assert {step.pairs[0].shape[1] + 22 >= length for length in lengths} >= {True}
            if kind == "records":
                longest = max(map(len, step.records.ids)) + 2
                assert any(length - 22 < longest <= length for length in lengths), longest
            if kind == "ids":
                assert step.ids.shape[1] <= 500
        others = 0 if name == "teach" else 1  # which has no pairs of rows
        assert seen == {"ids": 3, "pairs": 7 * others, "records": 21 - 7 * others}
    few = [draws.step("transfer", 24, number) for number in range(4)]
    assert [step.ids.shape[1] > 500 for step in few] == [True, False, True, False]
    assert few[0].ids.shape[1] > 800 and few[2].ids.shape[1] <= 628


def test_a_teacher_that_has_not_learned_is_taught_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {0: 0.1, 1000: 0.6, 2000: 0.9}
    asked: list[tuple[int, str | None]] = []

    def stage(name: str, model: Any, draws: Any, *_: Any, folder: str | None = None) -> dict[str, Any]:
        asked.append((draws.seed, folder))
        return {"stage": folder}

    def tested(arm: str, model: Any, world: Any, options: Any, part: str) -> list[dict[str, Any]]:
        assert part == "train"
        hit = {"arm": arm, "tokens": options.test[0], "depth": 0.5, "pairs": 9}
        return [{**hit, "hops": hops, "hit of 9": known[asked[-1][0]] * (hops == 2)} for hops in (1, 2)]

    monkeypatch.setattr(train_based, "stage", stage)
    monkeypatch.setattr(train_based, "tested", tested)
    base = arms.original("tiny", "cpu")
    world = deepkey.World(arms.tokens_of(base))
    draws = based_draws.Draws(world, [], (1, 2), {"lengths": (300,), "tokens": 2400, "groups": 1}, 0, 64)
    options = argparse.Namespace(seed=0, window=64, features=16, to=tmp_path / "one")
    _, chosen, rows = train_based.teacher(base, draws, options, 10.0)
    assert asked == [(0, "teach-1"), (1000, "teach-2")]
    assert chosen == 2 and [row[train_based.KNOWN] for row in rows] == [0.1, 0.6]
    known[1000] = 0.0  # a run that goes on does not ask again
    assert train_based.teacher(base, draws, options, 10.0)[1] == 2
    asked.clear()
    options.to = tmp_path / "three"
    known |= {0: 0.2, 1000: 0.3, 2000: 0.1}
    made: list[Any] = []

    def noted(name: str, model: Any, *rest: Any, **given: Any) -> dict[str, Any]:
        made.append(model)
        return stage(name, model, *rest, **given)

    monkeypatch.setattr(train_based, "stage", noted)
    best, chosen, rows = train_based.teacher(base, draws, options, 10.0)
    assert len(rows) == 3 and chosen == 2 and best is made[1]
