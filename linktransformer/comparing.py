"""Two tables compared: candidates in every view, and one score of each without labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import (
    block_keys,
    blocking,
    encode,
    evidence,
    fuse,
    keys,
    limits,
    mutual,
    picture_views,
    records,
    remembering,
    search,
    trial,
    views,
)
from linktransformer.frames import Table
from linktransformer.job import Job
from linktransformer.serialize import Serializer
from linktransformer.sharing import Lead
from linktransformer.units import Units, picture_columns, read_units

__all__ = ["Compared", "compare", "same_text"]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two tables with their candidates, scored without labels.

    Args:
        nodes: What is decided on, left and right.
        texts: Their texts.
        fused: The candidates and their score.
        leads: As for `expand.decided`.
        details: For the report.
        plan: The model.
        units: Their pictures, where they have any.
    """

    nodes: tuple[blocking.Nodes, blocking.Nodes]
    texts: tuple[records.Records, records.Records]
    fused: fuse.Fused
    leads: tuple[Lead | None, Lead | None]
    details: dict[str, Any]
    plan: encode.Plan
    units: tuple[Units, Units] | None = None


def compare(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Compared:
    """Find the candidates of two tables and score them without labels.

    Args:
        tables: The left and the right table.
        on: Key columns of either.
        job: How.

    Returns:
        Nodes, texts and candidates.
    """
    if job.images is not None:
        return _compare_pictures(tables, on, job)
    plan = encode.plan(job.model, job.device, job.cache)
    texts = (records.read(tables[0], on[0], plan.reading), records.read(tables[1], on[1], plan.reading))
    blocks = block_keys.number(tables, job.block_on)
    left = blocking.nodes(texts[0].text_of_row, blocks.left)
    right = blocking.nodes(texts[1].text_of_row, blocks.right)
    details: dict[str, Any] = {
        "model": plan.name,
        "left_on": on[0],
        "right_on": on[1],
        "validate": job.validate,
        "rows_cut": texts[0].n_cut + texts[1].n_cut,
        **blocks.details,
    }
    leads: tuple[Lead | None, Lead | None]
    if not len(left) or not len(right):
        fused, leads = _nothing((left, right)), (None, None)
    else:
        fused, leads = _score(tables, on, texts, (left, right), plan, job, details)
    return Compared((left, right), texts, fused, leads, details | _of_fused(fused), plan)


def _compare_pictures(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Compared:
    """As `compare`, for rows that have pictures."""
    columns = picture_columns(job.images, tables)
    plan = encode.plan_of_pictures(job.model, job.device, job.cache)
    sure: tuple[str | None, str | None] = (None, None)
    if job.confidence is not None:
        sure = picture_columns(job.confidence, tables, "confidence")
    left, right = (
        read_units(table, names, column, plan.serializer, job.progress, confidence)
        for table, names, column, confidence in zip(tables, on, columns, sure, strict=True)
    )
    units, texts = (left, right), (left.records, right.records)
    blocks = block_keys.number(tables, job.block_on)
    nodes = (
        blocking.nodes(left.records.text_of_row, blocks.left),
        blocking.nodes(right.records.text_of_row, blocks.right),
    )
    details: dict[str, Any] = {
        "model": plan.name,
        "left_on": on[0],
        "right_on": on[1],
        "images": list(columns),
        "rows_without_picture": {
            side.name: dict(of.problems) for side, of in zip(tables, units, strict=True)
        },
        "validate": job.validate,
        "rows_cut": texts[0].n_cut + texts[1].n_cut,
        **blocks.details,
    }
    if not len(nodes[0]) or not len(nodes[1]):
        return Compared(
            nodes, texts, _nothing(nodes), (None, None), details | _of_fused(_nothing(nodes)), plan, units
        )
    made = picture_views.views_of(units, plan.encoder, batch_size=job.batch_size, show=job.progress)
    details |= remembering.of_report(plan.encoder)
    found = search.search(made.matrices, *nodes, int(job.k), memory_limit=job.memory_limit, device=job.device)
    found = picture_views.without_gaps(picture_views.with_edit(found, nodes, units), nodes, units)
    found = fuse.best_first(found)
    spread = views.spread(made, nodes, texts) | {
        picture_views.EDIT: picture_views.spread_of_edit(nodes, texts)
    }
    fused = fuse.fuse(found, spread)
    # equal readings are no proof where an engine reads wrongly: no pair scores 1 by its text alone
    fused = fuse.same_text_first(fused, np.zeros(len(found), dtype=np.int8))
    leads = (
        views.lead(made, found, nodes[0], 0, job.device),
        views.lead(made, found, nodes[1], 1, job.device),
    )
    return Compared(nodes, texts, fused, leads, details | _of_fused(fused), plan, units)


def _nothing(nodes: tuple[blocking.Nodes, blocking.Nodes]) -> fuse.Fused:
    """No candidates, for a table without nodes."""
    none = np.empty(0, dtype=np.int64)
    scores = {"lexical": np.empty(0, dtype=np.float32)}
    nothing = search.Candidates(none, none, scores, len(nodes[0]), len(nodes[1]))
    return fuse.Fused(nothing, np.empty(0, dtype=np.float32), {"lexical": 1.0}, 0.0)


def _of_fused(fused: fuse.Fused) -> dict[str, Any]:
    """What the report says of the candidates."""
    return fused.said() | {"search": dict(fused.candidates.report)}


def _score(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    plan: encode.Plan,
    job: Job,
    details: dict[str, Any],
) -> tuple[fuse.Fused, tuple[Lead | None, Lead | None]]:
    heads = None
    if max(map(len, on)) > 1:
        heads = _reread(tables, (on[0][:1], on[1][:1]), texts, plan.reading, plan.reading)
    written = _reread(tables, on, texts, plan.serializer, plan.reading)
    made = views.sparse(texts, heads)
    notes = dict(made.notes)

    def scored(known: search.Candidates | None = None) -> fuse.Fused:
        found = search.search(
            made.matrices,
            *nodes,
            int(job.k),
            memory_limit=job.memory_limit,
            device=job.device,
            known=known,
        )
        chance = views.chance(made, nodes, texts, job.validate)
        fused = fuse.fuse(found, views.spread(made, nodes, texts), chance)
        return fuse.same_text_first(fused, same_text(texts, nodes, fused))

    fused, reason = None, None
    if plan.encoder is not None:
        if not plan.chosen and trial.large(texts):
            fused = scored()
            lead = views.lead(made, fused.candidates, nodes[0], 0, job.device)
            reason = trial.reason_to_skip(fused, lead, plan.encoder, made, texts, written)
        if reason:
            notes["dense"] = reason
        else:
            readings = {"all columns": written}
            # a first column that most rows share with others names no row
            if "first column" in made.matrices and plan.choosy and job.choosy:
                first = (on[0][:1], on[1][:1])
                readings["the first column"] = _reread(tables, first, texts, plan.serializer, plan.reading)
            made, written = _read_by_model(made, readings, nodes, plan, job, details)
            fused = scored(fused.candidates if fused else None)
            details |= limits.of_model(plan.encoder, texts, written)
    fused = fused or scored()
    details |= ({"views_left_out": notes} if notes else {}) | remembering.of_report(plan.encoder)
    leads = (
        views.lead(made, fused.candidates, nodes[0], 0, job.device),
        views.lead(made, fused.candidates, nodes[1], 1, job.device),
    )
    columns = [
        (left, records.read(tables[0], [left], Serializer()), records.read(tables[1], [right], Serializer()))
        for left, right in keys.paired(*on)
    ]
    if len(columns) > 1:
        fused, details["evidence"] = evidence.added(columns, nodes, fused, leads[0])
        fused = fuse.same_text_first(fused, same_text(texts, nodes, fused))
    return fused, leads


def _read_by_model(
    made: views.Views,
    readings: Mapping[str, tuple[list[str], list[str]]],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    plan: encode.Plan,
    job: Job,
    details: dict[str, Any],
) -> tuple[views.Views, tuple[list[str], list[str]]]:
    """Add the model's vectors of the texts as they are read in the way that finds more partners.

    A vector has room for so much: a name beside an address, a description and a price says less to a model
    than the name alone, and where the other table has no such columns they only disturb. The reading is
    taken by which more left nodes are the one best of their own one best right node, beyond chance.
    """
    found = {
        name: views.with_dense(made, plan.encoder, texts, batch_size=job.batch_size, show=job.progress)
        for name, texts in readings.items()
    }
    chosen, *others = found
    best = {name: _partners_by_model(of, nodes, job) for name, of in found.items()} if others else {}
    for name in others:
        gained, lost = (best[name] & ~best[chosen]).sum(), (best[chosen] & ~best[name]).sum()
        if gained - lost > np.sqrt(gained + lost):
            chosen = name
    if others:
        rates = {name: round(float(of.mean()), 4) for name, of in best.items()}
        details["model_reads"] = {"chosen": chosen} | rates
    return found[chosen], readings[chosen]


def _partners_by_model(
    made: views.Views, nodes: tuple[blocking.Nodes, blocking.Nodes], job: Job
) -> NDArray[np.bool_]:
    """Which left nodes are the one best of their own one best right node, by the model alone."""
    matrices = {"dense": made.matrices["dense"]}
    found = search.search(matrices, *nodes, 1, memory_limit=job.memory_limit, device=job.device)
    return mutual.mutual_best(found, found.views["dense"], mutual.Sides.of(found))


def same_text(
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    fused: fuse.Fused,
) -> NDArray[np.int8]:
    """How equal the two texts of a candidate are; only near ones are looked at.

    Args:
        texts: The texts of the left and of the right table.
        nodes: Their nodes.
        fused: The candidates and their score.

    Returns:
        As `fuse.alike`, (n_candidates,) int8.
    """
    found = fused.candidates
    near = np.flatnonzero(np.maximum(fused.score, found.views["lexical"]) > fuse.SAME)
    same = np.zeros(len(found), dtype=np.int8)
    a = texts[0].texts[nodes[0].text[found.left[near]]]
    b = texts[1].texts[nodes[1].text[found.right[near]]]
    same[near] = fuse.alike(a, b)
    return same


def _reread(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[records.Records, records.Records],
    serializer: Serializer,
    reading: Serializer,
) -> tuple[list[str], list[str]]:
    """Each text as other columns or another serializer would write it; as read where that is the same."""
    left, right = (
        side.texts.tolist()
        if serializer == reading and side.columns == tuple(columns)
        else views.texts_of(side, records.read(table, columns, serializer))
        for table, columns, side in zip(tables, on, texts, strict=True)
    )
    return left, right
