"""Damage for a whole batch: same shapes, own draws, padding untouched, nothing at strength 0."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: augmentation is not tested")

from clippings.errors import EncoderError  # noqa: E402
from clippings.record_training import strip_augment as module  # noqa: E402 - after the check that there is torch
from clippings.record_training.strip_augment import Augmentation, augment  # noqa: E402

KINDS = [item.name for item in fields(Augmentation) if item.name != "strength"]
OFF = dict.fromkeys(KINDS, 0.0)


def batch(n: int = 6, high: int = 32, wide: int = 120) -> Any:
    """Bars of ink on paper, each strip with its own."""
    strips = torch.ones(n, 1, high, wide)
    for row in range(n):
        for at in range(8 + row, wide - 8, 9):
            strips[row, :, 8 : high - 8, at : at + 3] = 0
    return strips


def seeded(seed: int = 0) -> Any:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [(6, 32, 120), (1, 32, 40), (3, 48, 7), (2, 120, 32)])
def test_shape_type_and_range_are_kept(shape: tuple[int, int, int]) -> None:
    for dtype in (torch.float32, torch.bfloat16):
        strips = batch(*shape).to(dtype)
        before = strips.clone()
        out = augment(strips, seeded())
        assert out.shape == strips.shape and out.dtype == dtype
        assert float(out.min()) >= 0 and float(out.max()) <= 1 and bool((out != strips).any())
        assert torch.equal(strips, before)


def test_same_state_of_the_generator_same_batch() -> None:
    strips = batch()
    assert torch.equal(augment(strips, seeded(3)), augment(strips, seeded(3)))
    assert not torch.equal(augment(strips, seeded(3)), augment(strips, seeded(4)))
    generator = seeded(3)
    assert not torch.equal(augment(strips, generator), augment(strips, generator))


def test_equal_strips_are_changed_differently() -> None:
    out = augment(batch(1).expand(4, -1, -1, -1), seeded())
    assert all(not torch.equal(out[a], out[b]) for a in range(4) for b in range(a))


def test_strength_0_is_the_identity() -> None:
    strips = batch()
    assert torch.equal(augment(strips, seeded(), Augmentation(strength=0)), strips)


def test_all_kinds_at_0_are_the_identity() -> None:
    strips = batch()
    assert torch.equal(augment(strips, seeded(), Augmentation(**OFF)), strips)


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_the_strips_by_itself_and_little_where_it_is_small(kind: str) -> None:
    strips = batch(24)
    default = getattr(Augmentation(), kind)
    full = augment(strips, seeded(), Augmentation(**{**OFF, kind: default}))
    assert float((full - strips).abs().mean()) > 1e-4
    faint = augment(strips, seeded(), Augmentation(**{**OFF, kind: default}, strength=1e-3))
    share = 0.02 if kind in ("shrink", "specks") else 1.0  # these two are rarer, not weaker
    changed = (faint - strips).abs()
    assert float(changed.max()) < 0.02 or float((changed > 0).float().mean()) < share * 0.05


@pytest.mark.parametrize("vertical", [False, True])
def test_padding_comes_back_as_it_was_and_does_not_change_the_strip(vertical: bool) -> None:
    strips = batch(4).transpose(2, 3).contiguous() if vertical else batch(4)
    mask = torch.arange(120)[None, :] < torch.tensor([120, 80, 50, 1])[:, None]
    laid = mask[:, None, :, None] if vertical else mask[:, None, None, :]
    white, black = strips.clone(), strips.clone()
    white[~laid.expand_as(strips)], black[~laid.expand_as(strips)] = 1.0, 0.0
    one, two = (augment(x, seeded(1), mask=mask, vertical=vertical) for x in (white, black))
    inside = laid.expand_as(strips)
    assert torch.equal(one[~inside], white[~inside]) and torch.equal(two[~inside], black[~inside])
    torch.testing.assert_close(one[inside], two[inside])
    assert bool((one[inside] != white[inside]).any())


@pytest.mark.parametrize("vertical", [False, True])
def test_a_short_strip_turns_about_its_own_middle(vertical: bool) -> None:
    strips = torch.ones(64, 1, 32, 400)
    strips[:, :, 15:17, 20:80] = 0
    strips = strips.transpose(2, 3).contiguous() if vertical else strips
    mask = torch.arange(400).expand(64, -1) < 100
    settings = Augmentation(**{**OFF, "degrees": 3.0})
    out = augment(strips, seeded(), settings, mask=mask, vertical=vertical)
    out = out.transpose(2, 3) if vertical else out
    middle = out[:, 0, :, 50].argmin(dim=1)
    assert int((middle - 15).abs().max()) <= 1
    ends = out[:, 0, :, 78].argmin(dim=1) - out[:, 0, :, 22].argmin(dim=1)
    assert int(ends.max()) >= 1 and int(ends.min()) <= -1 and int(ends.abs().max()) <= 4


@pytest.mark.parametrize("shape", [(32, 400), (400, 32)])
def test_a_turn_keeps_lengths(shape: tuple[int, int]) -> None:
    """A wide strip is turned in pixels, not in halves of its width: a square stays a square."""
    strips = torch.ones(32, 1, *shape)
    rows, columns = (side // 2 for side in shape)
    strips[:, :, rows - 6 : rows + 6, columns - 6 : columns + 6] = 0
    out = 1 - augment(strips, seeded(), Augmentation(**{**OFF, "degrees": 10.0}))
    area = out.sum((1, 2, 3))
    torch.testing.assert_close(area, torch.full_like(area, 144.0), rtol=0.03, atol=0)
    high, wide = ((out.amax(dim=(1, axis)) > 0.5).sum(dim=1) for axis in (3, 2))
    assert int(high.max()) <= 16 and int(wide.max()) <= 16


def test_strokes_grow_thin_and_thick() -> None:
    strips = batch(60)
    out = augment(strips, seeded(), Augmentation(**{**OFF, "wear": 1.0}))
    change = (out - strips).mean((1, 2, 3))
    assert int((change > 1e-3).sum()) > 15 and int((change < -1e-3).sum()) > 15


def test_blur_is_the_convolution_with_a_gaussian() -> None:
    strips = batch(3)
    fast = module.blur(strips, module._Draws(seeded(2), strips), 1.2)
    sigma = module._Draws(seeded(2), strips).rows(0, 1.2)[:, 0, 0, 0]
    for row in range(3):
        reach = torch.arange(-3, 4, dtype=torch.float32)
        kernel = torch.exp(-(reach**2) / (2 * sigma[row] ** 2))
        kernel = kernel / kernel.sum()
        padded = torch.nn.functional.pad(strips[row : row + 1], (3, 3, 3, 3), mode="replicate")[0, 0]
        plain = sum(
            kernel[a] * kernel[b] * padded[a : a + 32, b : b + 120] for a in range(7) for b in range(7)
        )
        torch.testing.assert_close(fast[row, 0], plain, rtol=1e-5, atol=1e-6)


def test_blurred_strips_lie_in_memory_as_others_do() -> None:
    # strides of (1, n, h, w) turned over are as good as others on a CPU; on a GPU pooling reads past the end
    x = batch(3)
    out = module.blur(x, module._Draws(seeded(), x), 0.9)
    assert out.stride() == x.stride()


def test_bleed_shows_another_strip_mirrored_and_only_darkens() -> None:
    strips = torch.ones(2, 1, 32, 90)
    strips[0, :, 10:20, 20:60] = 0
    seen = 0.0
    for seed in range(30):
        out = augment(strips, seeded(seed), Augmentation(**{**OFF, "bleed": 0.3}))
        assert bool((out <= strips + 1e-6).all())
        assert float(out[1].min()) > 0.65
        seen = max(seen, float((1 - out[1]).max()))
    assert seen > 0.15


def test_grain_tone_and_specks_have_the_sizes_they_should() -> None:
    grey = torch.full((40, 1, 64, 200), 0.5)
    noise = augment(grey, seeded(), Augmentation(**{**OFF, "grain": 0.1})).std((1, 2, 3))
    assert float(noise.min()) < 0.02 and 0.08 < float(noise.max()) < 0.105
    spots = augment(grey, seeded(), Augmentation(**{**OFF, "specks": 0.01}))
    assert 0.008 < float((spots == 0).float().mean()) < 0.012
    assert 0.008 < float((spots == 1).float().mean()) < 0.012
    ends = torch.tensor([0.0, 1.0]).repeat(400, 1, 32, 16)
    toned = augment(ends, seeded(), Augmentation(**{**OFF, "tone": 1.0}))
    assert 0.27 < float(toned[..., 0].max()) <= 0.3 and 0.75 <= float(toned[..., 1].min()) < 0.78


def test_paper_is_the_light_part_of_what_counts() -> None:
    strips = torch.full((1, 1, 4, 10), 0.8)
    strips[..., 2:4], strips[..., 6:] = 0.1, 0.0
    valid = (torch.arange(10) < 6)[None, None, None, :]
    assert module.paper_of(strips, valid).item() == pytest.approx(0.8)
    assert module.paper_of(strips, valid & False).item() == 1.0


@pytest.mark.parametrize(
    "wrong", [torch.ones(2, 32, 90), torch.ones(2, 3, 32, 90), torch.ones(2, 1, 4, 4).int()]
)
def test_other_shapes_are_refused(wrong: Any) -> None:
    with pytest.raises(EncoderError, match=r"Given: torch\..*Give a float tensor"):
        augment(wrong, seeded())


def test_a_mask_of_the_other_direction_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"does not fit.*Give \(6, 32\)"):
        augment(batch(), seeded(), mask=torch.ones(6, 120), vertical=True)
    with pytest.raises(EncoderError, match=r"Given: {'blur': -1}"):
        Augmentation(blur=-1)


def test_an_empty_batch_is_an_empty_batch() -> None:
    assert augment(torch.ones(0, 1, 32, 90), seeded()).shape == (0, 1, 32, 90)
