"""What reads the pairs in doubt of a fitted estimator: at its fit, and of each row that comes later."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.check import shown
from linktransformer.decision.fused import Fused
from linktransformer.encoding.model_plan import ModelLike, Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.linking.judge_pairs import calibrated
from linktransformer.linking.learned_reader import reader_for
from linktransformer.linking.options import AUTO, ReaderUse, is_budget, reader_of
from linktransformer.linking.pair_cells import PairCells, TableCells, texts_of
from linktransformer.linking.pair_judge import PairJudge, asked
from linktransformer.linking.read_pairs import mixed
from linktransformer.linking.reader_scale import CalibratedJudge, Scale
from linktransformer.linking.reread import reread
from linktransformer.linking.selective_encoding import CERTAIN, IMPROBABLE
from linktransformer.search import blocking

__all__ = ["QueryReader", "cells_of", "is_setting", "located_reader", "query_reader"]


@dataclass(frozen=True, slots=True, eq=False)
class QueryReader:
    """A reader for pairs of rows that come later and records of a fitted table.

    Args:
        use: "auto" or True for the model's own; another one.
        scale: What the scores of another one are worth, learned at the fit; None before it, and where there
            were too few sure pairs: then it reads nothing.
        folder: The model's folder that has a reader, "" for the bundled one.
    """

    use: ReaderUse
    scale: Scale | None = None
    folder: str = ""

    def fitted(
        self, own: Floats, fused: Fused, cells: PairCells, *, same: bool = False
    ) -> tuple[Floats, QueryReader, dict[str, object]]:
        """Log-odds of the pairs of the fit with what the reader adds, the reader with its scale, a report."""
        if is_budget(self.use):
            own, report = reread(own, fused, cells, self.use, same=same, folder=self.folder)
            return own, self, report
        known, told, _ = calibrated(fused, cells, cast(PairJudge, self.use))
        if known is None:
            return own, replace(self, scale=None), told
        own, report = reread(own, fused, cells, known, same=same)
        return own, replace(self, scale=known.scale), report | told

    def read(
        self, own: Floats, p: Floats, query: Integers, pairs: tuple[Integers, Integers], cells: PairCells
    ) -> tuple[Floats, bool]:
        """Log-odds of pairs with what the reader adds to those in doubt; and whether any was read.

        A pair is in doubt where its probability is above .05 and no pair of its query is above .95: what is
        read of a query depends on no other one.

        Args:
            own: By the pairs' own features, (n_pairs,) float32.
            p: Match probabilities.
            query: The query of each pair.
            pairs: The left and the right record of each, as `cells` numbers them.
            cells: The cells of the records.
        """
        best = np.zeros(int(query.max(initial=-1)) + 1, dtype=np.float32)
        np.maximum.at(best, query, p)
        at = np.flatnonzero((p > IMPROBABLE) & (best[query] < CERTAIN))
        if not len(at) or not (is_budget(self.use) or self.scale is not None):
            return own, False
        some, found = (pairs[0][at], pairs[1][at]), own.copy()
        if self.scale is None:
            found[at], n_read = mixed(cells, some, own[at], self.folder)
            return found, n_read > 0
        known = CalibratedJudge(cast(PairJudge, self.use), self.scale)
        if known.most_pairs is not None and len(at) > known.most_pairs:
            raise InvalidArgumentError(
                f"The rows leave {len(at)} pairs in doubt, and the reader {known.name} is given at most "
                f"{known.most_pairs}. Ask fewer rows at a time, or give it a larger most_pairs."
            )
        found[at] += known.scale(asked(known, *texts_of(cells, some)))
        return found, True


def query_reader(
    reader: object, model: ModelLike, plan: Plan, *, pictures: bool = False
) -> QueryReader | None:
    """The argument `reader` of an estimator; None where nothing is read.

    Raises:
        InvalidArgumentError: Not a reader; a number of seconds; another one than a decision was learned with.
    """
    use = reader_for(plan, reader_of(reader, model, pictures=pictures))
    if use is False:
        return None
    if is_budget(use) and not isinstance(use, (bool, str)):
        raise InvalidArgumentError(
            f"reader={shown(reader)} is a time for a whole table, and here each row is read by itself. Give "
            "True or 'auto' for all pairs in doubt, or False."
        )
    return QueryReader(use, use.scale if isinstance(use, CalibratedJudge) else None, plan.reader)


def is_setting(reader: object) -> bool:
    """Whether a `reader=` can be saved: a setting, or the name of a folder or of a chat model."""
    return reader is None or isinstance(reader, (bool, str))


def located_reader(reader: object) -> object:
    """A folder as its absolute path, another value as it is."""
    if isinstance(reader, (str, os.PathLike)) and Path(reader).is_dir() and reader != AUTO:
        return str(Path(reader).absolute())
    return reader


def cells_of(queries: QueryRows | Reference, reference: Reference) -> TableCells:
    """The cells of further rows (left) and of a fitted table (right), in the order of its reader."""
    reader, n = reference.reader, len(reference.reader.keys.pairs)
    left, right = ([pair[side] for pair in reader.keys.pairs] for side in (0, 1))
    if reader.order is not None:
        left, right = (list(names[:n]) for names in reader.order)
    if queries is reference:
        left = right
    rows = blocking.first_rows(queries.nodes), reference.first_rows
    return TableCells((queries.table, reference.table), (left, right), rows)
