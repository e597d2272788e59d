"""Captions are printed again as the changes say, and the same way for the same seed."""

from __future__ import annotations

import pytest

from clippings import CaptionChanges, EncoderError
from clippings.synthetic.captions import reword

TEXTS = {
    "en": "A large ship leaves the old harbour.",
    "de": "Ein Schiff verlässt den Hafen.",
    "ja": "船が港を出る。",
}
NONE = {"translated": 0.0, "shortened": 0.0, "rewritten": 0.0, "misread": 0.0}


def found(**changes: float) -> list[tuple[str, str]]:
    return [reword(TEXTS, CaptionChanges(**(NONE | changes)), seed) for seed in range(24)]


def test_no_change_gives_the_caption_back() -> None:
    assert set(found()) == {(TEXTS["en"], "en")}
    assert reword({}, seed=3) == ("", "en")
    assert reword({"fr": "Un port"}, CaptionChanges(**NONE)) == ("Un port", "fr")


def test_each_change_does_what_it_says() -> None:
    assert {language for _, language in found(translated=1.0)} == {"de", "ja"}
    assert all(text == TEXTS[language] for text, language in found(translated=1.0))
    shorter = {text for text, _ in found(shortened=1.0)}
    assert all(TEXTS["en"].startswith(text) and 2 <= len(text.split()) < 7 for text in shorter)
    bare = TEXTS["en"].rstrip(".")
    assert all(bare in text or bare.upper() == text for text, _ in found(rewritten=1.0))
    assert len({text for text, _ in found(rewritten=1.0)}) > 5
    read = {text for text, _ in found(misread=1.0, error_rate=3.0)}
    assert len(read) > 12 and all(text for text in read)


def test_scripts_without_spaces_are_shortened_by_characters() -> None:
    one = CaptionChanges(**(NONE | {"shortened": 1.0}))
    text, language = reword({"ja": TEXTS["ja"]}, one, 1)
    assert language == "ja" and TEXTS["ja"].startswith(text) and 4 <= len(text) < len(TEXTS["ja"])


@pytest.mark.parametrize(
    "wrong", [{"misread": 1.5}, {"error_rate": -1.0}, {"shortened": True}, {"error_rate": "x"}]
)
def test_errors(wrong: dict[str, float]) -> None:
    with pytest.raises(EncoderError, match="Changes of captions cannot work"):
        CaptionChanges(**wrong)
