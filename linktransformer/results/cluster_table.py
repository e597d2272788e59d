"""Clusters as tables, as an iterable of groups of rows, and as text on a console."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Column, Integers
from linktransformer.results import console
from linktransformer.results.cluster_values import ClusterValues
from linktransformer.tables import frames, libraries
from linktransformer.tables.columns import Native
from linktransformer.tables.frames import IntoDataFrame, Table
from linktransformer.tables.row_labels import Label

__all__ = ["ClusterTable"]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterTable(ClusterValues):
    """The methods of `linktransformer.Clusters` that show its rows."""

    def __iter__(self) -> Iterator[list[Label]]:
        labels = frames.index_labels(self.table, np.arange(self.table.n_rows)).tolist()
        for rows in np.split(np.argsort(self.label, kind="stable"), np.cumsum(self.sizes)[:-1]):
            if len(rows):
                yield [labels[row] for row in rows.tolist()]

    def __repr__(self) -> str:
        several = np.flatnonzero(self.sizes > 1)
        counts = f"Clusters({self.table.n_rows} rows in {len(self)} clusters, {len(several)} of several rows)"
        on = list(self.details.get("on", ()))
        shown = [
            (number, console.keys(self.table.rows(np.flatnonzero(self.label == number)), on))
            for number in several[: console.SHOWN].tolist()
        ]
        estimate = console.estimates({"precision": self.details.get("estimated_precision")})
        return "\n".join([counts, *estimate, *console.clustered(shown), *console.more(len(several))])

    @property
    def pairs(self) -> IntoDataFrame:
        """The compared pairs of rows within clusters as a table in the caller's library.

        Columns: cluster, left and right (index labels in pandas, row numbers elsewhere), score.
        """
        columns: dict[str, Column] = {
            "cluster": self.label[self.left_rows],
            "left": frames.index_labels(self.table, self.left_rows),
            "right": frames.index_labels(self.table, self.right_rows),
            "score": self.score,
        }
        return frames.new_frame(self.table, columns)

    def head(self, n: int = 5) -> IntoDataFrame:
        """The rows of the first clusters of several rows, to look at.

        Args:
            n: How many clusters.

        Returns:
            The cluster and the key columns of each row, one cluster after the other, in the caller's library.

        Example:
            >>> import linktransformer as lt
            >>> contacts = lt.datasets.load_contacts().table
            >>> clusters = lt.cluster(contacts, on=["first_name", "last_name"], model="lexical")
            >>> list(clusters.head(1).columns)
            ['cluster', 'first_name', 'last_name']
        """
        several = np.flatnonzero(self.sizes > 1)[: max(int(n), 0)]
        rows = np.flatnonzero(np.isin(self.label, several))
        rows = rows[np.argsort(self.label[rows], kind="stable")]
        on = list(dict.fromkeys(self.details.get("on", ())))
        keys = Table(self.table.frame.select(on), self.table.name, self.table.n_rows).rows(rows)
        added = {frames.free_name("cluster", on): self.label[rows]}
        return frames.with_columns_first(keys, added)

    def to_pandas(self) -> Native:
        """The cluster of each row as a pandas DataFrame.

        Returns:
            Columns: row (index label in pandas, row number elsewhere) and cluster. Labels of a pandas
            MultiIndex are tuples here, and row numbers in the other two.
        """
        rows = np.arange(self.table.n_rows)
        return libraries.table_in("pandas", self._columns(frames.index_labels(self.table, rows)))

    def to_polars(self) -> Native:
        """The cluster of each row as a polars DataFrame.

        Returns:
            Columns: row and cluster. Labels of several types are text.

        Raises:
            MissingExtraError: polars is not installed.
        """
        return libraries.table_in("polars", self._plain_columns())

    def to_arrow(self) -> Native:
        """The cluster of each row as a pyarrow Table.

        Returns:
            Columns: row and cluster. Labels of several types are text.

        Raises:
            MissingExtraError: pyarrow is not installed.
        """
        return libraries.table_in("pyarrow", self._plain_columns())

    def _columns(self, labels: Column) -> dict[str, Column]:
        cluster: Integers = self.label
        return {"row": labels, "cluster": cluster}

    def _plain_columns(self) -> dict[str, Column]:
        return self._columns(frames.plain_labels(self.table, np.arange(self.table.n_rows)))
