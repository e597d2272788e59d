"""How a text model is trained: every number that changes the outcome, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from difflib import get_close_matches
from typing import Any, TypeVar

from clippings.errors import TrainingError
from clippings.training.losses import LOSSES
from clippings.training.lr_schedule import DECAYS

S = TypeVar("S", bound="Settings")
PRECISIONS = ("auto", "fp32", "bf16")
_WHOLE = {"epochs": 1, "batch_size": 2, "mini_batch_size": 1, "hard_negatives": 0, "patience": 0,
          "log_steps": 1, "save_steps": 0, "max_steps": 0, "seed": 0}  # fmt: skip
_REAL = {"learning_rate": (0.0, 1.0), "temperature": (1e-4, 10.0), "margin": (0.0, 2.0),
         "weight_decay": (-1e-12, 1.0), "max_grad_norm": (0.0, 1e9)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Settings of a run that are refused where they are unknown or cannot work."""

    def want(self, good: bool, name: str, wanted: str) -> None:
        """Refuse a value that cannot work.

        Args:
            good: Whether it can.
            name: The setting.
            wanted: What to give.

        Raises:
            TrainingError: It is not good.
        """
        if not good:
            raise TrainingError(
                f"A training setting cannot work. Given: {name}={getattr(self, name)!r}. Give {wanted}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON.

        Returns:
            Values by field name.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls: type[S], values: Mapping[str, Any]) -> S:
        """Make settings of plain values.

        Args:
            values: Names and values; what is missing has its default.

        Returns:
            The settings.

        Raises:
            TrainingError: A name is not known (the message has the nearest one), or a value cannot work.

        Example:
            >>> Recipe.from_dict({"epochs": 3}).epochs
            3
        """
        known = [item.name for item in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            near = get_close_matches(str(unknown[0]), known, n=1, cutoff=0.5)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise TrainingError(f"Unknown training settings. Given: {unknown}.{hint} Known are: {known}.")
        return cls(**values)

    def want_numbers(self, whole: Mapping[str, int], real: Mapping[str, tuple[float, float]]) -> None:
        """Refuse numbers outside of their ranges.

        Args:
            whole: The least value of each whole number.
            real: What each other number has to be above, and at most.

        Raises:
            TrainingError: One is.
        """
        for name, least in whole.items():
            value = getattr(self, name)
            self.want(is_whole(value) and value >= least, name, f"a whole number from {least}")
        for name, (low, high) in real.items():
            value = getattr(self, name)
            self.want(is_real(value) and low < value <= high, name, f"a number above {max(low, 0):g}")


@dataclass(frozen=True, kw_only=True)
class Recipe(Settings):
    """The settings of a training run.

    Args:
        loss: "infonce", "supcon" or "onlinecontrastive".
        epochs: Passes over the examples.
        batch_size: Pairs seen together (texts for "supcon"); more make "infonce" and "supcon" harder.
        mini_batch_size: Texts on the device at a time with their activations. It bounds the memory; it
            changes the draws of dropout, and the outcome by no more than that.
        learning_rate: The highest one.
        warmup: Share of the steps in which it rises.
        decay: How it falls to nothing after that: "linear", "cosine", or "none".
        weight_decay: Of AdamW.
        max_grad_norm: Longer gradients are cut to this length.
        temperature: Of "infonce" and "supcon".
        margin: Of "onlinecontrastive".
        hard_negatives: Mined texts of other entities a positive pair, for "infonce"; 0 for none.
        patience: Stop after so many epochs without a better validation; 0 never stops early.
        max_steps: Stop after so many steps, 0 for no limit; the learning rate falls over these.
        max_tokens: Texts are cut after so many tokens; None leaves the base model's limit.
        precision: "auto" is bf16 on a GPU that has it, else fp32.
        log_steps: A line in the log every so many steps.
        save_steps: A checkpoint every so many steps, beside the one after every epoch; 0 for none.
        seed: Of everything that is drawn.

    Raises:
        TrainingError: A value cannot work.
    """

    loss: str = "infonce"
    epochs: int = 10
    batch_size: int = 64
    mini_batch_size: int = 64
    learning_rate: float = 2e-5
    warmup: float = 0.1
    decay: str = "linear"
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    temperature: float = 0.05
    margin: float = 0.5
    hard_negatives: int = 2
    patience: int = 3
    max_steps: int = 0
    max_tokens: int | None = None
    precision: str = "auto"
    log_steps: int = 1
    save_steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, known in (("loss", LOSSES), ("decay", DECAYS), ("precision", PRECISIONS)):
            self.want(getattr(self, name) in known, name, f"one of {known}")
        self.want_numbers(_WHOLE, _REAL)
        self.want(is_real(self.warmup) and 0 <= self.warmup < 1, "warmup", "a share from 0 and below 1")
        self.want(
            self.max_tokens is None or (is_whole(self.max_tokens) and self.max_tokens > 2),
            "max_tokens", "a whole number above 2, or None",
        )  # fmt: skip


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, and no bool.

    Args:
        value: What is tested.

    Returns:
        True for an int.
    """
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: Any) -> bool:
    """Whether it is a number, and no bool.

    Args:
        value: What is tested.

    Returns:
        True for an int or a float.
    """
    return isinstance(value, (int, float)) and not isinstance(value, bool)
