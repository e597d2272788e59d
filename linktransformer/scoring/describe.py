"""From two tables to the features of their candidate pairs: records, views, search, features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.progress import stage
from linktransformer.scoring.candidate_evidence import evidence_of, paired_column
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.features import VIEWS, Evidence, PairFeatures, pair_features
from linktransformer.scoring.key_column import key_column, naming_order
from linktransformer.scoring.missing_inputs import without_gaps
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import blocking, candidate_search, lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.search.matrices import Matrix, Passages, as_dense, as_sparse
from linktransformer.search.ngram_passages import by_passage
from linktransformer.search.passages import unbiased
from linktransformer.search.views import Index
from linktransformer.tables import key_columns, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Described", "Embed", "Options", "Views", "describe", "embedded", "paired_columns", "searched"]

Embed = Callable[[list[str]], Floats | Passages]
Matrices = tuple[Matrix, Matrix]
Texts = tuple[list[str], list[str]]
Names = tuple[list[str], list[str]]


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
        index: Of dense views: "faiss", or "auto" by the size of the search.
        passages: Compare the n-grams of all columns passage by passage.
        passages_encoded: The model reads long records whole, in passages, and so takes long for them.
    """

    k: int = 10
    embed: Embed | None = None
    vectors: Mapping[str, Matrices] | None = None
    readings: bool = False
    written: Serializer | None = None
    comparisons: Mapping[str, Comparison] | None = None
    memory_limit: int | None = None
    device: str | None = None
    index: Index = "auto"
    passages: bool = False
    passages_encoded: bool = False


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
    texts: Texts
    columns: tuple[PairedColumn, ...]
    key: int | None
    matrices: Mapping[str, Matrices]
    reads: str
    readable: Texts
    drawing: Drawing
    same: bool

    def some(self, rows: tuple[Integers, Integers]) -> Views:
        """Two smaller tables of some left and some right records, searched by the same vectors."""
        nodes = self.nodes[0].some(rows[0]), self.nodes[1].some(rows[1])
        columns = tuple(
            replace(column, left=column.left[rows[0]], right=column.right[rows[1]]) for column in self.columns
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
    written: Texts | None = None

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
    on: Names,
    nodes: tuple[Nodes, Nodes],
    texts: tuple[Records, Records],
    options: Options,
    *,
    same: bool = False,
) -> Described:
    """Search two tables, or one in itself, and describe the candidates.

    Takes the tables (one twice with `same`), their key columns, their records, at least one each, and the
    texts of these. The order of the key columns does not matter.
    """
    views = _views(tables, on, nodes, texts, options, same)
    if options.vectors is not None:
        return searched(replace(views, matrices={**views.matrices, **options.vectors}), options)
    if options.embed is None:
        return searched(views, options)
    left = embedded(options.embed, views.readable[0])
    right = left if same else embedded(options.embed, views.readable[1])
    if isinstance(left, Passages) and isinstance(right, Passages):
        left, right = unbiased(left, right, views.readable, same=same)
    views = replace(views, matrices={**views.matrices, "dense": (left, right)})
    return replace(searched(views, options), written=views.readable)


def searched(views: Views, options: Options) -> Described:
    """Find candidates in every view, and describe them."""
    matrices, nodes, same = views.matrices, views.nodes, views.same
    candidates = candidate_search.search(
        matrices,
        *nodes,
        options.k,
        memory_limit=options.memory_limit,
        device=options.device,
        same=same,
        index=options.index,
    )
    comparable = _comparable(views.texts, options.vectors, same) if options.readings else {}
    evidence = evidence_of(
        without_gaps(candidates, nodes, comparable),
        {name: matrices[name] for name in VIEWS if name in matrices},
        nodes,
        views.texts,
        views.columns,
        views.drawing,
        comparable=comparable,
        device=options.device,
    )
    if options.passages and views.same and "dense" not in evidence.views:
        evidence = _as_model(evidence)
    return Described(views, candidates, pair_features(evidence), evidence)


def _as_model(evidence: Evidence) -> Evidence:
    """N-grams by passage of one table in place of a model's view, too, where there is none, as pictures are.

    The decision was learned on short records: the words of long ones differ by more than it expects of
    copies, and in one table one view is not enough to outweigh that.
    """
    name, of = "dense", "lexical"
    return replace(
        evidence,
        views={**evidence.views, name: evidence.views[of]},
        own={**evidence.own, name: evidence.own[of]},
        random_views={**evidence.random_views, name: evidence.random_views[of]},
    )


def _views(
    tables: tuple[Table, Table],
    on: Names,
    nodes: tuple[Nodes, Nodes],
    texts: tuple[Records, Records],
    options: Options,
    same: bool,
) -> Views:
    rows = blocking.first_rows(nodes[0]), blocking.first_rows(nodes[1])
    columns = paired_columns(tables, on, rows, options.comparisons, texts)
    key = key_column(columns, same=same)
    matrices: dict[str, Matrices] = {}
    written: Texts = texts[0].texts.tolist(), texts[1].texts.tolist()
    if any(map(any, written)) or not options.readings:
        matrices["lexical"] = (_ngrams_by_passage if options.passages else _ngrams)(written, same)
    reads, readable = "all columns", written
    if max(map(len, on)) > 1:
        paired = key_columns.paired(*on)
        order = [paired[place] for place in naming_order(columns, key)]  # depends on what columns hold
        names = _ordered(on[0], [left for left, _ in order]), _ordered(on[1], [right for _, right in order])
        written = readable = _texts_of_both(tables, names, texts, same=same)
        if key is not None:
            key_texts = _texts_of_both(tables, ([paired[key][0]], [paired[key][1]]), texts, same=same)
            matrices["key column"] = _ngrams(key_texts, same)
            reads, readable = "the key column", key_texts
    if options.written is not None:
        reads, readable = "all columns", _texts_of_both(tables, on, texts, options.written, same=same)
    drawing = Drawing.of(written, nodes, same=same)
    return Views(nodes, written, tuple(columns), key, matrices, reads, readable, drawing, same)


def _ngrams(texts: Texts, same: bool) -> Matrices:
    view = lexical.fit(texts[0], [] if same else texts[1])
    return view.left, view.left if same else view.right


def _ngrams_by_passage(texts: Texts, same: bool) -> Matrices:
    """As `_ngrams` to search with, and compared passage by passage."""
    whole = _ngrams(texts, same)
    left, right = by_passage(*texts, same=same)
    left = replace(left, whole=as_sparse(whole[0]))
    return left, left if same else replace(right, whole=as_sparse(whole[1]))


def _texts_of_both(
    tables: tuple[Table, Table],
    names: Names,
    texts: tuple[Records, Records],
    serializer: Serializer | None = None,
    *,
    same: bool = False,
) -> Texts:
    """The texts of the records of both tables, written from these columns."""
    rule = serializer or Serializer()
    sides = [
        records.texts_of(texts[side], _read(tables[side], names[side], rule, texts[side]))
        for side in range(1 if same else 2)
    ]
    return sides[0], sides[-1]


def _ordered(names: list[str], first: list[str]) -> list[str]:
    return [*first, *sorted(name for name in names if name not in first)]


def _comparable(
    texts: Texts, vectors: Mapping[str, Matrices] | None, same: bool
) -> dict[str, tuple[Bools, Bools]]:
    """By view, which left and which right units have what it compares: a text, or a picture."""
    has = [np.array([bool(text) for text in side], dtype=bool) for side in texts[: 1 if same else 2]]
    comparable = dict.fromkeys(("lexical", "key column"), (has[0], has[-1]))
    if vectors is not None:
        left, right = (np.asarray((as_dense(side) != 0).any(axis=1)) for side in vectors["dense"])
        comparable["dense"] = left, right
    return comparable


@stage("key columns")
def paired_columns(
    tables: tuple[Table, Table],
    on: Names,
    first: tuple[Integers, Integers],
    comparisons: Mapping[str, Comparison] | None = None,
    texts: tuple[Records | None, Records | None] = (None, None),
) -> list[PairedColumn]:
    """The key columns that two tables have in common, as values of records.

    `first` is the first row of each left and of each right record; cells are compared by their content
    where `comparisons` lacks the column. `texts` were read before; of one key column they are its values.
    """
    comparisons = comparisons or {}
    columns = []
    for left, right in key_columns.paired(*on):
        sides = (
            _read(tables[0], [left], Serializer(), texts[0]),
            _read(tables[1], [right], Serializer(), texts[1]),
        )
        columns.append(paired_column(left, sides, first, comparisons.get(left, comparisons.get(right))))
    return columns


def _read(table: Table, names: list[str], serializer: Serializer, known: Records | None) -> Records:
    """The records of some columns of a table, not read again where they are known."""
    if known is not None and known.are_of(names, serializer):
        return known
    return records.read(table, names, serializer)


def embedded(embed: Embed, texts: Sequence[str]) -> Floats | Passages:
    """Encode texts that may repeat.

    Returns (n_texts, d) float32; the vector of nothing is zero, so that nulls are equal to nothing. Nothing
    has no passages.
    """
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) for text in texts]
    made = embed(list(number))
    if isinstance(made, Passages):
        return made if len(number) == len(texts) else made[np.array(place, dtype=np.int64)]
    vectors = np.array(made, dtype=np.float32)
    if "" in number:
        vectors[number[""]] = 0
    return vectors if len(number) == len(texts) else vectors[place]
