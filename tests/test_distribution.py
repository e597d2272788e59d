"""The wheel and the source distribution: what is in them, how large they are, that the wheel runs README."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("linktransformer", "clippings", "model_hub")
LARGEST = 60 * 2**20  # bytes; what CONTRIBUTING says
BUILD = "import sys; from setuptools import build_meta; print(getattr(build_meta, sys.argv[1])(sys.argv[2]))"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution of a copy of the sources."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("dist")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    files = []
    for kind in ("build_sdist", "build_wheel"):
        command = [sys.executable, "-c", BUILD, kind, str(out)]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        files.append(out / done.stdout.splitlines()[-1])
    return files[1], files[0]


def sources() -> set[str]:
    """Every file of the packages; hidden ones are of the repository."""
    return {
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in (ROOT / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }


def test_the_wheel_has_every_file_of_the_packages_and_no_other(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == sources()
    assert built[0].stat().st_size <= LARGEST


def test_the_source_distribution_can_make_the_wheel(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources() | {"pyproject.toml", "README.md", "LICENSE", "PKG-INFO"} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/", "build/", "."))]
    assert built[1].stat().st_size <= LARGEST


def test_the_wheel_runs_readme(built: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built[0]) as archive:
        archive.extractall(tmp_path)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    where = [sys.executable, "-c", "import linktransformer; print(linktransformer.__file__)"]
    snippets = [sys.executable, str(ROOT / "tools" / "snippets.py"), str(ROOT / "README.md")]
    imported, done = (
        subprocess.run(c, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        for c in (where, snippets)
    )
    assert Path(imported.stdout.strip()).is_relative_to(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def rows(heading: str) -> dict[str, str]:
    """The parts of a table of the page of licences, and their SPDX expressions."""
    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    section = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\| (.+?) \| (.+?) \| .+ \|$", section, re.MULTILINE)[1:]
    return {path: spdx for part, spdx in lines for path in re.findall(r"`([\w/.-]+/[\w/.-]+)`", part)}


def test_the_page_of_licences_has_every_bundled_part() -> None:
    listed = rows("In the wheel")
    data = {name for name in sources() if not name.endswith((".py", "py.typed"))}
    assert [name for name in sorted(data) if not name.startswith(tuple(listed))] == []
    assert all((ROOT / path).is_dir() for path in (*listed, *rows("In the repository only")))
    models = {path: spdx for path, spdx in listed.items() if path.startswith("model_hub/bundled/")}
    folders = {path.name for path in (ROOT / "model_hub" / "bundled").iterdir() if path.is_dir()}
    assert {Path(path).name for path in models} == folders
    for path, spdx in models.items():
        card = (ROOT / path / "README.md").read_text(encoding="utf-8")
        assert f"\nlicense: {spdx.lower()}\n" in card
        assert (ROOT / path / "LICENSE").exists() and (ROOT / path / "NOTICE").exists()
    declared = re.search(r'^license = "(.+)"', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert declared is not None and set(declared[1].split(" AND ")) == set(listed.values())
