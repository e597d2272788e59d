"""The folder of a run, and errors of the packages below in the caller's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from clippings import EncoderError, MissingPackageError
from clippings.errors import TrainingError
from linktransformer.errors import InvalidArgumentError, MissingExtraError, ModelError
from linktransformer.training.run_folder import base_errors, folder_of
from model_hub import ModelNotFoundError


def test_a_run_without_a_name_gets_the_first_free_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert folder_of(None, resume=False) == tmp_path / "models/trained-1"
    assert not Path("models").exists()  # only a name was asked for
    for number in (1, 2, 4):
        (tmp_path / "models" / f"trained-{number}").mkdir(parents=True)
    assert folder_of(None, resume=False) == tmp_path / "models/trained-3"
    assert folder_of("here", resume=True) == folder_of(Path("here"), resume=False) == tmp_path / "here"


def test_a_run_that_goes_on_must_be_named() -> None:
    with pytest.raises(InvalidArgumentError, match="resume=True needs out="):
        folder_of(None, resume=True)


@pytest.mark.parametrize(
    ("below", "ours", "said"),
    [
        (MissingPackageError("torch", "training"), MissingExtraError, "torch"),
        (TrainingError("epochs=0"), InvalidArgumentError, "^epochs=0$"),
        (EncoderError("no weights"), ModelError, "^base='mine': no weights$"),
        (ModelNotFoundError("nobody has it"), ModelError, "^base='mine': nobody has it$"),
    ],
)
def test_errors_from_below_become_ours(below: Exception, ours: type[Exception], said: str) -> None:
    with pytest.raises(ours, match=said) as raised, base_errors("mine"):
        raise below
    assert raised.value.__cause__ is below


def test_other_errors_stay_as_they_are() -> None:
    with pytest.raises(KeyError), base_errors("mine"):
        raise KeyError("x")
