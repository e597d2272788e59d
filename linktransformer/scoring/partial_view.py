"""A model's view of some of the records: what it says of candidates, and what it does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.scoring.describe import Described, Embed, Options, Views, embedded
from linktransformer.scoring.features import VIEWS, Evidence, pair_features
from linktransformer.scoring.gather import RANDOM, evidence_of, nearest_pairs, own_rivals, own_sample
from linktransformer.scoring.sampling import Drawing
from linktransformer.search import candidate_search
from linktransformer.search.blocking import Nodes

__all__ = ["NAME", "Encoded", "encode", "with_search", "with_view"]

NAME = "dense"
STEP = 2**16  # pairs multiplied at a time


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """The vectors of some of the texts of two tables.

    Args:
        vectors: Unit rows, those of the left and of the right texts that were encoded.
        row: The row of each left and of each right text there, -1 for none, (n_texts,) int64 each.
    """

    vectors: tuple[Floats, Floats]
    row: tuple[Integers, Integers]

    def known(self, nodes: tuple[Nodes, Nodes]) -> tuple[Bools, Bools]:
        """Which records were encoded.

        Returns (n_left,) and (n_right,) bool.
        """
        return self.row[0][nodes[0].text] >= 0, self.row[1][nodes[1].text] >= 0

    def nodes(self, nodes: tuple[Nodes, Nodes], which: tuple[Integers, Integers]) -> tuple[Nodes, Nodes]:
        """Encoded records as nodes whose texts are rows of `vectors`."""
        left, right = (of.some(taken) for of, taken in zip(nodes, which, strict=True))
        return replace(left, text=self.row[0][left.text]), replace(right, text=self.row[1][right.text])


def encode(views: Views, embed: Embed, wanted: tuple[Bools, Bools]) -> Encoded:
    """Encode some records of two tables."""
    rows, texts = [], []
    for readable, nodes, of in zip(views.readable, views.nodes, wanted, strict=True):
        row = np.full(len(readable), -1, dtype=np.int64)
        text = np.unique(nodes.text[of])
        row[text] = np.arange(len(text))
        rows.append(row)
        texts.append([readable[number] for number in text.tolist()])
    vectors = embedded(embed, [*texts[0], *texts[1]])
    return Encoded((vectors[: len(texts[0])], vectors[len(texts[0]) :]), (rows[0], rows[1]))


def with_view(described: Described, encoded: Encoded) -> Described:
    """Describe candidates by a model too, where it read both records.

    Returns the same pairs; what the model says of the others is unknown (NaN).
    """
    evidence = _seen(described.views, described.evidence, encoded)
    found = replace(described.candidates, views={**described.candidates.views, NAME: evidence.views[NAME]})
    return replace(
        described,
        candidates=found,
        evidence=evidence,
        features=described.features.with_view(NAME, evidence),
        written=_written(described.views, encoded),
    )


def with_search(described: Described, encoded: Encoded, options: Options) -> Described:
    """As `with_view`, with the nearest encoded records of each encoded one as more candidates."""
    views, nodes = described.views, described.nodes
    known = encoded.known(nodes)
    which = np.flatnonzero(known[0]), np.flatnonzero(known[1])
    near = candidate_search.search(
        {NAME: encoded.vectors},
        *encoded.nodes(nodes, which),
        options.k,
        memory_limit=options.memory_limit,
        device=options.device,
    )
    more = which[0][near.left], which[1][near.right]
    found = candidate_search.merged(described.candidates, more, views.matrices, nodes)
    evidence = evidence_of(
        found,
        {name: views.matrices[name] for name in VIEWS if name in views.matrices},
        nodes,
        views.texts,
        views.columns,
        views.drawing,
        device=options.device,
    )
    evidence = _seen(views, evidence, encoded)
    found = replace(
        found, views={**found.views, NAME: evidence.views[NAME]}, report={**found.report, **near.report}
    )
    return Described(views, found, pair_features(evidence), evidence, _written(views, encoded))


def _seen(views: Views, evidence: Evidence, encoded: Encoded) -> Evidence:
    """The evidence with the model's view: of candidates, of each table in itself, of random pairs."""
    nodes, known = views.nodes, encoded.known(views.nodes)
    both = np.flatnonzero(known[0][evidence.left] & known[1][evidence.right])
    score = np.full(len(evidence.left), np.nan, dtype=np.float32)
    score[both] = _cosines(encoded, nodes, evidence.left[both], evidence.right[both])
    which = np.flatnonzero(known[0]), np.flatnonzero(known[1])
    own: list[Floats] = []
    ordered = tuple(of[has[of]] for of, has in zip(views.drawing.ordered, known, strict=True))
    for side, of in enumerate(encoded.nodes(nodes, which)):
        nearest = np.full(len(nodes[side]), np.nan, dtype=np.float32)
        some = own_sample(ordered[side], sparse=False)
        if len(some):
            whole = bool((of.block == of.block[:1]).all())
            place = np.searchsorted(which[side], some)
            nearest[some] = own_rivals(encoded.vectors[side], of, place, whole=whole)
        own.append(nearest)
    random = np.zeros(0, dtype=np.float32)
    if len(which[0]) and len(which[1]):
        i, j = Drawing((ordered[0], ordered[1]), views.drawing.first).pairs(RANDOM)
        left, right = evidence.left[both], evidence.right[both]
        near = nearest_pairs(left, right, {NAME: score[both]})  # in small tables many of these are matches
        width = len(nodes[1])
        apart = ~np.isin(i * width + j, (left * width + right)[near])
        random = _cosines(encoded, nodes, i[apart], j[apart])
    views_of: Mapping[str, Floats] = {**evidence.views, NAME: score}
    return replace(
        evidence,
        views=views_of,
        own={**evidence.own, NAME: (own[0], own[1])},
        random_views={**evidence.random_views, NAME: random},
    )


def _cosines(encoded: Encoded, nodes: tuple[Nodes, Nodes], left: Integers, right: Integers) -> Floats:
    """The cosines of pairs of encoded records."""
    found = np.empty(len(left), dtype=np.float32)
    rows = encoded.row[0][nodes[0].text[left]], encoded.row[1][nodes[1].text[right]]
    for start in range(0, len(left), STEP):
        here = slice(start, start + STEP)
        found[here] = np.einsum(
            "ij,ij->i", encoded.vectors[0][rows[0][here]], encoded.vectors[1][rows[1][here]]
        )
    return found


def _written(views: Views, encoded: Encoded) -> tuple[list[str], list[str]]:
    """The texts that were read, "" for the others."""
    written = []
    for readable, row in zip(views.readable, encoded.row, strict=True):
        written.append(
            [text if known else "" for text, known in zip(readable, (row >= 0).tolist(), strict=True)]
        )
    return written[0], written[1]
