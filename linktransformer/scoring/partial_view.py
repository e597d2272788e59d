"""A model's view of some of the records: similarities of candidates that it encoded, unknown for others."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.candidate_evidence import (
    RANDOM,
    evidence_of,
    nearest_pairs,
    own_rivals,
    own_sample,
)
from linktransformer.scoring.describe import Described, Embed, Options, Views, embedded
from linktransformer.scoring.features import VIEWS, Evidence, pair_features
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import candidate_search
from linktransformer.search.blocking import Nodes
from linktransformer.search.matrices import Matrix, Passages, as_dense
from linktransformer.search.passages import PRODUCTS, interaction, unbiased

__all__ = ["NAME", "Encoded", "encode", "with_search", "with_view"]

NAME = "dense"
STEP = 2**16  # pairs multiplied at a time


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The vectors of some of the texts of two tables.

    Args:
        vectors: Unit rows, or passages, those of the left and of the right texts that were encoded.
        row: The row of each left and of each right text there, -1 for none, (n_texts,) int64 each.
    """

    vectors: tuple[Matrix, Matrix]
    row: tuple[Integers, Integers]

    def products(self, nodes: tuple[Nodes, Nodes], left: Integers, right: Integers) -> int | None:
        """How many pairs of passages some pairs of encoded records have; None for vectors of whole texts."""
        rows = self.row[0][nodes[0].text[left]], self.row[1][nodes[1].text[right]]
        sides = self.vectors
        if not isinstance(sides[0], Passages) or not isinstance(sides[1], Passages):
            return None
        return int((sides[0].counts[rows[0]] * sides[1].counts[rows[1]]).sum())

    def encoded_texts(self, nodes: tuple[Nodes, Nodes]) -> tuple[Bools, Bools]:
        """Which left and which right records were encoded."""
        return self.row[0][nodes[0].text] >= 0, self.row[1][nodes[1].text] >= 0

    def records(self, nodes: tuple[Nodes, Nodes]) -> tuple[Integers, Integers]:
        """The left and the right records that were encoded, rising."""
        left, right = self.encoded_texts(nodes)
        return np.flatnonzero(left), np.flatnonzero(right)

    def nodes(self, nodes: tuple[Nodes, Nodes]) -> tuple[Nodes, Nodes]:
        """The encoded records as nodes whose texts are rows of `vectors`."""
        left, right = (side.some(rows) for side, rows in zip(nodes, self.records(nodes), strict=True))
        return replace(left, text=self.row[0][left.text]), replace(right, text=self.row[1][right.text])


def encode(views: Views, embed: Embed, selected: tuple[Bools, Bools]) -> Encoded:
    """Encode some left and some right records; a text that both tables have is encoded once."""
    rows, texts = [], []
    for readable, nodes, encode_record in zip(views.readable, views.nodes, selected, strict=True):
        row = np.full(len(readable), -1, dtype=np.int64)
        text = np.unique(nodes.text[encode_record])
        row[text] = np.arange(len(text))
        rows.append(row)
        texts.append([readable[number] for number in text.tolist()])
    vectors = embedded(embed, [*texts[0], *texts[1]])
    middle = len(texts[0])
    left, right = vectors[:middle], vectors[middle:]
    if isinstance(left, Passages) and isinstance(right, Passages):
        left, right = unbiased(left, right, (texts[0], texts[1]))
    return Encoded((left, right), (rows[0], rows[1]))


def with_view(described: Described, encoded: Encoded) -> Described:
    """Describe the same candidates by a model, too, where it encoded both records; NaN elsewhere."""
    evidence = _with_vectors(described.views, described.evidence, encoded)
    views = {**described.candidates.views, NAME: evidence.views[NAME]}
    return replace(
        described,
        candidates=replace(described.candidates, views=views),
        evidence=evidence,
        features=described.features.with_view(NAME, evidence),
        written=_written(described.views, encoded),
    )


def with_search(described: Described, encoded: Encoded, options: Options) -> Described:
    """As `with_view`, with the nearest encoded records of each encoded one as more candidates."""
    views, nodes = described.views, described.nodes
    rows = encoded.records(nodes)
    near = candidate_search.search(
        {NAME: encoded.vectors},
        *encoded.nodes(nodes),
        options.k,
        memory_limit=options.memory_limit,
        device=options.device,
        index=options.index,
    )
    more = rows[0][near.left], rows[1][near.right]
    candidates = candidate_search.merged(described.candidates, more, views.matrices, nodes)
    evidence = evidence_of(
        candidates,
        {name: views.matrices[name] for name in VIEWS if name in views.matrices},
        nodes,
        views.texts,
        views.columns,
        views.drawing,
        device=options.device,
    )
    evidence = _with_vectors(views, evidence, encoded)
    candidates = replace(
        candidates,
        views={**candidates.views, NAME: evidence.views[NAME]},
        report={**candidates.report, **near.report},
    )
    return Described(views, candidates, pair_features(evidence), evidence, _written(views, encoded))


def _with_vectors(views: Views, evidence: Evidence, encoded: Encoded) -> Evidence:
    """The evidence with the model's view: of candidates, of each table in itself, of random pairs."""
    nodes, has_vector = views.nodes, encoded.encoded_texts(views.nodes)
    both = np.flatnonzero(has_vector[0][evidence.left] & has_vector[1][evidence.right])
    left, right = evidence.left[both], evidence.right[both]
    score = np.full(len(evidence.left), np.nan, dtype=np.float32)
    score[both] = _cosines(encoded, nodes, left, right)
    records = encoded.records(nodes)
    ordered = tuple(order[has[order]] for order, has in zip(views.drawing.ordered, has_vector, strict=True))
    own = []
    for side, of_side in enumerate(encoded.nodes(nodes)):
        nearest = np.full(len(nodes[side]), np.nan, dtype=np.float32)
        sample = own_sample(ordered[side], sparse=False)
        if len(sample):
            place = np.searchsorted(records[side], sample)
            nearest[sample] = own_rivals(encoded.vectors[side], of_side, place, whole=of_side.in_one_block)
        own.append(nearest)
    random = np.zeros(0, dtype=np.float32)
    if len(records[0]) and len(records[1]):
        i, j = Drawing((ordered[0], ordered[1]), views.drawing.first).pairs(RANDOM)
        nearest_of = nearest_pairs(left, right, {NAME: score[both]})  # in small tables many are matches
        width = len(nodes[1])
        apart = ~np.isin(i * width + j, (left * width + right)[nearest_of])
        i, j = i[apart], j[apart]
        step = 1 if (work := encoded.products(nodes, i, j)) is None else max(1, -(-work // PRODUCTS))
        random = _cosines(encoded, nodes, i[::step], j[::step])
    return replace(
        evidence,
        views={**evidence.views, NAME: score},
        own={**evidence.own, NAME: (own[0], own[1])},
        random_views={**evidence.random_views, NAME: random},
    )


def _cosines(encoded: Encoded, nodes: tuple[Nodes, Nodes], left: Integers, right: Integers) -> Floats:
    """The cosines of pairs of encoded records."""
    rows = encoded.row[0][nodes[0].text[left]], encoded.row[1][nodes[1].text[right]]
    sides = encoded.vectors
    if isinstance(sides[0], Passages) and isinstance(sides[1], Passages):
        return interaction(sides[0], sides[1], *rows)
    cosines = np.empty(len(left), dtype=np.float32)
    for start in range(0, len(left), STEP):
        part = slice(start, start + STEP)
        a, b = (as_dense(vectors)[row[part]] for vectors, row in zip(sides, rows, strict=True))
        cosines[part] = np.einsum("ij,ij->i", a, b)
    return cosines


def _written(views: Views, encoded: Encoded) -> tuple[list[str], list[str]]:
    """The texts that were encoded, "" for the others."""
    left, right = (
        [text if number >= 0 else "" for text, number in zip(readable, row.tolist(), strict=True)]
        for readable, row in zip(views.readable, encoded.row, strict=True)
    )
    return left, right
