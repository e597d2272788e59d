"""From two tables to the features of their candidate pairs: records, views, search, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import blocking, keys, lexical, records, search
from linktransformer.blocking import Nodes
from linktransformer.frames import Table
from linktransformer.progress import stage
from linktransformer.records import Records
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.features import VIEWS, Evidence, PairFeatures, pair_features
from linktransformer.scoring.gaps import without_gaps
from linktransformer.scoring.gather import evidence_of, paired_column
from linktransformer.scoring.key_column import key_column, naming_order
from linktransformer.scoring.reading import better_reading
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import Candidates
from linktransformer.serialize import Serializer

__all__ = ["Described", "Options", "describe", "paired_columns"]

Integers = NDArray[np.int64]
Truths = NDArray[np.bool_]
Embed = Callable[[list[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """How candidates are searched.

    Args:
        k: Neighbours of each record in each view and direction.
        embed: A model: texts -> unit vectors; None for none.
        vectors: Vectors of the left and of the right records that were made before: "dense", of their
            pictures, a row of zeros for none, and "fused", of picture and text; `embed` is not used then.
        readings: Texts are what an engine read from pictures: they may be missing ("") or equal, since the
            pictures tell the records apart.
        written: How rows are written for the model; None: key column first, the others after it, or the key
            column alone where that finds more matches.
        comparisons: By column name, how cells are compared; the others by their content.
        memory_limit: Bytes for the search.
        device: "cpu" keeps the search off the GPU.
    """

    k: int = 10
    embed: Embed | None = None
    vectors: Mapping[str, tuple[Any, Any]] | None = None
    readings: bool = False
    written: Serializer | None = None
    comparisons: Mapping[str, Any] | None = None
    memory_limit: int | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Candidates with their features.

    Args:
        nodes: The records of the left and of the right table.
        records: Their texts.
        candidates: The pairs that were found, with their similarity in each view.
        features: The features of the nearest of them.
        key: The key column, None for none.
        columns: The columns of both tables, in the order of `features.kinds`.
        reads: What a model reads: "all columns" or "the key column"; None without a model.
        written: The texts as a model reads them, left and right; None without a model.
        evidence: What the features are made of.
    """

    nodes: tuple[Nodes, Nodes]
    records: tuple[Records, Records]
    candidates: Candidates
    features: PairFeatures
    key: str | None
    columns: tuple[str, ...]
    reads: str | None
    written: tuple[list[str], list[str]] | None
    evidence: Evidence


def describe(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    nodes: tuple[Nodes, Nodes],
    texts: tuple[Records, Records],
    options: Options,
    *,
    same: bool = False,
) -> Described:
    """Search two tables, or one in itself, and describe what is found.

    Args:
        tables: The left and the right table; the same one twice with `same`.
        on: Their key columns.
        nodes: Their records, at least one each.
        texts: The texts of the records.
        options: How.
        same: Both sides are one table.

    Returns:
        Candidates and features. The order of the key columns does not matter.
    """
    rows = blocking.first_rows(nodes[0]), blocking.first_rows(nodes[1])
    columns = paired_columns(tables, on, rows, options.comparisons)
    key = key_column(columns, same=same)
    matrices: dict[str, tuple[Any, Any]] = {}
    both = [of.texts.tolist() for of in texts]
    if any(map(any, both)) or not options.readings:
        matrices["lexical"] = _ngrams(both, same)
    heads = None
    if max(map(len, on)) > 1:
        both = _in_order(tables, on, texts, naming_order(columns, key), same)
        if key is not None:
            heads = tuple(
                _of_texts(tables[side], [on_key], texts[side])
                for side, on_key in enumerate(_key_names(columns, key, on))
            )
            matrices["key column"] = _ngrams(heads, same)
    sample = Drawing.of(both, nodes, same=same)
    reads, written = None, None
    if options.vectors is not None:
        matrices |= options.vectors
    elif options.embed is not None:
        matrices["dense"], reads, written = _dense(
            tables, on, texts, nodes, both, heads, sample, options, same
        )
    found = search.search(
        matrices, *nodes, options.k, memory_limit=options.memory_limit, device=options.device, same=same
    )
    known = _known(both, options.vectors, same) if options.readings else {}
    seen = without_gaps(found, nodes, known)
    described = {name: matrices[name] for name in VIEWS if name in matrices}
    evidence = evidence_of(
        seen, described, nodes, both, columns, sample, known=known, same=same, device=options.device
    )
    name = None if key is None else columns[key].name
    names = tuple(column.name for column in columns)
    return Described(nodes, texts, found, pair_features(evidence), name, names, reads, written, evidence)


def _ngrams(texts: Sequence[list[str]], same: bool) -> tuple[Any, Any]:
    view = lexical.fit(texts[0], [] if same else texts[1])
    return view.left, view.left if same else view.right


def _known(
    texts: Sequence[list[str]], vectors: Mapping[str, tuple[Any, Any]] | None, same: bool
) -> dict[str, tuple[Truths, Truths]]:
    """By view, which left and which right units have what it goes by: a text, or a picture."""
    has = [np.array([bool(text) for text in side], dtype=bool) for side in texts[: 1 if same else 2]]
    found = dict.fromkeys(("lexical", "key column"), (has[0], has[-1]))
    if vectors is not None:
        left, right = (np.asarray((of != 0).any(axis=1)) for of in vectors["dense"])
        found["dense"] = left, right
    return found


@stage("key columns")
def paired_columns(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    first: tuple[Integers, Integers],
    comparisons: Mapping[str, Any] | None = None,
) -> list[PairedColumn]:
    """The key columns that two tables have in common, as values of records.

    Args:
        tables: The left and the right table.
        on: Their key columns.
        first: The first row of each left and of each right record.
        comparisons: By column name, how cells are compared; the others by their content.

    Returns:
        The columns.
    """
    given = comparisons or {}
    found = []
    for left, right in keys.paired(*on):
        of = records.read(tables[0], [left], Serializer()), records.read(tables[1], [right], Serializer())
        found.append(paired_column(left, of, first, given.get(left, given.get(right))))
    return found


def _key_names(columns: Sequence[PairedColumn], key: int, on: tuple[list[str], list[str]]) -> tuple[str, str]:
    return dict(zip([column.name for column in columns], keys.paired(*on), strict=True))[columns[key].name]


def _of_texts(
    table: Table, names: list[str], texts: Records, serializer: Serializer | None = None
) -> list[str]:
    return records.texts_of(texts, records.read(table, names, serializer or Serializer()))


def _in_order(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[Records, Records],
    order: list[int],
    same: bool,
) -> list[list[str]]:
    """Each record as one text, its columns in an order that depends on what they hold."""
    paired = keys.paired(*on)
    written = []
    for side, table in enumerate(tables[: 1 if same else 2]):
        names = _ordered(on[side], [paired[place][side] for place in order])
        written.append(_of_texts(table, names, texts[side]))
    return [written[0], written[-1]]


def _dense(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    texts: tuple[Records, Records],
    nodes: tuple[Nodes, Nodes],
    both: list[list[str]],
    heads: Any,
    sample: Drawing,
    options: Options,
    same: bool,
) -> tuple[tuple[Any, Any], str, tuple[list[str], list[str]]]:
    """The model's vectors of all key columns, or of the key column alone where it finds more matches so."""
    embed = options.embed
    if embed is None:
        raise ValueError("no model")
    written = both
    if options.written is not None:
        written = [
            _of_texts(table, names, of, options.written)
            for table, names, of in zip(tables, on, texts, strict=True)
        ]
    whole = _vectors(embed, written, same)
    if heads is None or options.written is not None:
        return whole, "all columns", (written[0], written[1])
    alone = _vectors(embed, heads, same)
    if better_reading(alone, whole, nodes, sample, same=same):
        return alone, "the key column", heads
    return whole, "all columns", (written[0], written[1])


def _ordered(names: list[str], first: list[str]) -> list[str]:
    return [*first, *sorted(name for name in names if name not in first)]


def _vectors(embed: Embed, written: Sequence[list[str]], same: bool) -> tuple[Any, Any]:
    left = _embedded(embed, written[0])
    return left, left if same else _embedded(embed, written[1])


def _embedded(embed: Embed, texts: list[str]) -> NDArray[np.float32]:
    """Vectors of texts that may repeat; those of nothing are zero, so that nulls are equal to nothing."""
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) for text in texts]
    vectors = np.array(embed(list(number)), dtype=np.float32)
    if "" in number:
        vectors[number[""]] = 0
    return vectors if len(number) == len(texts) else vectors[place]
