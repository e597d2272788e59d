"""Similarity of any two rows of two tables: one score for every pair, near or not, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import scipy.sparse as sp

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.fused import BELOW_ONE
from linktransformer.encoding import model_plan
from linktransformer.linking.options import Job
from linktransformer.progress import stage
from linktransformer.search import lexical
from linktransformer.search.exact import largest
from linktransformer.search.pair_products import pair_scores
from linktransformer.tables import records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Similarity", "near_rows", "similarity_of"]

Matrix: TypeAlias = Floats | sp.csr_matrix

MEMORY = 2**28  # bytes for one block of scores
SLACK = np.float32(1e-5)  # a product of matrices and one of two rows differ by rounding


@dataclass(frozen=True, slots=True, eq=False)
class Similarity:
    """The score of any pair of texts of two tables: the mean of the cosines of its views.

    Args:
        left: Texts of the left table.
        right: Texts of the right table.
        matrices: By view, the vectors of both.
        weights: By view; they add up to 1.
        same: For each left text the right text that is equal to it, -1 for none, (n_left_texts,) int64.
        model: The model's name.
    """

    left: Records
    right: Records
    matrices: Mapping[str, tuple[Matrix, Matrix]]
    weights: Mapping[str, float]
    same: Integers
    model: str

    def of_rows(self, left_rows: Integers, right_rows: Integers) -> Floats:
        """The score of each pair of rows, whatever the other pairs are.

        Scores, (n,) float32: 1 for equal texts and for no others; NaN where a row has no key.
        """
        a, b = self.left.text_of_row[left_rows], self.right.text_of_row[right_rows]
        has = np.flatnonzero((a >= 0) & (b >= 0))
        a, b = a[has], b[has]
        total = np.zeros(len(has), dtype=np.float32)
        for name, weight in self.weights.items():
            total += np.float32(weight) * pair_scores(*self.matrices[name], a, b, memory=MEMORY)
        score = np.full(len(left_rows), np.nan, dtype=np.float32)
        score[has] = np.where(self.same[a] == b, np.float32(1), np.clip(total, -1, BELOW_ONE))
        return score

    def blocks(self, memory: int | None = None) -> Iterator[tuple[int, Floats]]:
        """The scores of all pairs of texts, some left texts at a time.

        The first left text of the block, and its scores with all right texts, (n_some, n_right_texts)
        float32.
        """
        width = len(self.right.texts)
        step = max(1, (memory or MEMORY) // (16 * max(1, width, len(self.right.text_of_row))))
        for start in range(0, len(self.left.texts) if width else 0, step):
            stop = min(start + step, len(self.left.texts))
            block, *others = (
                _product(*self.matrices[name], slice(start, stop), weight)
                for name, weight in self.weights.items()
            )
            for other in others:
                block += other
            np.clip(block, -1, BELOW_ONE, out=block)
            equal = np.flatnonzero(self.same[start:stop] >= 0)
            block[equal, self.same[start:stop][equal]] = 1
            yield start, block


def _product(left: Matrix, right: Matrix, rows: slice, weight: float) -> Floats:
    """Some left rows times all right rows, dense."""
    product = left[rows] @ right.T
    dense: Floats = product if isinstance(product, np.ndarray) else product.toarray()
    if weight != 1:
        dense *= np.float32(weight)
    return dense


def similarity_of(tables: tuple[Table, Table], on: tuple[list[str], list[str]], job: Job) -> Similarity:
    """The similarity of any two rows.

    With a model that the caller names the score is its cosine. Without one, it is the mean of two
    cosines, of character n-grams and of the bundled model.

    Raises:
        ModelError: There is no such model, or it gives vectors that cannot be used.
    """
    plan = model_plan.plan(job.model, job.device, job.cache)
    left, right = (
        records.read(table, names, plan.serializer if plan.chosen else Serializer())
        for table, names in zip(tables, on, strict=True)
    )
    place = {text: number for number, text in enumerate(right.texts.tolist())}
    same = np.array([place.get(text, -1) for text in left.texts.tolist()], dtype=np.int64)
    matrices: dict[str, tuple[Matrix, Matrix]] = {}
    if plan.encoder is None or not plan.chosen:
        view = lexical.fit(left.texts.tolist(), right.texts.tolist())
        matrices["lexical"] = view.left, view.right
    if plan.encoder is not None:
        vectors = [
            model_plan.embed(plan.encoder, side.texts.tolist(), batch_size=job.batch_size)
            for side in (left, right)
        ]
        matrices["dense"] = (vectors[0], vectors[1])
    weights = dict.fromkeys(matrices, 1 / len(matrices))
    return Similarity(left, right, matrices, weights, same, plan.name)


def near_rows(
    similarity: Similarity, *, k: int | None = None, threshold: float | None = None, memory: int | None = None
) -> tuple[Integers, Integers, Floats]:
    """The nearest right rows of each left row, by exhaustive comparison.

    Left rows, right rows and scores, sorted by left row, falling score, right row. Ties go to the lower
    right row.
    """
    none = np.empty(0, dtype=np.int64)
    texts, rows = [none], [none]
    lowest = -np.inf if threshold is None else np.float32(threshold) - SLACK
    numbers = np.flatnonzero(similarity.right.text_of_row >= 0)
    of_row = similarity.right.text_of_row[numbers]
    no_repeats = np.array_equal(of_row, np.arange(len(similarity.right.texts)))
    with stage("search", len(similarity.left.texts)) as tick:
        for start, block in similarity.blocks(memory):
            # several rows may have one text, and each counts
            of_rows = block if no_repeats else block[:, of_row]
            if k is not None and k < len(numbers):
                column, score = largest(of_rows, k)
                query = np.repeat(np.arange(len(block)), k)
                column, score = column.ravel(), score.ravel()
                keep = score >= lowest
                query, column = query[keep], column[keep]
            else:
                query, column = np.nonzero(of_rows >= lowest)
            texts.append(start + query)
            rows.append(numbers[column])
            tick(len(block))
    text, row = np.concatenate(texts), np.concatenate(rows)
    order, starts = _rows_of_texts(similarity.left)
    count = starts[text + 1] - starts[text]
    at = np.repeat(np.arange(len(text)), count)
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    a, b = order[starts[text[at]] + within], row[at]
    score = similarity.of_rows(a, b)
    if threshold is not None:
        keep = score >= np.float32(threshold)
        a, b, score = a[keep], b[keep], score[keep]
    by = np.lexsort((b, -score, a))
    return a[by], b[by], score[by]


def _rows_of_texts(texts: Records) -> tuple[Integers, Integers]:
    """Rows with a key in order of text, and where those of each text start, (n_texts + 1,)."""
    order = np.argsort(texts.text_of_row, kind="stable")
    order = order[texts.text_of_row[order] >= 0]
    return order, np.searchsorted(texts.text_of_row[order], np.arange(len(texts.texts) + 1))
