"""merge and link: two tables that name the same things differently, row by row."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import (
    blocking,
    encode,
    evidence,
    expand,
    frames,
    fuse,
    joining,
    judgement,
    keys,
    records,
    search,
    threshold,
    trial,
    views,
)
from linktransformer.errors import InvalidArgumentError
from linktransformer.frames import Table
from linktransformer.links import Links
from linktransformer.serialize import Serializer
from linktransformer.sharing import Lead

__all__ = ["link", "merge"]

logger = logging.getLogger(__name__)

Columns = str | Sequence[str] | None
VALIDATE = ("1:1", "1:m", "m:1", "m:m")
K = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The arguments that say how rows are linked, as `link` takes them.

    Raises:
        InvalidArgumentError: One of them cannot work.
    """

    validate: str = "m:1"
    model: Any = None
    block_on: Columns = None
    k: int = K
    threshold: Any = "auto"
    device: str | None = None
    batch_size: int | None = None
    memory_limit: int | None = None
    progress: bool | None = None

    def __post_init__(self) -> None:
        if self.validate not in VALIDATE:
            raise InvalidArgumentError(
                f"validate={self.validate!r} is not one of {', '.join(map(repr, VALIDATE))}."
            )
        for name, what in (("k", "neighbours"), ("batch_size", "texts"), ("memory_limit", "bytes")):
            value = getattr(self, name)
            if value is not None and not (_is_whole(value) and value >= 1):
                raise InvalidArgumentError(
                    f"{name}={value!r} is no number of {what}. Give a whole number from 1."
                )
        threshold.check_threshold(self.threshold)


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def merge(
    left: Any,
    right: Any,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    how: str = "left",
    validate: str | None = None,
    suffixes: tuple[str | None, str | None] = ("_x", "_y"),
    indicator: bool | str = False,
    model: Any = None,
    block_on: Columns = None,
    k: int | None = None,
    threshold: Any = "auto",
    score_column: str = "score",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    progress: bool | None = None,
) -> Any:
    """Put the rows of two tables together that name the same thing, as pandas.merge does for equal keys.

    Args:
        left: A pandas or polars DataFrame or a pyarrow Table; a polars LazyFrame is collected.
        right: Another one of the same library.
        on: Key column or columns of both tables. None, with `left_on` and `right_on`: the text columns
            that both have.
        left_on: Key columns of the left table; any number, any dtype. Put the column that names the
            row, such as its title, first.
        right_on: Key columns of the right table.
        how: "left" keeps every left row, "inner" linked rows, "right" every right row, "outer" all.
        validate: "1:1", "1:m", "m:1" or "m:m", enforced; None is "m:1": a left row takes one right row
            at most, and a right row may be taken by several.
        suffixes: For columns of the same name, key columns too.
        indicator: Add `_merge`, or a column of the name that you give: "both", "left_only" or "right_only".
        model: None: the bundled model beside character n-grams. "lexical": n-grams alone. Or a folder,
            "org/name@revision", a SentenceTransformer, any object with `encode`.
        block_on: Column or columns whose values must be equal.
        k: Neighbours fetched for each row in each view and direction; None is 10.
        threshold: "auto"; a number; {"precision": 0.95}; None links every row to the best that was found
            for it, however bad (a row that shares no n-gram with any other may have none).
        score_column: Name of the column with the score; "score_lt" and so on where a table has it already.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        progress: True shows progress bars, False none; None on a terminal.

    Returns:
        A table of the same library with a fresh index: left columns, right columns, score. Left order;
        rows that only the right table has come last ("right": right order).

    Raises:
        ColumnNotFoundError: A column that is not there; the message has the nearest name.
        InvalidArgumentError: An argument, or two together, that cannot work.
        TableTypeError: Not a table, or tables of two libraries.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: The model needs a package that is not installed.

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy"]})
        >>> names = ["ACME STEEL CORPORATION", "Zeller Motors"]
        >>> register = pd.DataFrame({"name": names, "year": [1990, 1991]})
        >>> merge(firms, register, on="name", model="lexical")[["name_x", "year"]]
                     name_x  year
        0  Acme Steel Corp.  1990
        1      Baxter Dairy  <NA>
    """
    joining.check(
        frames.wrap(left, "left"), frames.wrap(right, "right"), how, suffixes, indicator, score_column
    )
    links = link(
        left,
        right,
        on,
        left_on=left_on,
        right_on=right_on,
        validate=validate,
        model=model,
        block_on=block_on,
        k=k,
        threshold=threshold,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        progress=progress,
    )
    return joining.joined(links, how=how, suffixes=suffixes, indicator=indicator, score_column=score_column)


def link(
    left: Any,
    right: Any,
    on: Columns = None,
    *,
    left_on: Columns = None,
    right_on: Columns = None,
    validate: str | None = None,
    model: Any = None,
    block_on: Columns = None,
    k: int | None = None,
    threshold: Any = "auto",
    device: str | None = None,
    batch_size: int | None = None,
    memory_limit: int | None = None,
    progress: bool | None = None,
) -> Links:
    """Decide which rows of two tables name the same thing, with evidence.

    Args:
        left: A table.
        right: A table of the same library.
        on: As for `merge`.
        left_on: As for `merge`.
        right_on: As for `merge`.
        validate: As for `merge`.
        model: None: the bundled model beside character n-grams. "lexical": n-grams alone. Or a folder,
            "org/name@revision", a SentenceTransformer, any object with `encode`.
        block_on: Column or columns whose values must be equal.
        k: Neighbours fetched for each row in each view and direction; None is 10.
        threshold: As for `merge`.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        progress: True shows progress bars, False none; None on a terminal.

    Returns:
        The links.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument, or two together, that cannot work.
        TableTypeError: Not a table, or tables of two libraries.
        ModelError: There is no such model, or it gives vectors that cannot be used.
        MissingExtraError: The model needs a package that is not installed.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"name": ["Acme Steel Corp."]})
        >>> b = pd.DataFrame({"name": ["ACME STEEL", "Zeller"]})
        >>> link(a, b, on="name", model="lexical").pairs[["left", "right"]].values.tolist()
        [[0, 0]]
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    job = Job(
        validate="m:1" if validate is None else validate,
        model=model,
        block_on=block_on,
        k=K if k is None else k,
        threshold=threshold,
        device=device,
        batch_size=batch_size,
        memory_limit=memory_limit,
        progress=progress,
    )
    on_left, on_right = keys.resolve(tables[0], tables[1], on, left_on, right_on)
    links = _link(tables, (on_left, on_right), job)
    logger.info("%r", links)
    return links


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
    """

    nodes: tuple[blocking.Nodes, blocking.Nodes]
    texts: tuple[records.Records, records.Records]
    fused: fuse.Fused
    leads: tuple[Lead | None, Lead | None]
    details: dict[str, Any]
    plan: encode.Plan


def _link(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Links:
    found = compare(tables, on, job)
    fused, rule = found.fused, job.threshold
    if found.plan.judgement is not None and len(fused.candidates):
        evidence = judgement.evidence(tables, on, found.texts, found.nodes, fused)
        judged = judgement.judge(found.plan.judgement, evidence, fused)
        if judged is not None:
            fused, found.details["decision"] = judged, "learned from labels"
            rule = found.plan.judgement.threshold if isinstance(rule, str) else rule
    return expand.decided(tables, found.nodes, fused, job.validate, rule, found.details, found.leads)


def compare(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Compared:
    """Find the candidates of two tables and score them without labels.

    Args:
        tables: The left and the right table.
        on: Key columns of either.
        job: How.

    Returns:
        Nodes, texts and candidates.
    """
    serializer = Serializer()
    texts = (records.read(tables[0], on[0], serializer), records.read(tables[1], on[1], serializer))
    blocks = keys.blocks(tables, job.block_on)
    left = blocking.nodes(texts[0].text_of_row, None if blocks is None else blocks[0])
    right = blocking.nodes(texts[1].text_of_row, None if blocks is None else blocks[1])
    plan = encode.plan(job.model, job.device)
    details: dict[str, Any] = {
        "model": plan.name,
        "left_on": on[0],
        "right_on": on[1],
        "validate": job.validate,
        "rows_cut": texts[0].n_cut + texts[1].n_cut,
    }
    leads: tuple[Lead | None, Lead | None]
    if not len(left) or not len(right):
        empty = np.empty(0, dtype=np.int64)
        nothing = search.Candidates(
            empty, empty, {"lexical": np.empty(0, dtype=np.float32)}, len(left), len(right)
        )
        fused, leads = fuse.Fused(nothing, np.empty(0, dtype=np.float32), {"lexical": 1.0}, 0.0), (None, None)
    else:
        fused, leads = _score(tables, on, texts, (left, right), plan, job, details)
    details |= {
        "weights": {name: round(value, 4) for name, value in fused.weights.items()},
        "mutual_best_rate": round(fused.rate, 4),
        "search": dict(fused.candidates.report),
    }
    return Compared((left, right), texts, fused, leads, details, plan)


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
        heads = _reread(tables, (on[0][:1], on[1][:1]), texts, Serializer())
    written = _reread(tables, on, texts, plan.serializer)
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
        fused = fuse.fuse(found, views.spread(made, nodes, texts))
        return fuse.same_text_first(fused, _same_text(texts, nodes, fused))

    fused, reason = None, None
    if plan.encoder is not None:
        if not plan.chosen and trial.large(texts):
            fused = scored()
            lead = views.lead(made, fused.candidates, nodes[0], 0)
            reason = trial.reason_to_skip(fused, lead, plan.encoder, made, texts, written)
        if reason:
            notes["dense"] = reason
        else:
            made = views.with_dense(made, plan.encoder, written, batch_size=job.batch_size, show=job.progress)
            fused = scored(fused.candidates if fused else None)
    fused = fused or scored()
    details |= {"views_left_out": notes} if notes else {}
    leads = (
        views.lead(made, fused.candidates, nodes[0], 0),
        views.lead(made, fused.candidates, nodes[1], 1),
    )
    columns = [
        (left, records.read(tables[0], [left], Serializer()), records.read(tables[1], [right], Serializer()))
        for left, right in keys.paired(*on)
    ]
    if len(columns) > 1:
        fused, details["evidence"] = evidence.added(columns, nodes, fused, leads[0])
        fused = fuse.same_text_first(fused, _same_text(texts, nodes, fused))
    return fused, leads


def _same_text(
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    fused: fuse.Fused,
) -> NDArray[np.bool_]:
    """Where the two texts of a candidate are equal; only near ones are looked at."""
    found = fused.candidates
    near = np.flatnonzero(np.maximum(fused.score, found.views["lexical"]) > fuse.SAME)
    same = np.zeros(len(found), dtype=bool)
    a = texts[0].texts[nodes[0].text[found.left[near]]]
    b = texts[1].texts[nodes[1].text[found.right[near]]]
    same[near] = a == b
    return same


def _reread(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[records.Records, records.Records],
    serializer: Serializer,
) -> tuple[list[str], list[str]]:
    """Each text as other columns or another serializer would write it; as it is where that is the same."""
    left, right = (
        side.texts.tolist()
        if serializer == Serializer() and side.columns == tuple(columns)
        else views.texts_of(side, records.read(table, columns, serializer))
        for table, columns, side in zip(tables, on, texts, strict=True)
    )
    return left, right
