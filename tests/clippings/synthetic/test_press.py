"""Each kind of damage to a photograph does what it says, by itself; the same seed gives the same print."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: the press is not tested")

from clippings import EncoderError, Press, press
from clippings.synthetic.press import KINDS, printed
from tests.scenes import scene

PICTURE, OTHER = scene(1), scene(2)
RESIZES = {"crop", "neighbour", "shrink"}


def test_no_damage_gives_the_picture_back() -> None:
    assert (press(PICTURE, Press.only(), 5, other=OTHER) == PICTURE).all()
    grey = PICTURE[:, :, 0]
    assert (press(grey, Press.only(), 5) == grey[:, :, None]).all()


@pytest.mark.parametrize("kind", [name for name in KINDS if name != "jpeg"])
def test_no_severity_is_no_damage(kind: str) -> None:
    assert (press(PICTURE, Press.only(kind, severity=0), 5, other=OTHER) == PICTURE).all()


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_changes_the_picture_by_itself(kind: str) -> None:
    changed = [press(PICTURE, Press.only(kind, severity=2), seed, other=OTHER) for seed in range(6)]
    assert any(one.shape != PICTURE.shape or (one != PICTURE).any() for one in changed)
    assert len({one.tobytes() for one in changed}) > 1
    if kind not in RESIZES:
        assert {one.shape for one in changed} == {PICTURE.shape}


def test_what_the_kinds_do() -> None:
    def found(kind: str) -> list[np.ndarray]:
        return [press(PICTURE, Press.only(kind, severity=1.5), seed, other=OTHER) for seed in range(12)]

    turned = [(one == PICTURE[:, ::-1]).all() for one in found("mirror")]
    assert any(turned) and all(
        t or (one == PICTURE).all() for t, one in zip(turned, found("mirror"), strict=True)
    )
    windows = np.lib.stride_tricks.sliding_window_view
    for one in found("crop")[:3]:
        assert one.size < PICTURE.size
        assert (windows(PICTURE, one.shape) == one).all(axis=(3, 4, 5)).any()  # a part, unchanged
    assert all((one <= PICTURE).all() for one in found("gain"))
    ink = [(one[:, :, :1] == one).all() for one in found("grey")]
    assert 0 < sum(ink) < len(ink)
    assert all(min(one.shape[:2]) < 120 for one in found("shrink"))
    assert any(one.shape[0] > 120 or one.shape[1] > 160 for one in found("neighbour"))


def test_same_seed_same_file_and_another_seed_another_file() -> None:
    files = [printed(PICTURE, Press(severity=0.8), seed, other=OTHER) for seed in (1, 1, 2)]
    assert files[0] == files[1] != files[2]
    assert files[0][:2] == b"\xff\xd8" and printed(PICTURE, Press(jpeg=False))[:4] == b"\x89PNG"


def test_a_kind_that_is_off_leaves_the_draws_of_the_others() -> None:
    # a mirrored crop is the crop, mirrored
    for seed in range(8):
        cut, both = (
            press(PICTURE, Press.only(*kinds, severity=2), seed) for kinds in (("crop",), ("crop", "mirror"))
        )
        assert (both == cut).all() or (both == cut[:, ::-1]).all()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Press(severity=5), "severity from 0 to 4"),
        (lambda: Press(crop=1), "True or False"),  # type: ignore[arg-type]
        (lambda: Press.only("holes"), "Unknown kinds of damage. Given: .'holes'"),
        (lambda: press(np.zeros((4, 4), np.uint8)), "8 pixels a side"),
        (lambda: press(PICTURE, other=PICTURE.astype(float)), "Not a picture"),  # type: ignore[arg-type]
    ],
)
def test_errors(make: object, said: str) -> None:
    with pytest.raises(EncoderError, match=said):
        make()  # type: ignore[operator]
