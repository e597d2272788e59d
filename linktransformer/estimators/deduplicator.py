"""Deduplicator: cluster a table once, then tell of new rows which thing they name; ids stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from linktransformer import check
from linktransformer.arrays import Integers
from linktransformer.dedup.cluster import K, check_threshold
from linktransformer.dedup.constraints import Rules
from linktransformer.encoding import model_plan
from linktransformer.encoding.model_plan import ModelLike, Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators import (
    cluster_fit,
    cluster_query,
    cluster_update,
    clustered_table,
    job_storage,
    reference,
)
from linktransformer.estimators.clustered_table import ClusteredTable
from linktransformer.estimators.fitted_estimator import Cache, FittedEstimator, NotFittedError, Threshold
from linktransformer.estimators.fitted_model import located
from linktransformer.estimators.fitted_rows import appended, check_unique, parse_keys
from linktransformer.estimators.query_reader import QueryReader
from linktransformer.estimators.reference import Labels, Reference
from linktransformer.estimators.row_reader import Keys, RowReader
from linktransformer.estimators.sample_fit import Settings
from linktransformer.estimators.storage import Arrays, Json
from linktransformer.linking.options import Columns, Job, ReaderLike
from linktransformer.progress import displayed, stage
from linktransformer.results import report_warnings
from linktransformer.results.clusters import Clusters
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame

__all__ = ["Deduplicator"]

AT_ONCE = 250  # rows that are added: it changes the time and the memory, not the result
JOB = "job."  # before the names of the arrays of the job

D = TypeVar("D", bound="Deduplicator")


class Deduplicator(FittedEstimator):
    """Cluster a table that is read and encoded once, and put new rows into its clusters.

    A cluster's id never changes by what comes later: a new row joins the cluster that it probably belongs to,
    or begins one. Ids are not used again. Where a row shows that two clusters are one thing, both stay, and
    `merges` names them; `fit` clusters from the start.

    Args:
        model: None or "lexical": character n-grams only. Or a folder, a name on a hub, a
            SentenceTransformer, any object with `encode`, or what `fit_decision` gave.
        threshold: The match probability that two clusters need to be one, and a new row to join a cluster;
            "auto" is .5.
        on: Key column or columns; None for all columns of text. Put the column that names the row first.
        block_on: Column or columns whose values must be equal within a cluster; texts are compared without
            differences of case, white space and Unicode form. None compares all rows.
        method: Linkage of the clusters: "average" (the default), "complete", "single" or "hdbscan". A new row
            belongs to a cluster by the mean match probability of its different texts ("average" and
            "hdbscan"), the lowest ("complete") or the highest one ("single").
        one_per: A column such as the census or the shop that a row is from: a cluster has at most one row of
            each of its values, new rows too. Rows where it is null are free. None sets no limit.
        cannot_link: Pairs of rows of `fit` that are never in one cluster: a table whose first two columns are
            index labels (row numbers where there is no index), or pairs of them. None for no pairs.
        must_link: Pairs of rows of `fit` that are always in one cluster, by index label; what they lead to
            holds too.
        images: Not read: pictures are clustered by `cluster(images=...)`, and new rows are linked to known
            ones by `Linker(images=...)`. `fit` refuses it.
        reader: What reads both records of each pair in doubt, of the table at `fit` and of each later row.
            False: nothing. True or "auto": the cross-encoder of the bundled model, "auto" with
            `model=None`. Or a reader of your own, calibrated at `fit`, as in `cluster` (docs/reader.md).
        k: Neighbours looked at for each row in each view.
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it does not change the result.
        memory_limit: Bytes for the search, beside its input and its result; None is 1 GiB.
        cache: Keep the model's vectors of the table and of added rows on disk: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache. The setting is not saved.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Example:
        >>> import pandas as pd
        >>> firms = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "ACME STEEL CORP"]})
        >>> known = Deduplicator(threshold=0.5, on="name").fit(firms)
        >>> known.labels_.tolist(), known.predict({"name": "Acme Steel"})["cluster"].tolist()
        ([0, 1, 0], [0])
        >>> known.add(pd.DataFrame({"name": ["Zeller Motors", "acme steel"]}, index=[3, 4])).labels_.tolist()
        [0, 1, 0, 2, 0]
    """

    _clustered: ClusteredTable | None = None
    _clusters: Clusters | None = None

    def __init__(
        self,
        model: ModelLike = None,
        threshold: Threshold = "auto",
        *,
        on: Columns = None,
        block_on: Columns = None,
        method: str = "average",
        one_per: str | None = None,
        cannot_link: object = None,
        must_link: object = None,
        images: str | None = None,
        reader: ReaderLike = False,
        k: int = K,
        device: str | None = None,
        batch_size: int | None = None,
        memory_limit: int | None = None,
        cache: Cache = None,
        progress: bool | None = None,
    ) -> None:
        self.model = model
        self.threshold = threshold
        self.on = on
        self.block_on = block_on
        self.method = method
        self.one_per = one_per
        self.cannot_link = cannot_link
        self.must_link = must_link
        self.images = images
        self.reader = reader
        self.k = k
        self.device = device
        self.batch_size = batch_size
        self.memory_limit = memory_limit
        self.cache = cache
        self.progress = progress

    @displayed
    def fit(self: D, table: IntoDataFrame) -> D:
        """Read, encode and cluster a table, as `lt.cluster` does.

        Args:
            table: A pandas or polars DataFrame or a pyarrow Table; pandas index labels must not repeat.

        Returns:
            The deduplicator, with `table_`, `index_`, `labels_`, `clusters_` and `threshold_`. Ids begin at 0
            in order of first row; a row without a key has one of its own. `LinkWarning` is given where
            `lt.cluster` gives it.

        Raises:
            ColumnNotFoundError: A column that is not there.
            InvalidArgumentError: An argument that cannot work.
            ModelError: There is no such model, or it gives vectors that cannot be used.
        """
        check_threshold(self.threshold)
        if self.images is not None:
            raise InvalidArgumentError(
                f"images={check.shown(self.images)}: "
                "the Deduplicator compares texts. Take cluster(table, images=..., "
                "model=...) for pictures, or Linker(images=...) to link new rows to known ones."
            )
        rules = Rules(self.method, self.one_per, self.cannot_link, self.must_link)
        job = Job(
            k=self.k,
            threshold=self.threshold,
            device=self.device,
            batch_size=self.batch_size,
            memory_limit=self.memory_limit,
            cache=self.cache,
        )
        wrapped = frames.wrap(table, "table")
        check_unique(frames.index_labels(wrapped, np.arange(wrapped.n_rows)), "table")
        on, blocks = parse_keys(wrapped, self.on, self.block_on)
        plan = self._opened(self.model)
        self._open_reader(plan)
        reader = RowReader(Keys(tuple(on), tuple(on), tuple(blocks)), serializer=plan.reading)
        bare, _ = reference.read(wrapped, reader)
        self._clustered, self._clusters = cluster_fit.fit(
            bare, self._cached(plan), job, rules, self._settings()
        )
        self._plan, self._fitted_model = plan, located(self.model)
        report_warnings.warn(self._clusters.details)
        return self

    @displayed
    def fit_predict(self, table: IntoDataFrame) -> IntoDataFrame:
        """Cluster a table.

        Args:
            table: A pandas or polars DataFrame or a pyarrow Table; pandas index labels must not repeat.

        Returns:
            A table with one column, "cluster": the id of each row; in pandas with the table's index.
        """
        known = self.fit(table)._fitted().table
        return frames.new_frame(known, {"cluster": self.labels_}, keep_index=True)

    @displayed
    def predict(self, rows: IntoDataFrame | Mapping[str, object]) -> IntoDataFrame:
        """Tell which cluster each row would join, each as one more row of the table; nothing is added.

        Args:
            rows: A table of any of the libraries, or one row as a dict.

        Returns:
            A table in the library of the rows, with their index in pandas: "cluster", the id, null where the
            row would begin a new one; and "score", the probability that it belongs to the most probable
            cluster, 1 where that has the same text, null where none is near.

        Raises:
            ColumnNotFoundError: A key column is not there.
            NotFittedError: `fit` has not been called.
        """
        clustered = self._fitted_clusters()
        known = clustered.reference
        table = self._wrapped(rows, known.reader.keys, known.table)
        if clustered.one_per is not None:
            frames.check_columns(table, [clustered.one_per], "one_per")
        queries = self._encoded(known, table)
        candidates = cluster_query.memberships(clustered, queries, self.k, self._reader_of(clustered))
        cluster, score = cluster_query.first_allowed(clustered, queries, candidates)
        ids = np.ma.masked_array(np.maximum(cluster, 0), mask=cluster < 0)
        return frames.new_frame(table, {"cluster": ids, "score": score}, keep_index=True)

    @displayed
    def add(self: D, rows: IntoDataFrame) -> D:
        """Put rows at the end of the table and into its clusters, one after the other.

        A row joins the cluster that `predict` names for it then, or begins a new one. Only the new rows are
        encoded, and no row that was there gets another id.

        Args:
            rows: A table of the fitted table's library and columns; in pandas with new index labels.

        Returns:
            The deduplicator.

        Raises:
            InvalidArgumentError: Columns are missing, or a label is there already.
            TableTypeError: The rows are of another library.
        """
        clustered = self._fitted_clusters()
        added, _, _ = appended(rows, clustered.reference)  # refused as a whole
        if clustered.job is None:
            larger, plan = self._with_rows(rows, clustered.reference), self._cached(self._plan)
            clustered = cluster_fit.with_job_of(clustered, larger, plan, self._settings())
        with stage("rows", added.n_rows) as tick:
            for start in range(0, added.n_rows, AT_ONCE):
                some = frames.take(added, np.arange(start, min(start + AT_ONCE, added.n_rows)))
                larger = self._with_rows(some, clustered.reference)
                clustered = cluster_update.with_rows(clustered, larger, self.k, self._reader_of(clustered))
                tick(min(AT_ONCE, added.n_rows - start))
        self._clustered = clustered
        return self

    def remove(self: D, labels: object) -> D:
        """Take rows out of the table; nothing is encoded, and the other rows keep their ids.

        A cluster stays together even where the row that held it together is gone.

        Args:
            labels: Labels of rows, one or several, of those in `index_`.

        Returns:
            The deduplicator.

        Raises:
            InvalidArgumentError: There is no such label.
        """
        clustered, rows = self._fitted_clusters(), self._rows_without(labels, "index_")
        self._clustered = clustered_table.some_rows(clustered, rows)
        return self

    def merges(self) -> Any:
        """Name the clusters that rows which were added have brought together.

        Nothing is encoded or searched, and no id changes. `fit(table_)` clusters from the start.

        Returns:
            A table in the caller's library, the most probable pair first: "cluster" and "other", two ids,
            and "score", the probability that the two are one, at or above `threshold_`. Pairs that `fit` left
            apart, and those that must stay apart, are not there.

        Raises:
            NotFittedError: `fit` has not been called.
        """
        clustered = self._fitted_clusters()
        pairs, score = clustered_table.mergeable(clustered)
        columns: Arrays = {"cluster": pairs[:, 0], "other": pairs[:, 1], "score": score}
        return frames.new_frame(clustered.reference.table, columns)

    @property
    def table_(self) -> Any:
        """The table as it is now, in the caller's library."""
        return self._fitted().table.frame.to_native()

    @property
    def index_(self) -> Labels:
        """What its rows are called, (n_rows,): the pandas index, elsewhere numbers that a row keeps."""
        return self._fitted().labels

    @property
    def labels_(self) -> Integers:
        """The cluster id of each row, (n_rows,) int64."""
        return self._fitted_clusters().cluster

    @property
    def clusters_(self) -> Clusters:
        """What the last `fit` in this process found, with evidence; rows added since do not show."""
        self._fitted()
        if self._clusters is None:
            raise NotFittedError("The Deduplicator was loaded: the evidence of fit is not saved. Fit again.")
        return self._clusters

    @property
    def threshold_(self) -> float:
        """The match probability that a new row needs to join a cluster."""
        return float(self._fitted().threshold or 0.0)

    def report(self) -> Mapping[str, Any]:
        """How the clusters were made.

        Returns:
            As `Clusters.report` at the last `fit`.
        """
        return dict(self._fitted_clusters().details)

    def _opened(self, model: ModelLike, pictures: bool = False) -> Plan:
        return super()._opened(model_plan.LEXICAL if model is None else model, pictures)

    def _fitted_clusters(self) -> ClusteredTable:
        if self._clustered is None:
            raise self._unfitted()
        return self._clustered

    def _fitted(self) -> Reference:
        return self._fitted_clusters().reference

    def _parts(self) -> tuple[Arrays, Json]:
        clustered = self._fitted_clusters()
        arrays = {name: getattr(clustered, name) for name in ("cluster", "cannot_link", "kept_apart")}
        values: Json = {"next_id": clustered.next_id, "details": dict(clustered.details), "job": None}
        if clustered.job is not None:
            of_job, values["job"] = job_storage.table_parts(clustered.job)
            arrays |= {JOB + name: array for name, array in of_job.items()}
        return arrays, {"clusters": values}

    def _restore(self, known: Reference, settings: Json, arrays: Arrays) -> None:
        values, job = settings["clusters"], None
        if values["job"] is not None:
            of_job = {name.removeprefix(JOB): of for name, of in arrays.items() if name.startswith(JOB)}
            job = job_storage.table_job(values["job"], of_job)
        self._clustered = ClusteredTable(
            known,
            arrays["cluster"],
            values["next_id"],
            self.method,
            job,
            self.one_per,
            arrays["cannot_link"],
            arrays["kept_apart"],
            values["details"],
        )

    def _settings(self) -> Settings:
        return Settings(self.k, self.device, self.batch_size, self.memory_limit, reader=self._query_reader)

    def _reader_of(self, clustered: ClusteredTable) -> QueryReader | None:
        return None if clustered.job is None else self._reader_with(clustered.job.scale)
