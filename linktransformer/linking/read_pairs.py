"""Pairs in doubt are read by the cross-encoder of a model, the most doubtful first, within a budget."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import Fused
from linktransformer.linking.options import ReaderBudget
from linktransformer.linking.pair_cells import PairCells, TableCells, of_pairs
from linktransformer.linking.selective_encoding import best_of, doubtful
from linktransformer.progress import stage
from linktransformer.scoring.describe import Views
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from clippings.text.pair_reader import CellTokens, PairReader

__all__ = ["VARIABLE", "PairReading", "TableReader", "by_doubt", "mixed", "read_pairs"]

VARIABLE = "LINKTRANSFORMER_READER"  # a folder with another reader, for measurements
# Tokens that are read, at .1 ms each on one core. With what the text model encoded (.04 ms a character) they
# take about as long as the n-grams of a record (.3 ms); where the model encoded more, as long as that took;
# and at least four seconds.
PER_RECORD, PER_CHARACTER, AT_LEAST, PER_SECOND = 3, 0.4, 40_000, 10_000
LEAST_TOKENS = 5  # of a pair: three special ones and one of each record


def read_pairs(
    own: Floats,
    fused: Fused,
    cells: PairCells,
    reader: ReaderBudget,
    *,
    same: bool,
    encoded: int = 0,
    folder: str = "",
) -> tuple[Floats, dict[str, object]]:
    """Log-odds of pairs with those of a cross-encoder where they are in doubt; and a report of its use.

    A pair is in doubt as for the text model: its match probability is above .05, and one of its records has
    no candidate above .95. In two tables a pair is read together with its rivals. Records that are longer
    than the reader's window are not read: what tells them apart may be in the rest.

    Args:
        own: The pairs' own log-odds, (n_pairs,) float32.
        fused: The pairs with match probabilities.
        cells: The cells of their records.
        reader: "auto" for the default budget, True for every pair in doubt, or seconds of one core.
        same: Both sides are one table.
        encoded: Characters that a text model encoded.
        folder: The model's folder that has the reader, "" for the bundled one.

    Returns:
        Log-odds, `own` itself where no pair was read; and the report.
    """
    budget = _budget(reader, fused.candidates.n_left + fused.candidates.n_right, encoded)
    at, doubt = by_doubt(fused, same=same)
    report: dict[str, object] = {"pairs_in_doubt": len(at)}
    if folder:
        report["reader"] = "of the model"
    if budget is not None:
        most = budget // LEAST_TOKENS
        at, doubt = at[: most + 1], doubt[: most + 1]
    if not len(at):
        return own, {**report, "pairs_read": 0}
    model = _reader(folder)
    sides, rows, cost = _tokens(model, cells, (fused.candidates.left[at], fused.candidates.right[at]))
    whole = cost > 0
    if budget is not None:
        last = int(np.searchsorted(np.cumsum(cost), budget, side="right"))
        if last < len(at):  # pairs of equal doubt: all or none, whatever their order
            last = int(np.searchsorted(doubt, doubt[last]))
        whole[last:] = False
    chosen = np.flatnonzero(whole)
    report |= {"pairs_read": len(chosen), "tokens": int(cost[chosen].sum()), "budget": budget}
    if not len(chosen):
        return own, report
    with stage("reading", len(chosen)) as tick:
        read = model.log_odds(*sides, rows[0][chosen], rows[1][chosen], progress=tick)
    own = own.copy()
    own[at[chosen]] = model.mixed(own[at[chosen]], read)
    return own, report


@dataclass(slots=True)
class PairReading:
    """A reader that reads until a budget is spent.

    Args:
        budget: Tokens that may be read, None for any number.
        folder: As of `read_pairs`.
        tokens: Those that were read.
        pairs: Pairs that were read.
    """

    budget: int | None
    folder: str = ""
    tokens: int = 0
    pairs: int = 0

    @classmethod
    def within(
        cls, reader: ReaderBudget, n_records: int, encoded: int, spent: int, folder: str = ""
    ) -> PairReading:
        """A reader with the same budget as pairs in doubt have; of seconds, what those have left."""
        budget = _budget(reader, n_records, encoded)
        if budget is not None and not isinstance(reader, str):
            budget = max(0, budget - spent)
        return cls(budget, folder)

    @property
    def most(self) -> int | None:
        """How many pairs may be read at most, None for any number."""
        return None if self.budget is None else (self.budget - self.tokens) // LEAST_TOKENS

    def read(self, cells: PairCells, pairs: tuple[Integers, Integers]) -> Floats:
        """The reader's log-odds of pairs, the first ones first, NaN where not read, (n_pairs,) float32."""
        read = np.full(len(pairs[0]), np.nan, dtype=np.float32)
        if not len(read) or self.most == 0:
            return read
        sides, rows, cost = _tokens(self.model, cells, pairs)
        whole = cost > 0
        if self.budget is not None:
            whole &= self.tokens + np.cumsum(cost) <= self.budget
        chosen = np.flatnonzero(whole)
        if len(chosen):
            read[chosen] = self.model.log_odds(*sides, rows[0][chosen], rows[1][chosen])
            self.tokens, self.pairs = self.tokens + int(cost[chosen].sum()), self.pairs + len(chosen)
        return read

    @property
    def model(self) -> PairReader:
        """What reads."""
        return _reader(self.folder)


def mixed(
    cells: PairCells, pairs: tuple[Integers, Integers], log_odds: Floats, folder: str = ""
) -> tuple[Floats, int]:
    """Log-odds of few pairs with the reader's, those of long records as they are; and how many were read.

    Args:
        cells: The cells of their records.
        pairs: The left and the right record of each pair.
        log_odds: By the decision, (n_pairs,) float32.
        folder: As of `read_pairs`.

    Returns:
        (n_pairs,) float32; and the number of pairs.
    """
    if not len(log_odds):
        return log_odds, 0
    model = _reader(folder)
    sides, rows, cost = _tokens(model, cells, pairs)
    whole = np.flatnonzero(cost)
    found = log_odds.copy()
    if len(whole):
        read = model.log_odds(*sides, rows[0][whole], rows[1][whole])
        found[whole] = model.mixed(log_odds[whole], read)
    return found, len(whole)


@dataclass(frozen=True, slots=True, eq=False)
class TableReader:
    """The bundled reader for records of two tables: few pairs, whatever their doubt.

    Args:
        tables: Both tables.
        on: Their key columns.
    """

    tables: tuple[Table, Table]
    on: tuple[list[str], list[str]]

    def cells(self, views: Views) -> TableCells:
        """The cells of the records of these views."""
        return TableCells.of_views(self.tables, self.on, views)

    def mixed(self, views: Views, pairs: tuple[Integers, Integers], log_odds: Floats) -> Floats:
        """Log-odds of pairs of records with the reader's, (n_pairs,) float32; of long records as they are.

        Args:
            views: The views of the records.
            pairs: The left and the right record of each pair.
            log_odds: By the decision, (n_pairs,) float32.
        """
        return mixed(self.cells(views), pairs, log_odds)[0]


def by_doubt(fused: Fused, *, same: bool) -> tuple[Integers, Floats]:
    """The pairs in doubt, the most doubtful first, and how far each is from even."""
    candidates, p = fused.candidates, fused.score
    at = np.flatnonzero(doubtful(candidates, p, best_of(candidates, p)))
    doubt = np.abs(p[at] - np.float32(0.5))
    if not same:  # in one table other candidates of a record may match it as well
        doubt = _with_rivals(doubt, candidates.left[at], candidates.right[at])
    order = np.argsort(doubt, kind="stable")
    return at[order], doubt[order]


def _with_rivals(doubt: Floats, left: Integers, right: Integers) -> Floats:
    """How early pairs are read, (n_pairs,): as the most doubtful pair of their records, rivals together."""
    sides = []
    for record in (left, right):
        least = np.full(int(record.max(initial=-1)) + 1, np.inf, dtype=np.float32)
        np.minimum.at(least, record, doubt)
        sides.append(least[record])
    return np.minimum(*sides)


def _budget(reader: ReaderBudget, n_records: int, encoded: int) -> int | None:
    """Tokens that may be read, None for any number; `encoded`: characters that the model encoded."""
    if reader is True:
        return None
    if isinstance(reader, str):
        of_model = int(PER_CHARACTER * encoded)
        return max(AT_LEAST, PER_RECORD * n_records - of_model, of_model)
    return int(float(reader) * PER_SECOND)


def _tokens(
    model: PairReader, cells: PairCells, pairs: tuple[Integers, Integers]
) -> tuple[tuple[CellTokens, CellTokens], tuple[Integers, Integers], Integers]:
    """The tokens of the records of some pairs, the places of these records, and what each pair costs.

    The costs are tokens, (n_pairs,) int64; 0 where a record is longer than the reader's window.
    """
    (left, right), places = of_pairs(cells, pairs)
    sides = model.tokens(left), model.tokens(right)
    whole = sides[0].whole[places[0]] & sides[1].whole[places[1]]
    cost = np.where(whole, 3 + sides[0].lengths[places[0]] + sides[1].lengths[places[1]], 0)
    return sides, places, cost


def _reader(folder: str = "") -> PairReader:
    return _loaded(os.getpid(), folder or os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=2)
def _loaded(process: int, folder: str) -> PairReader:
    """The reader, by process: onnxruntime does not promise that a session works after a fork."""
    from clippings.text.pair_reader import PairReader
    from model_hub import bundled, verify

    return PairReader(verify(Path(folder)) if folder else bundled())
