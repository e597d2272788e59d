"""Each loss over records equals its plain reference in value and gradient; what is not a negative is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: losses are not tested")

from clippings.record_training import losses as record_losses  # noqa: E402 - after the check that there is torch
from clippings.record_training.losses import RecordLabels  # noqa: E402
from tests.clippings import plain_forms  # noqa: E402


def batch(seed: int, n: int = 11, d: int = 5) -> tuple[list[Any], RecordLabels]:
    """Unit rows of three kinds, and records with shared entities, texts and pictures, gaps and views."""
    draw = torch.Generator().manual_seed(seed)
    vectors = [
        torch.nn.functional.normalize(
            torch.randn(n, d, generator=draw, dtype=torch.float64), dim=1
        ).requires_grad_()
        for _ in range(3)
    ]
    entity, text, picture = (torch.randint(-1, high, (n,), generator=draw) for high in (4, 6, 8))
    record = torch.arange(n)
    record[-1] = record[0]  # a second view of the first record
    entity[-1] = entity[0]
    return vectors, RecordLabels(entity, record, text, picture)


def compare(fast: Any, plain: Any, leaves: list[Any]) -> None:
    torch.testing.assert_close(fast, plain)
    for leaf in leaves:
        found = [
            torch.autograd.grad(loss, leaf, retain_graph=True, allow_unused=True)[0] for loss in (fast, plain)
        ]
        one, other = (torch.zeros_like(leaf) if gradient is None else gradient for gradient in found)
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("seed", range(6))
def test_clip(seed: int) -> None:
    (image, text, _), known = batch(seed)
    scale = torch.tensor(7.0, dtype=torch.float64, requires_grad=True)
    arguments = (image, text, known, scale)
    fast, plain = record_losses.clip_loss(*arguments), plain_forms.clip_loss_plain(*arguments)
    compare(fast, plain, [image, text, scale])


@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (0.0, 0.0, 2.0, 0.5), (1.0, 0.0, 0.0, 0.0)])
@pytest.mark.parametrize("seed", range(4))
def test_sigmoid(seed: int, weights: tuple[float, ...]) -> None:
    vectors, known = batch(seed)
    scale = torch.tensor([3.0, 4.0, 5.0, 6.0], dtype=torch.float64, requires_grad=True)
    bias = torch.tensor([-1.0, -2.0, 0.0, -3.0], dtype=torch.float64, requires_grad=True)
    arguments = (vectors, known, scale, bias, weights)
    fast, plain = record_losses.sigmoid_loss(*arguments), plain_forms.sigmoid_loss_plain(*arguments)
    compare(fast, plain, [*vectors, scale, bias])


def test_without_any_picture_clip_is_zero_and_sigmoid_is_the_texts() -> None:
    vectors, known = batch(0)
    none = replace(known, picture=torch.full_like(known.picture, -1))
    loss = record_losses.clip_loss(*vectors[:2], none, 5.0)
    assert loss.item() == 0 and not any(
        g.any() for g in torch.autograd.grad(loss, vectors[:2], allow_unused=True) if g is not None
    )
    four, one = torch.ones(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    by_image = record_losses.sigmoid_loss(vectors, none, four, one, (1.0, 0.0, 1.0, 0.0))
    assert by_image.item() == 0


def test_same_text_picture_or_entity_is_no_negative_of_clip() -> None:
    (image, text, _), _ = batch(1, n=3)
    numbers = torch.arange(3)
    apart = RecordLabels(numbers, numbers, numbers, numbers)
    whole = record_losses.clip_loss(image, text, apart, 5.0)
    for name in ("entity", "text", "picture"):
        joined = replace(apart, **{name: torch.tensor([0, 0, 1])})
        less = record_losses.clip_loss(image, text, joined, 5.0)
        assert less < whole, name


def test_a_pair_that_may_be_either_is_ignored_and_a_labelled_one_is_not() -> None:
    vectors, _ = batch(2, n=2)
    numbers, equal = torch.arange(2), torch.tensor([5, 5])
    four, zero = torch.ones(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64)
    arguments = (four, zero, (0.0, 1.0, 0.0, 0.0))
    unknown = RecordLabels(torch.tensor([-1, -1]), numbers, equal, numbers)
    assert record_losses.sigmoid_loss(vectors, unknown, *arguments).item() == 0
    labelled = replace(unknown, entity=numbers)
    assert record_losses.sigmoid_loss(vectors, labelled, *arguments).item() > 0


def test_fused_supcon_takes_unknown_records_as_entities_of_their_own() -> None:
    vectors, _ = batch(3, n=5)
    numbers = torch.arange(5)
    text = torch.tensor([0, 1, 2, 3, -1])
    known = RecordLabels(torch.tensor([4, 4, -1, -1, 4]), numbers, text, torch.full((5,), -1))
    found = record_losses.fused_supcon(vectors[2], known, 0.3)
    plain = plain_forms.supcon_plain(vectors[2][:4], torch.tensor([4, 4, 8, 9]), 0.3)
    compare(found, plain, [vectors[2]])
