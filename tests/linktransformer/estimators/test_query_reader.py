"""A reader in Linker and Deduplicator: at the fit, for rows that come later, saved and loaded."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError, LinkWarning
from tests.reader_tables import OPEN, Knows, tables

LEFT, RIGHT = tables()
ALL = pd.concat([LEFT, RIGHT], ignore_index=True)
THING = np.tile(np.arange(len(LEFT)), 2)
PLAIN = {"model": "lexical", "on": "name"}


def right(known: Any, rows: pd.DataFrame = LEFT) -> int:
    """How many rows are linked to their own row, less those that are linked to another."""
    found = known.predict(rows)["reference"]
    same = found == rows.index
    return int(same.sum() - (found.notna() & ~same).sum())


def linker(reader: Any) -> Any:
    return lt.Linker(**PLAIN, reader=reader).fit(RIGHT, LEFT)


def test_a_linker_reads_the_pairs_in_doubt_of_its_sample_and_of_later_rows() -> None:
    knows = Knows()
    known = linker(knows)
    asked = len(knows.asked)
    assert known._job.scale.slope > 0 and asked > 100
    assert right(known) > right(linker(False)) + OPEN // 3
    assert 0 < len(knows.asked) - asked < asked
    told = known.link(LEFT).report()["read"]
    assert told["reader"] == "Knows" and told["calibrated_by"] == "sure pairs" and told["pairs_read"] > 0


def test_the_answer_for_a_row_depends_on_no_other_row() -> None:
    for reader in (Certain(), True):
        known = linker(reader)
        whole = known.predict(LEFT)
        some = known.predict(LEFT.iloc[95:40:-5])
        pd.testing.assert_frame_equal(some, whole.loc[some.index], atol=1e-5)


class Certain(Knows):
    """Without noise, which depends on how many pairs are read together."""

    def log_odds(self, left: Any, right: Any) -> Any:
        return np.round(super().log_odds(left, right) / 4)


def test_the_bundled_reader_reads_where_it_is_asked_to() -> None:
    assert "read" not in linker(False).link(LEFT).report()
    assert linker(True).link(LEFT).report()["read"]["pairs_read"] > 0
    assert "read" not in linker("auto").link(LEFT).report()  # another model than the bundled one was named
    changed = linker(True).predict(LEFT)["score"] != linker(False).predict(LEFT)["score"]
    assert changed.sum() > OPEN // 2
    with pytest.raises(InvalidArgumentError, match="each row is read by itself"):
        linker(3)


def test_an_estimator_with_a_reader_is_saved_and_loaded(tmp_path: Path) -> None:
    for number, known in enumerate((linker(True), lt.Deduplicator(on="name", reader="auto").fit(ALL))):
        known.save(tmp_path / str(number))
        loaded = type(known).load(tmp_path / str(number))
        assert loaded.reader == known.reader and loaded._query_reader is not None
        pd.testing.assert_frame_equal(loaded.predict(LEFT), known.predict(LEFT))
        pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(known)).predict(LEFT), known.predict(LEFT))


def test_an_object_has_to_be_given_again_and_keeps_its_scale(tmp_path: Path) -> None:
    both = linker(Certain()), lt.Deduplicator(on="name", reader=Certain()).fit(ALL)
    rows = LEFT["name"].str.replace("company", "ltd").to_frame()[70:]
    for number, known in enumerate(both):
        known.save(tmp_path / str(number))
        with pytest.raises(InvalidArgumentError, match=r"an object as reader \(Certain\)"):
            type(known).load(tmp_path / str(number))
        with pytest.raises(TypeError, match=r"its reader is an object \(Certain\)"):
            pickle.dumps(known)
        for other in (type(known).load(tmp_path / str(number), reader=Certain()), copy.deepcopy(known)):
            pd.testing.assert_frame_equal(other.predict(rows), known.predict(rows))
        without = type(known).load(tmp_path / str(number), reader=False)
        assert without._query_reader is None and not without.predict(rows).equals(known.predict(rows))


def test_a_deduplicator_reads_at_the_fit_and_for_rows_that_are_added() -> None:
    def wrong(label: np.ndarray) -> int:
        return sum(len(set(THING[label == each])) > 1 for each in set(label.tolist()))

    assert wrong(lt.Deduplicator(on="name").fit(ALL).labels_) > 20
    knows = Knows()
    known = lt.Deduplicator(on="name", reader=knows).fit(ALL)
    assert wrong(known.labels_) == 0 and known.report()["read"]["reader"] == "Knows"
    order = [*range(80), *range(100, 200), *range(80, 100)]
    joined = {}
    for reader in (False, knows):
        some = lt.Deduplicator(on="name", reader=reader).fit(ALL.iloc[order[:180]])
        asked = len(knows.asked)
        label = some.add(ALL.iloc[order[180:]]).labels_
        joined[reader] = int((label[180:] == label[160:180]).sum())  # their own rows of the right
    assert joined[knows] > joined[False] + 4 and len(knows.asked) > asked


def test_too_few_sure_pairs_leave_the_reader_out_of_later_rows_too() -> None:
    knows = Knows()
    with pytest.warns(LinkWarning, match="Knows is not used"):
        known = lt.Linker(**PLAIN, reader=knows).fit(RIGHT.iloc[58:70], LEFT.iloc[58:70])
    known.predict(LEFT)
    assert not knows.asked and known._job.scale is None


def test_more_pairs_than_a_reader_takes_are_refused() -> None:
    knows = Knows()
    known = linker(knows)
    knows.most_pairs = 3  # type: ignore[attr-defined]
    with pytest.raises(InvalidArgumentError, match=r"at most 3\. Ask fewer rows"):
        known.predict(LEFT)


def test_pictures_are_not_read() -> None:
    table = pd.DataFrame({"name": ["Acme", "Baxter"], "crop": [None, None]})
    with pytest.raises(InvalidArgumentError, match="reader=True reads texts"):
        lt.Linker(model="names", images="crop", on="name", reader=True).fit(table, table)
