"""The snippets and the commands of README, exactly as it prints them."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tools.snippets import differences

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")

EXTRAS = (
    "openpyxl",
    "polars",
    "pyarrow",
    "torch",
    "transformers",
    "sentence_transformers",
    "faiss",
    "onnx",
    "PIL",
)


def blocks(language: str) -> list[str]:
    """The code blocks of README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the two files that README speaks of."""
    (tmp_path / "firms.csv").write_text(
        "name,city\nAcme Steel Corp.,Boston\nBaxter Dairy,Tulsa\nQuincy Glass Works,Omaha\n"
    )
    (tmp_path / "register.csv").write_text(
        "name,city,code\nACME STEEL CORPORATION,Boston,007\nQuincy Glas Works,Omaha,008\n"
        "Quincy Glass Works,Omaha,009\nZeller Motors,Dayton,010\n"
    )
    return tmp_path


def test_the_snippets_print_what_readme_shows() -> None:
    assert len(blocks("python")) >= 2 and len(blocks("text")) >= 2
    assert differences(README, "README.md") == []


@pytest.mark.parametrize("installed", ["all", "base"])
def test_the_commands_run(folder: Path, tmp_path_factory: pytest.TempPathFactory, installed: str) -> None:
    """With all extras, and without what only they bring."""
    hidden = tmp_path_factory.mktemp("hidden")
    for module in EXTRAS if installed == "base" else ():
        (hidden / f"{module}.py").write_text("raise ImportError('not in the base installation')\n")
    paths = [str(hidden), *sys.path]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    commands = [shlex.split(line) for block in blocks("sh") for line in block.splitlines()]
    assert [command[:2] for command in commands] == [
        ["linktransformer", "merge"],
        ["linktransformer", "dedup"],
    ]
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    linked = pd.read_csv(folder / "linked.csv", dtype=str)
    assert linked["code"].tolist()[0] == "007"
    assert len(pd.read_csv(folder / "clean.csv")) == 3
