"""What can be asked about links or clusters: the candidate pairs, one question for each pair of records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.decision.model import sigmoid
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import pair_explanation
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.link_values import LinkValues
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["Pairs", "pairs_of"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """The pairs that can be asked about.

    Args:
        tables: The left and the right table; one table twice for clusters.
        on: The key columns of each.
        left: Left rows, (n,) int64.
        right: Right rows, (n,) int64; of clusters the one with the higher number.
        probability: The match probability, or the score where scores are not probabilities, (n,) float32.
        linked: Whether the pair is a link, or its rows are in one cluster, (n,) bool.
        labels: The labels of the left and of the right rows as text.
        pictures: The pictures of the left and of the right rows that were read for linking.
        evidence: What explains the probabilities, None if not kept.
        details: How the links or clusters were decided.
        position: Of each pair among the candidates of the evidence, -1 for none, (n,) int64.
        clusters: The clusters, None for links.
    """

    tables: tuple[Table, Table]
    on: tuple[list[str], list[str]]
    left: Integers
    right: Integers
    probability: Floats
    linked: Bools
    labels: tuple[tuple[str, ...], tuple[str, ...]]
    pictures: tuple[Sequence[Picture], Sequence[Picture]] | None
    evidence: JobEvidence | None
    details: Mapping[str, Any]
    position: Integers
    clusters: ClusterValues | None = None

    def __len__(self) -> int:
        return len(self.left)

    def names(self, pair: int) -> tuple[str, str]:
        """The labels of a pair."""
        return self.labels[0][int(self.left[pair])], self.labels[1][int(self.right[pair])]

    def find(self, left: Integers, right: Integers) -> Integers:
        """The numbers of pairs of rows, -1 for one that is not a candidate, (n,) int64."""
        keys, order = self._keys
        wanted = left * np.int64(max(1, self.tables[1].n_rows)) + right
        place = np.minimum(np.searchsorted(keys, wanted), max(0, len(keys) - 1))
        known = keys[place] == wanted if len(keys) else np.zeros(len(wanted), dtype=bool)
        return np.where((left >= 0) & (right >= 0) & known, order[place] if len(keys) else -1, -1)

    def of_labels(self, labels: Sequence[tuple[str, str]]) -> Integers:
        """The numbers of pairs of labels, -1 for one that is not a candidate, (n,) int64."""
        rows = [
            np.array([self._rows[side].get(pair[side], -1) for pair in labels], dtype=np.int64)
            for side in (0, 1)
        ]
        return self.find(rows[0], rows[1])

    def explained(self, pair: int) -> pair_explanation.Columns:
        """What adds up to the match probability of a pair, as `Links.explain` has it."""
        rows, views = (int(self.left[pair]), int(self.right[pair])), {}
        if self.evidence is not None and self.position[pair] >= 0:
            views = pair_explanation.views_at(self.evidence, int(self.position[pair]))
        probability = float(self.probability[pair])
        question = pair_explanation.Pair(self.tables, self.on, rows, probability, views)
        return pair_explanation.of_pair(question, self.evidence)

    @cached_property
    def _keys(self) -> tuple[Integers, Integers]:
        keys = self.left * np.int64(max(1, self.tables[1].n_rows)) + self.right
        order = np.argsort(keys, kind="stable")
        return keys[order], order

    @cached_property
    def _rows(self) -> tuple[dict[str, int], dict[str, int]]:
        left, right = ({label: row for row, label in enumerate(labels)} for labels in self.labels)
        return left, right


def pairs_of(result: object) -> Pairs:
    """The candidate pairs of links or clusters, one for each pair of different records.

    Raises:
        InvalidArgumentError: It is neither, its rows are in files, or labels of its rows repeat.
    """
    if isinstance(result, LinkValues):
        return _of_links(result)
    if isinstance(result, ClusterValues):
        return _of_clusters(result)
    raise InvalidArgumentError(
        f"review was given a {type(result).__name__}. Give the Links of lt.link or the Clusters of "
        "lt.cluster."
    )


def _of_links(links: LinkValues) -> Pairs:
    tables, evidence = (links.left, links.right), links.evidence
    if any(len(table.frame) != table.n_rows for table in tables):
        raise InvalidArgumentError("The rows of these links are in files. Review links of `link`.")
    rows = np.stack([links.left_rows, links.right_rows])
    scores, linked = links.score, np.ones(len(links), dtype=bool)
    if evidence is not None:
        others, probability = _candidates(evidence)
    else:  # scores are similarities: the nearest of each row
        n_left, n_right = links.left.n_rows, links.right.n_rows
        near = np.stack([np.arange(n_left), links.left_nearest.row])
        others = np.hstack([near, np.stack([links.right_nearest.row, np.arange(n_right)])])
        probability = np.concatenate([links.left_nearest.score, links.right_nearest.score])
    rows, scores = np.hstack([rows, others]), np.concatenate([scores, probability])
    linked = np.concatenate([linked, np.zeros(others.shape[1], dtype=bool)])
    keep = _first_of_records(rows, evidence, links.right.n_rows)
    on = list(links.details["left_on"]), list(links.details["right_on"])
    names = _labels_of(links.left), _labels_of(links.right)
    left, right = rows[:, keep]
    position = _positions(evidence, left, right)
    sides = tables, on, left, right
    return Pairs(*sides, scores[keep], linked[keep], names, links.pictures, evidence, links.details, position)


def _of_clusters(clusters: ClusterValues) -> Pairs:
    table, evidence = clusters.table, clusters.evidence
    if evidence is not None:
        rows, scores = _candidates(evidence)
    else:
        rows, scores = np.stack([clusters.left_rows, clusters.right_rows]), clusters.score
    rows = np.sort(rows, axis=0)
    keep = _first_of_records(rows, evidence, table.n_rows)
    left, right = rows[:, keep]
    linked = clusters.label[left] == clusters.label[right]
    on, names = list(clusters.details["on"]), _labels_of(table)
    pictures = None if clusters.pictures is None else (clusters.pictures, clusters.pictures)
    position = _positions(evidence, left, right)
    sides = (table, table), (on, on), left, right
    both, details = (names, names), clusters.details
    return Pairs(*sides, scores[keep], linked, both, pictures, evidence, details, position, clusters)


def _candidates(evidence: JobEvidence) -> tuple[Integers, Floats]:
    """The first rows of the records of each candidate, (2, n), and the match probabilities."""
    rows = []
    for nodes, records in zip(evidence.nodes, (evidence.left, evidence.right), strict=True):
        first = np.full(len(nodes) + 1, -1, dtype=np.int64)
        first[nodes.node_of_row[::-1]] = np.arange(len(nodes.node_of_row))[::-1]  # the first row comes last
        rows.append(first[records])
    return np.stack(rows), sigmoid(evidence.log_odds).astype(np.float32)


def _positions(evidence: JobEvidence | None, left: Integers, right: Integers) -> Integers:
    """Where these rows are among the candidates of the evidence, -1 for nowhere, (n,) int64."""
    if evidence is None:
        return np.full(len(left), -1, dtype=np.int64)
    width = len(evidence.nodes[1])
    ends = [of.node_of_row[rows] for of, rows in zip(evidence.nodes, (left, right), strict=True)]
    known, wanted = (
        np.stack([evidence.left, evidence.right]).astype(np.int64),
        np.stack(ends).astype(np.int64),
    )
    if evidence.searched.same:
        known, wanted = np.sort(known, axis=0), np.sort(wanted, axis=0)
    codes = known[0] * width + known[1]
    order = np.argsort(codes, kind="stable")
    if not len(order):
        return np.full(len(left), -1, dtype=np.int64)
    code = wanted[0] * width + wanted[1]
    place = np.minimum(np.searchsorted(codes[order], code), len(order) - 1)
    return np.where(codes[order][place] == code, order[place], -1)


def _first_of_records(rows: Integers, evidence: JobEvidence | None, width: int) -> Integers:
    """Which pairs of rows, (2, n), are the first ones of two different records; rising."""
    usable = np.flatnonzero((rows >= 0).all(axis=0))
    left, right = rows[:, usable]
    if evidence is not None:
        left = evidence.nodes[0].node_of_row[left]
        right = evidence.nodes[1].node_of_row[right]
        width = len(evidence.nodes[1])
    _, first = np.unique(left.astype(np.int64) * max(1, width) + right, return_index=True)
    return usable[np.sort(first)]


def _labels_of(table: Table) -> tuple[str, ...]:
    labels = tuple(map(str, frames.index_labels(table, np.arange(table.n_rows)).tolist()))
    if len(set(labels)) < len(labels):
        raise InvalidArgumentError(
            f"The index labels of {table.called} repeat, so that an answer does not say which row is meant. "
            f"Link {table.name}.reset_index(drop=True)."
        )
    return labels
