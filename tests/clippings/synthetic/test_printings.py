"""Clippings are labelled by their source picture, and do not depend on how many others there are."""

from __future__ import annotations

import pytest

pytest.importorskip("PIL", reason="pillow is not installed: pictures are not printed")

from clippings import CaptionChanges, EncoderError, Press, reprint
from tests.scenes import captions, scene

PICTURES, CAPTIONS = [scene(number) for number in range(3)], captions(3)


def test_labels_captions_and_determinism() -> None:
    one = reprint(PICTURES, CAPTIONS, [2, 0, 3], seed=4)
    again = reprint(PICTURES, CAPTIONS, [2, 0, 3], seed=4)
    assert one.source.tolist() == [0, 0, 2, 2, 2] and len(one) == 5
    assert one.images == again.images and one.texts == again.texts
    assert len(set(one.images)) == 5  # every printing has another press
    assert {name: len(column) for name, column in one.columns().items()} == {
        "photo": 5,
        "caption": 5,
        "source": 5,
    }
    assert set(one.languages) <= {"en", "de"}
    other = reprint(PICTURES, CAPTIONS, [2, 0, 3], seed=5)
    assert set(other.images).isdisjoint(one.images)


def test_printings_of_a_picture_do_not_depend_on_the_number_of_others() -> None:
    few, many = reprint(PICTURES, CAPTIONS, [1, 0, 1]), reprint(PICTURES, CAPTIONS, [2, 3, 1])
    assert few.images == (many.images[0], many.images[5]) and few.texts == (many.texts[0], many.texts[5])


def test_swapped_captions_are_those_of_others() -> None:
    plain = CaptionChanges(translated=0, shortened=0, rewritten=0, misread=0)
    own = [CAPTIONS[row]["en"] for row in (0, 1, 2) for _ in range(8)]
    assert list(reprint(PICTURES, CAPTIONS, 8, presses=Press.only(), changes=plain).texts) == own
    swapped = reprint(PICTURES, CAPTIONS, 8, presses=Press.only(), changes=plain, swapped=1.0).texts
    assert (
        8 <= sum(text != right for text, right in zip(swapped, own, strict=True)) < 24
    )  # a third draws its own


@pytest.mark.parametrize(
    "wrong", [{"times": -1}, {"times": [1, 1]}, {"swapped": 2.0}, {"presses": []}, {"captions": CAPTIONS[:2]}]
)
def test_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(EncoderError, match="Clippings cannot be made"):
        reprint(**{"pictures": PICTURES, "captions": CAPTIONS, **wrong})  # type: ignore[arg-type]
