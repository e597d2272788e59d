"""Two tables compared: candidates in every view, and one score of each without labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.choose import choose
from linktransformer.decision.fused import Fused
from linktransformer.decision.pair_probabilities import Judged, judge
from linktransformer.encoding import cached_encoder, model_plan, picture_views, truncation
from linktransformer.linking.adaptive import adapted
from linktransformer.linking.options import Job
from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.search import blocking, candidate_search
from linktransformer.tables import block_keys, records
from linktransformer.tables.frames import Table
from linktransformer.tables.picture_records import Units, picture_columns, read_units

__all__ = [
    "Compared",
    "compare",
    "decide",
    "decide_pictures",
    "linked",
    "nothing",
]


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """Two tables with their candidates, scored without labels.

    Args:
        nodes: What is decided on, left and right.
        texts: Their texts.
        fused: The candidates and their score.
        details: For the report.
        plan: The model.
        units: Their pictures, where they have any.
    """

    nodes: tuple[blocking.Nodes, blocking.Nodes]
    texts: tuple[records.Records, records.Records]
    fused: Fused
    details: dict[str, Any]
    plan: model_plan.Plan
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
    plan = model_plan.plan(job.model, job.device, job.cache)
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
    fused = decide(tables, on, texts, (left, right), plan, job, details)
    return Compared((left, right), texts, fused, details | _of_fused(fused), plan)


def _compare_pictures(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Compared:
    """Find the candidates of rows that have pictures, and score them."""
    columns = picture_columns(job.images, tables)
    plan = model_plan.plan_of_pictures(job.model, job.device, job.cache)
    sure: tuple[str | None, str | None] = (None, None)
    if job.confidence is not None:
        sure = picture_columns(job.confidence, tables, "confidence")
    left, right = (
        read_units(table, names, column, plan.serializer, confidence)
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
    fused = decide_pictures(tables, on, units, nodes, plan, job, details)
    return Compared(nodes, texts, fused, details | _of_fused(fused), plan, units)


def nothing(nodes: tuple[blocking.Nodes, blocking.Nodes]) -> Fused:
    """No candidates, for a table without records.

    Args:
        nodes: Of the left and of the right table.

    Returns:
        No pair.
    """
    none = np.empty(0, dtype=np.int64)
    scores = {"lexical": np.empty(0, dtype=np.float32)}
    nothing = candidate_search.Candidates(none, none, scores, len(nodes[0]), len(nodes[1]))
    return Fused(nothing, np.empty(0, dtype=np.float32))


def _of_fused(fused: Fused) -> dict[str, Any]:
    """What the report says of the candidates."""
    return {"search": dict(fused.candidates.report)}


def decide(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    plan: model_plan.Plan,
    job: Job,
    details: dict[str, Any],
    *,
    same: bool = False,
) -> Fused:
    """Search both tables, and give the nearest pairs the probability that they match.

    Args:
        tables: The left and the right table; one table twice with `same`.
        on: Their key columns.
        texts: Their texts.
        nodes: Their records.
        plan: The model.
        job: How they are searched.
        details: For the report.
        same: Both sides are one table.

    Returns:
        The nearest pairs, with match probabilities as scores.
    """
    if not min(map(len, nodes)):
        return nothing(nodes)

    def embed(written: list[str]) -> Floats:
        return model_plan.embed(plan.encoder, written, batch_size=job.batch_size)

    options = Options(
        k=int(job.k),
        written=None if plan.reads_key_column else plan.serializer,
        comparisons=job.compare,
        memory_limit=job.memory_limit,
        device=job.device,
    )
    adaptive = plan.encoder is not None and not plan.chosen and not same
    every = plan.encoder is not None and not adaptive
    described = describe(
        tables, on, nodes, texts, replace(options, embed=embed if every else None), same=same
    )
    judged = judge(described, plan.correction)
    fused = _in_job(judged, texts, job)
    if adaptive:
        judged, details["encoded"] = adapted(judged, fused, embed, options, plan.correction)
        if judged.described is not described:
            described = judged.described
            fused = _in_job(judged, texts, job)
    return _with_details(fused, described, plan, texts, details)


def _in_job(judged: Judged, texts: tuple[records.Records, records.Records], job: Job) -> Fused:
    return judged.in_job(texts, expected_overlap=job.expected_overlap, keep_features=job.described)


def decide_pictures(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    units: tuple[Units, Units],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    plan: model_plan.Plan,
    job: Job,
    details: dict[str, Any],
    *,
    same: bool = False,
) -> Fused:
    """Search two tables with pictures, and give the nearest pairs the probability that they match.

    The decision sees the n-grams of the texts and the vectors of the pictures. The model's vectors of texts,
    and of both together, and the edit similarity of the texts are reported.

    Args:
        tables: The left and the right table; one table twice with `same`.
        on: Their key columns, none where rows have pictures alone.
        units: What their rows say and show.
        nodes: Their records.
        plan: The model.
        job: How they are searched.
        details: For the report.
        same: Both sides are one table.

    Returns:
        The nearest pairs, with match probabilities as scores. Equal readings do not raise a pair: an engine
        misreads alike.
    """
    if not min(map(len, nodes)):
        return nothing(nodes)
    vectors = picture_views.vectors_of(units, plan.encoder, batch_size=job.batch_size, same=same)
    seen = bool(vectors) and all(side.has_picture.any() for side in units)
    options = Options(
        k=int(job.k),
        vectors={"dense": vectors["image" if seen else "fused"], "fused": vectors["fused"]}
        if vectors
        else None,
        readings=True,
        comparisons=job.compare,
        memory_limit=job.memory_limit,
        device=job.device,
    )
    texts = (units[0].records, units[1].records)
    described = describe(tables, on, nodes, texts, options, same=same)
    judged = judge(described, plan.correction, pictures=seen)
    fused = judged.in_job(
        texts, readings=True, expected_overlap=job.expected_overlap, keep_features=job.described
    )
    found = picture_views.with_vectors(fused.candidates, vectors, nodes)
    found = picture_views.with_edit(found, nodes, units)
    fused = replace(fused, candidates=picture_views.without_gaps(found, nodes, units))
    return _with_details(fused, described, plan, texts, details)


def linked(fused: Fused) -> Integers:
    """The candidates that are links by the decision without labels, one for each left record at most.

    Args:
        fused: Pairs with their probabilities.

    Returns:
        Their places, (n,) int64.
    """
    found = fused.candidates
    similarity = np.fmax.reduce(list(found.views.values()))
    return choose(found.left, found.right, fused.score, similarity, "m:1", "auto").pairs


def _with_details(
    fused: Fused,
    described: Described,
    plan: model_plan.Plan,
    texts: tuple[records.Records, records.Records],
    details: dict[str, Any],
) -> Fused:
    if plan.correction is not None and plan.correction.fits(described.columns):
        details["decision"] = "learned from labels"
    details["key_column"] = described.key
    of = described.features
    details["comparisons"] = dict(zip(described.columns, of.kinds, strict=True))
    details["match_weights"] = fellegi_sunter.shown(described.columns, of.weights)
    if described.written is not None:
        details["model_reads"] = described.reads
        n_tables = 1 if texts[0] is texts[1] else 2  # the rows of one table count once
        details |= truncation.of_model(
            plan.encoder, list(texts)[:n_tables], list(described.written)[:n_tables]
        )
    details |= cached_encoder.of_report(plan.encoder)
    return fused
