"""A row that is asked is judged as one more row of the sample that its reference was fitted with."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import rows_of

SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "pa", "ri", "so", "tu", "va", "we", "xi", "yo", "zu", "do", "fe")
TOWNS = ["Bale", "Kemi", "Lora", "Nupa", "Riso", "Tuva"]
ON = ["name", "born", "town", "income"]


class Letters:
    """A model whose vectors are counts of letters."""

    def encode(self, texts: list[str]) -> list[list[float]]:
        return [
            [float(text.lower().count(letter)) + 0.1 for letter in "abdefiklmnoprstuvwxyz"] for text in texts
        ]


def people(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A register, and rows of which half name someone in it."""
    draw = np.random.default_rng(seed)

    def words(how_many: int) -> list[str]:
        return ["".join(draw.choice(SYLLABLES, 3)) for _ in range(how_many)]

    def some(how_many: int) -> pd.DataFrame:
        days = pd.Timestamp("1940-01-01") + pd.to_timedelta(draw.integers(0, 20_000, how_many), unit="D")
        return pd.DataFrame(
            {
                "name": [f"{a} {b}" for a, b in zip(words(how_many), words(how_many), strict=True)],
                "born": days.strftime("%d.%m.%Y"),
                "town": draw.choice(TOWNS, how_many),
                "income": draw.integers(10_000, 90_000, how_many).astype(str),
            }
        )

    register, others = some(n), some(n // 3)
    known = register.iloc[draw.permutation(n)[: n // 3]].reset_index(drop=True)
    at = draw.integers(1, 8, len(known)).tolist()
    known["name"] = [text[:cut] + "q" + text[cut + 1 :] for text, cut in zip(known["name"], at, strict=True)]
    known["born"] = known["born"].where(draw.random(len(known)) > 0.3, None)
    return register.set_axis([f"p{row}" for row in range(n)]), pd.concat([known, others], ignore_index=True)


def decided(links: lt.Links, n: int) -> tuple[np.ndarray, np.ndarray]:
    row, score = np.full(n, -1), np.full(n, np.nan)
    row[links.left_rows], score[links.left_rows] = links.right_rows, links.score
    return row, score


@pytest.mark.parametrize("model", ["lexical", Letters()], ids=["lexical", "letters"])
@pytest.mark.parametrize(("on", "block_on"), [(ON, None), (["name"], None), (["name", "born"], "town")])
@pytest.mark.parametrize("threshold", ["auto", {"precision": 0.97}], ids=["auto", "precision"])
def test_rows_of_the_sample_are_linked_as_a_merge_links_them(
    model: Any, on: list[str], block_on: str | None, threshold: Any
) -> None:
    register, asked = people(240)
    linker = lt.Linker(model, threshold, on=on, block_on=block_on).fit(register, asked)
    wanted = lt.link(
        asked, register, on=on, model=model, block_on=block_on, threshold=threshold, validate="m:1"
    )
    (row, score), (same, merged) = decided(linker.link(asked), 160), decided(wanted, 160)
    assert 50 < len(wanted) < 130
    assert (row == same).mean() > 0.98
    both = (row >= 0) & (row == same)
    # equally near candidates are taken in another order
    assert (np.abs(score[both] - merged[both]) < 1e-3).mean() > 0.85


@pytest.mark.parametrize("sample", [True, False], ids=["queries", "copies"])
@pytest.mark.parametrize("block_on", [None, "town"], ids=["all", "blocks"])
def test_what_a_row_gets_does_not_depend_on_the_rows_beside_it(sample: bool, block_on: str | None) -> None:
    register, asked = people(120)
    new = people(120, seed=1)[1].head(30)  # with dates and numbers that the job has not seen
    on = [name for name in ON if name != block_on]
    linker = lt.Linker(Letters(), on=on, block_on=block_on, k=3).fit(register, asked if sample else None)
    rows = pd.concat([new, asked.head(30), new.tail(3)], ignore_index=True)
    together = linker.predict(rows)
    assert together["score"].notna().sum() > 40
    assert [rows_of(linker.predict(rows.iloc[[place]]))[0] for place in range(len(rows))] == rows_of(together)
    pd.testing.assert_frame_equal(together[::-1], linker.predict(rows[::-1]), check_exact=True)


def test_what_is_saved_answers_bit_for_bit(tmp_path: Path) -> None:
    register, asked = people(120)
    register["note"] = [
        f"lives near the old bridge of {town}, in number {row}" for row, town in enumerate(register["town"])
    ]
    asked["note"] = [f"a house at the bridge of {town}" for town in asked["town"]]
    linker = lt.Linker(Letters(), on=[*ON, "note"], block_on="town").fit(register, asked)
    linker.save(tmp_path / "saved")
    loaded = lt.Linker.load(tmp_path / "saved", model=Letters())
    new = pd.concat([asked, people(120, seed=1)[1].assign(note=None)], ignore_index=True)
    pd.testing.assert_frame_equal(loaded.predict(new), linker.predict(new), check_exact=True)
    assert loaded.threshold_ == linker.threshold_
    more = people(30, seed=2)[0].assign(note="no one knows").set_axis(range(30))
    pd.testing.assert_frame_equal(
        loaded.add(more).remove("p3").predict(new),
        linker.add(more).remove("p3").predict(new),
        check_exact=True,
    )


@pytest.mark.parametrize(("version", "todo"), [(1, "Fit and save again"), (99, "Update the package")])
def test_a_folder_of_another_version_is_refused(version: int, todo: str, tmp_path: Path) -> None:
    lt.Linker("lexical", on="name").fit(people(30)[0]).save(tmp_path / "saved")
    path = tmp_path / "saved" / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format": version}))
    with pytest.raises(lt.InvalidArgumentError, match=f"has format {version}; .*{todo}"):
        lt.Linker.load(tmp_path / "saved")


@pytest.mark.parametrize("sample", [True, False], ids=["queries", "copies"])
@pytest.mark.parametrize("block_on", [None, "town"], ids=["all", "blocks"])
def test_rows_that_are_added_are_judged_nearly_as_if_they_had_been_there(
    sample: bool, block_on: str | None
) -> None:
    register, asked = people(240)
    on = [name for name in ON if name != block_on]
    queries = asked if sample else None
    whole = lt.Linker("lexical", 0.5, on=on, block_on=block_on).fit(register, queries).predict(asked)
    grown = lt.Linker("lexical", 0.5, on=on, block_on=block_on).fit(register.iloc[:200], queries)
    before = grown.predict(asked)
    found = grown.add(register.iloc[200:]).predict(asked)
    alike = found["reference"].fillna("") == whole["reference"].fillna("")
    assert alike.mean() > 0.97
    late = whole["reference"].isin(register.index[200:])
    assert late.sum() > 5 and alike[late].mean() > 0.8
    grown.remove(register.index[200:].tolist())
    pd.testing.assert_frame_equal(grown.predict(asked), before, check_exact=True)


def test_copies_of_a_record_are_no_rivals_of_a_row_that_is_asked_and_strangers_are_not_linked_more() -> None:
    register, asked = people(300)  # of so few syllables that a merge links many strangers
    linker = lt.Linker("lexical", on="name").fit(register)
    found = linker.predict(asked)["reference"]
    assert (found.iloc[:100].notna()).sum() > 90
    merged = lt.link(asked, register, on="name", model="lexical")
    assert found.iloc[100:].notna().sum() < (merged.left_rows >= 100).sum()
    assert linker.link(asked).report()["sample"] == "noisy copies"
    assert linker.fit(register, asked).link(asked).report()["sample"] == "queries"


def test_the_sample_is_held_against_records_that_are_added() -> None:
    register, asked = people(150)
    linker = lt.Linker("lexical", on="name").fit(register.iloc[:120], asked).add(register.iloc[120:])
    job, known = linker._job, linker._reference
    assert job is not None
    every = (job.sample.matrices["lexical"] @ known.matrices["lexical"].T).toarray()
    for record in range(120, 150):
        here = job.pairs.right == record
        assert here.sum() >= 10  # the sample's nearest rows, k of them
        assert job.pairs.views["lexical"][here].max() == pytest.approx(every[:, record].max(), abs=1e-5)
        assert np.isfinite(job.pairs.job[here & job.pairs.described]).all()
        others = np.delete(known.matrices["lexical"] @ known.matrices["lexical"][record].T.toarray(), record)
        assert job.own["lexical"][record] == pytest.approx(others.max(), abs=1e-5)


def test_a_precision_that_no_link_has_links_nothing(caplog: pytest.LogCaptureFixture) -> None:
    register, asked = people(60)
    strangers = asked.iloc[20:].reset_index(drop=True)
    with caplog.at_level(logging.WARNING, logger="linktransformer.estimators.sample_fit"):
        linker = lt.Linker("lexical", {"precision": 0.9999}, on=ON).fit(register, strangers)
    assert "cannot be reached" in caplog.text
    assert linker.threshold_ == 1.0 and not len(linker.link(strangers))


def test_rows_that_are_less_clear_than_the_sample_are_linked_where_they_are_more_probable_than_not() -> None:
    register, asked = people(120)
    clear = register.iloc[:60].reset_index(drop=True)
    linker = lt.Linker("lexical", on=ON).fit(register, clear)
    assert linker.link(clear).score.min() > 0.9 and linker.threshold_ == 0.5
    assert linker.predict(asked.iloc[:40])["reference"].notna().mean() > 0.9


def test_the_first_rows_may_come_later() -> None:
    register, asked = people(90)
    linker = lt.Linker("lexical", on=ON).fit(register.iloc[:0])
    assert linker.predict(asked)["reference"].isna().all()
    linker.add(register)
    found = linker.predict(asked)["reference"]
    wanted = lt.Linker("lexical", on=ON).fit(register).predict(asked)["reference"]
    pd.testing.assert_series_equal(found, wanted)
    assert found.notna().sum() > 20


def test_equal_texts_come_first() -> None:
    register, asked = people(60)
    twins = register.assign(name=register["name"].str.upper()).set_axis([f"upper {row}" for row in range(60)])
    both = pd.concat([twins, register])
    linker = lt.Linker("lexical", None, on="name").fit(both, asked)
    assert linker.predict(register)["reference"].tolist() == register.index.tolist()
    assert linker.predict(twins)["reference"].tolist() == twins.index.tolist()
