"""Settings of linktransformer 0.1.18 under our names."""

from __future__ import annotations

import logging
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
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


def test_an_old_file_is_read(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "linktransformer"):
        found = config_of({}, OLD_FILE)
    assert (found.epochs, found.batch_size, found.loss, found.name) == (4, 32, "supcon", "linkage")
    assert found.shares == pytest.approx((0.8, 0.1, 0.1)) and found.languages == ("en",)
    assert found.warmup == 0.1 and "to the very end" in caplog.text
    assert "without effect: eval_steps_perc, large_val, save_val_test_pickles" in caplog.text


def test_parameters_of_the_loss_and_no_test() -> None:
    found = config_of({}, {"loss_params": {"temperature": 0.2}, "test_at_end": False, "val_perc": 0.3})
    assert found.temperature == 0.2 and found.shares == pytest.approx((0.7, 0.3, 0.0))
    with pytest.raises(lt.InvalidArgumentError, match="warmup"):
        config_of({}, {"warmup": 1})


def test_no_matching_pair_is_told_before_anything_is_loaded() -> None:
    frame = pd.DataFrame({"a": ["x one", "y one"], "b": ["x 1", "y 1"], "match": [0, 0]})
    with pytest.raises(lt.InvalidArgumentError, match="no pair that matches"):
        lt.train_model(frame, left_col_names="a", right_col_names="b", label_col_name="match", base="nowhere")
