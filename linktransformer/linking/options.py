"""The arguments that say how rows are linked, as one frozen value."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, TypeAlias, TypeGuard, cast

from numpy.typing import ArrayLike

from linktransformer import check
from linktransformer.decision import threshold as thresholds
from linktransformer.encoding import model_plan
from linktransformer.encoding.cache_settings import CacheLike, check_cache
from linktransformer.encoding.model_plan import FULL, LEXICAL, ModelLike
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.pair_judge import HasPredict, PairJudge, as_judge, is_judge, name_of
from linktransformer.scoring.compare import Comparison
from linktransformer.tables.block_keys import BlockColumns

__all__ = [
    "LONG",
    "LONG_CHARS",
    "VALIDATE",
    "BlockColumns",
    "Columns",
    "Job",
    "K",
    "Model",
    "ReaderBudget",
    "ReaderLike",
    "ReaderUse",
    "Suffixes",
    "Threshold",
    "is_budget",
    "reader_of",
]

Model: TypeAlias = ModelLike
Columns: TypeAlias = str | Sequence[str] | None
Suffixes: TypeAlias = tuple[str | None, str | None]
Threshold: TypeAlias = str | float | Mapping[str, float] | None
ReaderBudget: TypeAlias = bool | float | str
ReaderUse: TypeAlias = ReaderBudget | PairJudge
ReaderLike: TypeAlias = (
    ReaderUse | HasPredict | Callable[[list[str], list[str]], ArrayLike] | os.PathLike[str]
)  # what a caller may give

AUTO = "auto"
OWN = "of the model"  # "auto" with a model that has a reader of its own; with another one nothing is read
VALIDATE = ("1:1", "1:m", "m:1", "m:m")
LONG = ("auto", "cut", "pieces", "based")
LONG_CHARS = 262_144  # of a row where long records are read: eight for each of 32,768 tokens
K = 10  # neighbours of each record in each view and direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The arguments that say how rows are linked, as `link` takes them.

    `scores` are match probabilities, or the cosines of one view.
    With `keep_features` the features of the candidates are kept, to learn from.

    Raises:
        InvalidArgumentError: One of them cannot work.
    """

    validate: str = "m:1"
    model: Model = None
    block_on: BlockColumns = None
    k: int = K
    threshold: Threshold = "auto"
    device: str | None = None
    batch_size: int | None = None
    memory_limit: int | None = None
    images: Any = None  # a column, or a pair of columns
    confidence: Any = None
    image_root: str | os.PathLike[str] | None = None
    cache: CacheLike = None
    scores: Literal["probability", "similarity"] = "probability"
    keep_features: bool = False
    compare: Mapping[str, Comparison] | None = None
    expected_overlap: float | None = None
    long: str = "auto"
    reader: ReaderUse = False

    @classmethod
    def of(cls, arguments: Mapping[str, Any], **defaults: object) -> Job:
        """The job of a public function: its `locals()`, of which other names are left out.

        `defaults` are values of arguments that are None.
        """
        if arguments.get("images") is None and arguments.get("confidence") is not None:
            raise InvalidArgumentError("confidence= is about the texts of pictures. Give images= too.")
        if arguments.get("images") is None and arguments.get("image_root") is not None:
            raise InvalidArgumentError("image_root= is the folder of pictures. Give images= too.")
        names = {field.name for field in fields(cls)} & set(arguments)
        values: dict[str, Any] = {name: arguments[name] for name in names}
        for name, default in {"k": K, "validate": "m:1", "long": "auto", **defaults}.items():
            if values.get(name) is None:
                values[name] = default
        if "reader" in names:
            pictures = arguments.get("images") is not None
            values["reader"] = reader_of(arguments["reader"], arguments.get("model"), pictures=pictures)
        return cls(**values)

    def options(self) -> dict[str, object]:
        """The arguments that are not at their default, for a report; JSON can hold them.

        The model is left out: reports have its name, and an object may hold more than that.
        """
        given = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        return {
            name: _plain(value)
            for name, (value, default) in given.items()
            if not _is_default(value, default)
            and name not in ("model", "keep_features")
            and not (name == "reader" and isinstance(value, str))
        }

    def __post_init__(self) -> None:
        check.one_of("validate", self.validate, VALIDATE)
        check.one_of("long", self.long, LONG)
        check.whole("k", self.k, "neighbours")
        for name, unit in (("batch_size", "texts"), ("memory_limit", "bytes")):
            if getattr(self, name) is not None:
                check.whole(name, getattr(self, name), unit)
        check.device(self.device)
        _check_compare(self.compare)
        _check_overlap(self.expected_overlap)
        thresholds.check_threshold(self.threshold)
        check_cache(self.cache)
        _check_reader(self.reader)


def reader_of(reader: object, model: object, *, pictures: bool) -> ReaderUse:
    """The reader of a job: the budget of the model's own, or another one, as a `PairJudge`.

    "auto" reads with the bundled model, with a decision from labels that was learned with the reader, and
    with a model that has a reader of its own; not with any other model, nor with pictures.
    """
    if reader is None or (isinstance(reader, str) and reader == AUTO):
        learned = model_plan.decision_alone(model)
        bundled = model is None or (isinstance(model, str) and model == FULL)
        reads = bundled if learned is None else learned[0].reader
        if reads or pictures or learned is not None or (isinstance(model, str) and model == LEXICAL):
            return AUTO if reads and not pictures else False
        return OWN
    _check_reader(reader)
    if reader is not False and pictures:
        raise InvalidArgumentError(
            f"reader={check.shown(reader)} reads texts, and images= links by pictures. Leave reader= out."
        )
    return reader if is_budget(reader) else cast(PairJudge, as_judge(reader))


def is_budget(reader: object) -> TypeGuard[ReaderBudget]:
    """Whether a `reader=` is "auto", True, False or a number of seconds: the model's own reader."""
    if isinstance(reader, bool) or (isinstance(reader, str) and reader in (AUTO, OWN)):
        return True
    return bool(thresholds.is_number(reader)) and float(cast("float", reader)) >= 0


def _is_default(value: object, default: object) -> bool:
    """Whether an argument was left at its default; a Series, say, has no single answer to `==`."""
    return value is default or (type(value) is type(default) and value == default)


def _plain(value: object) -> object:
    """A value as JSON can hold it; as text where it cannot."""
    if hasattr(value, "tolist"):  # NumPy, pandas
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if is_judge(value):  # the repr of an object may hold its address
        return name_of(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else check.shown(value)


def _check_compare(compare: object) -> None:
    if compare is None:
        return
    if not isinstance(compare, Mapping) or not all(isinstance(item, Comparison) for item in compare.values()):
        raise InvalidArgumentError(
            f"compare={check.shown(compare)} is not understood. Give comparisons by column name, such as "
            "{'born': lt.compare.number(within=2)}."
        )


def _check_overlap(share: object) -> None:
    if share is not None and not (thresholds.is_number(share) and 0 <= float(share) <= 1):
        raise InvalidArgumentError(
            f"expected_overlap={check.shown(share)} "
            "is not a share. Give a number from 0 to 1, such as 0.3 where three "
            "in ten left rows are expected to have a match."
        )


def _check_reader(reader: object) -> None:
    if not is_budget(reader) and as_judge(reader) is None:
        raise InvalidArgumentError(
            f"reader={check.shown(reader)} is not understood. Give 'auto', True for all pairs in doubt, "
            "False, a number of seconds, the folder of a CrossEncoder, 'openai:NAME', or an object with "
            "log_odds(left, right)."
        )
