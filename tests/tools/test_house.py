"""The measures of the packages, on a tree of a few files."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from tools import house
from tools.imports import cycles, wrong_room
from tools.public_api import documented_modules, public_functions

FULL = '"""Do it.\n\n    Args:\n        x: A number.\n\n    Returns:\n        Another.\n    """'
FILES = {
    "linktransformer/__init__.py": '''"""Link."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from linktransformer.linking.merge import Links, merge

_HOME = {"merge": "linking.merge", "Links": "linking.merge"}
__all__ = ["Links", "merge"]
''',
    "linktransformer/linking/__init__.py": '"""Two tables."""\n',
    "linktransformer/linking/merge.py": f'''"""Merge."""

from linktransformer.tables.frames import Base


def merge(x: int) -> int:
    """Merge."""
    return helper(x)


def helper(x: int) -> int:
    """Nobody outside calls it."""
    return x


class Links(Base):
    """Links."""

    def explain(self, x: int) -> int:
        {FULL}
        return x

    def _hidden(self, x: int) -> int:
        """Private."""
        return x
''',
    "linktransformer/tables/__init__.py": '"""Tables."""\n',
    "linktransformer/tables/frames.py": '''"""Frames."""


class Base:
    """What links and clusters share."""

    def save(self, path: str) -> None:
        """Save."""
        from linktransformer.linking import merge

        # a comment is a line
        merge.helper(1)
''',
    "clippings/__init__.py": '"""Encoders."""\n\n__all__ = []\n',
    "clippings/prune.py": '''"""Prune."""


def pruned(x: int) -> int:
    """Prune."""
    return x


def makes(x: int) -> int:
    """The page has this word outside of code."""
    return x
''',
    "clippings/other.py": '"""Other."""\n\n\ndef other(x: int) -> int:\n    """Other."""\n    return x\n',
    "model_hub/__init__.py": '"""Models."""\n\n__all__ = []\n',
    "docs/models.md": "`clippings.prune.pruned(model)` makes it smaller.\n",
    "README.md": "# linktransformer\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_public_are_exports_methods_bases_and_what_docs_name(tree: Path) -> None:
    sources = house.modules(tree)
    assert documented_modules(tree, sources) == {"clippings.prune"}
    merge, frames = "linktransformer.linking.merge", "linktransformer.tables.frames"
    assert public_functions(tree, sources) == {
        (merge, "merge"),
        (merge, "Links.explain"),
        (merge, "Links._hidden"),
        (frames, "Base.save"),
        ("clippings.prune", "pruned"),
    }


def test_measures_are_those_of_the_files(tree: Path) -> None:
    rooms = house.measured(tree)
    assert rooms["linktransformer.linking"][house.UNDESCRIBED] == 1  # merge; helper is nobody's to call
    assert rooms["linktransformer.tables"][house.UNDESCRIBED] == 1  # Base.save, by way of Links
    assert rooms["clippings"][house.UNDESCRIBED] == 1  # pruned; docs do not name other
    assert rooms["linktransformer.tables"]["files"] == 2
    assert rooms["linktransformer.tables"]["code lines"] == 5
    assert rooms["linktransformer.tables"]["imports against the order"] == 1
    assert rooms["all"]["imports against the order"] == 1
    assert rooms["all"]["import cycles (eager)"] == 0
    assert rooms["all"]["import cycles (eager, lazy or for types)"] == 1
    assert rooms["all"]["modules in them (eager, lazy or for types)"] == 2
    assert rooms["all"]["files"] == sum(room["files"] for name, room in rooms.items() if name != "all")


def test_cycles_count_lazy_imports_where_asked() -> None:
    sources = {
        "a": "if TYPE_CHECKING:\n    from a.b import x",
        "a.b": "def f():\n    from a.c import x",
        "a.c": "from a.b import f",
        "a.d": "import a.e",
        "a.e": "import a.d",
        "a.f": "if TYPE_CHECKING:\n    import a.g",
        "a.g": "from a import f",
    }
    assert cycles(sources) == [["a.d", "a.e"]]
    assert cycles(sources, lazy=True) == [["a.b", "a.c"], ["a.d", "a.e"], ["a.f", "a.g"]]


def test_a_file_of_an_unknown_room_is_no_error() -> None:
    assert wrong_room("linktransformer.attic.box", "from linktransformer.tables import cells") == [
        "linktransformer.tables.cells"
    ]


def test_before_and_after_stand_side_by_side() -> None:
    before = {"all": {"lines": 100, "Any": 8}, "a": {"lines": 100, "Any": 8}}
    after = {"all": {"lines": 75, "Any": 8, "files": 2}, "b": {"lines": 75}, "a": {"Any": 8}}
    assert house.comparison(before, after) == [
        ["measure", "before", "after", "change"],
        ["lines", "100", "75", "-25 (-25%)"],
        ["Any", "8", "8", "+0"],
        ["files", "0", "2", "+2"],
        ["a: lines", "100", "0", "-100 (-100%)"],
        ["b: lines", "0", "75", "+75"],
    ]


def test_another_commit_is_read_from_git(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=n@n", *words], cwd=tree, check=True)

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    before = house.measured(tree)
    (tree / "clippings/other.py").write_text("x = 1\n", encoding="utf-8")
    monkeypatch.setattr(house, "ROOT", tree)
    assert house.measured_at("HEAD") == before != house.measured(tree)


def test_docstrings_and_blanks_are_no_code() -> None:
    source = '"""A\n\nmodule."""\n\nX = """text\n\nmore"""\n\n\nclass A:\n    """Doc."""\n\n    y = 1\n'
    assert house.code_lines(source, ast.parse(source)) == 4
