"""Errors, optional packages and the progress bar."""

from __future__ import annotations

import sys

import pytest

from linktransformer import errors, progress
from linktransformer.optional import need


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.ColumnNotFoundError, KeyError),
        (errors.InvalidArgumentError, ValueError),
        (errors.TableTypeError, TypeError),
        (errors.MissingExtraError, ImportError),
        (errors.ModelError, ValueError),
    ],
)
def test_an_error_is_ours_and_the_builtin_and_reads_as_written(
    error: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(error, errors.LinkTransformerError) and issubclass(error, builtin)
    assert str(error("it's\nwrong")) == "it's\nwrong"


def test_a_missing_package_names_the_pip_line() -> None:
    with pytest.raises(
        errors.MissingExtraError, match=r'no_such_pkg is needed.*pip install "linktransformer\[cpu\]"'
    ):
        need("no_such_pkg.inner", extra="cpu")


def test_a_package_that_breaks_while_it_is_imported_says_so(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_pkg.py").write_text("import no_such_dependency\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(errors.MissingExtraError, match=r"broken_pkg cannot be imported .*no_such_dependency"):
        need("broken_pkg", extra="gpu")


def test_a_package_that_is_there_is_returned() -> None:
    assert need("json", extra="cpu") is sys.modules["json"]


@pytest.mark.parametrize("enabled", [None, False])
def test_without_a_terminal_nothing_is_shown(enabled, capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar(3, "encode", enabled) as tick:
        tick(3)
    assert capsys.readouterr() == ("", "")


def test_a_bar_that_is_asked_for_shows_stage_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.bar(4, "encode", True) as tick:
        tick(1)
        tick(3)
    out, err = capsys.readouterr()
    assert out == "" and "encode" in err


def test_a_terminal_shows_only_what_takes_long(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "_on_terminal", lambda: True)
    with progress.bar(1, "encode") as tick:
        tick(1)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(progress, "DELAY", 0.0)
    with progress.bar(1, "encode") as tick:
        tick(1)
    assert "encode" in capsys.readouterr().err
