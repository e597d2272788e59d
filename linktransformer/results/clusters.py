"""Clusters of the rows of a table, and the representative row of each."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from linktransformer import check, entries
from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.results import cluster_explanation, explanation_text, notebook
from linktransformer.results.cluster_table import ClusterTable
from linktransformer.results.estimate import Estimate, estimate
from linktransformer.results.evaluation import evaluate_clusters
from linktransformer.results.pair_explanation import Columns, check_number
from linktransformer.results.sample import Sample, sample_of_clusters
from linktransformer.tables import frames, row_labels
from linktransformer.tables.frames import IntoDataFrame, Table
from linktransformer.tables.pair_labels import Ids
from linktransformer.tables.row_labels import Label

if TYPE_CHECKING:
    from linktransformer.charts.chart import Chart

__all__ = ["KEEP", "Clusters", "check_keep", "kept_rows"]

KEEP = ("first", "longest", "most complete")
Keep: TypeAlias = str | Callable[[Any], object]  # the table is of a library without types


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Clusters(ClusterTable):
    """Which rows of a table name the same thing. Made by `linktransformer.cluster`.

    Iteration gives the row labels of each cluster.

    Args:
        table: The table.
        label: The cluster of each row, numbered from 0 in order of first row, (n_rows,) int64. A row without
            match or key is a cluster of its own.
        length: Characters of each row's key, (n_rows,) int64.
        left_rows: Compared pairs of rows in one cluster: the row with the lower number, (n,) int64.
        right_rows: The other row.
        score: Their score, higher is better, (n,) float32.
        cosine: Similarity of their n-grams, or of their pictures and texts, (n,) float32.
        next_score: Average score between each cluster and the most similar other one, 0 for none,
            (n_clusters,) float32.
        next_cluster: That other cluster, -1 for none, (n_clusters,) int64.
        details: How it was decided: model, method, threshold, counts.
        pictures: The picture of each row, where rows have any.
        evidence: The candidates and statistics that explain match probabilities, None if not kept.
        apart: Constraints (cannot_link, one_per), None for none.
    """

    def _repr_html_(self) -> str:
        return notebook.of_clusters(self)

    def members(self, cluster: int) -> IntoDataFrame:
        """The rows of one cluster.

        Args:
            cluster: Its number.

        Returns:
            Rows of the caller's table, in its order, with their index labels in pandas.

        Raises:
            InvalidArgumentError: There is no such cluster.
        """
        return frames.take(self.table, np.flatnonzero(self.label == self._number(cluster)))

    def explain(
        self,
        cluster: int | None = None,
        pair: int | None = None,
        *,
        left: Label = None,
        right: Label = None,
        as_text: bool = False,
    ) -> IntoDataFrame | str:
        """Explain a cluster, or why two rows are in one cluster or in two.

        Args:
            cluster: Its number; or give `left` and `right`.
            pair: One of its compared pairs, by its position in the table without this argument, from 0; None
                for all of them.
            left: The label of a row (index label in pandas, row number elsewhere).
            right: The label of another row.
            as_text: True gives text to print, else a table.

        Returns:
            A table in the caller's library.

            Of a cluster: a line for each compared pair of its rows, the highest score first (equal keys are
            compared once): left, right, score (the match probability), cosine, and weakest, true for the
            last one.

            With `pair`: item, left, right, score, match_weight and contribution of that pair, as in
            `Links.explain`; contributions add up to the log-odds of the match probability.

            With `left` and `right`: item, left, right and score of the pair and the threshold. In one
            cluster: "path", the pairs that join the two rows and whose weakest one is strongest, and the mean
            probability between the two parts that were merged when these rows were joined. In two clusters:
            the mean probability between them, the rules that keep them apart, and the most probable
            candidates between them. Pairs that were not compared count as 0 in means.

        Raises:
            InvalidArgumentError: There is no such cluster, pair or row.
        """
        if (cluster is None) == (left is None and right is None) or (left is None) != (right is None):
            raise InvalidArgumentError(
                f"explain needs the number of a cluster or two labels. Given: cluster={cluster!r}, "
                f"left={left!r}, right={right!r}. Give explain(0) or explain(left=label, right=label)."
            )
        if cluster is None:
            places = row_labels.rows_of_pairs(self.table, [(left, right)], "explain")
            columns = cluster_explanation.of_rows(self, (int(places[0, 0]), int(places[0, 1])))
        else:
            columns = self._explained(self._number(cluster), pair)
        return explanation_text.of_columns(columns) if as_text else frames.new_frame(self.table, columns)

    def _explained(self, number: int, pair: int | None) -> Columns:
        pairs = cluster_explanation.pairs_of_cluster(self, number)
        if pair is None:
            return cluster_explanation.of_cluster(self, pairs)
        place = check_number(pair, len(pairs), f"pair={pair!r} is not a pair of cluster {number}.")
        return cluster_explanation.of_pair(self, int(pairs[place]))

    def chart(self, kind: str = "sizes", *, cluster: int | None = None, pair: int | None = None) -> Chart:
        """Draw the clusters as a chart.

        Args:
            kind: "sizes": how many clusters have how many rows. "probability": a histogram of the scores
                within clusters and between neighbours. "weights": match weights by column and level of
                similarity. "loosest", "largest": those clusters as graphs. "cluster": one of them. "pair":
                what adds up to the probability of one pair.
            cluster: For "cluster" and "pair", the number of a cluster.
            pair: For "pair", one of its pairs, as in `explain`.

        Returns:
            The chart: `to_svg()`, `to_html()`, `save(path)`, and a picture in a notebook.

        Raises:
            InvalidArgumentError: Another kind, or these clusters do not have what it shows.
        """
        from linktransformer.results.cluster_charts import cluster_chart

        return cluster_chart(self, kind, cluster, pair)

    def to_html(self, path: str | os.PathLike[str], *, title: str = "Clusters") -> None:
        """Write a report to hand on, as `Links.to_html` does: one HTML file below 2 MB.

        Args:
            path: The file.
            title: Its heading.
        """
        from linktransformer.results.cluster_page import cluster_page

        Path(path).write_text(cluster_page(self, title), encoding="utf-8")

    def next_to(self, cluster: int) -> tuple[int, float]:
        """The most similar other cluster.

        Args:
            cluster: The number of a cluster.

        Returns:
            The number of the other one, -1 for none, and the average score between their rows (each key
            once, 0 for pairs that were not compared).

        Raises:
            InvalidArgumentError: There is no such cluster.
        """
        number = self._number(cluster)
        return int(self.next_cluster[number]), float(self.next_score[number])

    def _number(self, cluster: int) -> int:
        return check_number(cluster, len(self), f"cluster={cluster!r} is not a cluster.")

    def representatives(self, keep: Keep = "first") -> Integers:
        """The representative row of each cluster.

        Args:
            keep: "first": the first row. "longest": the row with the longest key. "most complete": the row
                with the fewest empty cells. Or a function that takes the rows of a cluster of several as a
                table and returns the number of one of them, from 0. Ties go to the first row.

        Returns:
            A row number for each cluster, (n_clusters,) int64.

        Raises:
            InvalidArgumentError: Another value, or the function returned no number of a row.
        """
        check_keep(keep)
        value = np.zeros(self.table.n_rows, dtype=np.int64)
        if keep == "longest":
            value = self.length
        elif keep == "most complete":
            value = sum((filled(self.table, name) for name in self.table.columns), start=value)
        order = np.lexsort((np.arange(len(value)), -value, self.label))
        starts = np.flatnonzero(np.diff(self.label[order], prepend=-1))
        chosen: Integers = order[starts]
        if callable(keep):
            for cluster in np.flatnonzero(self.sizes > 1).tolist():
                chosen[cluster] = self._chosen(cluster, keep)
        return chosen

    def _chosen(self, cluster: int, keep: Callable[[IntoDataFrame], object]) -> int:
        rows = np.flatnonzero(self.label == cluster)
        place = keep(frames.take(self.table, rows))
        if not isinstance(place, (int, np.integer)) or not 0 <= place < len(rows):
            raise InvalidArgumentError(
                f"keep returned {place!r} for a cluster of {len(rows)} rows. Return the number of one of "
                f"them, from 0 to {len(rows) - 1}."
            )
        return int(rows[place])

    def sample(self, n: int = 200, seed: int = 0) -> Sample:
        """Draw a stratified random sample of pairs, to be reviewed for `estimate`.

        Half of the pairs are within clusters, for the precision; the others are candidates of two
        clusters, for the recall.
        Candidates of rows with equal texts count once. Matches that the search did not find are in no sample.

        Args:
            n: How many pairs, 8 or more.
            seed: The same seed gives the same sample; one of more than 40 pairs is part of a larger one.

        Returns:
            The sample; its `table` names the rows.

        Raises:
            InvalidArgumentError: n is too small, or no candidates were kept.

        Example:
            >>> import pandas as pd
            >>> import linktransformer as lt
            >>> names = [f"Acme Steel {n}{end}" for n in range(30) for end in ("", " CO")]
            >>> table = pd.DataFrame({"name": names})
            >>> clusters = lt.cluster(table, on="name", model="lexical")
            >>> sample = clusters.sample(20)
            >>> found = clusters.estimate(sample, sample.rows[0] // 2 == sample.rows[1] // 2)
            >>> found.reviewed, found.precision_interval[0] <= found.precision <= found.precision_interval[1]
            (20, True)
        """
        return sample_of_clusters(self, n, seed)

    def estimate(self, sample: Sample, match: object) -> Estimate:
        """Estimate precision and recall, with 95 % intervals, from the answers for a sample.

        Args:
            sample: Of `sample`.
            match: For each pair of it, 1 or True for a match, 0 or False for none, NaN or None for no answer.

        Returns:
            Both with their intervals, as of pairs. Recall is of the matches among the candidates.

        Raises:
            InvalidArgumentError: Not as many answers as pairs, another value, or a stratum without an answer.
        """
        return estimate(sample, match)

    def review(self, answers: str | os.PathLike[str] = "answers.sqlite", **options: Any) -> os.PathLike[str]:
        """Ask people about candidate pairs and clusters on web pages of this machine, and keep their answers.

        Args:
            answers: The .sqlite file of the answers; one that is there is continued.
            **options: `reviewer`, `pictures`, `port`, `seed` and `browser` of `linktransformer.review`.

        Returns:
            The file of answers, for `fit_decision`: a `linktransformer.review.answers.Answers`.

        Raises:
            InvalidArgumentError: The file cannot be used, the rows are in files, or their labels repeat.
            MissingExtraError: The packages of the extra "review" are not installed.

        Example:
            >>> import linktransformer as lt
            >>> answers = lt.cluster(firms, on="name").review("answers.sqlite")  # doctest: +SKIP
        """
        return entries.review(self, answers, **options)

    def report(self) -> dict[str, Any]:
        """Report how the clusters were made, and how many there are.

        Returns:
            Model, method, threshold and how it was found, counts of rows, rows without
            a key, rows with the key of an earlier one, clusters, clusters of one row, rows of the largest.

            "estimated_precision" is the mean match probability of the pairs of different keys within
            clusters, where one that was not compared counts as 0; None for fewer than 11 pairs, and where
            scores are not probabilities. "estimated_precision_interval" is a 90 % interval.

            "warnings" is a list of texts and "warning_codes" has one for each: "most_rows_go" (more than half
            of the rows would go in `dedup_rows`), "large_cluster" (one has more than a twentieth of the
            rows), "stand_in" (a value that probably stands for a missing one), "unreadable_pictures"
            (more than half of a column), "low_precision" (below .5) and "few_pairs". JSON can hold all of it.
        """
        return {
            **self.details,
            "rows": self.table.n_rows,
            "clusters": len(self),
            "clusters_of_one": int((self.sizes == 1).sum()),
            "largest": int(self.sizes.max(initial=0)),
        }

    def evaluate(
        self, truth: object, *, row_id: str | None = None, label: str | None = None
    ) -> dict[str, float]:
        """Compare the clusters with the true ones.

        Args:
            truth: The column of the table that has the true clusters; the true cluster of each row; a dict
                from row label to true cluster, or a table of two columns, one of them "cluster"; or a table
                of true pairs of rows, by their labels, perhaps with a column of 1 (match) and 0. A row
                without a value, or null, is a cluster of its own, and pairs that are labelled both ways are
                left out.
            row_id: The column of the table whose values a dict or a table uses; None for index labels in
                pandas, row numbers elsewhere.
            label: The column of a table of pairs with 1 and 0; None for "label", "match" or the third one.

        Returns:
            The scores of `metrics.ClusterScores`: pairwise precision, recall and f1, b_cubed_f1, ari,
            v_measure, cluster_f1 and others. From a table of pairs also repeated_labels and contradictions
            (pairs labelled both ways, and non-matches between rows that matches join), with a `LinkWarning`.

        Raises:
            ColumnNotFoundError: A name that is not a column.
            InvalidArgumentError: Not as many true clusters as rows, a label of no row, or a table with
                ambiguous columns or without a match.
        """
        return evaluate_clusters(self, truth, Ids(row_id, row_id, label))


def check_keep(keep: object) -> None:
    """Raise InvalidArgumentError if `keep` is not a rule for the representative row."""
    if not callable(keep) and not (isinstance(keep, str) and keep in KEEP):
        raise InvalidArgumentError(
            f"keep={check.shown(keep)} is not one of {', '.join(map(repr, KEEP))}, nor a "
            "function of a cluster's rows."
        )


def filled(table: Table, name: str) -> Integers:
    """1 where a column has a value, 0 where it is empty, (n_rows,) int64."""
    return np.asarray(frames.joined(table, [name], " ", False, compared=True) != "", dtype=np.int64)


def kept_rows(clusters: Clusters, keep: Keep) -> tuple[IntoDataFrame, IntoDataFrame]:
    """The representative rows, and the whole table with the columns "cluster" and "kept"."""
    rows = np.sort(clusters.representatives(keep))
    taken = clusters.table.columns
    names = [frames.free_name(name, taken) for name in ("cluster", "kept")]
    is_kept = np.isin(np.arange(clusters.table.n_rows), rows)
    members = frames.with_columns(clusters.table, dict(zip(names, (clusters.label, is_kept), strict=True)))
    return frames.take(clusters.table, rows), members
