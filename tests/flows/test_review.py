"""From links to answers to a learned decision; a killed server; the command line."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.review.answers import Answer, Answers
from tests.review_server import LINKS, ROOT, Browser, Server

SMALL = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "Quincy Glass"]})
REGISTER = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Baxter Motors", "Quincy Glas"]})


def test_answers_survive_a_killed_server_and_the_review_goes_on(tmp_path: Path) -> None:
    asked = []
    with Server(tmp_path) as server:
        browser = server.browser()
        for _ in range(12):
            asked.append(browser.pair())
            browser.answer(asked[-1], "yes")
        server.kill()
    assert Answers(tmp_path / "answers.sqlite").count()["yes"] == 12
    with Server(tmp_path, port=server.port) as again:
        stranger = Browser(again.base, dict(browser.cookies))  # with the cookie of another run
        assert stranger.ask("/").status == 403
        browser = again.browser()
        assert '<b id="count">12</b>' in browser.ask("/table").text
        assert browser.pair() not in asked


def test_two_servers_on_one_file_never_ask_one_pair_at_a_time(tmp_path: Path) -> None:
    with Server(tmp_path) as one, Server(tmp_path) as two:
        browsers = one.browser(), two.browser()  # both are of "ann"
        asked = []
        for _ in range(8):
            now = [browser.pair() for browser in browsers]
            assert now[0] != now[1]
            for browser, pair in zip(browsers, now, strict=True):
                browser.answer(pair, "no")
            asked += now
    assert len(set(asked)) == 16 and Answers(tmp_path / "answers.sqlite").count()["no"] == 16


def test_answers_are_learned_from_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    made: dict = {}
    exec(LINKS, made)  # the tables that the server asks about
    links = made["result"]()
    with Server(tmp_path) as server:
        browser = server.browser()
        for _ in range(30):
            pair = browser.pair()
            shown = browser.ask(f"/pair/{pair}").text
            labels = re.findall(r'<th scope="col">(?:left|right) <bdi>(\d+)</bdi>', shown)
            browser.answer(pair, "yes" if labels[0] == labels[1] else "no")
        other = server.browser("bob")
        other.answer(other.pair(), "unsure")
    tables = links.left.frame.to_native(), links.right.frame.to_native()
    model = lt.fit_decision(*tables, path, on=["name", "city"], model="lexical", out=tmp_path / "out")
    read = Answers(path).labels()
    triples = [(int(a), int(b), m) for a, b, m in zip(read.left, read.right, read.match, strict=True)]
    same = lt.fit_decision(*tables, triples, on=["name", "city"], model="lexical", out=tmp_path / "same")
    # answers for doubtful pairs say nothing of how many of the others match, unlike labels of a random sample
    assert model.correction.features == same.correction.features
    assert model.correction.intercept != same.correction.intercept
    assert model.metrics["answers_unsure"] == 1 and model.metrics["answers_disputed"] == 0
    assert model.metrics["matches"] + model.metrics["non_matches"] == 30
    assert lt.link(*tables, on=["name", "city"], model=model).report()["decision"] == "learned from labels"


def test_answers_about_clusters_are_learned_from(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": [*SMALL["name"], *REGISTER["name"]]})
    answers = Answers(tmp_path / "answers.sqlite")
    answers.about(kind="clusters")
    answers.add(Answer("0", "3", "yes"), Answer("1", "4", "no"))
    model = lt.fit_decision(table, labels=answers, on="name", out=tmp_path / "out")
    assert (model.metrics["matches"], model.metrics["non_matches"]) == (1, 1)
    with pytest.raises(lt.InvalidArgumentError, match="one table"):
        lt.fit_decision(SMALL, REGISTER, answers, on="name", out=tmp_path / "out")


def test_a_review_of_other_tables_is_refused_before_it_begins(tmp_path: Path) -> None:
    links = lt.link(SMALL, REGISTER, on="name", model="lexical")
    answers = Answers(tmp_path / "answers.sqlite")
    answers.add(Answer("7", "0", "yes"))
    with pytest.raises(lt.InvalidArgumentError, match="1 answers about rows"):
        links.review(answers, browser=False)
    answers.about(kind="links")
    with pytest.raises(lt.InvalidArgumentError, match="these are clusters"):
        lt.cluster(SMALL, on="name", model="lexical").review(answers, browser=False)
    with pytest.raises(lt.InvalidArgumentError, match="port=70000"):
        lt.review(links, tmp_path / "other.sqlite", port=70000, browser=False)
    with pytest.raises(lt.ColumnNotFoundError, match="scan"):
        lt.review(links, tmp_path / "other.sqlite", pictures="scan", browser=False)
    with pytest.raises(TypeError, match="host"):
        lt.review(links, tmp_path / "other.sqlite", host="0.0.0.0")


@pytest.mark.parametrize("right", [True, False])
def test_the_command_serves_and_ends_with_ctrl_c(tmp_path: Path, right: bool) -> None:
    SMALL.to_csv(tmp_path / "left.csv", index=False)
    REGISTER.to_csv(tmp_path / "right.csv", index=False)
    tables = ["left.csv", "right.csv"][: 1 + right]
    command = [sys.executable, "-m", "linktransformer.cli.main", "review", *tables, "--on", "name"]
    runner = "import sys; from linktransformer.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", runner, *command[3:], "--model", "lexical", "--no-browser", "--quiet"]
    process = subprocess.Popen(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    with process:
        url = ""
        for line in process.stderr:
            if found := re.search(r"(http://127\.0\.0\.1:\d+)(/enter\S+)", line):
                url = found.group(0)
                break
        base, enter = found.groups()
        browser = Browser(base)
        browser.ask(enter)
        assert browser.ask("/clusters").status == (404 if right else 200)
        pair = browser.pair()
        if right:
            browser.answer(pair, "yes")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, url
    assert (tmp_path / "answers.sqlite").is_file()
    assert sorted(path.name for path in tmp_path.glob("answers*")) == ["answers.sqlite"]  # no journal is left


def test_the_button_ends_the_review(tmp_path: Path) -> None:
    with Server(tmp_path) as server:
        assert "has ended" in server.browser().ask("/end", {}).text
        assert server.process.wait(30) == 0


def test_lt_review_can_be_called_however_its_package_was_imported() -> None:
    shown = "print(callable(lt.review), lt.review.__name__, 'uvicorn' in sys.modules)"
    script = "import linktransformer as lt{}\n" + shown
    for first in (
        "",
        "; import linktransformer.review.answers",
        "; from linktransformer.review import pairs",
    ):
        command = [sys.executable, "-c", "import sys; " + script.format(first)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["True", "linktransformer.review", "False"]


def test_a_missing_package_is_named_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    links = lt.link(SMALL, REGISTER, on="name", model="lexical")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(lt.MissingExtraError, match=r"linktransformer\[review\]"):
        links.review(tmp_path / "answers.sqlite")
    assert not (tmp_path / "answers.sqlite").exists()
