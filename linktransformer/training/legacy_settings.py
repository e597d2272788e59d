"""The settings of linktransformer 0.1.18 as ours, and the file that it keeps them in."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from linktransformer.errors import InvalidArgumentError

__all__ = ["create_new_train_config", "of_classifier", "of_linkage", "read_config"]

logger = logging.getLogger(__name__)
SAME = {
    "num_epochs": "epochs",
    "train_batch_size": "batch_size",
    "warm_up_perc": "warmup",
    "loss_type": "loss",
    "model_save_name": "name",
}
# of the Trainer of transformers, which train_clf_model of 0.1.18 handed its training_args to
OF_TRAINER = {
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "warmup_ratio": "warmup",
    "lr": "learning_rate",
}
WITHOUT_EFFECT = (
    "wandb_names",
    "add_pooling_layer",
    "opt_model_description",
    "large_val",
    "eval_steps_perc",
    "save_val_test_pickles",
    "val_query_prop",
)
CLASSIFIER_WITHOUT_EFFECT = (
    "data_dir",
    "config",
    "eval_steps",
    "save_steps",
    "wandb_log",
    "wandb_name",
    "print_test_mistakes",
)
TRAINER_WITHOUT_EFFECT = (
    "evaluation_strategy",
    "eval_strategy",
    "eval_steps",
    "save_steps",
    "per_device_eval_batch_size",
    "output_dir",
    "overwrite_output_dir",
    "load_best_model_at_end",
    "metric_for_best_model",
    "save_total_limit",
    "report_to",
    "disable_tqdm",
)
DEFAULTS: Mapping[str, Any] = {
    "model_save_dir": "models",
    "model_save_name": None,
    "train_batch_size": 64,
    "num_epochs": 10,
    "warm_up_perc": 0.1,
    "learning_rate": 2e-5,
    "loss_type": "infonce",
    "val_perc": 0.2,
    "opt_model_lang": None,
    "test_at_end": True,
}


def of_linkage(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings under old or new names, under the new ones.

    Args:
        values: Names and values; None stands for the default. What has no counterpart is left out, and a line
            in the log says so.

    Returns:
        Fields of `TrainConfig` and values; a name that neither knows is passed on, to be refused there.

    Raises:
        InvalidArgumentError: One setting under two names, with two values.

    Example:
        >>> of_linkage({"num_epochs": 3, "val_perc": 0.2, "test_at_end": False})
        {'epochs': 3, 'shares': (0.8, 0.2, 0.0)}
    """
    found = _renamed(values, SAME, WITHOUT_EFFECT)
    found.pop("model_save_dir", None)  # `train_model` makes its folder of it
    languages = found.pop("opt_model_lang", None)
    if languages:
        found["languages"] = (languages,) if isinstance(languages, str) else tuple(languages)
    if "val_perc" in found or "test_at_end" in found:
        held = float(found.pop("val_perc", DEFAULTS["val_perc"]))
        half = held / 2 if found.pop("test_at_end", True) else 0.0
        found.setdefault("shares", (1 - held, held - half, half))
    for name, value in dict(found.pop("loss_params", None) or {}).items():
        found.setdefault(name, value)
    if values.get("warm_up_perc") == 1:
        logger.warning("warm_up_perc=1 would raise the learning rate to the very end: 0.1 is taken")
        found["warmup"] = 0.1
    return found


def of_classifier(
    old: Mapping[str, Any],
    out: str | os.PathLike[str] | None,
    training_args: Mapping[str, Any] | None,
    *,
    epochs: int | None,
    batch_size: int | None,
    lr: float | None,
) -> tuple[str | os.PathLike[str] | None, dict[str, Any]]:
    """The settings of `train_clf_model` under our names.

    Args:
        old: Further keywords that it was given.
        out: The folder, under its new name.
        training_args: Settings by a mapping; names of the Trainer of transformers are understood.
        epochs: Passes over the rows; None is 3, 0 leaves the encoder as it is.
        batch_size: Texts seen together; None is 64.
        lr: The highest learning rate; None is 2e-5.

    Returns:
        The folder, and fields of `TrainConfig`.

    Raises:
        InvalidArgumentError: A keyword that no version knew, or one setting given twice.
    """
    rest = dict(old)
    place = rest.pop("model_save_dir", None)
    unknown = sorted(set(rest) - set(CLASSIFIER_WITHOUT_EFFECT))
    if unknown:
        raise InvalidArgumentError(
            f"train_clf_model has no argument {unknown[0]!r}. Settings of training go into training_args=."
        )
    _tell({name for name, value in rest.items() if value})
    if out is not None and place is not None:
        raise InvalidArgumentError("out= and model_save_dir= are one argument under two names. Give out=.")
    names = {**SAME, **OF_TRAINER}
    values = _renamed(training_args or {}, names, (*WITHOUT_EFFECT, *TRAINER_WITHOUT_EFFECT))
    own = {"epochs": epochs, "batch_size": batch_size, "learning_rate": lr}
    for name, value in own.items():
        if value is not None:
            if values.get(name, value) != value:
                raise InvalidArgumentError(f"{name} is given twice: {value!r} and {values[name]!r}.")
            values[name] = value
    return (out if out is not None else place), values


def _renamed(
    values: Mapping[str, Any], names: Mapping[str, str], without_effect: tuple[str, ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    idle = set()
    for given, value in values.items():
        key = names.get(str(given), str(given))
        if key in without_effect:
            idle |= {key} if value else set()
        elif value is not None:
            if key in found and found[key] != value:
                raise InvalidArgumentError(
                    f"{key} is given twice: {found[key]!r} and {value!r}. Give it once."
                )
            found[key] = value
    _tell(idle)
    return found


def _tell(names: set[str]) -> None:
    if names:
        logger.info("settings of linktransformer 0.1.18 without effect: %s", ", ".join(sorted(names)))


def read_config(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a file of settings, one of `create_new_train_config` or of linktransformer 0.1.18.

    Args:
        path: A JSON file.

    Returns:
        Names and values as they stand there.

    Raises:
        InvalidArgumentError: There is no such file, or it holds no settings.
    """
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgumentError(f"config_path={os.fspath(path)!r} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise InvalidArgumentError(
            f"config_path={os.fspath(path)!r} holds no settings, but a list or a value."
        )
    return values


def create_new_train_config(
    base_config_path: str | os.PathLike[str] | None = None,
    config_save_path: str | os.PathLike[str] = "myconfig.json",
    **settings: Any,
) -> str:
    """Write a file of settings for `train_model(config_path=...)`, as linktransformer 0.1.18 has it.

    Args:
        base_config_path: A file to start from; None starts from the defaults.
        config_save_path: Where to write; its folder is made.
        settings: What shall be otherwise: model_save_dir, model_save_name, train_batch_size, num_epochs,
            warm_up_perc, learning_rate, loss_type, val_perc, opt_model_lang, test_at_end, or any field of
            `TrainConfig`. None leaves a setting as it is.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: A setting that neither knows, or a value that cannot work.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = create_new_train_config(config_save_path=f"{folder}/a.json", num_epochs=3)
        ...     read_config(path)["num_epochs"]
        3
    """
    from linktransformer.training.train_config import config_of

    values = dict(DEFAULTS) if base_config_path is None else read_config(base_config_path)
    for name, value in settings.items():
        if value is not None:
            values[name] = list(value) if isinstance(value, tuple) else value
    config_of({}, values)  # what cannot work is refused now, and not at the training
    path = Path(config_save_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return os.fspath(config_save_path)
