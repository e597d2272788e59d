"""Pairs in doubt are read by a cross-encoder, the most doubtful first, within a budget."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import Fused
from linktransformer.decision.pair_probabilities import Judged
from linktransformer.linking.options import ReaderBudget
from linktransformer.linking.selective_encoding import best_of, doubtful
from linktransformer.progress import stage
from linktransformer.scoring.describe import Views
from linktransformer.scoring.key_column import naming_order
from linktransformer.search import blocking
from linktransformer.tables import key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer

if TYPE_CHECKING:
    from clippings.text.pair_reader import CellTokens, PairReader

__all__ = ["VARIABLE", "TableReader", "read_pairs"]

VARIABLE = "LINKTRANSFORMER_READER"  # a folder with another reader, for measurements
# Tokens that are read, at .1 ms each on one core. With what the text model encoded (.04 ms a character) they
# take about as long as the n-grams of a record (.3 ms); where the model encoded more, as long as that took;
# and at least four seconds.
PER_RECORD, PER_CHARACTER, AT_LEAST, PER_SECOND = 3, 0.4, 40_000, 10_000
LEAST_TOKENS = 5  # of a pair: three special ones and one of each record


def read_pairs(
    judged: Judged,
    fused: Fused,
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    reader: ReaderBudget,
) -> tuple[Judged, dict[str, object]]:
    """Judge pairs in doubt again with the log-odds of a cross-encoder; and a report of its use.

    A pair is in doubt as for the text model: its match probability is above .05, and one of its records has
    no candidate above .95. In two tables a pair is read together with its rivals. Records that are longer
    than the reader's window are not read: what tells them apart may be in the rest.

    Args:
        judged: The pairs with their own log-odds.
        fused: The same pairs with match probabilities.
        tables: Both tables.
        on: Their key columns.
        reader: "auto" for the default budget, True for every pair in doubt, or seconds of one core.
    """
    sizes = fused.candidates.n_left, fused.candidates.n_right
    encoded = sum(len(text) for side in judged.described.written or () for text in side)
    budget = _budget(reader, sum(sizes), encoded)
    p = fused.score
    at = np.flatnonzero(doubtful(fused.candidates, p, best_of(fused.candidates, p)))
    report: dict[str, object] = {"pairs_in_doubt": len(at)}
    doubt = np.abs(p[at] - np.float32(0.5))
    if not judged.described.views.same:  # in one table other candidates of a record may match it as well
        doubt = _with_rivals(doubt, fused.candidates.left[at], fused.candidates.right[at])
    order = np.argsort(doubt, kind="stable")
    at, doubt = at[order], doubt[order]
    if budget is not None:
        most = budget // LEAST_TOKENS
        at, doubt = at[: most + 1], doubt[: most + 1]
    if not len(at):
        return judged, {**report, "pairs_read": 0}
    model = _reader()
    pairs = fused.candidates.left[at], fused.candidates.right[at]
    sides, rows = _tokens(model, judged.described.views, pairs, tables, on)
    whole = sides[0].whole[rows[0]] & sides[1].whole[rows[1]]
    cost = np.where(whole, 3 + sides[0].lengths[rows[0]] + sides[1].lengths[rows[1]], 0)
    if budget is not None:
        last = int(np.searchsorted(np.cumsum(cost), budget, side="right"))
        if last < len(at):  # pairs of equal doubt: all or none, whatever their order
            last = int(np.searchsorted(doubt, doubt[last]))
        whole[last:] = False
    chosen = np.flatnonzero(whole)
    report |= {"pairs_read": len(chosen), "tokens": int(cost[chosen].sum()), "budget": budget}
    if not len(chosen):
        return judged, report
    with stage("reading", len(chosen)) as tick:
        read = model.log_odds(*sides, rows[0][chosen], rows[1][chosen], progress=tick)
    own = judged.own.copy()
    own[at[chosen]] = model.mixed(own[at[chosen]], read)
    return replace(judged, own=own), report


@dataclass(frozen=True, slots=True, eq=False)
class TableReader:
    """The reader for records of two tables: few pairs, whatever their doubt.

    Args:
        tables: Both tables.
        on: Their key columns.
    """

    tables: tuple[Table, Table]
    on: tuple[list[str], list[str]]

    def mixed(self, views: Views, pairs: tuple[Integers, Integers], log_odds: Floats) -> Floats:
        """Log-odds of pairs of records with the reader's, (n_pairs,) float32; of long records as they are.

        Args:
            views: The views of the records.
            pairs: The left and the right record of each pair.
            log_odds: By the decision, (n_pairs,) float32.
        """
        if not len(log_odds):
            return log_odds
        model = _reader()
        sides, rows = _tokens(model, views, pairs, self.tables, self.on)
        whole = np.flatnonzero(sides[0].whole[rows[0]] & sides[1].whole[rows[1]])
        mixed = log_odds.copy()
        if len(whole):
            read = model.log_odds(*sides, rows[0][whole], rows[1][whole])
            mixed[whole] = model.mixed(log_odds[whole], read)
        return mixed


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
    model: PairReader,
    views: Views,
    pairs: tuple[Integers, Integers],
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
) -> tuple[tuple[CellTokens, CellTokens], tuple[Integers, Integers]]:
    """The tokens of the records of some pairs, and the places of these records."""
    paired = key_columns.paired(*on)
    names = [paired[place] for place in naming_order(views.columns, views.key)]
    tokens, places = [], []
    for side, numbers in enumerate(pairs):
        nodes, place = np.unique(numbers, return_inverse=True)
        table = tables[side].rows(blocking.first_rows(views.nodes[side])[nodes])
        columns = [_cells(table, pair[side]) for pair in names]
        tokens.append(model.tokens(list(zip(*columns, strict=True))))
        places.append(place)
    return (tokens[0], tokens[1]), (places[0], places[1])


def _cells(table: Table, name: str) -> Sequence[str]:
    """The texts of a column, "" for a null."""
    read = records.read(table, [name], Serializer())
    texts: list[str] = np.append(read.texts, "")[read.text_of_row].tolist()
    return texts


def _reader() -> PairReader:
    return _loaded(os.getpid(), os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=2)
def _loaded(process: int, folder: str) -> PairReader:
    """The reader, by process: onnxruntime does not promise that a session works after a fork."""
    from clippings.text.pair_reader import PairReader
    from model_hub import bundled, verify

    return PairReader(verify(Path(folder)) if folder else bundled())
