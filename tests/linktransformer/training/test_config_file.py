"""The file of settings that linktransformer 0.1.18 keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.training import config_file, train
from linktransformer.training.train_config import config_of

# as linktransformer 0.1.18 ships it
OLD_FILE: dict[str, Any] = {
    "model_save_dir": "models",
    "model_save_name": "linkage",
    "opt_model_description": None,
    "opt_model_lang": "en",
    "train_batch_size": 32,
    "num_epochs": 4,
    "warm_up_perc": 1,
    "learning_rate": 2e-5,
    "loss_type": "supcon",
    "val_perc": 0.2,
    "wandb_names": {"project": "linktransformer"},
    "add_pooling_layer": False,
    "large_val": True,
    "eval_steps_perc": 0.5,
    "test_at_end": True,
    "save_val_test_pickles": True,
    "val_query_prop": 0.5,
    "loss_params": {},
}


def test_a_new_file_from_an_old_one(tmp_path: Path) -> None:
    old = tmp_path / "linkage.json"
    old.write_text(json.dumps(OLD_FILE))
    path = lt.create_new_train_config(old, tmp_path / "new" / "mine.json", num_epochs=7, loss_type=None)
    values = json.loads(Path(path).read_text())
    assert values["num_epochs"] == 7 and values["loss_type"] == "supcon"
    assert config_of({}, values).epochs == 7
    fresh = config_file.read_config(lt.create_new_train_config(config_save_path=tmp_path / "fresh.json"))
    assert config_of({}, fresh).loss == "infonce"
    with pytest.raises(lt.InvalidArgumentError, match="epochs"):
        lt.create_new_train_config(config_save_path=tmp_path / "bad.json", num_epochs=0)
    assert not (tmp_path / "bad.json").exists()


def test_train_model_takes_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}

    def trained(labelled: Any, shape: Any, settings: Any, base: Any, out: Path, *rest: Any) -> str:
        seen.update(settings=settings, out=out)
        return "trained"

    monkeypatch.setattr(train, "_trained", trained)
    monkeypatch.chdir(tmp_path)
    path = lt.create_new_train_config(config_save_path="a.json", num_epochs=3, model_save_name="firms")
    frame = pd.DataFrame({"a": ["x one", "y one"], "b": ["x 1", "y 1"]})
    on = {"left_col_names": "a", "right_col_names": "b"}
    lt.train_model(frame, config_path=path, training_args={"train_batch_size": 8}, **on)
    assert (seen["settings"].epochs, seen["settings"].batch_size) == (3, 8)
    assert seen["out"] == Path("models", "firms").resolve()
    with pytest.raises(lt.InvalidArgumentError, match="one or the other"):
        lt.train_model(frame, config_path=path, config=lt.TrainConfig(), **on)
    with pytest.raises(lt.InvalidArgumentError, match="cannot be read"):
        lt.train_model(frame, config_path="nowhere.json", **on)
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(lt.InvalidArgumentError, match="no settings"):
        lt.train_model(frame, config_path="list.json", **on)
