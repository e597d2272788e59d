"""Folders of work: removed at the end, and after the death of their process by the next one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_hub import publish
from model_hub.work_folder import work_folder

HOLD = """
import sys, time
from pathlib import Path
from model_hub.work_folder import work_folder
with work_folder(Path(sys.argv[1]), ".x.", ".part") as folder:
    (folder / "weights").write_bytes(b"x" * 1000)
    print(folder, flush=True)
    time.sleep(600)
"""


def held(parent: Path) -> tuple[subprocess.Popen[str], Path]:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(parent)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_gone_at_the_end_unless_renamed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), work_folder(tmp_path, "x-") as folder:
        (folder / "a").write_text("a")
        raise ZeroDivisionError
    with work_folder(tmp_path, "x-") as folder:
        folder.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.skipif(sys.platform == "win32", reason="kills by signal")
def test_a_killed_process_leaves_nothing_for_long(small: Path, tmp_path: Path) -> None:
    dead, abandoned = held(tmp_path)
    living, used = held(tmp_path)
    try:
        dead.send_signal(signal.SIGKILL)
        dead.wait()
        assert abandoned.exists()
        foreign = tmp_path / ".y.part"
        foreign.mkdir()
        publish(small, tmp_path / "x")
        assert not abandoned.exists() and not abandoned.with_name(abandoned.name + ".lock").exists()
        assert (used / "weights").stat().st_size == 1000 and foreign.exists()
    finally:
        for process in (dead, living):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
    publish(small, tmp_path / "x2")  # of another name: it does not look
    assert used.exists()
    (tmp_path / "x" / "manifest.json").unlink()
    for path in sorted((tmp_path / "x").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    publish(small, tmp_path / "x")
    assert not used.exists()
