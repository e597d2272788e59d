"""merge and link: two tables that name the same things differently, row by row."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from linktransformer import (
    blocking,
    encode,
    expand,
    frames,
    fuse,
    joining,
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


@dataclass(frozen=True, slots=True)
class _Job:
    """The arguments that say how rows are linked, checked."""

    validate: str
    model: Any
    block_on: Columns
    k: int
    threshold: Any
    device: str | None
    batch_size: int | None
    memory_limit: int | None
    progress: bool | None


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
    indicator: bool = False,
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
        left: A pandas or polars DataFrame or a pyarrow Table.
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
        indicator: Add `_merge`: "both", "left_only" or "right_only".
        model: None: the bundled model beside character n-grams. "lexical": n-grams alone. Or a folder,
            "org/name@revision", a SentenceTransformer, any object with `encode`.
        block_on: Column or columns whose values must be equal.
        k: Neighbours fetched for each row in each view and direction; None is 10.
        threshold: "auto"; a number; {"precision": 0.95}; None links every row to its best one.
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
    joining.check_how(how)
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
        threshold: "auto"; a number; {"precision": 0.95}; None links every row to its best one.
        device: Where a torch model runs.
        batch_size: Texts encoded at a time.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        progress: True shows progress bars, False none; None on a terminal.

    Returns:
        The links.

    Raises:
        ColumnNotFoundError: A column that is not there.
        InvalidArgumentError: An argument, or two together, that cannot work.
        TableTypeError: Not a table, or tables of two libraries.

    Example:
        >>> import pandas as pd
        >>> a = pd.DataFrame({"name": ["Acme Steel Corp."]})
        >>> b = pd.DataFrame({"name": ["ACME STEEL", "Zeller"]})
        >>> link(a, b, on="name", model="lexical").pairs[["left", "right"]].values.tolist()
        [[0, 0]]
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    job = _Job(
        validate or "m:1", model, block_on, k or K, threshold, device, batch_size, memory_limit, progress
    )
    _check(job, k)
    on_left, on_right = keys.resolve(tables[0], tables[1], on, left_on, right_on)
    links = _link(tables, (on_left, on_right), job)
    logger.info("%r", links)
    return links


def _check(job: _Job, k: Any) -> None:
    if job.validate not in VALIDATE:
        raise InvalidArgumentError(
            f"validate={job.validate!r} is not one of {', '.join(map(repr, VALIDATE))}."
        )
    if k is not None and (isinstance(k, bool) or not isinstance(k, (int, np.integer)) or k < 1):
        raise InvalidArgumentError(f"k={k!r} is no number of neighbours. Give a whole number from 1.")
    if job.memory_limit is not None and job.memory_limit <= 0:
        raise InvalidArgumentError(f"memory_limit={job.memory_limit!r} is no number of bytes above 0.")
    threshold.check_threshold(job.threshold)


def _link(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: _Job) -> Links:
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
    return expand.decided(tables, (left, right), fused, job.validate, job.threshold, details, leads)


def _score(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[records.Records, records.Records],
    nodes: tuple[blocking.Nodes, blocking.Nodes],
    plan: encode.Plan,
    job: _Job,
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
            job.k,
            memory_limit=job.memory_limit,
            device=job.device,
            known=known,
        )
        return fuse.fuse(found, views.spread(made, *nodes))

    fused, reason = None, None
    if plan.encoder is not None:
        if not plan.chosen and trial.large(texts):
            fused = scored()
            lead = views.lead(made, fused.candidates, nodes[0], 0)
            reason = trial.reason_to_skip(fused, lead, plan.encoder, made, written)
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
    return fused, leads


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
