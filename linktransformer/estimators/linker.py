"""Linker: fit once on a reference table, then ask one row or a million."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from linktransformer import check
from linktransformer.decision.fused import Fused
from linktransformer.encoding.model_plan import ModelLike, Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators import job_storage, query, sample_fit, sample_job, view_scores
from linktransformer.estimators import reference as refs
from linktransformer.estimators.fitted_estimator import Cache, ColumnPair, FittedEstimator, Threshold
from linktransformer.estimators.fitted_model import located
from linktransformer.estimators.fitted_rows import check_unique, labels_at, parse_keys
from linktransformer.estimators.reference import Labels, QueryRows, Reference
from linktransformer.estimators.row_reader import REFERENCE, Keys, RowReader
from linktransformer.estimators.sample_fit import Settings
from linktransformer.estimators.sample_job import SampleJob
from linktransformer.estimators.storage import Arrays, Json
from linktransformer.linking import long_records
from linktransformer.linking.options import Columns, Job, K, ReaderLike
from linktransformer.progress import displayed
from linktransformer.results.links import Links
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import IntoDataFrame, Table
from linktransformer.tables.picture_records import Units, check_root

__all__ = ["Linker"]

L = TypeVar("L", bound="Linker")


class Linker(FittedEstimator):
    """Link new rows to a reference table that is read and encoded once.

    The answer for a row depends on that row and on the reference, not on the rows that come with it.

    Args:
        model: None or "full": the bundled model, run for every record. "lexical": character n-grams only. Or
            a folder, "org/name@revision", a SentenceTransformer, or any object with `encode`.
        threshold: The match probability that a link needs: a number; None takes the most probable row,
            however bad; "auto" or {"precision": p} is found at `fit`, as `merge` finds it for sample rows.
        on: Key column or columns of both tables; None for the text columns of the reference.
        left_on: Key columns of the rows that are asked, with `right_on`.
        right_on: Key columns of the reference.
        block_on: Column or columns of both tables whose values must be equal; texts are compared without
            differences of case, white space and Unicode form.
        k: Neighbours looked at in each view.
        weights: With `images`: what each view counts, such as {"text": 1, "image": 1}, in place of the
            decision by sample rows; `threshold` is then a number or None.
        images: Column of pictures (paths, bytes, PIL images or arrays), or a pair (of the rows asked, of the
            reference); `model` has to read them, and `fit` needs sample rows, or `weights` and `threshold`.
            None links only by text.
        confidence: With `images`, a column or a pair of columns (of the rows asked, of the reference): how
            sure an OCR engine was of the text, 0 to 1. None: not known.
        image_root: The folder of relative paths in `images`; None is the current one.
        long: How a model reads records that are longer than it reads. "cut": their beginning. "pieces": in
            passages, compared by the best passages of each record. "based": a `model` that encodes long
            records, whole. "auto": "pieces" or "cut", on a sample, where the usual record is long. n-grams
            are of whole records (docs/long-records.md).
        reader: What reads both records of each pair in doubt, of the sample at `fit` and of each row that is
            asked. False: nothing. True or "auto": the model's cross-encoder, "auto" with the bundled model
            only. Or a reader of your own, calibrated at `fit`, as in `merge` (docs/reader.md).
        device: Where a torch model runs; None takes a GPU when there is one.
        batch_size: Texts encoded at a time; it does not change the result.
        cache: Keep the model's vectors of the reference and of added rows on disk, not those of rows that are
            asked: True for the user's cache folder, a folder, or `CacheSettings`; None for no cache. The
            setting is not saved.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).

    Example:
        >>> import pandas as pd
        >>> register = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Zeller Motors"]}, index=["a", "z"])
        >>> linker = Linker(model="lexical", threshold=0.4, on="name").fit(register)
        >>> linker.predict({"name": "Acme Steel Corp."})["reference"].tolist()
        ['a']
    """

    _reference: Reference | None = None
    _job: SampleJob | None = None

    def __init__(
        self,
        model: ModelLike = None,
        threshold: Threshold = "auto",
        *,
        on: Columns = None,
        left_on: Columns = None,
        right_on: Columns = None,
        block_on: Columns = None,
        k: int = K,
        weights: Mapping[str, float] | None = None,
        images: ColumnPair = None,
        confidence: ColumnPair = None,
        image_root: str | Path | None = None,
        long: str = "auto",
        reader: ReaderLike = False,
        device: str | None = None,
        batch_size: int | None = None,
        cache: Cache = None,
        progress: bool | None = None,
    ) -> None:
        self.model = model
        self.threshold = threshold
        self.on = on
        self.left_on = left_on
        self.right_on = right_on
        self.block_on = block_on
        self.k = k
        self.weights = weights
        self.images = images
        self.confidence = confidence
        self.image_root = image_root
        self.long = long
        self.reader = reader
        self.device = device
        self.batch_size = batch_size
        self.cache = cache
        self.progress = progress

    @displayed
    def fit(self: L, reference: IntoDataFrame, queries: IntoDataFrame | None = None) -> L:
        """Read and encode the reference table, and keep what a merge of sample rows with it shows.

        Args:
            reference: A pandas or polars DataFrame or a pyarrow Table; pandas index labels must not repeat.
            queries: Rows such as will be asked, some hundreds or more. A row that is asked later is judged as
                one more row of theirs, by the decision of `merge`. None: noisy copies of the reference's own
                rows, half of them with their own row hidden; they know nothing of how your rows differ.

        Returns:
            The linker, with `reference_`, `labels_` and `threshold_`, and `weights_` where they were given.

        Raises:
            ColumnNotFoundError: A column that is not there.
            InvalidArgumentError: An argument that cannot work.
            ModelError: There is no such model, or it gives vectors that cannot be used.
        """
        self._check()
        table = frames.wrap(reference, "reference")
        check_unique(frames.index_labels(table, np.arange(table.n_rows)), "reference")
        keys = self._keys(table)
        sample = None if queries is None else self._wrapped(queries, keys, table, self._argument())
        texts = keys.images is None
        if not texts and self.weights is None and sample is None:
            raise InvalidArgumentError(
                "images= needs rows such as will be asked: fit(reference, queries). Or give weights= and a "
                "number as threshold=."
            )
        plan = self._opened(self.model, not texts)
        self._open_reader(plan, pictures=not texts)
        root = None if self.image_root is None else str(Path(self.image_root).absolute())
        if texts:
            long_records.check_model(self.long, plan, self.model)
        written = long_records.serializer_of(plan, self.long) if texts else plan.serializer
        side = 0 if texts else plan.photo_side
        reader = RowReader(keys, serializer=written, image_root=root, photo_side=side)
        bare, units = refs.read(table, reader)
        if self.weights is None:
            self._fit(bare, units, plan, sample)
        else:
            self._fit_weights(bare, units, plan, sample)
        self._fitted_model = located(self.model)
        return self

    def _fit(self, bare: Reference, units: Units | None, plan: Plan, sample: Table | None) -> None:
        """Learn the decision from sample rows."""
        cached = self._cached(plan)
        known, job, fused = sample_fit.fit(bare, units, cached, sample, self._settings())
        details: dict[str, object] = {"model": plan.name, **known.details}
        if job is not None:
            details["sample"] = "queries" if (job.sample.copy_of < 0).all() else "noisy copies"
            details["key_column"] = None if known.reader.column is None else known.reader.column[0]
            if job.model.correction is not None:
                details["decision"] = "learned from labels"
        threshold = sample_fit.lowest(fused, self.threshold)
        known = replace(known, threshold=threshold, details=details)
        self._plan, self._reference, self._job = plan, known, job

    def _fit_weights(self, bare: Reference, units: Units | None, plan: Plan, sample: Table | None) -> None:
        """Take the decision by weights that the caller gives."""
        cached, size = self._cached(plan), self.batch_size
        known = refs.encoded(bare, units, cached, sample, size)
        rows = None if sample is None else refs.encode(known, cached, sample, batch_size=size)
        known = view_scores.with_lines(known, rows, self.k, self.device)
        known = view_scores.with_weights(known, self.weights, self.threshold)
        self._plan, self._reference, self._job = plan, known, None

    @displayed
    def predict(self, rows: IntoDataFrame | Mapping[str, object]) -> IntoDataFrame:
        """Find the row of the reference that each row names.

        Args:
            rows: A table of any of the libraries, or one row as a dict.

        Returns:
            A table in the library of the rows, with their index in pandas: "reference", the label of the
            reference row (pandas index label, elsewhere its number), null for no link; and "score", the
            match probability of the most probable row, linked or not, null where nothing is near.

        Raises:
            ColumnNotFoundError: A key column is not there.
            NotFittedError: `fit` has not been called.
        """
        known, queries = self._queries(rows)
        row, score = query.best_rows(known, queries, self._scored(known, queries))
        linked = row >= 0
        if known.threshold is not None:
            linked &= np.nan_to_num(score, nan=-np.inf) >= np.float32(known.threshold)
        columns = {"reference": labels_at(known.labels, np.where(linked, row, -1)), "score": score}
        of = {"reference": known.table}
        return frames.new_frame(queries.table, columns, keep_index=True, labels_of=of)

    @displayed
    def fit_predict(self, reference: IntoDataFrame, queries: IntoDataFrame) -> IntoDataFrame:
        """Fit on a reference with sample rows, and predict these.

        Args:
            reference: A pandas or polars DataFrame or a pyarrow Table; pandas index labels must not repeat.
            queries: The sample rows, which are then linked.

        Returns:
            A table in the library of the queries: "reference", the label of the linked reference row or null,
            and "score", the match probability of the most probable row.
        """
        return self.fit(reference, queries).predict(queries)

    @displayed
    def link(self, rows: IntoDataFrame | Mapping[str, object]) -> Links:
        """Decide as `predict` does, and give the evidence.

        Args:
            rows: A table of the library of the reference, or one row as a dict.

        Returns:
            The links, rows on the left, the reference on the right.

        Raises:
            ColumnNotFoundError: A key column is not there.
            TableTypeError: The rows are of another library than the reference.
            NotFittedError: `fit` has not been called.
        """
        known, queries = self._queries(rows)
        frames.same_library(queries.table, known.table)
        return query.linked(known, queries, self._scored(known, queries))

    @displayed
    def add(self: L, rows: IntoDataFrame) -> L:
        """Put rows at the end of the reference; only they are encoded.

        How rare words and n-grams are, how similarities are distributed and the threshold stay as they were
        until `fit`.

        Args:
            rows: A table of the reference's library and columns; in pandas with new index labels.

        Returns:
            The linker.

        Raises:
            InvalidArgumentError: Columns are missing, or a label is there already.
            TableTypeError: The rows are of another library.
        """
        before = self._fitted()
        after = self._with_rows(rows, before)
        if self._job is not None:
            self._job = sample_job.after_adding(self._job, before, after, self.k)
            self._reference = after
        elif len(before.nodes) or after.pictures is not None:
            self._reference = after
        else:  # the first rows
            bare = replace(after, reader=after.reader.unfitted())
            self._fit(bare, None, self._plan, None)
        return self

    def remove(self: L, labels: object) -> L:
        """Take rows out of the reference; nothing is encoded, and the other rows keep their labels.

        Args:
            labels: Labels as `predict` gives them, one or several.

        Returns:
            The linker.

        Raises:
            InvalidArgumentError: There is no such label.
        """
        before, rows = self._fitted(), self._rows_without(labels, "labels_")
        self._reference = after = before.some_rows(rows)
        if self._job is not None:
            self._job = sample_job.after_removal(self._job, before, after, rows)
        return self

    @property
    def reference_(self) -> Any:
        """The reference table as it is now, in the caller's library."""
        return self._fitted().table.frame.to_native()

    @property
    def labels_(self) -> Labels:
        """The labels of its rows, (n_rows,)."""
        return self._fitted().labels

    @property
    def weights_(self) -> dict[str, float]:
        """What each view counts in the score where weights were given; else nothing."""
        return dict(self._fitted().weights)

    @property
    def threshold_(self) -> float | None:
        """The probability that a link needs; None where every row is linked to its most probable one."""
        return self._fitted().threshold

    def _check(self) -> None:
        for name, subject in (("weights", "the views"), ("confidence", "the texts"), ("image_root", "files")):
            if self.images is None and getattr(self, name) is not None:
                raise InvalidArgumentError(f"{name}= is about {subject} of pictures. Give images= too.")
        check_root(self.image_root)
        Job(
            k=self.k,
            threshold=self.threshold,
            device=self.device,
            batch_size=self.batch_size,
            cache=self.cache,
            long=self.long,
        )

    def _keys(self, table: Table) -> Keys:
        if self.on is not None and (self.left_on is not None or self.right_on is not None):
            raise InvalidArgumentError("on= is given with left_on= or right_on=. Give one or the other.")
        if (self.left_on is None) != (self.right_on is None):
            raise InvalidArgumentError("left_on= and right_on= go together. Give both, or on=.")
        images = None if self.images is None else _column_pair(self.images, "images")
        confidence = None if self.confidence is None else _column_pair(self.confidence, "confidence")
        names = self.on if self.right_on is None else self.right_on
        picture = None if images is None else images[REFERENCE]
        argument = "on" if self.right_on is None else "right_on"
        own, blocks = parse_keys(table, names, self.block_on, picture, argument)
        queries = own if self.left_on is None else key_columns.listed(self.left_on, "left_on")
        if self.left_on is not None and not queries:
            raise InvalidArgumentError("left_on= names no column. Give the key columns of the rows asked.")
        keys = Keys(tuple(own), tuple(queries), tuple(blocks), images, confidence)
        keys.check_pictures(table, REFERENCE)
        return keys

    def _queries(self, rows: IntoDataFrame | Mapping[str, object]) -> tuple[Reference, QueryRows]:
        known = self._fitted()
        table = self._wrapped(rows, known.reader.keys, known.table, self._argument())
        return known, self._encoded(known, table)

    def _scored(self, known: Reference, queries: QueryRows) -> Fused:
        if self._job is not None:
            return query.scored(known, self._job, queries, self.k, self._reader_with(self._job.scale))
        return view_scores.weighted(known, queries, self.k)

    def _argument(self) -> str:
        return "on" if self.left_on is None else "left_on"

    def _parts(self) -> tuple[Arrays, Json]:
        arrays, values = ({}, None) if self._job is None else job_storage.sample_parts(self._job)
        return arrays, {"sample": values}

    def _restore(self, known: Reference, settings: Json, arrays: Arrays) -> None:
        self._reference, values = known, settings.get("sample")
        self._job = None if values is None else job_storage.sample_job(values, arrays)

    def _settings(self) -> Settings:
        return Settings(self.k, self.device, self.batch_size, long=self.long, reader=self._query_reader)

    def _fitted(self) -> Reference:
        if self._reference is None:
            raise self._unfitted()
        return self._reference


def _column_pair(names: object, argument: str) -> tuple[str, str]:
    """The names of a column of queries and of the reference, from one name or a pair."""
    pair = (names, names) if isinstance(names, str) else names
    if isinstance(pair, (tuple, list)) and len(pair) == 2 and all(isinstance(name, str) for name in pair):
        return str(pair[0]), str(pair[1])
    raise InvalidArgumentError(
        f"{argument}={check.shown(names)} "
        "names no columns. Give one of both tables, or a pair (of the rows that "
        "are asked, of the reference)."
    )
