"""Errors and warnings: each error is a `LinkTransformerError` and also the builtin that it resembles.

A message has three parts: what is wrong, what was given, what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

__all__ = [
    "ColumnNotFoundError",
    "EngineError",
    "InvalidArgumentError",
    "LinkTransformerError",
    "LinkWarning",
    "MissingExtraError",
    "ModelError",
    "TableTypeError",
    "UnknownArgumentError",
]

LONGEST = 4_000  # characters of a message


class LinkTransformerError(Exception):
    """Base class of the errors of this package.

    Example:
        >>> str(ColumnNotFoundError("on='nme' is not a column."))
        "on='nme' is not a column."
    """

    def __init__(self, *args: object) -> None:
        if len(args) == 1 and isinstance(args[0], str) and len(args[0]) > LONGEST:  # a value in it is huge
            half = LONGEST // 2
            args = (f"{args[0][:half]} ... {args[0][-half:]}",)
        super().__init__(*args)

    def __str__(self) -> str:
        # KeyError would show the quotes of repr()
        return str(self.args[0]) if len(self.args) == 1 else Exception.__str__(self)


class ColumnNotFoundError(LinkTransformerError, KeyError):
    """The table has no column of the given name."""


class InvalidArgumentError(LinkTransformerError, ValueError):
    """The value of an argument is not valid, by itself or together with another argument."""


class UnknownArgumentError(InvalidArgumentError, TypeError):
    """A function has no argument of the given name, or takes fewer positional arguments."""


class TableTypeError(LinkTransformerError, TypeError):
    """The value is not a dataframe, or the two tables are of two libraries."""


class MissingExtraError(LinkTransformerError, ImportError):
    """An optional package is needed and not installed; the message has the pip command."""


class ModelError(LinkTransformerError, ValueError):
    """A model cannot be found or loaded, or gives vectors that cannot be used."""


class EngineError(LinkTransformerError, RuntimeError):
    """A piece of the work could not be done: its process was killed again and again."""


class LinkWarning(UserWarning):
    """A result that may lose rows or have wrong links. `report()["warnings"]` has the same text."""


def did_you_mean(name: str, names: Sequence[str], cutoff: float = 0.6) -> str:
    """The end of a message: " Did you mean 'name'?", or "" if no name is similar."""
    near = get_close_matches(name, names, n=1, cutoff=cutoff)
    return f" Did you mean {near[0]!r}?" if near else ""
