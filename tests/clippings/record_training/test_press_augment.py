"""Prints of batches on their device: drawn for each batch, reproducible, as bad as the severity says."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: no print is drawn by tensors")

from clippings.record_training.press_augment import Printer  # noqa: E402

SIDE, N = 64, 12


def pictures() -> torch.Tensor:
    """Smooth pictures, each another one."""
    coarse = torch.rand(N, 3, 5, 5, generator=torch.Generator().manual_seed(1))
    return torch.nn.functional.interpolate(coarse, size=(SIDE, SIDE), mode="bicubic").clamp(0, 1)


def prints(severity: float, seed: int = 0) -> torch.Tensor:
    printer = Printer(torch.Generator().manual_seed(seed), side=SIDE)
    return printer(pictures(), torch.full((N,), 1.4), severity)[0]


def likeness(severity: float) -> float:
    """Mean correlation of the grey levels of prints with those of the pictures."""
    rows = [one.mean(dim=1).flatten(1) for one in (pictures(), prints(severity))]
    rows = [one - one.mean(dim=1, keepdim=True) for one in rows]
    return float(torch.nn.functional.cosine_similarity(*rows).mean())


def test_the_same_seed_gives_the_same_prints() -> None:
    first, again, other = prints(1.0), prints(1.0), prints(1.0, seed=1)
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_levels_are_stretched_and_hints_are_shares() -> None:
    shown, hints = Printer(torch.Generator().manual_seed(0), side=SIDE)(pictures(), torch.ones(N), 0.4)
    assert shown.shape == (N, 3, SIDE, SIDE) and hints.shape == (N, 2)
    assert float(shown.min()) == 0.0 and float(shown.max()) == 255.0
    assert bool(((hints >= 0) & (hints <= 1)).all())


def test_prints_resemble_their_pictures_less_the_worse_they_are() -> None:
    good, bad = likeness(0.05), likeness(1.6)
    assert good > 0.8 and bad < 0.4
