"""Any reader of pairs in place of the shipped one: an object with `log_odds`, a CrossEncoder, a function."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol, TypeGuard, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from linktransformer.arrays import Floats
from linktransformer.check import shown
from linktransformer.encoding.remote.endpoint import is_remote
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, ModelError

__all__ = ["PairJudge", "as_judge", "asked", "cross_encoder_reader", "is_judge", "name_of"]

ACTIVATION = ("activation_fn", "activation_fct")  # of `CrossEncoder.predict`, by version


@runtime_checkable
class PairJudge(Protocol):
    """A reader of pairs, for the argument `reader`.

    Attributes that it may have: `name`, for reports; `most_pairs`, the number of pairs that it is given at
    the most; `may_abstain`, true where NaN stands for a pair that it has no answer for.
    """

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> ArrayLike:
        """How much speaks for both records of each pair being one thing, higher for more, (n_pairs,).

        Log-odds or any other score: its scale is learned before it is used.

        Args:
            left: A record of each pair; its key columns, joined by " | ".
            right: The other one.
        """


class HasPredict(Protocol):
    """An object that scores a list of pairs of texts, such as a CrossEncoder."""

    def predict(self, pairs: list[tuple[str, str]], /) -> ArrayLike:
        """A number for each pair."""


def is_judge(reader: object) -> TypeGuard[PairJudge]:
    """Whether a value is an object that reads pairs."""
    return not isinstance(reader, type) and callable(getattr(reader, "log_odds", None))


def as_judge(reader: object) -> PairJudge | None:
    """A caller's value as a reader of pairs; None where it is none.

    An object with `log_odds`, one with `predict`, a function of left and right texts, the folder of a
    CrossEncoder, or the name of a chat model such as "openai:NAME".

    Raises:
        InvalidArgumentError: A folder that is not there, or holds no model.
    """
    if isinstance(reader, type):
        return None
    if is_judge(reader):
        return reader
    if is_remote(reader):
        from linktransformer.linking.llm_reader import llm_reader  # HTTP and TLS, rarely used

        return llm_reader(str(reader))
    if isinstance(reader, (str, os.PathLike)):
        return _of_folder(reader)
    if callable(getattr(reader, "predict", None)):
        return _Predicting(reader)  # type: ignore[arg-type] # the protocol cannot be checked further
    return _Called(reader) if callable(reader) else None


def name_of(reader: object) -> str:
    """What a reader is called in reports; without an address in memory."""
    name = getattr(reader, "name", None)
    return name if isinstance(name, str) else type(reader).__name__


def asked(judge: PairJudge, left: Sequence[str], right: Sequence[str]) -> Floats:
    """What a reader gives, checked, (n_pairs,) float32; NaN for no answer, where it may abstain.

    Raises:
        InvalidArgumentError: Not one number for each pair, or some that are not finite.
        ModelError: The reader failed.
    """
    try:
        found = np.asarray(judge.log_odds(list(left), list(right)), dtype=np.float32)
    except LinkTransformerError:
        raise
    except Exception as error:  # of a library or of the caller's own class
        raise ModelError(
            f"The reader {name_of(judge)!r} failed while it read {len(left)} pairs. Given: "
            f"{type(error).__name__}: {str(error)[:300]}. Try it on some pairs of texts."
        ) from error
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.shape != (len(left),):
        raise InvalidArgumentError(
            f"reader={name_of(judge)} gave numbers of shape {found.shape} for {len(left)} pairs. Give one "
            "number for each pair; a CrossEncoder has num_labels=1."
        )
    abstains = getattr(judge, "may_abstain", False) is True
    bad = np.isinf(found) if abstains else ~np.isfinite(found)
    if bad.any():
        first = int(bad.argmax())
        raise InvalidArgumentError(
            f"reader={name_of(judge)} gave numbers that are not finite for {int(bad.sum())} of {len(left)} "
            f"pairs, the first for {shown((left[first], right[first]))}. Give a number for each."
        )
    return found


def cross_encoder_reader(
    model: HasPredict | str | os.PathLike[str], *, most_pairs: int | None = None
) -> PairJudge:
    """A CrossEncoder of sentence-transformers with one output as a reader of pairs.

    Args:
        model: A `sentence_transformers.CrossEncoder` with one label, or the folder of a saved one, which
            needs sentence-transformers (`pip install "linktransformer[cpu]"`). Nothing is downloaded.
        most_pairs: How many pairs it is given at the most; None for all in doubt.

    Returns:
        The reader, for `merge(..., reader=...)`. It is calibrated there, or by `calibrated_reader`.

    Raises:
        InvalidArgumentError: The folder is not there, or holds no model.
    """
    if isinstance(model, (str, os.PathLike)):
        return _of_folder(model, most_pairs)
    return _Predicting(model, most_pairs)


def _of_folder(folder: str | os.PathLike[str], most_pairs: int | None = None) -> PairJudge:
    path = Path(folder)
    try:
        there = (path / "config.json").is_file()
    except (OSError, ValueError):  # a text that can be no path
        there = False
    if not there:
        raise InvalidArgumentError(
            f"reader={shown(folder)} is not understood. Give 'auto', True for all pairs in doubt, False, a "
            "number of seconds, the folder of a CrossEncoder, 'openai:NAME', or an object with "
            "log_odds(left, right)."
        )
    return _Saved(path.absolute(), most_pairs)


@dataclass(frozen=True, slots=True, eq=False)
class _Predicting:
    """An object with `predict`; of a CrossEncoder the outputs before the logistic function are taken."""

    model: HasPredict
    most_pairs: int | None = None
    name: str = field(init=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", name_of(self.model))

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> ArrayLike:
        """As of `PairJudge`."""
        pairs = list(zip(left, right, strict=True))
        names = inspect.signature(self.model.predict).parameters
        more: dict[str, object] = {name: _same for name in ACTIVATION if name in names}
        more |= {"show_progress_bar": False} if "show_progress_bar" in names else {}
        return self.model.predict(pairs, **more)


@dataclass(frozen=True, eq=False)
class _Saved:
    """A CrossEncoder in a folder, loaded when it is first used."""

    folder: Path
    most_pairs: int | None = None

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.folder.name

    @cached_property
    def _predicting(self) -> _Predicting:
        from linktransformer.optional import need

        opened = need("sentence_transformers", "cpu").CrossEncoder(
            str(self.folder), local_files_only=True, trust_remote_code=False
        )
        return _Predicting(opened)

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> ArrayLike:
        """As of `PairJudge`."""
        return self._predicting.log_odds(left, right)


@dataclass(frozen=True, slots=True, eq=False)
class _Called:
    """A function of left and right texts."""

    function: Callable[[list[str], list[str]], ArrayLike]
    name: str = field(init=False, default="")

    def __post_init__(self) -> None:
        named = getattr(self.function, "__name__", None) or type(self.function).__name__
        object.__setattr__(self, "name", str(named))

    def log_odds(self, left: Sequence[str], right: Sequence[str]) -> ArrayLike:
        """As of `PairJudge`."""
        return self.function(list(left), list(right))


def _same(values: object) -> object:
    return values
