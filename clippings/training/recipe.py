"""Settings of text training: every number that changes the outcome, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clippings.errors import EncoderError, TrainingError
from clippings.settings import Settings, is_real, is_whole
from clippings.training.losses import LOSSES
from clippings.training.lr_schedule import DECAYS

PRECISIONS = ("auto", "fp32", "bf16")
_WHOLE = {"epochs": 1, "batch_size": 2, "mini_batch_size": 1, "hard_negatives": 0, "patience": 0,
          "log_steps": 1, "save_steps": 0, "max_steps": 0, "seed": 0}  # fmt: skip
_REAL = {"learning_rate": (0.0, 1.0), "temperature": (1e-4, 10.0), "margin": (0.0, 2.0),
         "weight_decay": (-1e-12, 1.0), "max_grad_norm": (0.0, 1e9)}  # fmt: skip
_NOT_OUTCOME = ("log_steps", "save_steps", "mini_batch_size")


@dataclass(frozen=True, kw_only=True)
class TrainingSettings(Settings):
    """Settings of a run."""

    noun: ClassVar[str] = "training setting"
    error: ClassVar[type[EncoderError]] = TrainingError

    def check_real(self, ranges: Mapping[str, tuple[float, float]]) -> None:
        """Raise an error unless settings are numbers in their range.

        Args:
            ranges: (low, high) of each setting, by name: it must be above low and at most high.

        Raises:
            TrainingError: One is not.
        """
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            bounds = (
                f"a number from 0 to {high:g}" if low < 0 else f"a number above {low:g} and at most {high:g}"
            )
            self.check(is_real(value) and low < value <= high, name, bounds)

    def outcome(self) -> dict[str, object]:
        """Select the settings that change the trained model; a run is resumed only with equal ones.

        Returns:
            Their plain values by name, as `to_dict` has them.
        """
        return {name: value for name, value in self.to_dict().items() if name not in _NOT_OUTCOME}


@dataclass(frozen=True, kw_only=True)
class Recipe(TrainingSettings):
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
        for name, choices in (("loss", LOSSES), ("decay", DECAYS), ("precision", PRECISIONS)):
            self.check(getattr(self, name) in choices, name, f"one of {choices}")
        self.check_whole(_WHOLE)
        self.check_real(_REAL)
        self.check(is_real(self.warmup) and 0 <= self.warmup < 1, "warmup", "a share from 0 and below 1")
        good = self.max_tokens is None or (is_whole(self.max_tokens) and self.max_tokens > 2)
        self.check(good, "max_tokens", "a whole number above 2, or None")
