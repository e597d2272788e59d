"""Errors of the command line: one line, with what was probably meant."""

from __future__ import annotations

import pytest

from linktransformer.cli.main import main


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            "merge a.csv b.csv --on name --treshold .8",
            "there is no option --treshold .8. Did you mean --threshold?",
        ),
        (
            "merge a.csv b.csv --on name --blok-on=state",
            "there is no option --blok-on=state. Did you mean --block-on?",
        ),
        ("merge a.csv b.csv c.csv", "there is no argument c.csv. Help"),
        ("merge a.csv", "required: right. Help: linktransformer merge --help"),
        ("merge a.csv b.csv --threshold high", "'high' is not auto, none, a number or precision=0.95. Help"),
        ("dedup a.csv --keep last", "'last'"),
        ("mrege a.csv b.csv", "mrege is not a command. Did you mean merge? The commands: merge, link, dedup"),
        ("--fast", "there is no option --fast. Help: linktransformer --help"),
        ("cache inof", "inof"),
    ],
)
def test_bad_usage_is_one_line(typed: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(typed.split()) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
