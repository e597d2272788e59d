"""Errors and optional packages."""

from __future__ import annotations

import sys

import pytest

from linktransformer import errors
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
