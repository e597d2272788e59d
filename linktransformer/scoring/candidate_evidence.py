"""From records to the evidence of their candidates: views, search, rivals, random pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.progress import stage
from linktransformer.scoring.columns import PairedColumn
from linktransformer.scoring.compare import Comparison
from linktransformer.scoring.features import Evidence
from linktransformer.scoring.sampling import Drawing, drawn
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates, search
from linktransformer.search.exact import exact_top_k
from linktransformer.search.matrices import Matrix, Passages, Sparse, as_dense, rows_of
from linktransformer.search.pair_products import pair_scores
from linktransformer.search.passage_search import nearest_texts
from linktransformer.search.passages import PRODUCTS, interaction
from linktransformer.search.views import sparse_neighbours
from linktransformer.tables.factorize import factorize
from linktransformer.tables.normalize import folded
from linktransformer.tables.records import Records

__all__ = ["RANDOM", "evidence_of", "nearest_pairs", "own_rivals", "own_sample", "paired_column"]

RANDOM = 20_000  # pairs: a rate of one in a thousand has a standard error of a fifth of itself
OWN_UP_TO = 2e9  # pairs of n-gram vectors of one table that are multiplied for its own nearest records
DENSE_OWN_UP_TO = 4e8  # and of a model's vectors
WHOLE_UP_TO = 2e10  # pairs of n-gram vectors of one block that are multiplied for few records
OWN_SAMPLE = 4000  # records of a larger table: a share of one in ten has a standard error of .005


def paired_column(
    name: str,
    records: tuple[Records, Records],
    rows: tuple[Integers, Integers],
    comparison: Comparison | None = None,
) -> PairedColumn:
    """A column of both tables as values of records.

    `records` are the texts of this column, and `rows` a row of each left and of each right record.
    """
    values, codes = [], []
    for side, first in zip(records, rows, strict=True):
        unique, place = factorize(folded(side.texts).tolist())
        of_row = side.text_of_row[first]
        codes.append(np.where(of_row >= 0, np.append(place, -1)[of_row], -1))
        values.append(unique)
    return PairedColumn(name, values[0], values[1], codes[0], codes[1], comparison)


@stage("features")
def evidence_of(
    candidates: Candidates,
    matrices: Mapping[str, tuple[Matrix, Matrix]],
    nodes: tuple[Nodes, Nodes],
    texts: Sequence[Sequence[str]],
    columns: Sequence[PairedColumn],
    sample: Drawing,
    *,
    comparable: Mapping[str, tuple[Bools, Bools]] | None = None,
    device: str | None = None,
) -> Evidence:
    """Collect what candidates are described by.

    Args:
        candidates: The candidates.
        matrices: The vectors of the texts in each view.
        nodes: The records of the left and of the right table.
        texts: Their texts, written in an order of the columns that does not depend on that of the caller.
        columns: The key columns of both tables.
        sample: From what records are drawn; the same table on both sides or two tables.
        comparable: By view, the left and the right texts that have what it compares; a view that is not in it
            compares all.
        device: "cpu" keeps the search off the GPU.

    Returns:
        The evidence.
    """
    same = sample.same
    i, j = sample.pairs(RANDOM)
    apart = _unrelated(candidates, nodes, i, j, same)
    i, j = i[apart], j[apart]
    own: dict[str, tuple[Floats, Floats]] = {}
    random: dict[str, Floats] = {}
    for name, (x, y) in matrices.items():
        left = _rivals(x, nodes[0], sample.ordered[0], device)
        right = left if same else _rivals(y, nodes[1], sample.ordered[1], device)
        random[name], some = _random_scores(x, y, nodes[0].text[i], nodes[1].text[j])
        if comparable and name in comparable:
            has = comparable[name][0][nodes[0].text], comparable[name][1][nodes[1].text]
            left, right = (
                np.where(of_side, side, np.float32(np.nan))
                for of_side, side in zip(has, (left, right), strict=True)
            )
            random[name] = random[name][has[0][i][some] & has[1][j][some]]
        own[name] = left, right
    lower = [folded(list(side)) for side in texts[: 1 if same else 2]]
    return Evidence(
        candidates.left,
        candidates.right,
        {name: candidates.views[name] for name in matrices},
        (lower[0][nodes[0].text].tolist(), lower[-1][nodes[1].text].tolist()),
        columns,
        own,
        (i, j),
        random,
        same,
    )


def _random_scores(x: Matrix, y: Matrix, i: Integers, j: Integers) -> tuple[Floats, Integers]:
    """The similarities of random pairs of texts, and of which: of passages fewer where texts have many."""
    some = np.arange(len(i))
    if isinstance(x, Passages) and isinstance(y, Passages) and len(i):
        work = int((x.counts[i] * y.counts[j]).sum())
        some = some[:: max(1, -(-work // PRODUCTS))]
    return pair_scores(x, y, i[some], j[some]), some


def _unrelated(
    candidates: Candidates, nodes: tuple[Nodes, Nodes], i: Integers, j: Integers, same: bool
) -> Bools:
    """Which random pairs are not of two texts that are a record's nearest: in small tables many are matches.

    Texts are compared, not records: with blocks a pair of texts may be a match in every block.
    """
    nearest = nearest_pairs(candidates.left, candidates.right, candidates.views, same=same)
    width = int(max(nodes[0].text.max(initial=0), nodes[1].text.max(initial=0))) + 1

    def code(left: Integers, right: Integers) -> Integers:
        a, b = nodes[0].text[left], nodes[1].text[right]
        return np.minimum(a, b) * width + np.maximum(a, b) if same else a * width + b

    apart = ~np.isin(code(i, j), code(candidates.left[nearest], candidates.right[nearest]))
    if same:
        apart &= nodes[0].text[i] != nodes[1].text[j]
    return apart if apart.any() else np.ones(len(i), dtype=bool)


def nearest_pairs(
    left: Integers, right: Integers, similarities: Mapping[str, Floats], *, same: bool = False
) -> Bools:
    """Which candidates are the nearest of one of their records in some view, (n_pairs,) bool.

    Similarities are NaN for unknown, (n_pairs,) float32 each.
    """
    nearest = np.zeros(len(left), dtype=bool)
    for score in similarities.values():
        filled = np.nan_to_num(score)
        best = [_best(side, filled) for side in (left, right)]
        if same and len(left):
            n = max(map(len, best))
            best = [np.fmax.reduce([np.append(side, np.full(n - len(side), -np.inf)) for side in best])] * 2
        nearest |= ((filled == best[0][left]) | (filled == best[1][right])) & ~np.isnan(score)
    return nearest


def _best(record: Integers, score: Floats) -> Floats:
    """The highest score of each record of one table."""
    best = np.full(int(record.max(initial=-1)) + 1, -np.inf, dtype=np.float32)
    np.maximum.at(best, record, score)
    return best


def _rivals(matrix: Matrix, nodes: Nodes, ordered: Integers, device: str | None) -> Floats:
    """How near each record's nearest other record of its own table and block is; NaN for those not drawn.

    `matrix` are the vectors of the table's texts and `ordered` its records in order of their texts.
    """
    nearest = np.full(len(nodes), np.nan, dtype=np.float32)
    sample = own_sample(ordered, sparse=sp.issparse(matrix), width=_passages_of(matrix))
    if len(sample):
        nearest[sample] = own_rivals(matrix, nodes, sample, whole=nodes.in_one_block, device=device)
    return nearest


def _passages_of(matrix: Matrix) -> float:
    """The mean number of passages of a text, 1 for other vectors."""
    return max(1.0, float(matrix.counts.mean())) if isinstance(matrix, Passages) and len(matrix) else 1.0


def own_sample(ordered: Integers, *, sparse: bool, width: float = 1.0) -> Integers:
    """The records, rising, for which the nearest other one of their own table is searched.

    All; of a large table a sample that is the same in any order of the rows, smaller in a model's vectors
    than in (sparse) n-grams; none of a table with one record. `width` are the vectors of a record.
    """
    if len(ordered) < 2:
        return ordered[:0]
    if (len(ordered) * width) ** 2 > (OWN_UP_TO if sparse else DENSE_OWN_UP_TO):
        return drawn(ordered, OWN_SAMPLE)
    return np.sort(ordered)


def own_rivals(
    matrix: Matrix, nodes: Nodes, sample: Integers, *, whole: bool, device: str | None = None
) -> Floats:
    """How near the nearest other record of their own table and block is to some records, (n,) float32.

    `nodes` are the table's records, or those of some of its blocks; `whole`: the table has one block.
    """
    if not whole:
        return _block_rivals(matrix, nodes, sample, device)
    if isinstance(matrix, Passages):
        return _passage_rivals(matrix, nodes.text[sample], nodes.text, device)
    if sp.issparse(matrix):
        return _text_rivals(matrix, nodes.text[sample], device)
    vectors = as_dense(rows_of(matrix, nodes.text))
    item, score = exact_top_k(vectors[sample], vectors, 2)
    return np.asarray(np.where(item != sample[:, None], score, -1).max(axis=1), dtype=np.float32)


def _text_rivals(matrix: Sparse, text: Integers, device: str | None) -> Floats:
    """The cosine of each text's nearest other text, 0 where there is none."""
    query, item, score, _ = sparse_neighbours(
        matrix[text], matrix, 2, device=device, exact_up_to=WHOLE_UP_TO, share=0.8
    )
    return _highest(len(text), query, score, item != text[query])


def _passage_rivals(matrix: Passages, text: Integers, others: Integers, device: str | None) -> Floats:
    """The similarity of each text's nearest other text; n-grams of whole texts find the two nearest ones."""
    if matrix.whole is None:
        items = np.unique(others)
        place, score, _ = nearest_texts(matrix[text], matrix[items], 2)
        return np.asarray(np.where(items[place] != text[:, None], score, -1).max(axis=1), dtype=np.float32)
    query, item, _, _ = sparse_neighbours(
        matrix.whole[text], matrix.whole, 3, device=device, exact_up_to=WHOLE_UP_TO, share=0.8
    )
    other = np.flatnonzero(item != text[query])
    query, item = query[other], item[other]
    score = interaction(matrix, matrix, text[query], item)
    return _highest(len(text), query, score, np.ones(len(query), dtype=bool))


def _block_rivals(matrix: Matrix, nodes: Nodes, sample: Integers, device: str | None) -> Floats:
    """The cosine of each record's nearest other record of its block, 0 where there is none."""
    queries = Nodes(nodes.text[sample], nodes.block[sample], np.arange(len(sample)))
    candidates = search({"lexical": (matrix, matrix)}, queries, nodes, 2, device=device)
    return _highest(
        len(sample), candidates.left, candidates.views["lexical"], sample[candidates.left] != candidates.right
    )


def _highest(n: int, query: Integers, score: Floats, other: Bools) -> Floats:
    highest = np.zeros(n, dtype=np.float32)
    np.maximum.at(highest, query[other], score[other])
    return highest
