"""Labelled records: as many as asked for, each of its name, side and font; the same for the same seed."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PIL", reason="pillow is not installed: making records is not tested")

from clippings.errors import EncoderError
from clippings.pictures.ocr_reading import Reading
from clippings.synthetic.confusions import Confusions
from clippings.synthetic.learn_confusions import learn_confusions
from clippings.synthetic.name_variants import NEW, OLD, Variant, english, japanese, old_characters, vary
from clippings.synthetic.records import SyntheticRecords, join_records
from clippings.synthetic.render import Font, render
from clippings.synthetic.scan_damage import Damage
from clippings.synthetic.synthesize import synthesize

NAMES = ["Harrow Cotton Mills", "Kingsey Steel Company", "Hill & Sons", "Ox Ferry Company"]
FONTS = [Font(size=30, name="small"), Font(size=44, name="large")]


def same(a: SyntheticRecords, b: SyntheticRecords) -> bool:
    columns = ("names", "images", "text", "printed", "font")
    arrays = ("entity", "side", "vertical", "confidence")
    return all(getattr(a, one) == getattr(b, one) for one in columns) and all(
        np.array_equal(getattr(a, one), getattr(b, one), equal_nan=one == "confidence") for one in arrays
    )


def confusions() -> Confusions:
    return learn_confusions(
        [("oil mill", "oll mil"), ("Company", "Company"), ("Steel", "Stee1")] * 20, [0.5] * 60
    )


def test_labels_sides_and_numbers() -> None:
    records = synthesize(NAMES, FONTS, crops_per_name=(2, 1))
    assert len(records) == 12 and records.side.tolist() == [0] * 8 + [1] * 4
    assert records.entity.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 0, 1, 2, 3]
    assert [records.printed[row] for row in records.rows("target")] == NAMES
    assert records.text == records.printed and np.isnan(records.confidence).all()
    assert set(records.font) == {"small", "large"} and not records.vertical.any()
    assert len(set(records.images)) == 12


def test_clean_crops_show_the_name() -> None:
    records = synthesize(NAMES, FONTS[1:], damage=None, crops_per_name=(1, 0))
    for number, name in enumerate(NAMES):
        ink = 255 - records.pixels(number)
        clean = 255 - render(name, FONTS[1], margin=0)
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        found = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert found.shape == clean.shape and (found == clean).all()


def test_a_side_may_stand_in_columns_and_have_fonts_of_its_own() -> None:
    records = synthesize(NAMES, (FONTS[:1], FONTS[1:]), orientation=("horizontal", "vertical"))
    for row in range(len(records)):
        high, wide = records.pixels(row).shape
        assert (high > wide) == bool(records.vertical[row]) == (records.side[row] == 1)
        assert records.font[row] == ("large" if records.side[row] else "small")


def test_same_seed_same_records_another_seed_others() -> None:
    one, two = (synthesize(NAMES, FONTS, ocr=confusions(), variants=english(1.0), seed=4) for _ in range(2))
    other = synthesize(NAMES, FONTS, ocr=confusions(), variants=english(1.0), seed=5)
    assert same(one, two) and not same(one, other)
    assert set(one.images).isdisjoint(other.images)


def test_parts_of_a_list_are_as_in_the_whole() -> None:
    arguments = {"crops_per_name": (2, 1), "ocr": confusions(), "variants": english(1.0), "seed": 2}
    whole = synthesize(NAMES, FONTS, **arguments)  # type: ignore[arg-type]
    for part in (NAMES[:1], NAMES[2:], NAMES[::-1]):
        records = synthesize(part, FONTS, **arguments)  # type: ignore[arg-type]
        for number, name in enumerate(part):
            rows = [
                np.flatnonzero(one.entity == at)
                for one, at in ((records, number), (whole, NAMES.index(name)))
            ]
            got, wanted = (
                [(one.images[row], one.text[row], one.font[row], one.confidence[row]) for row in of]
                for one, of in zip((records, whole), rows, strict=True)
            )
            assert got == wanted


def test_joined_parts_are_the_whole_in_another_order() -> None:
    whole = synthesize(NAMES, FONTS, crops_per_name=(2, 1), seed=2)
    joined = join_records(
        [synthesize(part, FONTS, crops_per_name=(2, 1), seed=2) for part in (NAMES[:1], NAMES[1:])]
    )
    assert joined.names == whole.names
    rows = [
        sorted(zip(one.entity.tolist(), one.side.tolist(), one.images, one.text, one.font, strict=True))
        for one in (joined, whole)
    ]
    assert rows[0] == rows[1]
    skipping = join_records([whole, synthesize(["Boat", "山田"], FONTS)])
    assert skipping.skipped == (5,) and skipping.entity.max() == 4
    for parts in ([], [whole, whole]):
        with pytest.raises(EncoderError, match="cannot be joined"):
            join_records(parts)


def test_each_side_has_its_own_reader_which_sees_its_crops() -> None:
    class Engine:
        def __init__(self, name: str) -> None:
            self.name = name
            self.seeds: set[int] = set()

        def read_crops(
            self, images: Sequence[bytes], printed: Sequence[str], seeds: Sequence[int]
        ) -> list[Reading]:
            assert len(set(seeds)) == len(images) == len(printed)
            self.seeds |= set(seeds)
            return [Reading(f"{self.name} {len(image)}", 0.25) for image in images]

    engines = Engine("a"), Engine("b")
    records = synthesize(NAMES, FONTS, ocr=engines)
    assert engines[0].seeds.isdisjoint(engines[1].seeds)
    wanted = [f"{'ab'[side]} {len(image)}" for side, image in zip(records.side, records.images, strict=True)]
    assert list(records.text) == wanted and (records.confidence == 0.25).all()


def test_variants_change_what_is_printed_and_read() -> None:
    table = [Variant("target", "Company$", "Co.", 1.0), Variant("source", "Mills", "Mls.", 1.0)]
    records = synthesize(NAMES, FONTS, variants=table)
    assert records.printed[0] == "Harrow Cotton Mls." and records.printed[5] == "Kingsey Steel Co."
    assert records.text == records.printed and records.names == tuple(NAMES)


def test_names_without_a_font_are_skipped_and_named() -> None:
    records = synthesize(["Hill", "山田", "Boat"], FONTS)
    assert records.skipped == (1,) and records.entity.tolist() == [0, 2, 0, 2]
    with pytest.raises(EncoderError, match="No name can be printed"):
        synthesize(["山田"], FONTS)
    plain = synthesize(["Hill"], FONTS, variants=[Variant("target", "Hill", "山", 1.0)])
    assert plain.printed == ("Hill", "Hill")


def test_saved_and_loaded_they_are_the_same(tmp_path: Path) -> None:
    names = [*NAMES, 'Comma, "Quote" Company']
    records = synthesize(
        names, FONTS, ocr=(confusions(), confusions()), orientation=("horizontal", "vertical")
    )
    records.save(tmp_path / "book")
    assert same(SyntheticRecords.load(tmp_path / "book"), records)
    with (tmp_path / "book/records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with zipfile.ZipFile(tmp_path / "book/images.zip") as pictures:
        assert [pictures.read(row["image"]) for row in rows] == list(records.images)
        assert {item.date_time[0] for item in pictures.infolist()} == {1980}
        assert {item.compress_type for item in pictures.infolist()} == {zipfile.ZIP_STORED}
    before = (tmp_path / "book/images.zip").read_bytes()
    records.save(tmp_path / "book")
    assert (tmp_path / "book/images.zip").read_bytes() == before
    clean = synthesize(names, FONTS, damage=None)
    clean.save(tmp_path / "clean")
    assert same(SyntheticRecords.load(tmp_path / "clean"), clean)
    (tmp_path / "book/images.zip").unlink()
    with pytest.raises(EncoderError, match="Not a folder of records"):
        SyntheticRecords.load(tmp_path / "book")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"names": []}, "Names cannot be used"),
        ({"names": "Hill"}, "Names cannot be used"),
        ({"names": ["Hill", " "]}, r"empty ones at \[1\]"),
        ({"names": ["Hill", "Hill"]}, "1 twice"),
        ({"fonts": []}, "nothing to print with"),
        ({"crops_per_name": (0, 0)}, "nothing to make"),
        ({"crops_per_name": (1,)}, "nothing to make"),
        ({"orientation": ("horizontal", "up")}, "Unknown orientation"),
    ],
)
def test_what_cannot_be_used_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        synthesize(**{"names": NAMES, "fonts": FONTS, **change})  # type: ignore[arg-type]


def test_variants_have_their_rates_and_sides() -> None:
    table = [Variant("source", "^", "A ", 0.3, "g"), Variant("source", "$", " Z", 0.5, "g")]
    draw = np.random.default_rng(0)
    made = [vary("Hill", "source", draw, table) for _ in range(2000)]
    assert made.count("A Hill") == pytest.approx(600, abs=70)
    assert made.count("Hill Z") == pytest.approx(700, abs=70) and "A Hill Z" not in made
    assert {vary("Hill", "target", draw, table) for _ in range(50)} == {"Hill"}
    for wrong in (("left", "a", "b", 0.5), ("source", "(", "b", 0.5), ("source", "a", "b", 2.0)):
        with pytest.raises(EncoderError, match="A variant of names"):
            Variant(*wrong)


def test_tables_of_variants() -> None:
    draw = np.random.default_rng(1)
    target = {japanese(1.0)("国際鉄工", "target", draw) for _ in range(300)}
    assert {"国際鉄工", "株式会社国際鉄工", "国際鉄工株式会社", "國際鐵工"} <= target
    assert "國際電機" not in {japanese(1.0)("国際電機", "source", draw) for _ in range(100)}
    source = {japanese(1.0)("国際電機", "source", draw) for _ in range(300)}
    assert {"国際電機", "(株)国際電機", "国際電機(株)", "国際電"} <= source
    assert {japanese(0.0)("国際電機", side, draw) for side in ("source", "target") for _ in range(50)} == {
        "国際電機"
    }
    assert {english(1.0)("Hill Company", "target", draw) for _ in range(100)} == {
        "Hill Company", "The Hill Company", "Hill Company, Ltd."
    }  # fmt: skip
    assert len(NEW) == len(OLD) == len(set(NEW)) and set(NEW).isdisjoint(OLD)
    assert old_characters("山田") == "山田"


def test_damage_is_that_of_the_settings() -> None:
    mild, bad = (synthesize(NAMES, FONTS[1:], damage=Damage.only("grain", severity=s)) for s in (0.1, 3.0))
    assert mild.pixels(0).shape == bad.pixels(0).shape
    clean = synthesize(NAMES, FONTS[1:], damage=None).pixels(0).astype(float)
    assert np.abs(mild.pixels(0) - clean).mean() * 5 < np.abs(bad.pixels(0) - clean).mean()
