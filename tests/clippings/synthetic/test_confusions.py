"""Confusions are counted along a cheapest alignment, and what is drawn errs as the engine did."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rapidfuzz.distance import Levenshtein

from clippings.errors import EncoderError
from clippings.synthetic.alignment import align, character_error_rate
from clippings.synthetic.confusions import Confusions, Seen, kind_of, shipped_confusions
from clippings.synthetic.learn_confusions import learn_confusions

NAMES = [
    "Harrow Cotton Mills",
    "Kingsey Steel Company",
    "Hill & Sons",
    "Ox Ferry",
    "山田商店",
    "東洋カメラ",
]


def noisy(seed: int, n: int, rate: float = 0.15, luck: float = 0.0) -> list[tuple[str, str]]:
    """Pairs of an engine that takes l for 1 and o for c, loses what it loses and makes up a dot or a dash."""
    draw = np.random.default_rng(seed)
    pairs = []
    for number in range(n):
        name = NAMES[number % len(NAMES)]
        own = rate * (float(draw.gamma(1 / luck, luck)) if luck else 1.0)
        out = ""
        for char in name:
            if draw.random() < own * 0.2:
                out += ".-"[int(draw.integers(2))]
            if draw.random() < own:
                out += {"l": "1", "o": "c", "山": "出"}.get(char, "" if draw.random() < 0.5 else "x")
            else:
                out += char
        pairs.append((name, out))
    return pairs


def plain_distance(a: str, b: str) -> int:
    """The edit distance as its definition says."""

    @cache
    def cost(i: int, j: int) -> int:
        if not i or not j:
            return i + j
        return min(cost(i - 1, j) + 1, cost(i, j - 1) + 1, cost(i - 1, j - 1) + (a[i - 1] != b[j - 1]))

    return cost(len(a), len(b))


def test_alignments_are_cheapest_and_spell_both_texts() -> None:
    words = ["".join(word) for size in range(4) for word in itertools.product("ab", repeat=size)]
    for a, b in itertools.product(words, words):
        path = align(a, b)
        assert "".join(x for x, _ in path) == a and "".join(y for _, y in path) == b
        assert ("", "") not in path and sum(x != y for x, y in path) == plain_distance(a, b)


@pytest.mark.parametrize("seed", range(3))
def test_long_alignments_are_cheapest_too(seed: int) -> None:
    draw = np.random.default_rng(seed)
    a, b = ("".join(draw.choice(list("abcd"), size=size)) for size in (23, 19))
    assert sum(x != y for x, y in align(a, b)) == plain_distance(a, b)


def test_error_rate_counts_edits_over_printed_characters() -> None:
    assert character_error_rate([("abcd", "abxd"), ("ab", "")]) == 0.5
    assert character_error_rate([]) == 0.0


def test_counts() -> None:
    table = learn_confusions([("oil", "oil"), ("oil", "0il"), ("oil", "il"), ("oil", "oiil")]).characters
    assert table["o"] == Seen(4, 1, {"0": 1}) and table["l"] == Seen(4, 0, {})
    assert table["class:small"] == Seen(12, 1, {"0": 1})
    assert table[""].n == 16 and dict(table[""].taken_for) == {"i": 1}


@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_draws_err_as_often_as_the_engine(luck: float) -> None:
    pairs = noisy(1, 1500, luck=luck)
    table = learn_confusions(pairs)
    texts = [name for name, _ in pairs] * 3
    drawn = [reading.text for reading in table.read_crops([b""] * len(texts), texts, range(len(texts)))]
    again = list(zip(texts, drawn, strict=True))
    assert character_error_rate(again) == pytest.approx(character_error_rate(pairs), rel=0.06)
    # and they spoil as many names: with unequal luck errors gather on some
    whole = [np.mean([a == b for a, b in one]) for one in (pairs, again)]
    assert whole[1] == pytest.approx(whole[0], abs=0.05)
    assert (table.spread > 0.5) == (luck > 0)
    # each confusion has its share
    counts = [Counter(step for pair in one for step in align(*pair)) for one in (pairs, again)]
    for step in (("l", "1"), ("o", "c"), ("山", "出"), ("e", "")):
        assert counts[1][step] / 3 == pytest.approx(counts[0][step], rel=0.25), step
    # what is lost beside what is made up looks like a mistake, the more so when it is drawn again
    assert 0.5 < counts[1]["", "."] / 3 / counts[0]["", "."] < 1.2


def test_rare_characters_err_like_their_class() -> None:
    table = learn_confusions(noisy(2, 1200))
    draw = np.random.default_rng(0)
    known = np.mean([table.read("K" * 20, draw).text.count("K") for _ in range(300)])
    unseen = np.mean([table.read("Q" * 20, draw).text.count("Q") for _ in range(300)])
    assert unseen == pytest.approx(known, rel=0.1) and unseen < 19


def test_what_always_errs_still_gives_a_reading() -> None:
    table = learn_confusions([("aa", "bb")] * 50)
    assert set(table.read("aaaa", np.random.default_rng(0)).text) <= {"a", "b"}
    assert learn_confusions([("aa", "")] * 5).read("aa", np.random.default_rng(0)).text == ""


def test_same_seed_same_reading_and_rate_0_reads_all() -> None:
    table = learn_confusions(noisy(3, 400))
    first, second = (table.read_crops([b""] * 6, NAMES, [7] * 6) for _ in range(2))
    assert [one.text for one in first] == [one.text for one in second]
    assert [one.text for one in table.read_crops([b""] * 6, NAMES, [8] * 6)] != [one.text for one in first]
    draw = np.random.default_rng(0)
    assert [table.read(name, draw, rate=0).text for name in NAMES] == NAMES


def test_confidence_goes_with_errors() -> None:
    pairs = noisy(4, 900)
    sure = [0.9 - 0.5 * min(1.0, Levenshtein.distance(a, b) / len(a)) for a, b in pairs]
    table = learn_confusions(pairs, sure)
    readings = [(name, table.read(name, np.random.default_rng(n))) for n, name in enumerate(NAMES * 60)]
    good = [reading.confidence for name, reading in readings if reading.text == name]
    bad = [
        reading.confidence
        for name, reading in readings
        if Levenshtein.distance(name, reading.text) > 0.3 * len(name)
    ]
    assert min(good) == max(good) == pytest.approx(0.9) and max(bad) < 0.8
    assert np.isnan(learn_confusions(pairs).read("Hill", np.random.default_rng(0)).confidence)


def test_saved_and_loaded_it_is_the_same(tmp_path: Path) -> None:
    table = learn_confusions(noisy(5, 300), [0.5] * 300)
    table.save(tmp_path / "t.json")
    loaded = Confusions.load(tmp_path / "t.json")
    assert loaded == table
    readings = [one.read("Hill & Sons", np.random.default_rng(1)) for one in (loaded, table)]
    assert readings[0] == readings[1]
    (tmp_path / "bad.json").write_text(json.dumps({**table.to_dict(), "more": 1}))
    (tmp_path / "worse.json").write_text("{")
    for name in ("bad.json", "worse.json"):
        with pytest.raises(EncoderError, match=r"Not a table of confusions\. Given: "):
            Confusions.load(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "text", "low", "high"),
    [
        ("jpn-lines", "日本電機製作所", 0.01, 0.09),
        ("jpn-columns", "東洋紡績シャープ", 0.12, 0.4),
        ("eng-modern", "Harrow Cotton Mills", 0.03, 0.14),
        ("eng-old", "Kingsey Steel Company", 0.03, 0.16),
    ],
)
def test_shipped_tables_misread_as_tesseract_does(name: str, text: str, low: float, high: float) -> None:
    table = shipped_confusions(name)
    readings = table.read_crops([b""] * 600, [text] * 600, range(600))
    assert low < character_error_rate([(text, reading.text) for reading in readings]) < high
    assert all(0 <= reading.confidence <= 1 for reading in readings)
    assert table.spread > 0.5 and len(table.confidence) == 5


def test_a_table_that_is_not_shipped_is_refused() -> None:
    with pytest.raises(EncoderError, match=r"Given: 'deu'\. Give one of"):
        shipped_confusions("deu")


def test_a_class_that_was_never_seen_errs_like_the_others() -> None:
    table = learn_confusions([("oil", "oil"), ("oil", "0il")] * 30)
    assert table.error("山") == pytest.approx(table.error("7")) and 0.05 < table.error("山") < 0.4


def test_helped_out_errors_add_up_to_those_counted() -> None:
    pairs = [("aaaaaaaaab", "aaaaaaaaax"), ("aaaaaaaaac", "aaaaaaaaac"), ("aaaaaaaaad", "xaaaaaaaax")] * 4
    table = learn_confusions(pairs)
    expected = sum(table.error(char) for printed, _ in pairs for char in printed)
    assert expected == pytest.approx(sum(Levenshtein.distance(a, b) for a, b in pairs))


def test_pairs_that_teach_nothing_are_refused() -> None:
    for pairs, sure in (([], None), ([("", "x")], None), ([("a", "a")], [0.1, 0.2])):
        with pytest.raises(EncoderError, match=r"cannot be learned\. Given: "):
            learn_confusions(pairs, sure)


def test_classes() -> None:
    assert [kind_of(char) for char in ("々", "ー", "é", "Ω", "３", "(")] == [
        "class:kanji", "class:katakana", "class:small", "class:capital", "class:digit", "class:mark"
    ]  # fmt: skip
