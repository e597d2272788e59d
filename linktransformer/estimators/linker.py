"""Linker: fit once on a reference table, then ask one row or a million."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.fused import Fused
from linktransformer.encoding import model_plan
from linktransformer.encoding.model_plan import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.estimators import (
    given_decision,
    one_more,
    reference_pictures,
    reference_search,
    sample_files,
    sample_fitting,
    sample_growth,
)
from linktransformer.estimators.reference import Asked, Keys, Reference
from linktransformer.estimators.reference_estimator import Fitted, labels_at, unique
from linktransformer.estimators.sample_job import SampleJob
from linktransformer.estimators.sample_reading import Settings
from linktransformer.linking.options import Columns, Job, K
from linktransformer.progress import displayed
from linktransformer.results.links import Links
from linktransformer.tables import frames, key_columns
from linktransformer.tables.frames import Table

__all__ = ["Linker"]

L = TypeVar("L", bound="Linker")


class Linker(Fitted):
    """Link new rows to a reference table that is read and encoded once.

    The answer for a row depends on that row and on the reference, not on the rows that are asked with it.

    Args:
        model: None or "full": the bundled model, run for every record. "lexical": character n-grams alone. Or
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
            None links by text alone.
        confidence: With `images`, a column or a pair of columns (of the rows asked, of the reference): how
            sure an OCR engine was of the text, 0 to 1. None: not known.
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

    _sample: SampleJob | None = None

    def __init__(
        self,
        model: Any = None,
        threshold: Any = "auto",
        *,
        on: Columns = None,
        left_on: Columns = None,
        right_on: Columns = None,
        block_on: Columns = None,
        k: int = K,
        weights: Mapping[str, float] | None = None,
        images: Any = None,
        confidence: Any = None,
        device: str | None = None,
        batch_size: int | None = None,
        cache: Any = None,
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
        self.device = device
        self.batch_size = batch_size
        self.cache = cache
        self.progress = progress

    @displayed
    def fit(self: L, reference: Any, queries: Any = None) -> L:
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
        unique(frames.index_labels(table, np.arange(table.n_rows)), "reference")
        names = self._keys(table)
        shown = self._pictures(table)
        sample = None if queries is None else self._wrapped(queries, names, table, self._on())
        if sample is not None and shown is not None:
            shown.check(sample)
        plan = (model_plan.plan if shown is None else model_plan.plan_of_pictures)(self.model, self.device)
        settings = Settings(self.k, self.device, self.batch_size)
        given = given_decision.Given(self.weights, self.threshold)
        known = given_decision.by_views(table, names, shown, self._remembering(plan), sample, given, settings)
        job: SampleJob | None = None
        if known is None and shown is not None:
            known, job = self._by_pictures(table, names, shown, plan, sample)
        elif known is None:
            known, job = self._by_sample(sample_fitting.unread(table, names, plan), plan, sample)
        self._plan, self._known, self._sample = plan, known, job
        return self

    def _by_sample(
        self, bare: Reference, plan: Plan, sample: Table | None
    ) -> tuple[Reference, SampleJob | None]:
        """The reference with its threshold, and the job of sample rows."""
        settings = Settings(self.k, self.device, self.batch_size)
        return self._with_threshold(plan, sample_fitting.fit(bare, self._remembering(plan), sample, settings))

    def _by_pictures(
        self, table: Table, names: Keys, shown: reference_pictures.Columns, plan: Plan, sample: Table | None
    ) -> tuple[Reference, SampleJob | None]:
        """The same, for rows that have pictures."""
        if sample is None:
            raise InvalidArgumentError(
                "images= needs rows such as will be asked: fit(reference, queries). Or give weights= and a "
                "number as threshold=."
            )
        settings, plan = (
            Settings(self.k, self.device, self.batch_size),
            self._remembering(plan),
        )
        known = reference_pictures.build_pictured(
            table, names, shown, plan, sample, batch_size=self.batch_size
        )
        return self._with_threshold(plan, sample_fitting.fit_pictured(known, plan, sample, settings))

    def _with_threshold(
        self, plan: Plan, fitted: tuple[Reference, SampleJob | None, Fused | None]
    ) -> tuple[Reference, SampleJob | None]:
        known, job, fused = fitted
        details: dict[str, Any] = {"model": plan.name}
        if job is not None:
            details |= {"sample": "queries" if (job.sample.copy_of < 0).all() else "noisy copies"}
            details["key_column"] = None if known.reading.column is None else known.reading.column[0]
            if job.correction is not None:
                details["decision"] = "learned from labels"
        return replace(known, threshold=sample_fitting.lowest(fused, self.threshold), details=details), job

    @displayed
    def predict(self, rows: Any) -> Any:
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
        known, asked = self._asked(rows)
        fused = self._scored(known, asked)
        row, score = one_more.best_rows(known, asked, fused)
        linked = row >= 0
        if known.threshold is not None:
            linked &= np.nan_to_num(score, nan=-np.inf) >= np.float32(known.threshold)
        columns = {"reference": labels_at(known.labels, np.where(linked, row, -1)), "score": score}
        return frames.new_frame(asked.table, columns, keep_index=True)

    @displayed
    def fit_predict(self, reference: Any, queries: Any) -> Any:
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
    def link(self, rows: Any) -> Links:
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
        known, asked = self._asked(rows)
        frames.same_library(asked.table, known.table)
        return reference_search.linked(known, asked, self._scored(known, asked))

    @displayed
    def add(self: L, rows: Any) -> L:
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
        before, after = self._fitted(), self._with(rows)
        if self._sample is not None:
            self._sample = sample_growth.after_adding(self._sample, before, after, self.k)
            self._known = after
        elif len(before.nodes) or after.shown is not None:
            self._known = after
        else:  # the first rows
            bare = sample_fitting.unread(after.table, after.keys, self._plan)
            bare = replace(bare, labels=after.labels, next_label=after.next_label)
            self._known, self._sample = self._by_sample(bare, self._plan, None)
        return self

    def remove(self: L, labels: Any) -> L:
        """Take rows out of the reference; nothing is encoded, and the other rows keep their labels.

        Args:
            labels: Labels as `predict` gives them, one or several.

        Returns:
            The linker.

        Raises:
            InvalidArgumentError: There is no such label.
        """
        before, rows = self._fitted(), self._without(labels, "labels_")
        self._known = before.rows_kept(rows)
        if self._sample is not None:
            self._sample = sample_growth.after_removal(self._sample, before, self._known, rows)
        return self

    def save(self, folder: str | Path) -> None:
        """Write the fitted linker: safetensors, parquet and JSON, sealed by hashes.

        A model that is an object is not saved; give it to `load` again.

        Args:
            folder: A new folder, or one that `save` wrote, which is replaced.

        Raises:
            InvalidArgumentError: The folder holds something else, or the table cannot be saved.
            MissingExtraError: A pandas table needs pyarrow.
            NotFittedError: `fit` has not been called.
        """
        self._fitted()
        arrays, said = ({}, None) if self._sample is None else sample_files.parts_of(self._sample)
        self._save(folder, arrays, {"sample": said})

    @classmethod
    def load(cls: type[L], folder: str | Path, *, model: Any = None, device: str | None = None) -> L:
        """Read what `save` wrote.

        Args:
            folder: The folder.
            model: The model, where an object was fitted with, or where its folder is elsewhere now.
            device: Where it runs.

        Returns:
            The fitted linker; it answers as the saved one does.

        Raises:
            InvalidArgumentError: A file is missing or was changed.
            ModelError: The model is not the one that the reference was encoded with.
        """
        found, settings, arrays = cls._load(folder, model, device)
        sample = settings.get("sample")
        found._sample = None if sample is None else sample_files.from_parts(sample, arrays)
        return found

    @property
    def reference_(self) -> Any:
        """The reference table as it is now, in the caller's library."""
        return self._fitted().table.frame.to_native()

    @property
    def labels_(self) -> NDArray[Any]:
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
        for name, what in (("weights", "the views"), ("confidence", "the texts")):
            if self.images is None and getattr(self, name) is not None:
                raise InvalidArgumentError(f"{name}= is about {what} of pictures. Give images= too.")
        Job(k=self.k, threshold=self.threshold, batch_size=self.batch_size, cache=self.cache)

    def _keys(self, table: Table) -> Keys:
        if self.on is not None and (self.left_on is not None or self.right_on is not None):
            raise InvalidArgumentError("on= is given with left_on= or right_on=. Give one or the other.")
        if (self.left_on is None) != (self.right_on is None):
            raise InvalidArgumentError("left_on= and right_on= go together. Give both, or on=.")
        blocks = (
            [] if self.block_on is None else key_columns.of_one(table, self.block_on, argument="block_on")
        )
        pictures = None if self.images is None else reference_pictures.named(self.images, "images")[1]
        theirs = key_columns.of_one(table, self.on if self.right_on is None else self.right_on, pictures)
        if self.on is None and self.right_on is None:
            theirs = [name for name in theirs if name not in blocks] or theirs
        mine = theirs if self.left_on is None else key_columns.listed(self.left_on, "left_on")
        return Keys(tuple(theirs), tuple(mine), tuple(blocks))

    def _pictures(self, table: Table) -> reference_pictures.Columns | None:
        """Where pictures are; None for rows without."""
        if self.images is None:
            return None
        sure = None if self.confidence is None else reference_pictures.named(self.confidence, "confidence")
        found = reference_pictures.Columns(reference_pictures.named(self.images, "images"), sure)
        found.check(table, 1)
        return found

    def _asked(self, rows: Any) -> tuple[Reference, Asked]:
        known = self._fitted()
        table = self._wrapped(rows, known.keys, known.table, self._on())
        if known.shown is not None:
            known.shown.columns.check(table)
        return known, self._read(known, table)

    def _scored(self, known: Reference, asked: Asked) -> Fused:
        if self._sample is not None:
            return one_more.judged(known, self._sample, asked, self.k)
        return reference_search.scored(known, asked, self.k)

    def _on(self) -> str:
        return "on" if self.left_on is None else "left_on"
