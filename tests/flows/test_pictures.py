"""Two tables with pictures beside a text that an engine read badly: linked by both, and by what is there."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings.pictures.read import Picture
from linktransformer.cli.main import main
from linktransformer.encoding import picture_views
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.tables import frames
from linktransformer.tables.picture_records import Units, read_units
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

pytest.importorskip("PIL")
from PIL import Image, ImageDraw, ImageFont

NAMES = ["Acme Steel", "Baxter Dairy", "Zeller Motors", "Quincy Glass", "North Paper", "Union Silver"]
NAMES += ["River Mills", "Stone Bros", "Gold Iron", "West Brick", "East Lamps", "South Wool"]


class Vectors:
    def __init__(self, image: Any, text: Any) -> None:
        self.image, self.text = image, text
        self.fused = self._unit(image + text)
        self.has_image, self.has_text = (np.abs(part).sum(axis=1) > 0 for part in (image, text))

    @staticmethod
    def _unit(rows: Any) -> Any:
        length = np.linalg.norm(rows, axis=1, keepdims=True)
        return (rows / np.where(length > 0, length, 1)).astype(np.float32)


class Looking:
    """An encoder whose picture vectors are the pixels, and whose text vectors are counts of letters."""

    name = "looking"

    def encode_records(
        self,
        texts: Any,
        pictures: Any,
        *,
        confidence: Any = None,
        batch_size: Any = None,
        progress: Any = None,
    ) -> Vectors:
        image, text = np.zeros((len(texts), 512)), np.zeros((len(texts), 512))
        for row, (said, shown) in enumerate(zip(texts, pictures, strict=True)):
            if shown is not None:
                small = Image.fromarray(shown.pixels).resize((64, 8))
                image[row] = 255.0 - np.asarray(small, dtype=float).ravel()
                image[row] -= image[row].mean()
            for letter in said or "":
                text[row, ord(letter) % 512] += 1
        if progress is not None:
            progress(len(texts))
        return Vectors(Vectors._unit(image), Vectors._unit(text))


def drawn(name: str, shift: int = 0) -> Image.Image:
    image = Image.new("L", (160, 28), 255)
    ImageDraw.Draw(image).text((4 + shift, 4), name, fill=0, font=ImageFont.load_default(16))
    return image


def as_png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()


def books() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Each firm in two books; the engine read every third name of the second one as nonsense."""
    left = pd.DataFrame({"ocr": NAMES, "crop": [as_png(drawn(name)) for name in NAMES]})
    said = [name if place % 3 else f"~{place}x" for place, name in enumerate(NAMES)]
    right = pd.DataFrame({"ocr": said, "crop": [as_png(drawn(name, 1)) for name in NAMES], "firm": NAMES})
    return left, right.iloc[::-1].reset_index(drop=True)


def firms(linked: Any) -> list[Any]:
    return linked["firm"].to_list()


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_pictures_find_what_the_engine_misread(library: str) -> None:
    left, right = books()
    tables: tuple[Any, Any] = (left, right)
    if library == "polars":
        tables = tuple(pytest.importorskip("polars").from_pandas(table) for table in tables)  # type: ignore[assignment]
    if library == "pyarrow":
        tables = tuple(pytest.importorskip("pyarrow").Table.from_pandas(table) for table in tables)  # type: ignore[assignment]
    linked = lt.merge(*tables, on="ocr", images="crop", model=Looking())
    found = linked["firm"].to_pylist() if library == "pyarrow" else firms(linked)
    assert found == NAMES
    with_text = lt.merge(*tables, on="ocr", model="lexical")
    found = with_text["firm"].to_pylist() if library == "pyarrow" else firms(with_text)
    assert sum(name is not None and not pd.isna(name) for name in found) <= 8


def test_every_kind_of_source_gives_the_same_links(tmp_path: Path) -> None:
    left, right = books()
    wanted = lt.link(left, right, on="ocr", images="crop", model=Looking()).pairs
    paths, members = [], []
    with zipfile.ZipFile(tmp_path / "book.zip", "w") as archive:
        for place, data in enumerate(right["crop"]):
            (tmp_path / f"{place}.png").write_bytes(data)
            archive.writestr(f"crops/{place}.png", data)
            paths.append(str(tmp_path / f"{place}.png"))
            members.append(str(tmp_path / "book.zip" / "crops" / f"{place}.png"))
    opened = [Image.open(path) for path in paths]
    for sources in (
        paths,
        members,
        opened,
        [Path(path) for path in paths],
        [np.asarray(one) for one in opened],
    ):
        again = right.drop(columns="crop")
        again["scan"] = pd.Series(sources, dtype=object)
        found = lt.link(left, again, on="ocr", images=("crop", "scan"), model=Looking()).pairs
        pd.testing.assert_frame_equal(found, wanted)


def test_the_order_of_rows_changes_nothing() -> None:
    left, right = books()
    left = pd.concat([left, left.iloc[[0, 3]].assign(crop=[as_png(drawn(NAMES[n], 2)) for n in (0, 3)])])
    left.index = pd.RangeIndex(len(left))
    one = lt.link(left, right, on="ocr", images="crop", model=Looking()).pairs
    mixed = left.sample(frac=1, random_state=2)
    other = lt.link(mixed, right.iloc[::-1], on="ocr", images="crop", model=Looking()).pairs
    pd.testing.assert_frame_equal(one, other.sort_values(["left", "rank"], ignore_index=True))


def test_a_row_goes_by_what_it_has() -> None:
    left, right = books()
    left.loc[1, "crop"] = None  # text only
    left.loc[2, "crop"] = b"no picture"
    left.loc[3, "ocr"] = None  # picture only
    left.loc[4, ["ocr", "crop"]] = None
    right.loc[right.firm == NAMES[5], "crop"] = as_png(drawn(NAMES[5]))[:60]
    links = lt.link(left, right, on="ocr", images="crop", model=Looking())
    report = links.report()
    assert report["rows_without_picture"] == {
        "left": {"missing": 2, "not an image": 1},
        "right": {"truncated": 1},
    }
    assert links.unlinked.query("side == 'left' and row == 4").reason.tolist() == ["no key"]
    linked = dict(zip(links.pairs.left, right.firm[links.pairs.right], strict=True))
    assert {row: linked.get(row) for row in (1, 2, 3, 5)} == {row: NAMES[row] for row in (1, 2, 3, 5)}
    assert report["images"] == ["crop", "crop"]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_row_may_have_several_pictures(library: str) -> None:
    left, right = books()
    several = [[as_png(drawn(name, shift)) for shift in (0, 1, 2)] for name in right.firm]
    several[0] = [b"broken", several[0][0]]  # one that can be used is enough
    several[1] = [b"broken", None]
    right = right.drop(columns="crop").assign(crop=pd.Series(several, dtype=object))
    given: Any = right
    if library == "polars":
        polars = pytest.importorskip("polars")
        left, given = polars.from_pandas(left), polars.DataFrame(right.to_dict("list"))
    links = lt.link(left, given, on="ocr", images="crop", model=Looking())
    assert links.report()["rows_without_picture"]["right"] == {"not an image": 1}
    found = dict(zip(links.pairs["left"].to_list(), links.pairs["right"].to_list(), strict=True))
    assert [right.firm[found[row]] for row in range(len(NAMES)) if row in found and row != 10] == [
        name for row, name in enumerate(NAMES) if row in found and row != 10
    ]
    assert len(found) >= 11


def test_several_pictures_are_averaged() -> None:
    crops = [as_png(drawn("Acme", shift)) for shift in (0, 3)]
    table = pd.DataFrame(
        {"ocr": ["a", "a", "a"], "crop": pd.Series([crops, crops[0], crops[1]], dtype=object)}
    )
    read = read_units(frames.wrap(table, "left"), ["ocr"], "crop", Serializer())
    assert [len(pictures) for pictures in read.pictures] in ([2, 1, 1], [1, 2, 1], [1, 1, 2])
    views = picture_views.vectors_of((read, read), Looking())
    unit = read.records.text_of_row
    for name in ("image", "fused", "text"):
        both, one, other = (views[name][0][number] for number in unit)
        mean = (one + other) / np.linalg.norm(one + other)
        np.testing.assert_allclose(both, mean, atol=1e-6)


def test_a_missing_picture_is_no_evidence_against_a_pair() -> None:
    left, right = books()
    left.loc[1, "crop"] = None
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    job = Job(model=Looking(), images="crop")
    found = compare_tables.compare(tables, (["ocr"], ["ocr"]), job)
    of_row = found.fused.candidates.left == found.nodes[0].node_of_row[1]
    assert of_row.any() and (found.fused.candidates.views["image"][of_row] != 0).all()


def test_pictures_are_decided_and_reported_as_texts_are() -> None:
    left, right = books()
    left["year"] = right["year"] = [str(1900 + 7 * row) for row in range(len(NAMES))]
    right["year"] = right["year"].tolist()[::-1]
    links = lt.link(left, right, on=["ocr", "year"], images="crop", model=Looking())
    report = links.report()
    assert report["key_column"] == "ocr" and set(report["comparisons"]) == {"ocr", "year"}
    assert len(report["match_weights"]["year"]) == 7 and "weights" not in report
    low, high = report["precision_interval"]
    assert low <= report["precision"] <= high
    assert report["precision"] == pytest.approx(links.score.mean(), abs=1e-3)
    assert (links.score >= 0).all() and (links.score < 1).all()
    turned = lt.link(left, right, on=["year", "ocr"], images="crop", model=Looking())
    np.testing.assert_array_equal(turned.score, links.score)
    wanted = lt.link(
        left,
        right,
        on=["ocr", "year"],
        images="crop",
        model=Looking(),
        compare={"year": lt.compare.exact()},
    )
    assert wanted.report()["comparisons"]["year"] == "exact"
    few = lt.link(left, right, on=["ocr", "year"], images="crop", model=Looking(), expected_overlap=0.1)
    assert few.report()["precision"] is None or few.score.mean() < links.score.mean()


def test_swapped_books_have_the_same_links() -> None:
    left, right = books()
    right = right.drop(columns="firm")
    one = lt.link(left, right, on="ocr", images="crop", model=Looking(), validate="1:1")
    other = lt.link(right, left, on="ocr", images="crop", model=Looking(), validate="1:1")
    found = dict(zip(zip(one.left_rows, one.right_rows, strict=True), one.score, strict=True))
    assert len(found) and found == dict(
        zip(zip(other.right_rows, other.left_rows, strict=True), other.score, strict=True)
    )


def test_equal_readings_do_not_go_before_a_picture_that_is_alike() -> None:
    left, right = books()
    # the engine read one firm's name as that of another, whose own name it read with a slip
    right.loc[right.firm == NAMES[1], "ocr"] = NAMES[4]
    right.loc[right.firm == NAMES[4], "ocr"] = NAMES[4].replace("a", "o")
    pairs = lt.link(left, right, on="ocr", images="crop", model=Looking()).pairs
    found = dict(zip(pairs["left"], pairs["right"], strict=True))
    assert right.firm[found[4]] == NAMES[4]


def test_pictures_alone_are_enough() -> None:
    left, right = books()
    left, right = left[["crop"]], right[["crop", "firm"]]
    assert firms(lt.merge(left, right, images="crop", model=Looking())) == NAMES


def test_paths_of_pictures_are_no_text(tmp_path: Path) -> None:
    left, right = books()
    for table, side in ((left, "a"), (right, "b")):
        for row, data in enumerate(table["crop"]):
            (tmp_path / f"{side}{row}.png").write_bytes(data)
        table["crop"] = [str(tmp_path / f"{side}{row}.png") for row in range(len(table))]
    links = lt.link(left, right, images="crop", model=Looking())
    assert links.report()["left_on"] == ["ocr"]


def test_what_cannot_work_is_told() -> None:
    left, right = books()
    with pytest.raises(lt.ColumnNotFoundError, match=r"images='crap'.*'crop'"):
        lt.merge(left, right, on="ocr", images="crap", model=Looking())
    for wrong in (3, ["crop"], ("crop", None), ("a", "b", "c")):
        with pytest.raises(lt.InvalidArgumentError, match="names no columns"):
            lt.merge(left, right, on="ocr", images=wrong, model=Looking())
    with pytest.raises(lt.ModelError, match=r"the default reads none.*'names'"):
        lt.merge(left, right, on="ocr", images="crop")
    with pytest.raises(lt.ModelError, match=r"the default reads none.*'names'"):
        lt.fit_decision(left, right, [(0, 0)], on="ocr", images="crop")
    with pytest.raises(lt.ModelError, match="reads texts only"):
        lt.merge(left, right, on="ocr", images="crop", model="linker-multilingual")
    with pytest.raises(lt.ModelError, match="reads no pictures"):
        lt.merge(left, right, on="ocr", images="crop", model=object())


def test_the_model_hears_how_sure_the_engine_was() -> None:
    left, right = books()
    left["sure"], right["conf"] = 0.5, [0.25] * 11 + [None]

    class Hearing(Looking):
        def encode_records(self, texts: Any, pictures: Any, **more: Any) -> Vectors:
            heard.append(more["confidence"])
            return super().encode_records(texts, pictures, **more)

    heard: list[Any] = []
    lt.merge(left, right, on="ocr", images="crop", confidence=("sure", "conf"), model=Hearing())
    assert (heard[0] == 0.5).all() and np.nansum(heard[1]) == 0.25 * 11 and np.isnan(heard[1]).sum() == 1
    with pytest.raises(lt.InvalidArgumentError, match="divide percentages by 100"):
        lt.merge(
            left.assign(sure=50), right, on="ocr", images="crop", confidence=("sure", "conf"), model=Hearing()
        )
    with pytest.raises(lt.InvalidArgumentError, match="Give images= too"):
        lt.merge(left, right, on="ocr", confidence="sure")
    with pytest.raises(lt.ColumnNotFoundError, match="confidence='sure'"):
        lt.merge(left, right, on="ocr", images="crop", confidence="sure", model=Hearing())


def test_empty_tables_and_tables_without_any_picture() -> None:
    left, right = books()
    assert len(lt.merge(left.iloc[:0], right, on="ocr", images="crop", model=Looking())) == 0
    left["crop"] = right["crop"] = None
    by_text = firms(lt.merge(left, right, on="ocr", images="crop", model=Looking()))
    assert [name for name in by_text if not pd.isna(name)] == [n for p, n in enumerate(NAMES) if p % 3]


def test_the_page_shows_the_crops_side_by_side() -> None:
    left, right = books()
    right.loc[0, "crop"] = None
    links = lt.link(left, right, on="ocr", images="crop", model=Looking())
    html = links._repr_html_()
    assert html.count('<img alt="" ') >= 9 and "data:image/png;base64," in html
    assert "http" not in html and "<script" not in html
    explained = links.explain(0)
    assert {"fused view", "image view", "text view", "lexical view", "edit view"} <= set(explained.item)
    assert explained.score[0] == pytest.approx(links.score[0])
    score = float(links.score[0])
    assert explained.contribution.sum() == pytest.approx(np.log2(score / (1 - score)), abs=1e-3)


def test_the_command_line_reads_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    left, right = books()
    for table, side in ((left, "a"), (right, "b")):
        for row, data in enumerate(table["crop"]):
            (tmp_path / f"{side}{row}.png").write_bytes(data)
        table["crop"] = [str(tmp_path / f"{side}{row}.png") for row in range(len(table))]
        table.to_csv(tmp_path / f"{side}.csv", index=False)
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    rest = ["--on", "ocr", "--images", "crop", "--model", "lexical", "--quiet"]
    assert main(["merge", *files, *rest, "--report", str(tmp_path / "r.json")]) == 0
    assert json.loads((tmp_path / "r.json").read_text())["images"] == ["crop", "crop"]
    assert capsys.readouterr().out.count("\n") == len(NAMES) + 1
    assert main(["merge", *files, "--on", "ocr", "--images", "crop,scan", "--quiet"]) == 2
    assert "images='scan'" in capsys.readouterr().err
    assert main(["merge", *files, *rest, "--dry-run"]) == 2
    assert main(["dedup", files[0], *rest]) == 0


def one_book() -> pd.DataFrame:
    """Each firm three times; of one in three readings the engine got every third letter wrong."""
    names = [name for name in NAMES for _ in range(3)]
    said = [
        name if place % 3 else "".join("kqzx"[n % 4] if n % 3 == 1 else one for n, one in enumerate(name))
        for place, name in enumerate(names)
    ]
    crops = [as_png(drawn(name, place % 2)) for place, name in enumerate(names)]
    table = pd.DataFrame({"ocr": said, "crop": crops, "firm": names})
    return table.sample(frac=1, random_state=4)


@pytest.mark.parametrize("on", ["ocr", None])
def test_rows_of_one_book_are_clustered_by_picture_and_text(on: str | None) -> None:
    table = one_book()[["ocr", "crop"]]
    found = lt.cluster(table, on, images="crop", model=Looking())
    scores = found.evaluate(one_book()["firm"].tolist())
    assert scores["f1"] > lt.cluster(table, "ocr", reader=False).evaluate(one_book()["firm"].tolist())["f1"] + 0.2
    assert scores["f1"] > 0.8
    assert found._repr_html_().count("<img") >= 10
    with pytest.warns(lt.LinkWarning, match="20 of 36 rows"):  # two in three are copies
        assert len(lt.dedup_rows(table, on, images="crop", model=Looking())) == len(found)


def test_rows_without_text_or_picture_stay_alone() -> None:
    table = one_book()
    table.iloc[[0, 7], [0, 1]] = None
    table.iloc[3, 1] = None
    found = lt.cluster(table, "ocr", images="crop", model=Looking())
    assert found.sizes[found.label[[0, 7]]].tolist() == [1, 1]
    assert found.report()["rows_without_picture"] == {"missing": 3}
    assert len(lt.cluster(table.iloc[:0], "ocr", images="crop", model=Looking())) == 0
    with pytest.raises(lt.ColumnNotFoundError, match="images='scan'"):
        lt.cluster_rows(table, "ocr", images="scan", model=Looking())


def units(texts: list[str], shown: list[bool]) -> Units:
    page = Picture(np.zeros((4, 4), np.uint8), None, "k")
    read = Records(np.array(texts, dtype=object), np.arange(len(texts)), 0, ("ocr",))
    return Units(read, tuple((page,) if one else () for one in shown), (), {}, np.full(len(texts), np.nan))


def test_missing_evidence_is_what_others_have_on_average() -> None:
    draw = np.random.default_rng(0)
    left, right = np.arange(40), np.zeros(40, dtype=np.int64)
    fused = draw.random(40).astype(np.float32)
    image = (0.3 + 0.5 * fused + 0.01 * draw.normal(size=40)).astype(np.float32)
    has = draw.random(40) < 0.7
    image[~has] = 0
    found = Candidates(left, right, {"fused": fused, "image": image, "lexical": image}, 40, 1)
    sides = units(["x"] * 40, has.tolist()), units(["x"], [True])
    nodes = tuple(Nodes(np.arange(n), np.zeros(n, dtype=np.int64), np.arange(n)) for n in (40, 1))
    views = picture_views.without_gaps(found, (nodes[0], nodes[1]), sides).views
    slope, level = np.polyfit(fused[has], image[has], 1)
    np.testing.assert_allclose(views["image"][~has], level + slope * fused[~has], atol=1e-4)
    np.testing.assert_array_equal(views["image"][has], image[has])
    np.testing.assert_array_equal(views["lexical"], image)  # all have a text


def test_units_are_what_rows_say_and_show() -> None:
    crop = as_png(drawn("Acme"))
    table = pd.DataFrame(
        {"ocr": ["b", "a", None, "b", None, "b"], "crop": [crop, crop, crop, crop, None, None]}
    )
    found = read_units(frames.wrap(table, "left"), ["ocr"], "crop", Serializer())
    assert found.records.texts.tolist() == ["", "a", "b", "b"]
    assert found.records.text_of_row.tolist() == [3, 1, 0, 3, -1, 2]
    assert found.has_picture.tolist() == [True, True, False, True]
    assert found.has_text.tolist() == [False, True, True, True]
    assert np.isnan(found.confidence).all()
    table["sure"] = [0.2, 0.5, None, 0.6, 0.7, 1]
    again = read_units(frames.wrap(table, "left"), ["ocr"], "crop", Serializer(), "sure")
    np.testing.assert_allclose(again.confidence, [np.nan, 0.5, 1.0, 0.4])
    assert found.problems == {"missing": 2} and len(found.picture_of_row) == 6


def in_a_folder(tmp_path: Path) -> tuple[Any, Any]:
    """The books with names of files that are relative to `tmp_path`."""
    left, right = books()
    for name, table in (("left", left), ("right", right)):
        for place, data in enumerate(table["crop"]):
            (tmp_path / f"{name}{place}.png").write_bytes(data)
        table["crop"] = [f"{name}{place}.png" for place in range(len(table))]
    return left, right


def test_paths_begin_at_image_root_in_every_function(tmp_path: Path) -> None:
    left, right = in_a_folder(tmp_path)
    options: dict[str, Any] = {"on": "ocr", "images": "crop", "model": Looking()}
    for call in (
        lambda **more: lt.merge(left, right, **options, **more),
        lambda **more: lt.link(left, right, **options, **more),
        lambda **more: lt.cluster(left, **options, **more),
        lambda **more: lt.cluster_rows(left, **options, **more),
        lambda **more: lt.dedup_rows(left, **options, **more),
        lambda **more: lt.Linker(**options, **more).fit(right, left),
        lambda **more: lt.fit_decision(
            left, right, [(0, 11)], **{**options, "model": "lexical"}, out=tmp_path / "fit", **more
        ),
        lambda **more: lt.fit_decision(
            left, labels=[(0, 1, 0)], **{**options, "model": "lexical"}, out=tmp_path / "fit", **more
        ),
        lambda **more: lt.train_pictures(left, right, [(0, 11)], on="ocr", images="crop", epochs=-1, **more),
    ):
        with pytest.raises(
            lt.InvalidArgumentError, match=r"12 of 12 pictures .*png': not found .*image_root="
        ):
            call()
        with pytest.raises(lt.InvalidArgumentError, match="image_root='nowhere' is not a folder"):
            call(image_root="nowhere")
    linked = lt.merge(left, right, **options, image_root=tmp_path)
    assert firms(linked) == NAMES
    known = lt.Linker(**options, image_root=tmp_path).fit(right, left)
    assert known.predict(left)["reference"].tolist() == list(range(11, -1, -1))
    kept = lt.dedup_rows(left, **options, image_root=tmp_path)["ocr"].tolist()
    assert kept == lt.dedup_rows(books()[0], **options)["ocr"].tolist()
    fitted = lt.fit_decision(
        left, right, [(0, 11)], **{**options, "model": "lexical"}, image_root=tmp_path, out=tmp_path / "run"
    )
    assert fitted.metrics["matches"] == 1
    with pytest.raises(lt.InvalidArgumentError, match=r"image_root= is .*Give images= too"):
        lt.merge(left, right, on="ocr", image_root=tmp_path)
    with pytest.raises(lt.InvalidArgumentError, match=r"image_root= is .*Give images= too"):
        lt.Linker(on="ocr", image_root=str(tmp_path)).fit(right)


def test_a_linker_keeps_image_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left, right = in_a_folder(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    known = lt.Linker(Looking(), on="ocr", images="crop", image_root=tmp_path.name).fit(right, left)
    known.save(tmp_path / "saved")
    monkeypatch.chdir("/")
    again = lt.Linker.load(tmp_path / "saved", model=Looking())
    wanted = known.predict(left)
    pd.testing.assert_frame_equal(again.predict(left), wanted)
    assert len(known.predict({"ocr": "Acme Steel", "crop": "nowhere.png"})) == 1
    unknown = left.assign(crop="nowhere.png")
    with pytest.warns(lt.LinkWarning, match="12 of 12 pictures in column 'crop' of the rows table"):
        assert len(known.predict(unknown)) == 12


def test_most_pictures_unreadable_is_a_warning_in_the_report() -> None:
    left, right = books()
    left.loc[:7, "crop"] = pd.Series([f"{place}.png" for place in range(8)], dtype=object)
    options: dict[str, Any] = {"on": "ocr", "images": "crop", "model": Looking()}
    said = "8 of 12 pictures in column 'crop' of the (left |reference )?table (table )?cannot be read"
    with pytest.warns(lt.LinkWarning, match=said) as warned:
        report = lt.link(left, right, **options).report()
    assert len([one for one in warned if "pictures" in str(one.message)]) == 1
    assert report["warning_codes"][0] == "unreadable_pictures" and report["rows_without_picture"]["left"]
    with pytest.warns(lt.LinkWarning, match=said):
        report = lt.cluster(left, **options).report()
    assert report["warning_codes"][0] == "unreadable_pictures"
    with pytest.warns(lt.LinkWarning, match=said) as warned:
        lt.Linker(**options).fit(left, right)
    assert len([one for one in warned if "pictures" in str(one.message)]) == 1
