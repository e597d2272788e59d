"""The commands models, publish, pull and card, and the help."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import pytest

import model_hub
from linktransformer.cli.main import main


def test_help_models_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["merge", "--help"]) == 0
    assert main(["models"]) == 0
    assert main(["nonsense"]) == 2
    shown = capsys.readouterr()
    assert "exit codes" in shown.out
    assert "linker-multilingual" in shown.out


def test_publish_pull_and_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, shared, mine = (str(tmp_path / name) for name in ("model", "shared", "mine"))
    shutil.copytree(model_hub.bundled().path, folder)
    assert main(["publish", folder, shared]) == 0
    assert main(["pull", shared, "--to", mine]) == 0
    assert main(["pull", mine]) == 0
    assert capsys.readouterr().out.splitlines() == [shared, mine, mine]
    assert model_hub.load(mine).manifest == model_hub.bundled().manifest
    assert main(["card", mine]) == 0
    assert main(["card", model_hub.DEFAULT]) == 0
    shown = capsys.readouterr().out
    assert shown.count(f"# {model_hub.DEFAULT}") == 2
    assert f'model="{model_hub.DEFAULT}"' in shown


def test_models_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_CACHE", str(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nobody = f"oci://127.0.0.1:{probe.getsockname()[1]}/x:v1"
    for arguments, code, words in (
        (["pull", "./nowhere"], 2, "no such model folder"),
        (["pull", nobody, "--offline"], 2, "never fetched"),
        (["pull", nobody], 1, "cannot be reached"),
        (["publish", str(tmp_path), nobody], 2, "no manifest.json"),
        (["card", "nobody"], 2, "no model of this name"),
        (["publish", str(tmp_path)], 2, "required: ref"),
    ):
        assert main(arguments) == code
        assert words in capsys.readouterr().err
