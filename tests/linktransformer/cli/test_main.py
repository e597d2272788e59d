"""The command as a process: help, interrupts and pipes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from linktransformer.cli.main import main
from linktransformer.linking import merge as linking

COMMAND = [sys.executable, "-m", "linktransformer"]


def test_without_a_command_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert "linktransformer merge firms.csv register.csv" in capsys.readouterr().out
    assert main(["mrege"]) == 2


def test_the_module_is_the_command() -> None:
    done = subprocess.run([*COMMAND, "version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("linktransformer ")


@pytest.mark.parametrize("arguments", [["--help"], ["models"], ["merge", "--help"]])
def test_a_reader_that_has_gone_is_no_error(arguments: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=writing, stderr=subprocess.PIPE, env=buffered, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_an_interrupt_is_one_line_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("name\nAcme\n")

    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(linking, "link", interrupted)
    assert main(["merge", str(path), str(path), "--on", "name", "--out", str(tmp_path / "out.csv")]) == 130
    assert capsys.readouterr().err == "linktransformer: interrupted; no file is half-written\n"
    assert [one.name for one in tmp_path.iterdir()] == ["a.csv"]


def test_ctrl_c_ends_a_long_merge(tmp_path: Path) -> None:
    left, right = tmp_path / "left.csv", tmp_path / "right.csv"
    for path, word in ((left, "Steel"), (right, "Works")):
        path.write_text("name\n" + "".join(f"Firm {n * 7919 % 99991} {word} of {n}\n" for n in range(20_000)))
    arguments = ["merge", str(left), str(right), "--on", "name", "--out", str(tmp_path / "out.csv")]
    arguments += ["--model", "full"]  # encodes every row, which takes long on any machine
    process = subprocess.Popen([*COMMAND, *arguments], stderr=subprocess.PIPE, text=True)
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert told.splitlines()[-1].endswith("linktransformer: interrupted; no file is half-written")
    assert "Traceback" not in told
    assert sorted(one.name for one in tmp_path.iterdir()) == ["left.csv", "right.csv"]
