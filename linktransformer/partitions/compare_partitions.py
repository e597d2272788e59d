"""Two files compared piece by piece: the decision of `comparing.decide`, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.decision.equal_texts import raised
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import decision
from linktransformer.linking.source import no_candidates
from linktransformer.partitions.file_statistics import FileStatistics, statistics_of
from linktransformer.partitions.file_survey import Counted, Survey, count, survey
from linktransformer.partitions.partition import Divided
from linktransformer.partitions.partition_features import log_odds_of
from linktransformer.partitions.partition_job import Known, Piece, Stored, read
from linktransformer.partitions.partition_search import search_piece
from linktransformer.scoring import fellegi_sunter
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

__all__ = ["ComparedFiles", "compare_pieces"]


TRIAL_FROM = 4000  # texts: below, the model is always run
SETTLED = 0.9  # of the records are expected to have their match as best candidate: the model is not run


@dataclass(frozen=True, slots=True, eq=False)
class ComparedFiles:
    """Two files with their candidates, scored without labels.

    Args:
        nodes: The records of both files; their texts are not there.
        fused: The described pairs and their match probability.
        details: For the report.
    """

    nodes: tuple[Nodes, Nodes]
    fused: Fused
    details: dict[str, Any]


def compare_pieces(known: Known, divided: Divided) -> ComparedFiles:
    """Search every piece, and give the nearest pairs the probability that they match.

    All pieces are read three times: for counts and samples; for the search, from which come the statistics
    that are the same for all pairs; and for the features of the pairs that are held against these.
    """
    counted = count(known, divided)
    nodes = _nodes(known, counted, 0), _nodes(known, counted, 1)
    if not min(counted.sizes):
        return ComparedFiles(nodes, no_candidates(nodes), {"search": _report(known, divided, 0)})
    seen = survey(known, divided, counted)
    details: dict[str, Any] = {}
    plan = known.plan
    found: Fused | None = None
    if plan.encoder is not None and not plan.chosen and divided.counts.n_texts >= TRIAL_FROM:
        without = replace(known, plan=replace(plan, encoder=None))
        found, statistics = _probable(without, divided, seen)
        share = _settled(found, known.job.validate)
        if share >= SETTLED:
            why = f"a match of {share:.2f} of the records is expected without it ({SETTLED} is enough)"
            details["views_left_out"] = {"dense": f"left out: {why}"}
        else:
            found = None
    if found is None:
        found, statistics = _probable(known, divided, seen)
        if plan.encoder is not None:
            details["model_reads"] = "all columns"
    column = seen.column
    details |= {
        "search": dict(found.candidates.report),
        "key_column": column.name if column.names else None,
        "comparisons": {column.name: column.statistics.comparison.kind},
        "match_weights": fellegi_sunter.shown([column.name], statistics.job.tables),
    }
    return ComparedFiles(nodes, found, details)


def _settled(fused: Fused, validate: str) -> float:
    """The expected share of records whose best candidate is a match, on the side that is to be linked."""
    found = fused.candidates
    sides = [(found.left, found.n_left), (found.right, found.n_right)]
    shares = []
    for group, n in sides[:1] if validate == "m:1" else sides[1:] if validate == "1:m" else sides:
        best = np.zeros(n, dtype=np.float32)
        np.maximum.at(best, group, fused.score)
        shares.append(float(best.mean()))
    return max(shares)


def _probable(known: Known, divided: Divided, seen: Survey) -> tuple[Fused, FileStatistics]:
    """The nearest pairs of all pieces with their probabilities, and the statistics of the job."""
    searched = [search_piece(known, seen, piece) for piece in _prepared(known, divided)]
    statistics = statistics_of(known, seen, searched)
    n_found = sum(part.n_found for part in searched)
    searched.clear()
    names, model = known.views, decision().corrected_by(known.plan.correction, [seen.column.name])
    parts: list[tuple[NDArray[Any], ...]] = []
    with progress.stage("describe", divided.n_pieces) as tick:
        for number in range(divided.n_pieces):
            log_odds, offset = log_odds_of(known, divided, seen, statistics, number, model)
            stored = Stored(known.folder, number)
            at = stored.integers("at")
            left = seen.numbers(0, number)[stored.integers("left")[at]]
            right = seen.numbers(1, number)[stored.integers("right")[at]]
            scores = [np.clip(stored.array(f"view {name}")[at], -1, 1) for name in names]
            parts.append((left, right, log_odds, offset, stored.array("same"), *scores))
            tick(1)
    left, right, log_odds, offset, same, *scores = (np.concatenate(of) for of in zip(*parts, strict=True))
    parts.clear()
    order = np.argsort(left * max(1, seen.sizes[1]) + right)
    left, right, log_odds, same = left[order], right[order], log_odds[order], same[order]
    by_view = {name: score[order] for name, score in zip(names, scores, strict=True)}
    decided = model.in_job(
        log_odds,
        np.arange(len(order)),
        left,
        right,
        seen.sizes,
        expected_overlap=known.job.expected_overlap,
        offset=offset[order],
    )
    found = Candidates(left, right, by_view, *seen.sizes, _report(known, divided, n_found))
    return raised(Fused(found, decided.probability, decided), same), statistics


def _prepared(known: Known, divided: Divided) -> Iterator[Piece]:
    """The pieces one by one; the next one is read and encoded while the one before it is searched."""
    with ThreadPoolExecutor(1) as pool, progress.stage("pieces", divided.n_pieces) as tick:
        coming = [
            pool.submit(copy_context().run, read, known, divided, number)
            for number in range(divided.n_pieces)[:1]
        ]
        for number in range(divided.n_pieces):
            piece = coming.pop().result()
            if number + 1 < divided.n_pieces:
                coming.append(pool.submit(copy_context().run, read, known, divided, number + 1))
            yield piece
            for vectors in known.folder.glob(f"piece-{number}-*.npy"):
                with contextlib.suppress(OSError):  # where it is still mapped, on Windows
                    vectors.unlink()
            tick(1)


def _report(known: Known, divided: Divided, n_found: int) -> dict[str, Any]:
    report = {"k": int(known.job.k), "pieces": divided.n_pieces, "rows_of_largest_piece": divided.largest}
    if known.job.block_on is not None:
        report |= {"blocks": divided.n_blocks, "blocks_without_partner": divided.alone}
    return report | {"candidates": n_found}


def _nodes(known: Known, counted: Counted, side: int) -> Nodes:
    """All records of a side, without their texts."""
    total = counted.sizes[side]
    block = np.zeros(total, dtype=np.int64)
    of_row = np.full(known.tables[side].n_rows, -1, dtype=np.int64)
    for number, of_piece in enumerate(counted.numbers[side]):
        stored = Stored(known.folder, number)
        block[of_piece] = stored.array(f"block {side}")
        of_row[stored.array(f"row {side}")] = of_piece[stored.integers(f"node {side}")]
    return Nodes(np.broadcast_to(np.int64(0), total), block, of_row)
