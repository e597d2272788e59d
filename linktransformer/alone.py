"""The learned decision for rows that are asked by themselves, whose rivals are not there."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from linktransformer import blocking, judgement, pair_evidence
from linktransformer.column_words import ColumnWords, column_words
from linktransformer.frames import Table
from linktransformer.fused import Fused
from linktransformer.judgement import Judgement
from linktransformer.pair_evidence import VIEWS, Evidence
from linktransformer.records import Records, read
from linktransformer.reference import Asked, Reference
from linktransformer.serialize import Serializer

__all__ = ["evidence_alone", "for_rows_alone", "judged", "with_columns"]

logger = logging.getLogger(__name__)

Integers = NDArray[np.int64]


def for_rows_alone(learned: Judgement | None, known: Reference) -> Judgement | None:
    """The decision of a model for rows that are asked by themselves.

    Args:
        learned: The model's decision, None for none.
        known: The reference, with its columns.

    Returns:
        The decision, None with a line in the log where there is none that fits.
    """
    if learned is None:
        return None
    if learned.alone is None:
        logger.warning(
            "the decision that was learned with the model looks at rivals in both tables, which a row by "
            "itself has not: rows are decided without labels. Learn it again by fit_decision to have one for "
            "single rows"
        )
        return None
    names = _names(known)
    missing = sorted(set(learned.alone.features) ^ set(names))
    if missing:
        logger.warning(
            "the decision that was learned with the model does not fit these key columns (%s): rows are "
            "decided without labels",
            ", ".join(missing[:6]),
        )
        return None
    return learned.alone


def with_columns(known: Reference, sample: Table | None) -> Reference:
    """Read the key columns one by one; how rare an n-gram is is counted as a merge counts it.

    Args:
        known: The reference.
        sample: Rows such as will be asked, None for none.

    Returns:
        The reference with its columns; without them where rows that are asked have not as many.
    """
    mine, theirs = known.keys.queries, known.keys.reference
    if len(mine) != len(theirs):
        return known
    asked = None if sample is None else read(sample, mine, Serializer())
    columns = []
    for name, other in zip(theirs, mine, strict=True):
        counted = pair_evidence.cells_of(known.table, name, known.records)
        if sample is not None and asked is not None:
            counted = counted + pair_evidence.cells_of(sample, other, asked)
        columns.append(column_words(known.table, name, counted))
    return replace(known, columns=tuple(columns))


def judged(learned: Judgement, known: Reference, asked: Asked, fused: Fused) -> Fused:
    """Score candidates by the decision.

    Args:
        learned: From `for_rows_alone`.
        known: The reference.
        asked: The rows.
        fused: From `asking.scored`.

    Returns:
        The same candidates with probabilities as scores. What a row gets does not depend on the others.
    """
    seen = evidence_alone(known, asked, fused)
    place = {name: number for number, name in enumerate(seen.names)}
    values = seen.values[:, [place[name] for name in learned.features]]
    # one row at a time: a product of matrices rounds by their shapes
    scaled = (values - np.array(learned.means)) / np.array(learned.scales) * np.array(learned.coefficients)
    logit = scaled.sum(axis=1) + learned.intercept
    return replace(fused, score=judgement.bent(logit).astype(np.float32))


def evidence_alone(known: Reference, asked: Asked, fused: Fused) -> Evidence:
    """Look at every candidate from the side of the row that is asked.

    Args:
        known: The reference.
        asked: The rows.
        fused: Their candidates, all that each row has.

    Returns:
        What `judgement.evidence` has under the same names, but for what `Evidence.of_a_row_alone` leaves out.
    """
    found = fused.candidates
    columns: dict[str, NDArray[Any]] = {}
    for name in (name for name in VIEWS if name in found.views):
        score = found.views[name]
        columns |= {name: score, **pair_evidence.standing(name, "left", found.left, score)}
    a, mine = np.unique(asked.nodes.text[found.left], return_inverse=True)
    b, theirs = np.unique(known.nodes.text[found.right], return_inverse=True)
    texts = asked.records.texts[a].tolist(), known.records.texts[b].tolist()
    columns |= pair_evidence.codes_of(texts, mine, theirs)
    rows = blocking.first_rows(asked.nodes)[found.left], known.first_rows[found.right]
    for place, (of_asked, of_known) in enumerate(zip(asked.columns, known.columns, strict=True)):
        left, right = _cells(of_asked, rows[0]), _cells(of_known, rows[1])
        cells, vectors = (left[0], right[0]), (left[1], right[1])
        columns |= pair_evidence.compared(f"column {place + 1}", cells, vectors, left[2], right[2])
    names = tuple(columns)
    return Evidence(names, np.stack([columns[name].astype(np.float64) for name in names], axis=1))


def _cells(column: ColumnWords, rows: Integers) -> tuple[list[str], Any, Integers]:
    """The different cells of rows with their vectors, and which of them each row has."""
    text, place = np.unique(column.cells.text_of_row[rows], return_inverse=True)
    cells = ["" if one < 0 else str(column.cells.texts[one]) for one in text.tolist()]
    vectors = column.vectors[text[text >= 0]]
    if len(vectors.indptr) - 1 < len(text):  # no cell is the first, and has no n-gram
        vectors = sp.csr_matrix(sp.vstack([column.words.vectors([""]), vectors]))
    return cells, vectors, place


def _names(known: Reference) -> tuple[str, ...]:
    """What `evidence_alone` sees of any row."""
    from linktransformer.search import Candidates

    none = np.empty(0, dtype=np.int64)
    views = {name: np.empty(0, dtype=np.float32) for name in known.views}
    nothing = Fused(Candidates(none, none, views, 0, 0), np.empty(0, dtype=np.float32))
    empty = Records(np.empty(0, dtype=object), none, 0, known.keys.queries)
    asked = Asked(known.table, empty, blocking.Nodes(none, none, none), {}, known.columns)
    return evidence_alone(known, asked, nothing).names
