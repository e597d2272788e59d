"""A model of photographs learns by the trainer of records; its batch statistics stay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from clippings.record_training.examples import RecordExamples  # noqa: E402
from clippings.record_training.photo_trainable import PhotoTrainable, jitter  # noqa: E402
from clippings.record_training.recipe import RecordRecipe  # noqa: E402
from clippings.record_training.trainer import Stage, fit_records  # noqa: E402
from clippings.records.photo_config import PhotoConfig  # noqa: E402
from clippings.records.photo_inputs import normalised  # noqa: E402
from clippings.records.photo_model import PhotoModel  # noqa: E402

SIDE, N = 32, 12


def embed(texts: list[str]) -> np.ndarray:
    return np.stack([np.random.default_rng(len(text)).standard_normal(8) for text in texts]).astype(
        np.float32
    )


def trainable() -> PhotoTrainable:
    torch.manual_seed(0)
    return PhotoTrainable(PhotoModel(PhotoConfig(side=SIDE, dim=8, text_dim=8)), embed)  # type: ignore[arg-type]


def squares() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    one = draw.integers(0, 256, (N // 2, SIDE, SIDE, 3), dtype=np.uint8)
    return [*np.repeat(one, 2, axis=0)]


def test_vectors_are_those_of_the_towers_and_have_gradients() -> None:
    model, shown = trainable(), squares()
    rows = model.image_vectors(shown)
    expected = model.photos.image(torch.from_numpy(normalised(np.stack(shown))))
    torch.testing.assert_close(rows, expected, atol=1e-5, rtol=1e-4)
    rows[0, 0].backward()
    assert model.photos.backbone._conv_stem.weight.grad.abs().sum() > 0
    texts = ["a", "bb"]
    torch.testing.assert_close(model.text_vectors(texts), model.photos.text(torch.from_numpy(embed(texts))))
    assert model.parts([shown[0], None, shown[1], shown[2]], 2) == [[0, 2], [3]]
    assert model.text_parts(["a", "b", "c"], 2) == [[0, 1], [2]]


def test_training_learns_and_keeps_the_statistics_of_batches(tmp_path: Path) -> None:
    model, shown = trainable(), squares()
    before = {name: value.clone() for name, value in model.photos.state_dict().items()}
    examples = RecordExamples(
        tuple("x" * (1 + row // 2) for row in range(N)),
        lambda numbers, epoch: [shown[number] for number in numbers.tolist()],
        np.arange(N) // 2,
        side=(np.arange(N) % 2).astype(np.int8),
        quality=np.full((N, 2), 0.5, np.float32),
        has_image=np.ones(N, np.bool_),
    )
    recipe = RecordRecipe.for_stage(
        "synthetic", batch_size=N, mini_batch_size=N, epochs=2, passes=1, keep="last", character_noise=0.0
    )
    fit_records(
        model, Stage(examples, recipe, augment=jitter), tmp_path, validate=lambda model: {"fused_top1": 0.0}
    )
    after = model.photos.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert "backbone._conv_stem.weight" in changed and "text_head.weight" in changed
    assert not any("running" in name or "num_batches" in name for name in changed)


def test_jitter_is_drawn_and_stays_in_range() -> None:
    batch = torch.rand(6, 3, SIDE, SIDE) * 2 - 1
    drawn = [jitter(batch, None, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])
    assert drawn[0].shape == batch.shape and drawn[0].abs().max() <= 1.2 + 0.15 + 1e-5
