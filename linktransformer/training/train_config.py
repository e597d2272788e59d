"""The settings of `train_model` in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

from clippings.errors import TrainingError
from clippings.training.recipe import Recipe
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.serialize import Serializer
from linktransformer.tables.splits import check_shares
from linktransformer.training.legacy_settings import of_linkage, put_once

__all__ = ["TrainConfig", "config_of"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Recipe):
    """How a model is trained on tables: every setting of `Recipe`, and these.

    Args:
        shares: Of train, validation and test, by entity; for the splits that are not given as tables.
        separator: Written between two columns in a text.
        labels: Write "name: value" instead of only the value.
        max_chars: Longer texts are truncated here.
        learn_decision: Also learn how scores become links.
        name: The model's name; None makes one.
        licence: Of the weights, as SPDX writes it; None takes that of the base where it is known.
        languages: BCP 47 codes, such as ("en",).

    Raises:
        InvalidArgumentError: A value cannot work.

    Example:
        >>> TrainConfig(epochs=3).shares
        (0.8, 0.1, 0.1)
    """

    shares: tuple[float, float, float] = (0.8, 0.1, 0.1)
    separator: str = " "
    labels: bool = False
    max_chars: int = 20_000
    learn_decision: bool = True
    name: str | None = None
    licence: str | None = None
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            super().__post_init__()
        except TrainingError as error:
            raise InvalidArgumentError(str(error)) from None
        object.__setattr__(self, "shares", check_shares(self.shares))
        object.__setattr__(self, "languages", tuple(self.languages))
        self.serializer()

    def serializer(self) -> Serializer:
        """How rows become texts.

        Returns:
            The serializer with these separator, labels and length settings.
        """
        return Serializer(self.separator, self.labels, self.max_chars)

    def recipe(self) -> Recipe:
        """The settings that `clippings` has too.

        Returns:
            The recipe.
        """
        return Recipe(**{item.name: getattr(self, item.name) for item in fields(Recipe)})


def config_of(options: Mapping[str, object], training_args: Mapping[str, object] | None) -> TrainConfig:
    """The settings of keywords and of a mapping, in which names of linktransformer 0.1.18 are understood."""
    settings = dict(options)
    for name, value in of_linkage(training_args or {}).items():
        put_once(settings, name, value)
    try:
        return TrainConfig.from_dict(settings)
    except TrainingError as error:
        raise InvalidArgumentError(str(error)) from None
