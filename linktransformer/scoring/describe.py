"""From two tables to the features of their candidate pairs: records, views, search, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.progress import stage
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.features import VIEWS, Evidence, PairFeatures, pair_features
from linktransformer.scoring.gaps import without_gaps
from linktransformer.scoring.gather import evidence_of, paired_column
from linktransformer.scoring.key_column import key_column, naming_order
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search, lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.tables import key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Described", "Embed", "Options", "Views", "describe", "embedded", "paired_columns", "searched"]

Embed = Callable[[list[str]], Floats]


@dataclass(frozen=True, slots=True, eq=False)
class Options:
    """How candidates are searched.

    Args:
        k: Neighbours of each record in each view and direction.
        embed: A model that encodes every record: texts -> unit vectors; None for none.
        vectors: Vectors of the left and of the right records that were made before: "dense", of their
            pictures, a row of zeros for none, and "fused", of picture and text; `embed` is not used then.
        readings: Texts are what an engine read from pictures: they may be missing ("") or equal, since the
            pictures tell the records apart.
        written: How rows are written for the model; None: the key column alone, or all columns where there is
            no key column.
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
class Views:
    """Two tables as they are searched.

    Args:
        nodes: The records of the left and of the right table.
        texts: Their texts, the columns in an order that does not depend on that of the caller.
        columns: The key columns of both tables.
        key: The place of the key column among them, None for none.
        matrices: By view, the vectors of the left and of the right texts.
        reads: What a model reads: "all columns" or "the key column".
        readable: The texts as a model reads them.
        drawing: From what records are drawn.
        same: Both sides are one table.
    """

    nodes: tuple[Nodes, Nodes]
    texts: tuple[list[str], list[str]]
    columns: tuple[PairedColumn, ...]
    key: int | None
    matrices: Mapping[str, tuple[Any, Any]]
    reads: str
    readable: tuple[list[str], list[str]]
    drawing: Drawing
    same: bool

    def some(self, which: tuple[Integers, Integers]) -> Views:
        """Two smaller tables of some of the records, searched by the same vectors."""
        nodes = self.nodes[0].some(which[0]), self.nodes[1].some(which[1])
        columns = tuple(
            replace(column, left=column.left[which[0]], right=column.right[which[1]])
            for column in self.columns
        )
        drawing = Drawing.of(self.texts, nodes, same=self.same)
        return replace(self, nodes=nodes, columns=columns, drawing=drawing)


@dataclass(frozen=True, slots=True, eq=False)
class Described:
    """Candidates with their features.

    Args:
        views: What was searched.
        candidates: The pairs that were found, with their similarity in each view.
        features: The features of the nearest of them.
        evidence: What the features are made of.
        written: The texts that a model read, left and right, "" for those that it did not; None without a
            model.
    """

    views: Views
    candidates: Candidates
    features: PairFeatures
    evidence: Evidence
    written: tuple[list[str], list[str]] | None = None

    @property
    def nodes(self) -> tuple[Nodes, Nodes]:
        """The records of the left and of the right table."""
        return self.views.nodes

    @property
    def key(self) -> str | None:
        """The name of the key column, None for none."""
        return None if self.views.key is None else self.views.columns[self.views.key].name

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, in the order of `features.kinds`."""
        return tuple(column.name for column in self.views.columns)

    @property
    def reads(self) -> str | None:
        """What a model read: "all columns" or "the key column"; None without a model."""
        return None if self.written is None else self.views.reads


def describe(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    nodes: tuple[Nodes, Nodes],
    texts: tuple[Records, Records],
    options: Options,
    *,
    same: bool = False,
) -> Described:
    """Search two tables, or one in itself, and describe what is found."""
    views = _views(tables, on, nodes, texts, options, same)
    if options.vectors is not None:
        return searched(replace(views, matrices={**views.matrices, **options.vectors}), options)
    if options.embed is None:
        return searched(views, options)
    left = embedded(options.embed, views.readable[0])
    right = left if same else embedded(options.embed, views.readable[1])
    views = replace(views, matrices={**views.matrices, "dense": (left, right)})
    return replace(searched(views, options), written=views.readable)


def searched(views: Views, options: Options) -> Described:
    """Find candidates in every view, and describe them."""
    matrices, nodes, same = views.matrices, views.nodes, views.same
    found = candidate_search.search(
        matrices, *nodes, options.k, memory_limit=options.memory_limit, device=options.device, same=same
    )
    known = _known(views.texts, options.vectors, same) if options.readings else {}
    seen = without_gaps(found, nodes, known)
    evidence = evidence_of(
        seen,
        {name: matrices[name] for name in VIEWS if name in matrices},
        nodes,
        views.texts,
        views.columns,
        views.drawing,
        known=known,
        same=same,
        device=options.device,
    )
    return Described(views, found, pair_features(evidence), evidence)


def _views(
    tables: tuple[Table, Table],
    on: tuple[list[str], list[str]],
    nodes: tuple[Nodes, Nodes],
    texts: tuple[Records, Records],
    options: Options,
    same: bool,
) -> Views:
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
            heads = [
                _of_texts(tables[side], [on_key], texts[side])
                for side, on_key in enumerate(_key_names(columns, key, on))
            ]
            matrices["key column"] = _ngrams(heads, same)
    reads, readable = "all columns", both
    if options.written is not None:
        readable = [
            _of_texts(table, names, of, options.written)
            for table, names, of in zip(tables, on, texts, strict=True)
        ]
    elif heads is not None:
        reads, readable = "the key column", heads
    return Views(
        nodes,
        (both[0], both[1]),
        tuple(columns),
        key,
        matrices,
        reads,
        (readable[0], readable[1]),
        Drawing.of(both, nodes, same=same),
        same,
    )


def _ngrams(texts: Sequence[list[str]], same: bool) -> tuple[Any, Any]:
    view = lexical.fit(texts[0], [] if same else texts[1])
    return view.left, view.left if same else view.right


def _known(
    texts: Sequence[list[str]], vectors: Mapping[str, tuple[Any, Any]] | None, same: bool
) -> dict[str, tuple[Bools, Bools]]:
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
    """The key columns that two tables have in common, as values of records."""
    given = comparisons or {}
    found = []
    for left, right in key_columns.paired(*on):
        of = records.read(tables[0], [left], Serializer()), records.read(tables[1], [right], Serializer())
        found.append(paired_column(left, of, first, given.get(left, given.get(right))))
    return found


def _key_names(columns: Sequence[PairedColumn], key: int, on: tuple[list[str], list[str]]) -> tuple[str, str]:
    return dict(zip([column.name for column in columns], key_columns.paired(*on), strict=True))[
        columns[key].name
    ]


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
    paired = key_columns.paired(*on)
    written = []
    for side, table in enumerate(tables[: 1 if same else 2]):
        names = _ordered(on[side], [paired[place][side] for place in order])
        written.append(_of_texts(table, names, texts[side]))
    return [written[0], written[-1]]


def _ordered(names: list[str], first: list[str]) -> list[str]:
    return [*first, *sorted(name for name in names if name not in first)]


def embedded(embed: Embed, texts: Sequence[str]) -> Floats:
    """Encode texts that may repeat.

    Returns (n_texts, d) float32; the vector of nothing is zero, so that nulls are equal to nothing.
    """
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) for text in texts]
    vectors = np.array(embed(list(number)), dtype=np.float32)
    if "" in number:
        vectors[number[""]] = 0
    return vectors if len(number) == len(texts) else vectors[place]
