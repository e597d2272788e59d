"""Candidates of labelled tables by split: what a decision and a reader learn from, and are tested on."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.correction import Correction
from linktransformer.decision.fused import Fused
from linktransformer.encoding.model_plan import ModelLike
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job, ReaderUse
from linktransformer.linking.pair_cells import TableCells
from linktransformer.search import blocking
from linktransformer.search.blocking import Nodes
from linktransformer.tables import frames, splits
from linktransformer.tables.frames import Table
from linktransformer.training import fit_decision
from linktransformer.training.label_schema import Shape
from linktransformer.training.training_data import Labelled

if TYPE_CHECKING:
    from clippings.training.trainable import Trainable

__all__ = ["ModelInTraining", "SplitCandidates", "decided", "split_candidates"]

logger = logging.getLogger(__name__)


class ModelInTraining:
    """A model in training as the argument `model=` of `merge`, before it has a folder."""

    name = "model in training"

    def __init__(self, model: Trainable, serializer: Mapping[str, object]) -> None:
        self.model, self.serializer = model, serializer

    def encode(self, texts: Sequence[str]) -> Floats:
        """A row of numbers for each text."""
        return self.model.encode(texts)


@dataclass(frozen=True, slots=True, eq=False)
class SplitCandidates:
    """Candidates of the left and right texts of all splits.

    Args:
        tables: The texts' rows, left and right.
        names: Their key columns.
        nodes: Their records.
        fused: The candidates with their features.
        same: Which candidates are matches by the labels, (n_pairs,) bool.
        part: The split of the left record of each candidate, (n_pairs,) int64.
        n_test: Left records of the test split that have a match.
    """

    tables: tuple[Table, Table]
    names: tuple[list[str], list[str]]
    nodes: tuple[Nodes, Nodes]
    fused: Fused
    same: Bools
    part: Integers
    n_test: int

    @property
    def cells(self) -> TableCells:
        """The cells of the records."""
        if self.fused.described is None:
            raise ValueError("the features of the candidates were not kept")
        return TableCells.of_views(self.tables, self.names, self.fused.described.views, self.nodes)

    def some(self, split: int) -> Integers:
        """The candidates of the left records of a split, (n,) int64."""
        return np.flatnonzero(self.part == split)


def split_candidates(
    model: ModelLike, labelled: Labelled, shape: Shape, reader: ReaderUse = False
) -> SplitCandidates | None:
    """Search the left texts of all splits in the right ones.

    None where rows have clusters, which make no two tables, or where there is no validation.
    """
    if shape.cluster or not (labelled.part == splits.VAL).any():
        logger.info("rows with clusters, or no validation rows: no decision is learned")
        return None
    sides = [np.flatnonzero(mask) for mask in (labelled.is_left, labelled.is_right)]
    names = (list(shape.left), list(shape.right))
    left, right = (
        frames.wrap(
            frames.new_frame(labelled.like, {name: labelled.rows[side][name][rows] for name in names[side]}),
            ("left", "right")[side],
        )
        for side, rows in enumerate(sides)
    )
    compared = compare_tables.compare(
        (left, right), names, Job(model=model, keep_features=True, reader=reader)
    )
    fused = compared.fused
    if fused.described is None or fused.shipped is None:
        return None
    texts = [sides[side][blocking.first_rows(nodes)] for side, nodes in enumerate(compared.nodes)]
    entity = labelled.entity[texts[0]], labelled.entity[texts[1]]
    part = np.full(len(labelled.texts), splits.NONE, dtype=np.int64)
    for number in (splits.TEST, splits.VAL, splits.TRAIN):  # train last: its texts are not held out
        part[labelled.left[labelled.part == number]] = number
    of_left = part[texts[0]]
    pairs = fused.candidates
    same = entity[0][pairs.left] == entity[1][pairs.right]
    n_test = int(np.isin(entity[0][of_left == splits.TEST], entity[1]).sum())
    return SplitCandidates((left, right), names, compared.nodes, fused, same, of_left[pairs.left], n_test)


def decided(found: SplitCandidates) -> tuple[Correction, dict[str, float]]:
    """Learn how scores become links from the validation rows, which the model has not seen.

    Also F1 of the links of the test rows, with and without it.
    """
    fused, same = found.fused, found.same
    if fused.described is None or fused.shipped is None:
        raise ValueError("the features of the candidates were not kept")
    val = found.part == splits.VAL  # unlabelled pairs of these rows are not matches
    learned, _ = fit_decision.correction_of(fused, np.flatnonzero(val & same), np.flatnonzero(val & ~same))
    test = found.part == splits.TEST
    metrics: dict[str, float] = {}
    if test.any():
        corrected = fused.judged_by(fused.shipped.corrected_by(learned, fused.described.columns))
        for name, scored in (
            ("test_f1_decision", replace(fused, score=corrected.probability, decided=corrected)),
            ("test_f1_decision_without_labels", fused),
        ):
            links = compare_tables.linked(scored)
            links = links[test[links]]
            metrics[name] = 2 * int(same[links].sum()) / max(1, len(links) + found.n_test)
    return learned, metrics
