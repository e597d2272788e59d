"""Training data of a text model: texts, their entities, and labelled pairs of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clippings.arrays import Integers
from clippings.errors import TrainingError


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Labelled pairs of texts.

    Attributes:
        texts: Different texts; a text that both sides have is there once.
        entity: The entity of each text, (n_texts,) int64: equal numbers name one thing.
        left: The text on the left of each labelled pair, (n_pairs,) int64.
        right: The text on the right.
        label: 1 where the two name one thing, 0 where they are known not to, (n_pairs,) int64.
        corpus: Texts that may be taken as negatives, (n,) int64.

    Raises:
        TrainingError: The numbers do not fit together, or there is no positive pair.
    """

    texts: tuple[str, ...]
    entity: Integers
    left: Integers
    right: Integers
    label: Integers
    corpus: Integers

    def __post_init__(self) -> None:
        n = len(self.texts)
        sizes = len(self.entity), len(self.left), len(self.right), len(self.label)
        inside = all(
            not len(part) or (part.min() >= 0 and part.max() < n)
            for part in (self.left, self.right, self.corpus)
        )
        if sizes[0] != n or len(set(sizes[1:])) != 1 or not inside:
            raise TrainingError(
                f"The examples do not fit together. Given: {n} texts, {sizes[0]} entities and pairs of "
                f"lengths {sizes[1:]}. Give one entity a text, and pairs of numbers of texts."
            )
        if not (self.label == 1).any():
            raise TrainingError(
                f"There is no positive pair to learn from. Given: {len(self.label)} pairs, none with label "
                "1. Give pairs that name one thing."
            )

    @property
    def positive(self) -> Integers:
        """The places of the pairs with label 1 whose two texts differ."""
        return np.flatnonzero((self.label == 1) & (self.left != self.right))
