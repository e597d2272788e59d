"""Whole stories: two tables in, decisions out, in each library."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from tests.conftest import make, to_pandas

LEFT = {"name": ["Acme Steel Corp.", "Baxter Dairy Co", None, "Quill & Sons Paper"], "year": [1, 2, 3, 4]}
RIGHT = {"name": ["ACME STEEL CORPORATION", "Zeller Motors", "Quill Sons Paper Ltd"], "code": [7, 8, 9]}
WANTED = {("Acme Steel Corp.", 7), ("Quill & Sons Paper", 9)}


def linked(frame: pd.DataFrame) -> set[tuple[str, int]]:
    both = frame.dropna(subset=["score"])
    return {(str(a), int(b)) for a, b in zip(both.name_x, both.code, strict=True)}


def test_four_lines_in_every_library(library: str) -> None:
    merged = lt.merge(make(library, LEFT), make(library, RIGHT), on="name")
    frame = to_pandas(merged)
    assert len(frame) == 4
    assert linked(frame) == WANTED
    assert frame.year.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(("how", "rows"), [("left", 4), ("inner", 2), ("right", 3), ("outer", 5)])
def test_how_keeps_the_rows_it_names(how: str, rows: int) -> None:
    merged = lt.merge(
        pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", how=how, model="lexical", indicator=True
    )
    assert len(merged) == rows
    assert linked(merged) == WANTED
    assert (merged["_merge"] == "both").sum() == 2
    if how == "right":
        assert merged.code.tolist() == [7, 8, 9]


def test_unlinked_rows_have_a_reason() -> None:
    links = lt.link(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", model="lexical")
    reasons = {(row.side, row.row): row.reason for row in links.unlinked.itertuples()}
    assert reasons[("left", 2)] == "no key"
    assert set(reasons) == {("left", 1), ("left", 2), ("right", 1)}
    counts = links.report()["left"]
    assert counts["rows"] == sum(n for reason, n in counts.items() if reason != "rows")


def test_one_to_one_is_the_best_total() -> None:
    left = pd.DataFrame(
        {"name": ["acme steel works in boston", "acme steel works"]}
    )  # no equal texts: they go first
    right = pd.DataFrame({"name": ["acme steel works boston", "acme steel wks bosto"]})
    links = lt.link(left, right, on="name", model="lexical", validate="1:1", threshold=0.1)
    assert len(set(links.left_rows.tolist())) == len(set(links.right_rows.tolist())) == len(links)
    every = lt.link(left, right, on="name", model="lexical", validate="m:m", threshold=None)
    odds = np.full((2, 2), 1e-9)
    odds[every.left_rows, every.right_rows] = every.score / (1 - every.score)
    value = np.maximum(np.log(odds) - np.log(0.1 / 0.9), 0)  # above the threshold
    total = value[links.left_rows, links.right_rows].sum()
    assert total == pytest.approx(max(np.trace(value), np.trace(value[::-1])), abs=1e-4) and total > 0


def test_a_handful_of_names_in_two_scripts(library: str) -> None:
    left = {"firm": ["トヨタ自動車", "ソニー", "日立製作所", "東京電力"]}
    right = {"name": ["Hitachi, Ltd.", "Tokyo Electric Power Company", "Sony Corporation", "Toyota Motor"]}
    tables = make(library, left), make(library, right)
    frame = to_pandas(lt.merge(*tables, left_on="firm", right_on="name"))
    assert frame.name.tolist() == [right["name"][row] for row in (3, 2, 0, 1)]
    assert frame.score.between(0.3, 1).all()  # by the model alone, as n-grams have nothing to say


SCRIPTS = [("トヨタ自動車", "Toyota Motor"), ("ソニー", "Sony Corporation"), ("日立製作所", "Hitachi, Ltd."),
           ("東京電力", "Tokyo Electric Power Company"), ("任天堂", "Nintendo")]  # fmt: skip


def test_a_panel_in_two_scripts_links_in_every_year() -> None:
    years = range(8)
    left = pd.DataFrame([(firm, year) for year in years for firm, _ in SCRIPTS], columns=["name", "year"])
    right = pd.DataFrame([(name, year) for year in years for _, name in SCRIPTS], columns=["name", "year"])
    links = lt.link(left, right, on="name", block_on="year")
    assert links.left_rows.tolist() == links.right_rows.tolist() == list(range(40))


@pytest.mark.parametrize("n", [2, 4])
def test_many_spellings_of_few_names_do_not_hide_them(n: int) -> None:
    endings = ["", "株式会社", "グループ", " 本社"]
    left = pd.DataFrame({"name": [firm + end for firm, _ in SCRIPTS[:n] for end in endings]})
    right = pd.DataFrame({"name": [name for _, name in SCRIPTS[:n]]})
    links = lt.link(left, right, on="name")
    assert (links.left_rows // len(endings)).tolist() == links.right_rows.tolist()
    assert set(links.right_rows.tolist()) == set(range(n))


def test_blocks_must_be_equal_and_null_blocks_link_with_nothing() -> None:
    left = pd.DataFrame({"name": ["acme", "acme", "acme"], "state": ["a", "b", None]})
    right = pd.DataFrame({"name": ["acme ltd", "acme inc"], "state": ["b", None]})
    links = lt.link(left, right, on="name", block_on="state", model="lexical")
    assert links.left_rows.tolist() == [1]
    assert links.right_rows.tolist() == [0]


def test_the_output_merges_again_and_keeps_a_score_column() -> None:
    left = pd.DataFrame(LEFT).assign(score=0.5)
    once = lt.merge(left, pd.DataFrame(RIGHT), on="name", model="lexical")
    assert once["score"].tolist() == [0.5] * 4
    assert once["score_lt"].notna().sum() == 2
    again = lt.merge(once, pd.DataFrame(RIGHT), left_on="name_x", right_on="name", model="lexical")
    assert len(again) == 4


@pytest.mark.parametrize("rows", [(0, 3), (3, 0), (0, 0), (1, 1)])
def test_empty_and_tiny_tables(rows: tuple[int, int]) -> None:
    left = pd.DataFrame(LEFT).head(rows[0])
    right = pd.DataFrame(RIGHT).head(rows[1])
    merged = lt.merge(left, right, on="name", how="outer", model="lexical")
    links = int((rows[0] > 0) and (rows[1] > 0))
    assert len(merged) == rows[0] + rows[1] - links


def test_bad_arguments_are_clear_errors() -> None:
    left, right = pd.DataFrame(LEFT), pd.DataFrame(RIGHT)
    with pytest.raises(lt.ColumnNotFoundError, match="Did you mean 'name'"):
        lt.merge(left, right, on="nmae")
    with pytest.raises(lt.InvalidArgumentError, match="how='sideways'"):
        lt.merge(left, right, on="name", how="sideways")
    with pytest.raises(lt.InvalidArgumentError, match="validate='1-1'"):
        lt.merge(left, right, on="name", validate="1-1")
    with pytest.raises(lt.InvalidArgumentError, match="threshold="):
        lt.merge(left, right, on="name", threshold={"recall": 0.5})
    with pytest.raises(lt.InvalidArgumentError, match="right_on="):
        lt.merge(left, right, left_on="name")
    with pytest.raises(lt.InvalidArgumentError, match="k=0"):
        lt.merge(left, right, on="name", k=0)
    with pytest.raises(lt.InvalidArgumentError, match="share no text column"):
        lt.merge(left[["year"]], right)
    with pytest.raises(lt.TableTypeError, match="polars"):
        lt.merge(make("polars", LEFT), right, on="name")
    with pytest.raises(lt.ModelError, match="no-such-model"):
        lt.merge(left, right, on="name", model="./no-such-model")


def test_an_object_with_encode_is_a_model() -> None:
    class Letters:
        def encode(self, texts: list[str]) -> list[list[float]]:
            return [[float(text.lower().count(letter)) + 0.01 for letter in "abcdefghij"] for text in texts]

    links = lt.link(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", model=Letters())
    assert set(links.views) == {"lexical", "dense"}
    assert (0, 0) in set(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))


def test_above_and_evaluate() -> None:
    links = lt.link(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", model="lexical")
    truth = pd.DataFrame({"left": [0, 1], "right": [0, 1]})
    measured = links.evaluate(truth)
    assert (measured["precision"], measured["recall"]) == (0.5, 0.5)
    assert links.evaluate([(0, 0), (3, 2)])["f1"] == 1.0
    few = links.above(float(links.score.max()))
    assert len(few) == 1
    assert few.report()["left"]["below the threshold"] == 2
    assert len(links) == 2


class Reading:
    """An encoder that keeps what it was given to read."""

    def __init__(self, **serializer: object) -> None:
        self.serializer = serializer
        self.read: list[str] = []

    def encode(self, texts: list[str]) -> list[list[float]]:
        self.read += texts
        return [[1.0, float(len(text))] for text in texts]


def test_a_model_reads_rows_as_it_was_trained_to() -> None:
    left, right = pd.DataFrame(LEFT), pd.DataFrame(RIGHT)
    model = Reading(labels=True, separator=" | ")
    plain = lt.link(left, right, left_on=["name", "year"], right_on=["name", "code"], model=Reading())
    links = lt.link(left, right, left_on=["name", "year"], right_on=["name", "code"], model=model)
    assert model.read[0] == "name: Acme Steel Corp. | year: 1"
    assert model.read[2] == "year: 3"
    assert model.read[-1] == "name: Quill Sons Paper Ltd | code: 9"
    # the n-grams read the values alone, whatever the model wants
    np.testing.assert_array_equal(links.views["lexical"], plain.views["lexical"])


def test_a_models_unknown_way_of_writing_rows_is_refused() -> None:
    with pytest.raises(lt.ModelError, match="colour"):
        lt.merge(pd.DataFrame(LEFT), pd.DataFrame(RIGHT), on="name", model=Reading(colour="red"))


def test_the_runner_up_is_the_best_of_the_others() -> None:
    left = pd.DataFrame({"name": ["acme steel works", "zeller"]})
    right = pd.DataFrame({"name": ["acme steel", "acme steel works", "acme", "zeller"]}, index=list("abcd"))
    shown = lt.link(left, right, on="name", model="lexical").explain(0)
    assert shown["right"].tolist()[0] == "b"
    every = lt.link(left, right, on="name", model="lexical", validate="m:m", threshold=None).pairs
    others = every[(every["left"] == 0) & (every["right"] != "b")].sort_values("score", ascending=False)
    assert shown["runner_up"].tolist()[0] == others["right"].iloc[0]
    assert shown["runner_up_score"].tolist()[0] == pytest.approx(others["score"].iloc[0])
