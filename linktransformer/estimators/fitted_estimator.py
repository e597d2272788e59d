"""What the estimators share: parameters, a table that is encoded once, grows, shrinks and goes to disk."""

from __future__ import annotations

import copy
import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.encoding import cached_encoder, model_plan
from linktransformer.encoding.cache_settings import CacheSettings
from linktransformer.encoding.model_plan import ModelLike, Plan
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, ModelError
from linktransformer.estimators import reference, storage
from linktransformer.estimators.fitted_model import PROBES, check_model, located
from linktransformer.estimators.fitted_rows import appended
from linktransformer.estimators.query_reader import QueryReader, is_setting, located_reader, query_reader
from linktransformer.estimators.reference import QueryRows, Reference
from linktransformer.estimators.row_reader import QUERY, REFERENCE, Keys
from linktransformer.estimators.storage import Arrays, Json
from linktransformer.linking.options import ReaderLike
from linktransformer.linking.pair_judge import name_of
from linktransformer.linking.reader_scale import Scale
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = [
    "Cache",
    "ColumnPair",
    "FittedEstimator",
    "NotFittedError",
    "Threshold",
]

NOT_SAVED = ("cache", "cannot_link", "must_link")  # of this machine, or kept in another form
NOT_PICKLED = ("_plan", "_query_reader")  # opened again

E = TypeVar("E", bound="FittedEstimator")
Cache = bool | str | Path | CacheSettings | None
ColumnPair = str | tuple[str, str] | None
Threshold = float | str | Mapping[str, float] | None


class NotFittedError(LinkTransformerError, ValueError, AttributeError):
    """`fit` has not been called."""


class FittedEstimator(ABC):
    """An estimator with the conventions of scikit-learn that keeps a table and the model that encodes it.

    The arguments are attributes of the same names. scikit-learn is not imported: that takes longer than all
    other imports together.
    """

    model: ModelLike
    reader: ReaderLike
    device: str | None
    batch_size: int | None
    cache: Cache
    progress: bool | None
    _plan: Plan
    _fitted_model: ModelLike  # a folder by its absolute path; `set_params` does not change it
    _fitted_reader: object = False  # a setting or a name, or an object, in the same way
    _query_reader: QueryReader | None = None

    @classmethod
    def _defaults(cls) -> dict[str, object]:
        parameters = inspect.signature(cls.__init__).parameters
        return {name: parameter.default for name, parameter in parameters.items() if name != "self"}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name.

        Args:
            deep: Of no effect: no argument is an estimator.

        Returns:
            The values as they were given.
        """
        return {name: getattr(self, name) for name in self._defaults()}

    def set_params(self: E, **values: Any) -> E:
        """Set arguments; what was fitted stays as it is until `fit`.

        Args:
            values: By name.

        Returns:
            The estimator.

        Raises:
            InvalidArgumentError: There is no such argument.
        """
        names = list(self._defaults())
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise InvalidArgumentError(
                f"{type(self).__name__} has no argument {unknown[0]!r}. It has {names}."
            )
        for name, value in values.items():
            setattr(self, name, value)
        return self

    def __sklearn_tags__(self) -> object:
        """What scikit-learn may expect: tables with text and nulls, no matrix of numbers, no target."""
        from sklearn.utils import InputTags, Tags, TargetTags

        inputs = InputTags(two_d_array=False, categorical=True, string=True, allow_nan=True)
        targets = TargetTags(required=False)
        return Tags(estimator_type=None, target_tags=targets, input_tags=inputs, no_validation=True)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` was called."""
        try:
            self._fitted()
        except NotFittedError:
            return False
        return True

    def __repr__(self) -> str:
        values = self.get_params().items()
        defaults = {name: repr(value) for name, value in self._defaults().items()}  # tables have no ==
        shown = [f"{name}={value!r}" for name, value in values if repr(value) != defaults[name]]
        return f"{type(self).__name__}({', '.join(shown)})"

    @abstractmethod
    def _fitted(self) -> Reference:
        """The fitted table, or NotFittedError."""

    @abstractmethod
    def _parts(self) -> tuple[Arrays, Json]:
        """What is saved besides the table, as arrays by name and what JSON can hold."""

    @abstractmethod
    def _restore(self, known: Reference, settings: Json, arrays: Arrays) -> None:
        """Take the table and what `_parts` gave."""

    def _opened(self, model: ModelLike, pictures: bool = False) -> Plan:
        """The plan of a model."""
        return (model_plan.plan_of_pictures if pictures else model_plan.plan)(model, self.device)

    def _open_reader(self, plan: Plan, pictures: bool = False) -> None:
        """Take the reader of the arguments, before the fit or after loading."""
        self._query_reader = query_reader(self.reader, self.model, plan, pictures=pictures)
        self._fitted_reader = located_reader(self.reader)

    def _reader_with(self, scale: Scale | None) -> QueryReader | None:
        """The reader of rows that come later, with the scale of the fit."""
        return None if self._query_reader is None else replace(self._query_reader, scale=scale)

    def __copy__(self: E) -> E:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        return copied

    def __deepcopy__(self: E, memo: dict[int, Any]) -> E:
        """A copy that shares the model, which nothing changes."""
        copied = type(self).__new__(type(self))
        memo[id(self)] = copied
        shared = {"model", "reader", "_fitted_model", "_fitted_reader", "_query_reader", "_plan"}
        for name, value in self.__dict__.items():
            copied.__dict__[name] = value if name in shared else copy.deepcopy(value, memo)
        return copied

    def __getstate__(self) -> dict[str, Any]:
        """For pickle, as joblib needs it: the model goes by its name, and is opened and compared there."""
        kind = type(self).__name__
        state = {name: value for name, value in self.__dict__.items() if name not in NOT_PICKLED}
        for name in {"reader", "_fitted_reader"} & set(state):
            state[name] = located_reader(state[name])
            if not is_setting(state[name]):
                raise TypeError(
                    f"This {kind} cannot be pickled: its reader is an object ({name_of(state[name])}). Give "
                    f"it by its folder or name, or take save(folder) and {kind}.load(folder, reader=...)."
                )
        for name in {"model", "_fitted_model"} & set(state):
            state[name] = located(state[name])
            if not isinstance(state[name], (str, type(None))):
                raise TypeError(
                    f"This {kind} cannot be pickled: its model is an object ({type(state[name]).__name__}). "
                    f"Give the model by its folder or name, or take save(folder) and "
                    f"{kind}.load(folder, model=...)."
                )
        if "_plan" in self.__dict__:
            state["_probes"] = self._probes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        values = dict(state)
        fitted, probes = "_probes" in values, values.pop("_probes", None)
        self.__dict__.update(values)
        if fitted:
            known = self._fitted()
            self._plan = self._opened(self._fitted_model, known.pictures is not None)
            self._query_reader = query_reader(
                self._fitted_reader,
                self._fitted_model,
                self._plan,
                pictures=known.pictures is not None,
            )
            if self._plan.encoder is not None:
                check_model(self._plan, probes, known, type(self).__name__)

    def _probes(self) -> list[str] | None:
        """The first texts that the model reads, None where none are compared."""
        known = self._fitted()
        if "dense" not in known.matrices:
            return None
        return known.reader.for_model(known.table, REFERENCE, known.records, self._plan)[:PROBES]

    def _unfitted(self) -> NotFittedError:
        return NotFittedError(f"The {type(self).__name__} is not fitted. Call fit(...) first.")

    def _cached(self, plan: Plan) -> Plan:
        """The model with the cache, for whole tables; a single query is not worth a file."""
        if plan.encoder is None:
            return plan
        return replace(plan, encoder=cached_encoder.cached(plan.encoder, self.cache, self.model))

    def _wrapped(
        self, rows: IntoDataFrame | Mapping[str, object], keys: Keys, like: Table, argument: str = "on"
    ) -> Table:
        """A table of queries, of a dict too, with the columns that they need."""
        if isinstance(rows, Mapping):
            cells = {name: np.empty(1, dtype=object) for name in rows}
            for name, cell in rows.items():
                cells[name][0] = cell  # a picture may look like an array of rows
            rows = frames.new_frame(like, cells)
        table = frames.wrap(rows, "rows")
        if keys.queries:  # rows with pictures may have no text
            frames.check_columns(table, keys.queries, argument)
        if keys.blocks:
            frames.check_columns(table, keys.blocks, "block_on")
        keys.check_pictures(table, QUERY)
        return table

    def _encoded(self, known: Reference, table: Table) -> QueryRows:
        return reference.encode(known, self._plan, table, batch_size=self.batch_size)

    def _with_rows(self, rows: IntoDataFrame, known: Reference) -> Reference:
        """The reference with rows at its end; only they are encoded."""
        table, whole, labels = appended(rows, known)
        known = known.with_ngrams_of(table)
        added = reference.encode(known, self._cached(self._plan), table, REFERENCE, self.batch_size)
        return known.with_rows(whole, labels, added)

    def _rows_without(self, labels: object, attribute: str) -> Integers:
        """The numbers of the rows that stay when these are removed."""
        rows = self._fitted().labels.tolist()
        if isinstance(labels, Iterable) and not isinstance(labels, (str, tuple)):
            removed: set[object] = set(labels)
        else:
            removed = {labels}
        missing = sorted(map(repr, removed - set(rows)))
        if missing:
            raise InvalidArgumentError(
                f"labels={', '.join(missing[:5])}: the table has no such row. See {attribute}."
            )
        return np.flatnonzero(np.array([label not in removed for label in rows], dtype=bool))

    def save(self, folder: str | Path) -> None:
        """Write the fitted estimator: safetensors, parquet and JSON, sealed by hashes.

        A model or a reader that is an object is not saved; give it to `load` again. A folder of a model or of
        a reader is named by its absolute path.

        Args:
            folder: A new folder, or one that `save` wrote, which is replaced.

        Raises:
            InvalidArgumentError: The folder holds something else, or the table cannot be saved.
            MissingExtraError: A pandas table needs pyarrow.
            NotFittedError: `fit` has not been called.
        """
        known, parameters = self._fitted(), self.get_params()
        path = self._fitted_model if isinstance(self._fitted_model, str) else None
        parameters |= {name: None for name in NOT_SAVED if name in parameters}
        parameters["model"] = path
        parameters["reader"] = self._fitted_reader if is_setting(self._fitted_reader) else False
        arrays, more = self._parts()
        settings: Json = {"estimator": type(self).__name__, "parameters": _plain(parameters), **more}
        if self._plan.encoder is not None:
            is_object = path is None and self._fitted_model is not None
            settings |= {"model_name": self._plan.name, "model_is_object": is_object}
        if not is_setting(self._fitted_reader):
            settings["reader_is_object"] = name_of(self._fitted_reader)
        if (probes := self._probes()) is not None:
            settings["probes"] = probes
        storage.write(folder, known, settings, arrays)

    @classmethod
    def load(
        cls: type[E],
        folder: str | Path,
        *,
        model: ModelLike = None,
        reader: ReaderLike | None = None,
        device: str | None = None,
    ) -> E:
        """Read what `save` wrote.

        Args:
            folder: The folder.
            model: The model, where an object was fitted with, or where its folder is elsewhere now.
            reader: The reader, where an object was fitted with; its scale was saved. Or False for none.
            device: Where the model runs.

        Returns:
            The fitted estimator; it answers as the saved one does. A Deduplicator has no `clusters_`, and its
            `cannot_link` and `must_link` are None, but their effect is kept.

        Raises:
            InvalidArgumentError: A file is missing or was changed, or holds another estimator.
            ModelError: The model is not the one that the table was encoded with.
        """
        known, settings, arrays = storage.read(folder)
        kind = str(settings.get("estimator"))
        if kind != cls.__name__:
            raise InvalidArgumentError(f"{folder} holds a {kind}. Use {kind}.load.")
        if settings.get("model_is_object") and model is None:
            raise ModelError(
                f"The {kind} in {folder} was fitted with an object as model ({settings['model_name']}). "
                "Give it again: load(folder, model=...)."
            )
        if (of_object := settings.get("reader_is_object")) and reader is None:
            raise InvalidArgumentError(
                f"The {kind} in {folder} was fitted with an object as reader ({of_object}). "
                "Give it again: load(folder, reader=...), or reader=False to do without."
            )
        parameters = settings["parameters"] | {"device": device}
        if reader is not None:
            parameters["reader"] = reader
        estimator = cls(**(parameters if model is None else parameters | {"model": model}))
        try:
            estimator._plan = estimator._opened(estimator.model, known.pictures is not None)
            estimator._fitted_model = located(estimator.model)
        except ModelError as error:
            if model is not None:
                raise
            raise ModelError(
                f"{error} The {kind} in {folder} was fitted with it. Where the model is elsewhere now, give "
                "load(folder, model=...)."
            ) from error
        if "model_name" in settings and estimator._plan.encoder is None:
            raise ModelError(f"model={model!r} makes no vectors. Give {settings['model_name']!r}.")
        if "model_name" in settings:
            check_model(estimator._plan, settings.get("probes"), known, kind)
        if known.pictures is not None:  # folders of earlier versions do not name the serializer of the model
            known = replace(known, reader=replace(known.reader, serializer=estimator._plan.serializer))
        estimator._open_reader(estimator._plan, known.pictures is not None)
        estimator._restore(known, settings, arrays)
        return estimator


def _plain(values: Mapping[str, Any]) -> Json:
    """Arguments as JSON can hold them."""
    plain: Json = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            value = {key: float(number) for key, number in value.items()}
        elif isinstance(value, np.generic):
            value = value.item()
        elif isinstance(value, os.PathLike):
            value = os.fspath(value)
        elif value is not None and not isinstance(value, (str, int, float, bool)):
            value = [str(one) for one in value]
        plain[name] = value
    return plain
