"""Every kind of damage does what it says, and only that; the same seed gives the same crop."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: damage is not tested")

from clippings.errors import EncoderError
from clippings.synthetic import scan_damage
from clippings.synthetic.render import Font, render
from clippings.synthetic.scan_damage import SWITCHES, Damage, damage, decode, scan

CROP = render("Harrow Cotton Mills", Font(size=40))
OTHER = render("Kingsey Steel", Font(size=40))
KEEPS_SHAPE = [name for name in SWITCHES if name != "shrink"]


def dark(crop: np.ndarray) -> float:
    return float((255.0 - crop).mean())


def test_no_damage_gives_the_crop_back() -> None:
    assert (damage(CROP, Damage.only(), 5, other=OTHER) == CROP).all()


@pytest.mark.parametrize("kind", [name for name in KEEPS_SHAPE if name not in ("tone", "jpeg")])
def test_no_severity_is_no_damage(kind: str) -> None:
    assert (damage(CROP, Damage.only(kind, severity=0), 5, other=OTHER) == CROP).all()


@pytest.mark.parametrize("kind", SWITCHES)
def test_each_kind_changes_the_crop_by_itself(kind: str) -> None:
    changed = [damage(CROP, Damage.only(kind), seed, other=OTHER) for seed in range(6)]
    assert any(one.shape != CROP.shape or (one != CROP).any() for one in changed)
    assert len({one.tobytes() for one in changed}) > 1
    if kind in KEEPS_SHAPE:
        assert {one.shape for one in changed} == {CROP.shape}


def test_same_seed_same_file_and_another_seed_another_file() -> None:
    files = [scan(CROP, Damage(severity=0.8), seed, other=OTHER) for seed in (1, 1, 2)]
    assert files[0] == files[1] != files[2]
    assert (decode(files[0]) == damage(CROP, Damage(severity=0.8), 1, other=OTHER)).all()


def test_a_kind_that_is_off_leaves_the_draws_of_the_others() -> None:
    spots = [damage(CROP, Damage.only(*kinds), 9) for kinds in (("specks",), ("specks", "bleed", "grain"))]
    assert spots[0].shape == spots[1].shape
    black = (spots[0] == 0) & (CROP == 255)
    assert black.any() and (spots[1][black] == 0).all()


def test_more_severity_is_more_damage() -> None:
    def error(severity: float) -> float:
        settings = Damage.only("wear", "blotches", "blur", "grain", severity=severity)
        return float(
            np.mean([np.abs(damage(CROP, settings, seed).astype(float) - CROP).mean() for seed in range(12)])
        )

    errors = [error(severity) for severity in (0.2, 0.7, 1.4)]
    assert errors[0] < errors[1] < errors[2]


def test_wear_thins_and_thickens() -> None:
    change = [dark(damage(CROP, Damage.only("wear"), seed)) - dark(CROP) for seed in range(60)]
    thinner = sum(one < 0 for one in change)
    assert 15 <= thinner <= 40 and sum(one > 0 for one in change) >= 15


def test_bleed_needs_another_crop_and_leaves_four_of_ten_alone() -> None:
    settings = Damage.only("bleed")
    assert (damage(CROP, settings, 0) == CROP).all()
    crops = [damage(CROP, settings, seed, other=OTHER) for seed in range(100)]
    touched = [crop for crop in crops if (crop != CROP).any()]
    assert 45 <= len(touched) <= 75
    seen = touched[0]
    assert (seen <= CROP).all() and seen[CROP == 255].min() > 190


def test_blotches_only_fade() -> None:
    faded = damage(CROP, Damage.only("blotches"), 3)
    assert (faded >= CROP).all() and (faded[CROP == 255] == 255).all()


def test_shrink_keeps_the_proportions() -> None:
    small = damage(CROP, Damage.only("shrink", severity=0.75), 2)
    ratio = small.shape[0] / CROP.shape[0]
    assert 0.5 < ratio < 0.95 and abs(small.shape[1] / CROP.shape[1] - ratio) < 0.03
    assert min(damage(CROP[:9], Damage.only("shrink", severity=9), 2).shape) >= scan_damage.SMALLEST


def test_tone_greys_ink_and_paper() -> None:
    toned = [damage(CROP, Damage.only("tone"), seed) for seed in range(20)]
    paper = [int(np.median(one[CROP == 255])) for one in toned]
    inks = [int(np.median(one[CROP == 0])) for one in toned]
    assert min(paper) >= 190 and max(paper) <= 240 and max(paper) - min(paper) > 15
    assert min(inks) >= 15 and max(inks) <= 75 and max(inks) - min(inks) > 20


def test_grain_and_specks_have_the_sizes_they_should() -> None:
    grey = np.full((200, 300), 128, dtype=np.uint8)
    noise = [float(damage(grey, Damage.only("grain"), seed).astype(float).std()) for seed in range(12)]
    assert 4.5 < min(noise) < max(noise) < 14.5
    spots = damage(grey, Damage.only("specks"), 0)
    assert 90 < (spots == 0).sum() < 220 and 90 < (spots == 255).sum() < 220


def test_skew_turns_about_the_middle() -> None:
    line = np.full((61, 401), 255, dtype=np.uint8)
    line[29:32] = 0
    slopes = []
    for seed in range(10):
        turned = damage(line, Damage.only("skew"), seed)
        left, middle, right = (int(turned[:, column].argmin()) for column in (20, 200, 380))
        assert abs(middle - 30) <= 1
        slopes.append(np.degrees(np.arctan((right - left) / 360)))
    assert max(np.abs(slopes)) < 1.5 and max(slopes) > 0.3 and min(slopes) < -0.3


def test_jpeg_or_png() -> None:
    assert scan(CROP, Damage.only("jpeg"))[:2] == b"\xff\xd8"
    assert scan(CROP, Damage.only())[:4] == b"\x89PNG"


@pytest.mark.parametrize("settings", [{"severity": -1}, {"severity": 11}, {"severity": "1"}, {"blur": 1}])
def test_settings_that_cannot_work_are_refused(settings: dict[str, object]) -> None:
    with pytest.raises(EncoderError, match=r"cannot work\. Given: .* Give a severity"):
        Damage(**settings)  # type: ignore[arg-type]


def test_unknown_kinds_and_wrong_crops_are_refused() -> None:
    with pytest.raises(EncoderError, match=r"Given: \['rain'\]"):
        Damage.only("rain")
    for wrong in (np.zeros((4, 4, 3), np.uint8), np.zeros((4, 4)), np.zeros((0, 4), np.uint8)):
        with pytest.raises(EncoderError, match="Not a grey crop"):
            damage(wrong)
