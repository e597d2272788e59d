"""A stratified random sample of pairs, to be reviewed so that precision and recall can be estimated."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.decision.model import sigmoid
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.results.link_values import LinkValues
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["Ordered", "Sample", "drawn", "first_of", "in_order", "sample_of_clusters", "sample_of_links"]

STRATA = 5  # of links, and as many of other candidates: with 200 pairs 20 of each stratum
FEWEST = 4  # pairs of a stratum; small samples have fewer strata
NEARLY = 0.02  # a probability counts as at least so uncertain where strata are cut
MOST = 20_000_000  # pairs within clusters that can be drawn from
SPREAD = 1.9  # of the shipped decision, which was trained


@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """All pairs in a random order, the first n of which are a stratified sample for every n.

    Args:
        at: Positions of the pairs, (n_pairs,) int64.
        stratum: Of each pair, by position, (n_pairs,) int64.
        sizes: Pairs of each stratum, (n_strata,) int64.
        of_links: Which strata are of links, (n_strata,) bool.
    """

    at: Integers
    stratum: Integers
    sizes: Integers
    of_links: Bools


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Pairs to review, and how they were drawn.

    Args:
        at: Positions of the pairs in the population, (n,) int64.
        linked: Whether each is a link, (n,) bool.
        stratum: Of each, (n,) int64.
        sizes: Pairs of each stratum in the population, (n_strata,) int64.
        of_links: Which strata are of links, (n_strata,) bool.
        expected: The mean match probability of each stratum, (n_strata,) float64.
        score: Match probabilities, (n,) float32.
        rows: Left and right row of each pair, (2, n) int64; -1 where the sample is of arrays.
        tables: The tables of the rows, () where the sample is of arrays.
        spread: The standard deviation of the log-odds of matches in a stratum, beside those expected.
    """

    at: Integers
    linked: Bools
    stratum: Integers
    sizes: Integers
    of_links: Bools
    expected: Doubles
    score: Floats
    rows: Integers
    tables: tuple[Table, ...] = ()
    spread: float = SPREAD

    def __len__(self) -> int:
        return len(self.at)

    @property
    def share(self) -> Doubles:
        """The share of the stratum of each pair that was drawn, (n,) float64."""
        return (np.bincount(self.stratum, minlength=len(self.sizes)) / self.sizes)[self.stratum]

    @property
    def table(self) -> IntoDataFrame:
        """The pairs as a table in the caller's library: left, right, score, linked, stratum, share."""
        left, right = self.tables
        return frames.new_frame(
            left,
            {
                "left": frames.index_labels(left, self.rows[0]),
                "right": frames.index_labels(right, self.rows[1]),
                "score": self.score,
                "linked": self.linked,
                "stratum": self.stratum,
                "share": self.share,
            },
        )


def sample_of_links(links: LinkValues, n: int, seed: int) -> Sample:
    """As `Links.sample`."""
    kept = links.evidence
    if kept is None:
        raise InvalidArgumentError(
            "These links kept no candidates to draw from. Link the tables by link(left, right) with match "
            'probabilities (not scores="similarity").'
        )
    width = len(kept.nodes[1])
    left, right = kept.nodes[0].node_of_row[links.left_rows], kept.nodes[1].node_of_row[links.right_rows]
    codes = kept.left.astype(np.int64) * width + kept.right
    others = np.flatnonzero(~np.isin(codes, left * width + right))
    first = [_first_rows(of.node_of_row, len(of)) for of in kept.nodes]
    rows = np.hstack(
        [
            np.stack([links.left_rows, links.right_rows]),
            np.stack([first[0][kept.left[others]], first[1][kept.right[others]]]),
        ]
    )
    score = np.concatenate([links.score, sigmoid(kept.log_odds[others]).astype(np.float32)])
    sample = drawn(score, np.arange(len(score)) < len(links), n, seed)
    spread = max(kept.decision.uncertainty, 1.0)
    return replace(sample, rows=rows[:, sample.at], tables=(links.left, links.right), spread=spread)


def sample_of_clusters(clusters: ClusterValues, n: int, seed: int) -> Sample:
    """As `Clusters.sample`. A pair within a cluster that was not compared has the probability 0."""
    kept = clusters.evidence
    if kept is None:
        raise InvalidArgumentError(
            "These clusters kept no candidates to draw from. Cluster the table by cluster(table) with match "
            "probabilities."
        )
    first = _first_rows(kept.nodes[0].node_of_row, len(kept.nodes[0]))
    group = clusters.label[first]
    order = np.argsort(group, kind="stable")
    later = np.bincount(group)[group[order]] - _places(group[order]) - 1  # members after each one
    if later.sum() > MOST:
        raise InvalidArgumentError(
            f"The clusters hold {int(later.sum()):,} pairs, too many to draw from. Cluster with a "
            "higher threshold."
        )
    at = np.repeat(np.arange(len(order)), later)
    inside = np.sort(np.stack([order[at], order[at + 1 + _places(at)]]), axis=0)
    between = np.sort(np.stack([kept.left, kept.right]).astype(np.int64), axis=0)
    codes, wanted = (pairs[0] * len(first) + pairs[1] for pairs in (between, inside))
    by_code = np.argsort(codes, kind="stable")
    p = sigmoid(kept.log_odds).astype(np.float32)
    place = np.minimum(np.searchsorted(codes[by_code], wanted), max(0, len(codes) - 1))
    compared = codes[by_code][place] == wanted if len(codes) else np.zeros(len(wanted), dtype=bool)
    score = np.where(compared, p[by_code][place] if len(codes) else 0, 0).astype(np.float32)
    apart = group[between[0]] != group[between[1]]
    rows = first[np.hstack([inside, between[:, apart]])]
    sample = drawn(np.concatenate([score, p[apart]]), np.arange(rows.shape[1]) < len(wanted), n, seed)
    spread = max(kept.decision.uncertainty, 1.0)
    return replace(sample, rows=rows[:, sample.at], tables=(clusters.table,) * 2, spread=spread)


def drawn(score: Floats, linked: Bools, n: int, seed: int = 0, n_strata: int | None = None) -> Sample:
    """Draw a stratified sample of pairs with these match probabilities.

    Args:
        score: Match probabilities of all pairs, (n_pairs,) float32.
        linked: Which are links, (n_pairs,) bool.
        n: How many to draw.
        seed: The same seed gives the same sample.
        n_strata: Of links, and of other pairs; None for as many as the sample has pairs for, up to five.

    Raises:
        InvalidArgumentError: n is too small.
    """
    if not _whole(n, 2 * FEWEST):
        raise InvalidArgumentError(f"n={n!r} is not a number of pairs to review. Give {2 * FEWEST} or more.")
    ordered = in_order(
        score.astype(np.float64), linked, n_strata or int(min(STRATA, n // (2 * FEWEST))), seed
    )
    return first_of(ordered, score, linked, int(n))


def first_of(ordered: Ordered, score: Floats, linked: Bools, n: int) -> Sample:
    """The sample of the first n pairs of an order."""
    at, sizes = ordered.at[:n], ordered.sizes
    expected = np.bincount(ordered.stratum, score.astype(np.float64), len(sizes)) / np.maximum(sizes, 1)
    rows = np.full((2, len(at)), -1, dtype=np.int64)
    return Sample(
        at,
        linked[at],
        ordered.stratum[at],
        sizes,
        ordered.of_links,
        expected,
        score[at].astype(np.float32),
        rows,
    )


def in_order(score: Doubles, linked: Bools, n_strata: int, seed: int) -> Ordered:
    """A random order of all pairs, the first n of which are a stratified sample (permanent random numbers).

    Links and other pairs take turns, as long as there are both, and so do the strata of each. These are
    bands of the match probability, cut so that each has an equal part of the sum of the standard deviations
    of a match; drawing alike is then Neyman's allocation (T. Dalenius, J. Hodges, 1959).
    """
    draw = np.random.default_rng(seed)
    stratum, turn, tie = np.zeros(len(score), dtype=np.int64), np.zeros(len(score)), np.zeros(len(score))
    sizes: list[int] = []
    of_links: list[bool] = []
    for are_links in (True, False):
        pairs = np.flatnonzero(linked == are_links)
        order = pairs[np.argsort(score[pairs], kind="stable")]
        p = np.clip(score[order], NEARLY, 1 - NEARLY)
        weight = np.cumsum(np.sqrt(p * (1 - p)))
        part = (weight / max(weight[-1:].sum(), 1e-9) * n_strata * (1 - 1e-12)).astype(np.int64)
        part = np.unique(np.minimum(part, n_strata - 1), return_inverse=True)[1]
        counts = np.bincount(part).tolist() if len(part) else []
        for number, count in enumerate(counts):  # few
            of_part = order[part == number]
            stratum[of_part] = len(sizes)
            turn[of_part] = (draw.permutation(count) + 0.5) * len(counts)
            tie[of_part] = draw.random()
            sizes.append(count)
            of_links.append(are_links)
    at = np.lexsort((tie, turn))
    return Ordered(at, stratum, np.array(sizes, dtype=np.int64), np.array(of_links, dtype=bool))


def _whole(n: object, least: int) -> bool:
    return isinstance(n, (int, np.integer)) and not isinstance(n, bool) and int(n) >= least


def _places(rising: Integers) -> Integers:
    """The place of each value among the equal ones before it, from 0, (n,) int64."""
    starts = np.flatnonzero(np.diff(rising, prepend=-1))
    return np.arange(len(rising)) - np.repeat(starts, np.diff(np.append(starts, len(rising))))


def _first_rows(node_of_row: Integers, n: int) -> Integers:
    """A row of each record."""
    first = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(node_of_row >= 0)[::-1]
    first[node_of_row[rows]] = rows
    return first
