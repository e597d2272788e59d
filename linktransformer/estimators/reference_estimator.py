"""What the estimators share: a table that is read and encoded once, grows, shrinks and goes to disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Integers
from linktransformer.encoding import cached_encoder, model_plan
from linktransformer.encoding.model_plan import Plan
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, ModelError
from linktransformer.estimators import reference_files, reference_pictures
from linktransformer.estimators.parameters import Parameters
from linktransformer.estimators.reference import Asked, Keys, Reference, ask, read_as_the_model_does
from linktransformer.estimators.row_reading import embedded
from linktransformer.tables import frames
from linktransformer.tables.frames import Table

__all__ = ["Fitted", "NotFittedError", "below", "labels_at", "unique"]

PROBES = 3  # texts that a model is asked again when a saved estimator is loaded
NOT_SAVED = ("cache", "cannot_link", "must_link")  # of this machine, or kept in another form

F = TypeVar("F", bound="Fitted")
Arrays = Mapping[str, NDArray[Any]]


class NotFittedError(LinkTransformerError, ValueError, AttributeError):
    """`fit` has not been called."""


class Fitted(Parameters):
    """An estimator that keeps a table and the model that reads it."""

    model: Any
    device: str | None
    batch_size: int | None
    cache: Any
    progress: bool | None
    _known: Reference
    _plan: Plan

    def _fitted(self) -> Reference:
        known: Reference | None = getattr(self, "_known", None)
        if known is None:
            raise NotFittedError(f"The {type(self).__name__} is not fitted. Call fit(...) first.")
        return known

    def _remembering(self, plan: Plan) -> Plan:
        """The model with the cache, for a whole table; a row that is asked alone is not worth a file."""
        if plan.encoder is None:
            return plan
        return replace(plan, encoder=cached_encoder.cached(plan.encoder, self.cache, self.model))

    def _wrapped(self, rows: Any, names: Keys, reference: Table, argument: str = "on") -> Table:
        if isinstance(rows, Mapping):
            one = {name: np.empty(1, dtype=object) for name in rows}
            for name, cell in rows.items():
                one[name][0] = cell  # a picture may look like an array of rows
            rows = frames.new_frame(reference, one)
        table = frames.wrap(rows, "rows")
        if names.queries:  # rows with pictures may have no text
            frames.check_columns(table, names.queries, argument)
        if names.blocks:
            frames.check_columns(table, names.blocks, "block_on")
        return table

    def _read(self, known: Reference, table: Table) -> Asked:
        return ask(known, self._plan, table, batch_size=self.batch_size)

    def _with(self, rows: Any, known: Reference | None = None) -> Reference:
        """What is known with rows at its end; only they are encoded."""
        known = self._fitted() if known is None else known
        table, whole, labels = below(rows, known)
        known = known.with_ngrams_of(table)
        plan, names = self._remembering(self._plan), known.keys.reference
        asked = ask(known, plan, table, names, batch_size=self.batch_size)
        return known.with_rows(whole, labels, asked)

    def _without(self, labels: Any, attribute: str) -> Integers:
        """The numbers of the rows that stay when these are taken out."""
        known = self._fitted()
        single = isinstance(labels, (str, tuple)) or not hasattr(labels, "__iter__")
        wanted = {labels} if single else set(labels)
        has = known.labels.tolist()
        missing = sorted(map(repr, wanted - set(has)))
        if missing:
            raise InvalidArgumentError(
                f"labels={', '.join(missing[:5])}: the table has no such row. See {attribute}."
            )
        return np.flatnonzero(np.array([label not in wanted for label in has], dtype=bool))

    def _save(self, folder: str | Path, extra: Arrays, more: Mapping[str, Any]) -> None:
        known = self._fitted()
        given = self.get_params()
        path = isinstance(self.model, (str, os.PathLike))
        given["model"] = os.fspath(self.model) if path else None
        given |= {name: None for name in NOT_SAVED if name in given}
        settings: dict[str, Any] = {"estimator": type(self).__name__, "parameters": _plain(given), **more}
        if self._plan.encoder is not None:
            settings |= {
                "model_name": self._plan.name,
                "model_is_object": not path and self.model is not None,
            }
        if "dense" in known.matrices:
            settings["probes"] = read_as_the_model_does(known, self._plan, PROBES)
        reference_files.write(folder, reference_pictures.without_pictures(known), settings, extra)

    @classmethod
    def _load(
        cls: type[F], folder: str | Path, model: Any, device: str | None
    ) -> tuple[F, dict[str, Any], Arrays]:
        """The estimator as `_save` left it, its settings and its arrays."""
        known, settings, extra = reference_files.read(folder)
        kind = settings.get("estimator")
        if kind != cls.__name__:
            raise InvalidArgumentError(f"{folder} holds a {kind}. Use {kind}.load.")
        if settings.get("model_is_object") and model is None:
            raise ModelError(
                f"The {kind} in {folder} was fitted with an object as model ({settings['model_name']}). "
                "Give it again: load(folder, model=...)."
            )
        given = settings["parameters"] | {"device": device}
        found = cls(**(given if model is None else given | {"model": model}))
        plan = model_plan.plan if known.shown is None else model_plan.plan_of_pictures
        found._known, found._plan = known, plan(found.model, device)
        if "model_name" in settings and found._plan.encoder is not None:
            _check_model(found._plan, settings.get("probes"), known, str(kind))
        elif "model_name" in settings:
            raise ModelError(f"model={model!r} makes no vectors. Give {settings['model_name']!r}.")
        return found, settings, extra


def below(rows: Any, known: Reference) -> tuple[Table, Table, NDArray[Any]]:
    """Put rows at the end of a table.

    Args:
        rows: A table of the same library and columns.
        known: The table.

    Returns:
        The rows, the whole table and its labels.

    Raises:
        InvalidArgumentError: Columns are missing, or a label is there already.
        TableTypeError: The rows are of another library.
    """
    table = frames.wrap(rows, "rows")
    frames.same_library(table, known.table)
    whole = frames.wrap(frames.below(known.table, table), "reference")
    labels = np.concatenate([known.labels, known.next_label + np.arange(table.n_rows)])
    if whole.index is not None:
        labels = frames.index_labels(whole, np.arange(whole.n_rows))
        unique(labels, "rows")
    return table, whole, labels


def unique(labels: NDArray[Any], what: str) -> None:
    """Refuse labels that repeat.

    Args:
        labels: Of the rows.
        what: Which rows.

    Raises:
        InvalidArgumentError: Two rows have one label.
    """
    if len(set(labels.tolist())) < len(labels):
        raise InvalidArgumentError(
            f"{what} would make index labels repeat, so that a label does not say which row is meant. Give "
            f"{what} other labels, such as by reset_index(drop=True)."
        )


def labels_at(labels: NDArray[Any], row: Integers) -> NDArray[Any]:
    """The labels of rows.

    Args:
        labels: Of all rows.
        row: Their numbers, -1 for none.

    Returns:
        One for each number, null for -1.
    """
    if labels.dtype == object or not len(labels):
        found = np.full(len(row), None, dtype=object)
        found[row >= 0] = labels[row[row >= 0]]
        return found
    return np.ma.masked_array(labels[np.maximum(row, 0)], mask=row < 0)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as JSON can hold them."""
    plain = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            value = {key: float(number) for key, number in value.items()}
        elif isinstance(value, np.generic):
            value = value.item()
        elif value is not None and not isinstance(value, (str, int, float, bool)):
            value = [str(one) for one in value]
        plain[name] = value
    return plain


def _check_model(plan: Plan, probes: list[str] | None, known: Reference, kind: str) -> None:
    """Refuse a model that makes other vectors of the first texts."""
    if probes is None:
        found, kept = reference_pictures.probed(plan.encoder, known, PROBES)
    else:
        found, kept = embedded(plan, probes), known.matrices["dense"][: len(probes)]
    if len(kept) and not (found.shape == kept.shape and np.allclose(found, kept, atol=1e-3)):
        raise ModelError(
            f"The model {plan.name!r} does not make the vectors that were saved. Give the model that the "
            f"{kind} was fitted with, or fit again."
        )
