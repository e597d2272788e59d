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

import linktransformer as lt
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
    """A folder with the two files that README speaks of, written as it says."""
    firms = lt.datasets.load_firms()
    calls = re.findall(r"`(firms\.\w+\.to_csv\(\"(\w+\.csv)\"\))`", README)
    assert [name for _, name in calls] == ["firms.csv", "register.csv"]
    for call, name in calls:
        exec(call.replace(name, str(tmp_path / name)), {"firms": firms})
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
    firms, linked = lt.datasets.load_firms(), pd.read_csv(folder / "linked.csv", dtype=str)
    assert linked["id_x"].tolist() == firms.left["id"].tolist()
    true = set(firms.truth.itertuples(index=False, name=None))
    found = linked[linked["id_y"].notna()]
    right = [pair in true for pair in zip(found["id_x"], found["id_y"], strict=True)]
    assert sum(right) >= 0.9 * len(right) >= 0.8 * len(true)
    assert len(firms.right) - 20 < len(pd.read_csv(folder / "clean.csv")) <= len(firms.right)
