"""The benchmark of the default link: sides in processes of their own, and tables worked out by hand."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tools import data
from tools.data import TwoTables

from . import decision_files, default_speed, jobs, ours, splink_links
from .default_speed import DEFAULT, FULL, LEXICAL, OLD, SPLINK, TFIDF, Job
from .measure import JobError, Measured

SMALL = Job("firms_4_columns", "records", 60)


def options_of(*arguments: str, out: Path | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    default_speed.add_arguments(parser)
    options = parser.parse_args(arguments)
    options.out = out
    return options


def row(job: str, side: str, cpu: float, f1: float = 0.5) -> dict[str, Any]:
    numbers = dict.fromkeys(default_speed.NUMBERS, 1.0) | {"CPU s": cpu, "wall s": cpu, "F1": f1}
    return {"job": job, "side": side, **numbers, "texts encoded": 0}


def test_a_side_links_in_a_process_of_its_own() -> None:
    options = options_of("--repeats", "1", "--sides", LEXICAL, TFIDF)
    commands, skipped = default_speed.commands_of(options)
    runs, failed = default_speed.runs_of(SMALL, commands, options)
    assert not skipped and not failed and [run["side"] for run in runs] == [LEXICAL, TFIDF]
    tables = default_speed.tables_of(SMALL, None)
    pairs = ours.link(tables, model="lexical").pairs
    correct = len(pairs & tables.truth)
    assert runs[0]["F1"] == 2 * correct / (len(pairs) + len(tables.truth)) and runs[0]["links"] == len(pairs)
    assert runs[0]["CPU s"] > 0 and runs[0]["import CPU s"] > 0 and not runs[0]["encoder ran"]
    assert runs[1]["F1"] > 0.8


def test_texts_are_counted_at_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    towns = ["Athina", "Thessaloniki", "Patra", "Larisa", "Volos", "Ioannina", "Chania", "Kalamata"]
    greek = ["Αθήνα", "Θεσσαλονίκη", "Πάτρα", "Λάρισα", "Βόλος", "Ιωάννινα", "Χανιά", "Καλαμάτα"]
    frames = [pd.DataFrame({"id": towns, "name": names}) for names in (towns, greek)]
    tables = TwoTables("towns", frames[0], frames[1], frozenset(zip(towns, towns, strict=True)))
    monkeypatch.setattr(default_speed, "tables_of", lambda job, rows: tables)
    options = options_of("--repeats", "1", "--sides", DEFAULT)
    commands, _ = default_speed.commands_of(options)
    (run,), _ = default_speed.runs_of(SMALL, commands, options)  # n-grams have nothing in common here
    assert run["encoder ran"] and run["texts encoded"] > 0


def test_two_rows_are_timed_from_the_import_on() -> None:
    options = options_of("--repeats", "1", "--sides", LEXICAL, TFIDF)
    (start,), failed = default_speed.two_rows(default_speed.commands_of(options)[0], options)
    assert start["side"] == LEXICAL and start["runs"] == 1 and not failed
    assert start["first s"] > start["import s"] > 0 and start["first s"] > start["second s"] > 0


def test_tables_keep_their_rows_in_files(tmp_path: Path) -> None:
    left = pd.DataFrame({"id": ["a", "b", "c"], "name": ["x", "", 'a "b",\nc']})
    tables = TwoTables("t", left, left, frozenset())
    for path in splink_links.write(tables, tmp_path):
        read = pd.read_csv(path, dtype=str, keep_default_na=False)
        assert read["name"].tolist() == left["name"].tolist()


def test_generated_tables_are_what_the_page_says(monkeypatch: pytest.MonkeyPatch) -> None:
    four = default_speed.tables_of(SMALL, 40)
    name = default_speed.tables_of(Job("firms_name", "record names", 60), 40)
    assert four.left_keys == ["firm", "person", "street", "town"] and name.left_keys == ["firm"]
    assert len(four.left) == 40 and four.left["firm"].tolist() == name.left["firm"].tolist()
    assert four.truth == name.truth and len(four.truth) == 28

    class Firms:
        @staticmethod
        def two_tables(left: int, right: int) -> tuple[Any, Any]:
            return tuple(
                pd.DataFrame({"gid": gid, "name": ["x"] * 3, "city": ["y"] * 3})
                for gid in ([2, 0, 2], [0, 1, 2])
            )

    monkeypatch.setattr(data, "module", lambda *_: Firms)
    firms = default_speed.tables_of(Job("synthetic_firms", "synthetic", 3), None)
    assert firms.truth == {("0", "2"), ("1", "0"), ("2", "2")} and firms.left_keys == ["name"]


def test_splink_and_the_old_package_give_the_best_match_of_a_left_row() -> None:
    table = pd.DataFrame({"id": ["a", "b"], "name": ["x", "y"]})
    tables = TwoTables("t", table, table, frozenset([("a", "a"), ("b", "b")]))
    times = dict.fromkeys(("call CPU s", "call s", "import CPU s", "import s"), 1.0)
    pairs = [[0, 0, 0.9], [0, 1, 0.8], [1, 0, 0.7]]
    found = default_speed.row_of(tables, SPLINK, Measured(1.0, 1.0, 5.0, {**times, "pairs": pairs}))
    assert (found["links"], found["F1"], found["peak MB"]) == (2, 0.5, 5.0)


def test_medians_ratios_and_verdicts_by_hand() -> None:
    runs = [row("dblp_acm", DEFAULT, cpu, 0.97) for cpu in (6.0, 9.0, 50.0)]
    runs += [row("dblp_acm", FULL, 30.0, 0.98), row("dblp_acm", OLD, 40.0), row("dblp_acm", SPLINK, 3.0)]
    runs += [row("names", DEFAULT, 2.0, 0.6), row("names", FULL, 4.0, 0.604), row("x", LEXICAL, 1.0)]
    middle = default_speed.medians(runs)
    assert middle[0]["CPU s"] == 9.0 and middle[0]["runs"] == 3
    ratios = {(one["job"], one["other"]): one for one in default_speed.ratios(middle)}
    assert ratios["dblp_acm", SPLINK]["CPU s, default / other"] == 3.0 and ("x", LEXICAL) not in ratios
    assert ratios["dblp_acm", FULL]["F1, default - other"] == pytest.approx(-0.01)
    verdicts = [(one["job"], one["bound"], one["met"]) for one in default_speed.verdicts(middle)]
    assert verdicts == [
        ("dblp_acm", -0.005, False),
        ("dblp_acm", 10.0, True),
        ("dblp_acm", 7.5, False),
        ("dblp_acm", 8.0, False),
        ("names", -0.005, True),
    ]


def test_a_side_that_fails_stops_nothing_and_what_is_known_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[str] = []

    def once(command: Any, side: str, fold: str, options: Any) -> Measured:
        asked.append(side)
        if side == FULL:
            raise JobError("python ended with 1\nTraceback\nModelError: no such model")
        if len(asked) > 5:
            raise KeyboardInterrupt
        times = dict.fromkeys(("call CPU s", "call s", "import CPU s", "import s"), 1.0)
        return Measured(1.0, 1.0, 5.0, {**times, "pairs": [], "texts": 3})

    monkeypatch.setattr(default_speed, "once", once)
    monkeypatch.setattr(default_speed, "commands_of", lambda options: (dict.fromkeys(options.sides, ()), []))
    given = ("--jobs", "firms_4_columns", "firms_name", "--rows", "9", "--repeats", "2", "--old-repeats", "1")
    out = tmp_path / "out.json"
    with pytest.raises(KeyboardInterrupt):
        default_speed.run(options_of(*given, "--sides", DEFAULT, FULL, OLD, out=out))
    assert asked[:5] == [DEFAULT, FULL, OLD, DEFAULT, DEFAULT]
    written = json.loads(out.read_text(encoding="utf-8"))
    assert [one["side"] for one in written["tables"]["medians"]] == [DEFAULT, OLD]
    assert written["skipped"] == ["firms_4_columns, full, run 1: ModelError: no such model"]


def test_jobs_by_group_and_sides_without_an_environment(tmp_path: Path) -> None:
    def names(*arguments: str) -> list[str]:
        return [job.name for job in default_speed.JOBS if default_speed.wanted(job, options_of(*arguments))]

    assert len(names()) == 10 and len(names("--crosslingual", "--large")) == 14
    assert names("--jobs", "large") == ["large"] and names("--jobs") == []
    commands, skipped = default_speed.commands_of(options_of("--old-venv", str(tmp_path)))
    assert set(commands) == {DEFAULT, FULL, LEXICAL, TFIDF} and len(skipped) == 2


def test_our_sides_decide_by_the_model_of_the_fold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / decision_files.FOLDS).write_text('{"abt_buy": 1}', encoding="utf-8")
    monkeypatch.setattr(default_speed, "run_job", lambda command, env, timeout: env)
    monkeypatch.delenv(decision_files.VARIABLE, raising=False)
    options = options_of("--folds", str(tmp_path))
    env: Any = default_speed.once([], DEFAULT, "abt_buy", options)
    assert env[decision_files.VARIABLE] == str(tmp_path / "fold-1.npz") and env["PYTHONPATH"] == str(
        data.ROOT
    )
    assert decision_files.VARIABLE not in default_speed.once([], OLD, "abt_buy", options)
    assert decision_files.VARIABLE not in os.environ


def test_the_encoder_is_read_from_the_report_and_counted() -> None:
    report = {"encoded": {"records": [3, 4], "of": [5, 6]}, "links": 8}
    assert ours.encoding_of({"texts": 9, "report": report}) == {
        "encoder ran": True,
        "records encoded": 7,
        "texts encoded": 9,
    }
    assert ours.encoding_of({"report": {"links": 8}})["records encoded"] is None
    clock = jobs.Clock()
    assert clock.counting(lambda self, texts: texts)(None, ["a", "b"]) == ["a", "b"]
    assert (clock.calls, clock.texts) == (1, 2)
    clock.keeping(lambda: "links")()
    assert clock.links == "links"
