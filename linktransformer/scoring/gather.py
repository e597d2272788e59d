"""From records to the evidence of their candidates: views, search, rivals, random pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.progress import stage
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.features import Evidence
from linktransformer.scoring.ranks import places
from linktransformer.scoring.sampling import Drawing, drawn
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates, search
from linktransformer.search.matrices import rows_of
from linktransformer.search.views import sparse_neighbours
from linktransformer.search.exact import exact_top_k
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables.normalize import folded
from linktransformer.tables.records import Records

__all__ = ["RANDOM", "evidence_of", "nearest_pairs", "own_rivals", "own_sample", "paired_column"]


RANDOM = 20_000  # pairs: a rate of one in a thousand has a standard error of a fifth of itself
OWN_UP_TO = 2e9  # pairs of n-gram vectors of one table that are multiplied for its own nearest records
DENSE_OWN_UP_TO = 4e8  # and of a model's vectors
WHOLE_UP_TO = 2e10  # pairs of n-gram vectors of one block that are multiplied for few records
OWN_SAMPLE = 4000  # records of a larger table: a share of one in ten has a standard error of .005


def paired_column(
    name: str, records: tuple[Records, Records], rows: tuple[Integers, Integers], comparison: Any = None
) -> PairedColumn:
    """A column of both tables as values of records."""
    values, codes = [], []
    for side, first in zip(records, rows, strict=True):
        every = folded(side.texts).tolist()
        number: dict[str, int] = {}
        place = np.array([number.setdefault(text, len(number)) for text in every], dtype=np.int64)
        of_row = side.text_of_row[first]
        codes.append(np.where(of_row >= 0, np.append(place, -1)[of_row], -1))
        values.append(list(number))
    return PairedColumn(name, values[0], values[1], codes[0], codes[1], comparison)


@stage("features")
def evidence_of(
    found: Candidates,
    matrices: Mapping[str, tuple[Any, Any]],
    nodes: tuple[Nodes, Nodes],
    texts: Sequence[Sequence[str]],
    columns: Sequence[PairedColumn],
    sample: Drawing,
    *,
    known: Mapping[str, tuple[Bools, Bools]] | None = None,
    same: bool = False,
    device: str | None = None,
    seed: int = 0,
) -> Evidence:
    """Put together what is known of candidates."""
    i, j = sample.pairs(RANDOM, seed)
    apart = _unrelated(found, nodes, i, j, same)
    i, j = i[apart], j[apart]
    a, b = nodes[0].text[i], nodes[1].text[j]
    own: dict[str, tuple[Floats, Floats]] = {}
    random: dict[str, Floats] = {}
    for name, (x, y) in matrices.items():
        mine = _rivals(x, nodes[0], sample.ordered[0], device)
        theirs = mine if same else _rivals(y, nodes[1], sample.ordered[1], device)
        random[name] = pair_scores(x, y, a, b)
        if known and name in known:
            has = known[name][0][nodes[0].text], known[name][1][nodes[1].text]
            mine = np.where(has[0], mine, np.float32(np.nan))
            theirs = np.where(has[1], theirs, np.float32(np.nan))
            random[name] = random[name][has[0][i] & has[1][j]]
        own[name] = mine, theirs
    lower = [folded(list(of)) for of in texts[: 1 if same else 2]]
    return Evidence(
        found.left,
        found.right,
        {name: found.views[name] for name in matrices},
        (lower[0][nodes[0].text].tolist(), lower[-1][nodes[1].text].tolist()),
        columns,
        own,
        (i, j),
        random,
        same,
    )


def _unrelated(found: Candidates, nodes: tuple[Nodes, Nodes], i: Integers, j: Integers, same: bool) -> Bools:
    """Which random pairs are not of two texts that are a record's nearest: in small tables many are matches.

    Texts are compared, not records: with blocks a pair of texts may be a match in every block.
    """
    nearest = nearest_pairs(found.left, found.right, found.views, same=same)
    width = int(max(nodes[0].text.max(initial=0), nodes[1].text.max(initial=0))) + 1

    def code(left: Integers, right: Integers) -> Integers:
        a, b = nodes[0].text[left], nodes[1].text[right]
        return np.minimum(a, b) * width + np.maximum(a, b) if same else a * width + b

    apart = ~np.isin(code(i, j), code(found.left[nearest], found.right[nearest]))
    if same:
        apart &= nodes[0].text[i] != nodes[1].text[j]
    return apart if apart.any() else np.ones(len(i), dtype=bool)


def nearest_pairs(
    left: Integers, right: Integers, similarities: Mapping[str, Floats], *, same: bool = False
) -> Bools:
    """Which candidates are the nearest of one of their records in some view.

    Returns (n_pairs,) bool.
    """
    nearest = np.zeros(len(left), dtype=bool)
    for score in similarities.values():
        of = places(left, right, np.nan_to_num(score), same=same)
        nearest |= ((of.rank_left == 0) | (of.rank_right == 0)) & ~np.isnan(score)
    return nearest


def _rivals(matrix: Any, nodes: Nodes, ordered: Integers, device: str | None) -> Floats:
    """How near each record's nearest other record of its own table and block is; NaN for those not drawn."""
    whole = bool((nodes.block == nodes.block[:1]).all())
    found = np.full(len(nodes), np.nan, dtype=np.float32)
    some = own_sample(ordered, sparse=sp.issparse(matrix))
    if len(some):
        found[some] = own_rivals(matrix, nodes, some, whole=whole, device=device)
    return found


def own_sample(ordered: Integers, *, sparse: bool) -> Integers:
    """The records for which the nearest other one of their own table is searched."""
    if len(ordered) < 2:
        return ordered[:0]
    if float(len(ordered)) ** 2 > (OWN_UP_TO if sparse else DENSE_OWN_UP_TO):
        return drawn(ordered, OWN_SAMPLE)
    return np.arange(len(ordered))


def own_rivals(
    matrix: Any, nodes: Nodes, some: Integers, *, whole: bool, device: str | None = None
) -> Floats:
    """How near the nearest other record of their own table and block is to some records.

    Returns (n,) float32.
    """
    if sp.issparse(matrix) or not whole:
        return _near_own(matrix, nodes, some, whole, device)
    vectors = rows_of(matrix, nodes.text)
    item, score = exact_top_k(vectors[some], vectors, 2)
    return np.asarray(np.where(item != some[:, None], score, -1).max(axis=1), dtype=np.float32)


def _near_own(matrix: Any, nodes: Nodes, node: Integers, whole: bool, device: str | None = None) -> Floats:
    """How near the nearest other node of a node's own table and block is.

    Returns cosines, 0 where there is no other one, (n,) float32.
    """
    rival = np.zeros(len(node), dtype=np.float32)
    if whole:
        text = nodes.text[node]
        query, item, score, _ = sparse_neighbours(
            matrix[text], matrix, 2, device=device, exact_up_to=WHOLE_UP_TO, share=0.8
        )
        other = item != text[query]
    else:
        some = Nodes(nodes.text[node], nodes.block[node], np.arange(len(node)))
        found = search({"lexical": (matrix, matrix)}, some, nodes, 2, device=device)
        query, score = found.left, found.views["lexical"]
        other = node[found.left] != found.right
    np.maximum.at(rival, query[other], score[other])
    return rival
