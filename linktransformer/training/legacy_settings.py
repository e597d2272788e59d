"""The settings of linktransformer 0.1.18 under our names."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping

from linktransformer.errors import InvalidArgumentError

__all__ = ["of_classifier", "of_linkage", "put_once"]

logger = logging.getLogger(__name__)
RENAMED = {
    "num_epochs": "epochs",
    "train_batch_size": "batch_size",
    "warm_up_perc": "warmup",
    "loss_type": "loss",
    "model_save_name": "name",
}
# of the Trainer of transformers, to which train_clf_model of 0.1.18 passed its training_args
RENAMED_OF_TRAINER = {
    "num_train_epochs": "epochs",
    "per_device_train_batch_size": "batch_size",
    "warmup_ratio": "warmup",
    "lr": "learning_rate",
}
WITHOUT_EFFECT = (
    "wandb_names", "add_pooling_layer", "opt_model_description", "large_val", "eval_steps_perc",
    "save_val_test_pickles", "val_query_prop",
)  # fmt: skip
CLASSIFIER_WITHOUT_EFFECT = (
    "data_dir", "config", "eval_steps", "save_steps", "wandb_log", "wandb_name", "print_test_mistakes",
)  # fmt: skip
TRAINER_WITHOUT_EFFECT = (
    "evaluation_strategy", "eval_strategy", "eval_steps", "save_steps", "per_device_eval_batch_size",
    "output_dir", "overwrite_output_dir", "load_best_model_at_end", "metric_for_best_model",
    "save_total_limit", "report_to", "disable_tqdm",
)  # fmt: skip
DEFAULTS: Mapping[str, object] = {
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


def of_linkage(values: Mapping[str, object]) -> dict[str, object]:
    """Settings under old or new names as fields of `TrainConfig`; None stands for the default.

    Settings without counterpart are left out and logged. A name that neither version knows is passed on,
    to be refused there.

    Example:
        >>> of_linkage({"num_epochs": 3, "val_perc": 0.2, "test_at_end": False})
        {'epochs': 3, 'shares': (0.8, 0.2, 0.0)}
    """
    settings = _renamed(values, RENAMED, WITHOUT_EFFECT)
    settings.pop("model_save_dir", None)  # `train_model` makes its folder of it
    languages = settings.pop("opt_model_lang", None)
    if isinstance(languages, str):
        settings["languages"] = (languages,)
    elif isinstance(languages, Collection) and languages:
        settings["languages"] = tuple(languages)
    if "val_perc" in settings or "test_at_end" in settings:
        held_out = float(str(settings.pop("val_perc", DEFAULTS["val_perc"])))
        test = held_out / 2 if settings.pop("test_at_end", True) else 0.0
        settings.setdefault("shares", (1 - held_out, held_out - test, test))
    of_loss = settings.pop("loss_params", None)
    if isinstance(of_loss, Mapping):
        settings = {**of_loss, **settings}
    elif of_loss:
        settings["loss_params"] = of_loss  # refused as unknown
    if values.get("warm_up_perc") == 1:
        logger.warning("warm_up_perc=1 would raise the learning rate to the very end: 0.1 is taken")
        settings["warmup"] = 0.1
    return settings


def of_classifier(
    old: Mapping[str, object],
    out: str | os.PathLike[str] | None,
    training_args: Mapping[str, object] | None,
    own: Mapping[str, object | None],
) -> tuple[str | os.PathLike[str] | None, dict[str, object]]:
    """The folder and fields of `TrainConfig` for the arguments of `train_clf_model`.

    Args:
        old: Keywords of 0.1.18.
        out: The folder, under its new name.
        training_args: Settings as a mapping; names of the Trainer of transformers are understood.
        own: Fields given as arguments; None where not.
    """
    place = old.get("model_save_dir")
    ignored = {name: value for name, value in old.items() if name != "model_save_dir"}
    unknown = sorted(set(ignored) - set(CLASSIFIER_WITHOUT_EFFECT))
    if unknown:
        raise InvalidArgumentError(
            f"train_clf_model has no argument {unknown[0]!r}. Settings of training go into training_args=."
        )
    _log_ignored({name for name, value in ignored.items() if value})
    if out is not None and place is not None:
        raise InvalidArgumentError("out= and model_save_dir= are one argument under two names. Give out=.")
    if place is not None and not isinstance(place, (str, os.PathLike)):
        raise InvalidArgumentError(f"model_save_dir={place!r} is not a folder. Give a path.")
    settings = _renamed(
        training_args or {}, {**RENAMED, **RENAMED_OF_TRAINER}, (*WITHOUT_EFFECT, *TRAINER_WITHOUT_EFFECT)
    )
    for name, value in own.items():
        if value is not None:
            put_once(settings, name, value)
    return (out if out is not None else place), settings


def _renamed(
    values: Mapping[str, object], names: Mapping[str, str], without_effect: Collection[str]
) -> dict[str, object]:
    """The settings under new names, without those that are None or have no effect."""
    new = [(names.get(str(name), str(name)), value) for name, value in values.items()]
    _log_ignored({name for name, value in new if value and name in without_effect})
    settings: dict[str, object] = {}
    for name, value in new:
        if value is not None and name not in without_effect:
            put_once(settings, name, value)
    return settings


def put_once(settings: dict[str, object], name: str, value: object) -> None:
    """Set a value; refuses another one under the same name."""
    if settings.setdefault(name, value) != value:
        raise InvalidArgumentError(f"{name} is given twice: {settings[name]!r} and {value!r}. Give it once.")


def _log_ignored(names: set[str]) -> None:
    if names:
        logger.info("settings of linktransformer 0.1.18 without effect: %s", ", ".join(sorted(names)))
