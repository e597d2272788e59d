"""The file of settings that linktransformer 0.1.18 wrote and read."""

from __future__ import annotations

import json
import os
from pathlib import Path

from linktransformer.errors import InvalidArgumentError
from linktransformer.training.legacy_settings import DEFAULTS
from linktransformer.training.train_config import config_of

__all__ = ["create_new_train_config", "read_config"]


def read_config(path: str | os.PathLike[str]) -> dict[str, object]:
    """Names and values in a JSON file of `create_new_train_config` or of linktransformer 0.1.18."""
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
    **settings: object,
) -> str:
    """Write a file of settings for `train_model(config_path=...)`, as linktransformer 0.1.18 has it.

    Args:
        base_config_path: A file to start from; None starts from the defaults.
        config_save_path: Where to write; its folder is made.
        settings: Changed settings: model_save_dir, model_save_name, train_batch_size, num_epochs,
            warm_up_perc, learning_rate, loss_type, val_perc, opt_model_lang, test_at_end, or any field of
            `TrainConfig`. None leaves a setting as it is.

    Returns:
        The path.

    Raises:
        InvalidArgumentError: A setting that neither version has, or a value that cannot work.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = create_new_train_config(config_save_path=f"{folder}/a.json", num_epochs=3)
        ...     read_config(path)["num_epochs"]
        3
    """
    values = dict(DEFAULTS) if base_config_path is None else read_config(base_config_path)
    for name, value in settings.items():
        if value is not None:
            values[name] = list(value) if isinstance(value, tuple) else value
    config_of({}, values)  # refuses what cannot work now, and not when training starts
    path = Path(config_save_path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return os.fspath(config_save_path)
