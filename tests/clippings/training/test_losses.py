"""Each loss equals its plain reference in value and gradient, and what is not a negative is none."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: losses are not tested")

from clippings.training import losses  # noqa: E402 - after the check that there is torch
from tests.clippings import plain_forms  # noqa: E402


def batch(seed: int, n: int = 12, d: int = 5) -> tuple[Any, Any]:
    """Unit rows in double precision and entities, some of which have several rows."""
    draw = torch.Generator().manual_seed(seed)
    vectors = torch.nn.functional.normalize(
        torch.randn(n, d, generator=draw, dtype=torch.float64), dim=1
    ).requires_grad_()
    return vectors, torch.randint(0, 5, (n,), generator=draw)


def compare(fast: Any, plain: Any, vectors: Any) -> None:
    torch.testing.assert_close(fast, plain)
    gradients = [torch.autograd.grad(loss, vectors, retain_graph=True)[0] for loss in (fast, plain)]
    torch.testing.assert_close(gradients[0], gradients[1])


@pytest.mark.parametrize("seed", range(5))
def test_info_nce(seed: int) -> None:
    vectors, entity = batch(seed)
    left, right = torch.tensor([0, 3, 5]), torch.tensor([1, 4, 6])
    entity[right] = entity[left]
    arguments = (vectors, entity, left, right, 0.2)
    compare(losses.info_nce(*arguments), plain_forms.info_nce_plain(*arguments), vectors)


@pytest.mark.parametrize("seed", range(5))
def test_supcon(seed: int) -> None:
    vectors, entity = batch(seed)
    entity[0] = 99  # a text without a partner
    compare(losses.supcon(vectors, entity, 0.3), plain_forms.supcon_plain(vectors, entity, 0.3), vectors)


@pytest.mark.parametrize("labels", [[1, 0, 1, 0, 1, 0], [1] * 6, [0] * 6])
@pytest.mark.parametrize("seed", range(4))
def test_online_contrastive(seed: int, labels: list[int]) -> None:
    vectors, _ = batch(seed)
    arguments = (vectors, torch.arange(6), torch.arange(6, 12), torch.tensor(labels), 0.9)
    compare(losses.online_contrastive(*arguments), plain_forms.online_contrastive_plain(*arguments), vectors)


def test_a_text_of_the_same_entity_is_no_negative() -> None:
    vectors, _ = batch(0, n=4)
    left, right = torch.tensor([0]), torch.tensor([1])
    masked = losses.info_nce(vectors, torch.tensor([7, 7, 7, 8]), left, right)
    gone = losses.info_nce(vectors[[0, 1, 3]], torch.tensor([7, 7, 8]), left, right)
    torch.testing.assert_close(masked, gone)
    assert losses.info_nce(vectors, torch.tensor([7, 7, 9, 8]), left, right).item() > masked.item()


def test_no_partner_at_all_gives_zero_and_a_gradient_of_zero() -> None:
    vectors, _ = batch(0, n=3)
    loss = losses.supcon(vectors, torch.tensor([0, 1, 2]))
    loss.backward()
    assert loss.item() == 0.0 and not vectors.grad.any()
