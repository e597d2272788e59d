"""Settings of training on pictures and texts: every number that changes the outcome, stage by stage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from clippings.record_training.losses import PAIRS, RECORD_LOSSES
from clippings.settings import Settings, is_real
from clippings.training.lr_schedule import DECAYS
from clippings.training.recipe import PRECISIONS, TrainingSettings

STAGES = ("read", "self", "synthetic", "labelled")
_WHOLE = {"epochs": 1, "passes": 1, "batch_size": 2, "mini_batch_size": 1, "m_per_class": 1, "views": 1,
          "hard_negatives": 0, "patience": 0, "log_steps": 1, "save_steps": 0, "max_steps": 0,
          "seed": 0}  # fmt: skip
_REAL = {"learning_rate": (0.0, 1.0), "temperature": (1e-4, 10.0), "weight_decay": (-1e-12, 1.0),
         "max_grad_norm": (0.0, 1e9), "loss_height": (0.0, 1e3)}  # fmt: skip
KEEPS = ("best", "last")
MINING = ("epoch", "once")
_SHARES = ("modality_dropout", "character_noise", "average", "warmup")
# what differs from stage to stage: records without entities are seen twice, in two states of damage
_OF_STAGE: Mapping[str, Mapping[str, object]] = {
    "read": {"m_per_class": 1, "hard_negatives": 0},
    "self": {"views": 2, "m_per_class": 1, "hard_negatives": 0, "learning_rate": 1e-3},
    "synthetic": {"learning_rate": 1e-3},
    "labelled": {"learning_rate": 3e-4, "epochs": 20, "patience": 5},
}


@dataclass(frozen=True, kw_only=True)
class RecordRecipe(TrainingSettings):
    """The settings of a stage of training on pictures and texts.

    Args:
        stage: "read": print whose text is known, read by CTC (see `recogniser`). "self": pictures with
            their own texts. "synthetic": printed records of known entities. "labelled": real records of known
            entities. It only names the stage; `for_stage` has its defaults.
        loss: "sigmoid": every kind of pair with all its positives. "clip": pictures against texts. "supcon":
            fused vectors.
        pairs: Weights of the kinds of pair for "sigmoid": image-image, text-text, image-text, fused-fused.
        epochs: How often negatives are mined and the model is measured.
        passes: Passes over the records in an epoch.
        max_steps: Stop after so many steps, 0 for no limit; the learning rate falls over these.
        batch_size: Records seen together, about.
        mini_batch_size: Pictures or texts on the device at a time with their activations. At least
            `batch_size * views` makes one pass of a step; less makes two, in less memory.
        m_per_class: Records of one entity that come together.
        views: How often each record is in its batch, each time with draws of its own.
        hard_negatives: Number of entities, mistaken for a record's own, that share its batch; 0 for none.
            Two records whose entities are both unknown are not.
        mining: "epoch": they are mined in every epoch. "once": before the first one, by the model as it is.
        equal_texts: Whether records of other entities with the same text may be mined.
        learning_rate: The highest one.
        loss_height: The learning rate of the loss's own scale and bias is so many times as high.
        warmup: Share of the steps in which the rate rises.
        decay: How it falls after that: "linear", "cosine", "none" or "restarts".
        weight_decay: Of AdamW.
        max_grad_norm: Longer gradients are cut to this length.
        temperature: Of "supcon".
        modality_dropout: Share of the records with both that are fused from one of the two only.
        character_noise: Share of the characters of a text that are changed, lost or doubled.
        augment: Whether the pictures are damaged by what training was given for that.
        average: Share of the past in a moving average of the weights, such as 0.999; 0 for none.
        keep: "best": the weights with the best validation are kept. "last": those at the end, for a stage
            that validation hardly measures.
        precision: "auto" is bf16 on a GPU that has it, else fp32.
        patience: Stop after so many epochs without a better validation; 0 never stops early.
        log_steps: A line in the log every so many steps.
        save_steps: A checkpoint every so many steps, beside the one after every epoch; 0 for none.
        seed: Of everything that is drawn.

    Raises:
        TrainingError: A value cannot work.
    """

    stage: str = "labelled"
    loss: str = "sigmoid"
    pairs: tuple[float, ...] = (1.0, 0.5, 0.5, 2.0)
    epochs: int = 10
    passes: int = 1
    max_steps: int = 0
    batch_size: int = 512
    mini_batch_size: int = 2048
    m_per_class: int = 4
    views: int = 1
    hard_negatives: int = 3
    mining: str = "epoch"
    equal_texts: bool = False
    learning_rate: float = 1e-3
    loss_height: float = 10.0
    warmup: float = 0.05
    decay: str = "cosine"
    weight_decay: float = 0.05
    max_grad_norm: float = 1.0
    temperature: float = 0.07
    modality_dropout: float = 0.3
    character_noise: float = 0.05
    augment: bool = True
    average: float = 0.0
    keep: str = "best"
    precision: str = "auto"
    patience: int = 0
    log_steps: int = 10
    save_steps: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "pairs", tuple(self.pairs))  # JSON has lists
        choices = {"stage": STAGES, "loss": RECORD_LOSSES, "decay": DECAYS, "precision": PRECISIONS,
                   "mining": MINING, "keep": KEEPS}  # fmt: skip
        for name, values in choices.items():
            self.check(getattr(self, name) in values, name, f"one of {values}")
        self.check_whole(_WHOLE)
        self.check_real(_REAL)
        for name in _SHARES:
            value = getattr(self, name)
            self.check(is_real(value) and 0 <= value < 1, name, "a share from 0 and below 1")
        for name in ("augment", "equal_texts"):
            self.check(isinstance(getattr(self, name), bool), name, "True or False")
        good = len(self.pairs) == len(PAIRS) and all(is_real(one) and one >= 0 for one in self.pairs)
        self.check(good and sum(self.pairs) > 0, "pairs", f"a weight for each of {PAIRS}, one above 0")

    @classmethod
    def for_stage(cls, stage: str, **changes: object) -> RecordRecipe:
        """The settings that fit a stage.

        Example:
            >>> RecordRecipe.for_stage("self").views, RecordRecipe.for_stage("self", views=1).views
            (2, 1)
        """
        return cls.from_dict({"stage": stage, **_OF_STAGE.get(stage, {}), **changes})


def record_run(recipe: RecordRecipe, config: Settings, *data: object) -> str:
    """A hash of the settings that change the outcome, the sizes of the model, and facts about the data."""
    facts = json.dumps([recipe.outcome(), config.to_dict(), *data], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:32]
