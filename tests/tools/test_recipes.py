"""The entry of the recipes lists and opens each of them."""

from __future__ import annotations

import importlib

import pytest

from tools.recipes import __main__ as entry


def test_recipes_are_listed_and_an_unknown_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry.main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in entry.RECIPES)
    assert entry.main(["names_of_old"]) == 2
    assert "'names_of_old'" in capsys.readouterr().out


@pytest.mark.parametrize("name", entry.RECIPES)
def test_every_recipe_has_options_of_its_own(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(importlib.import_module(f"tools.recipes.{name}.train").run)
    with pytest.raises(SystemExit) as done:
        entry.main([name, "--help"])
    assert done.value.code == 0 and "--seed" in capsys.readouterr().out
