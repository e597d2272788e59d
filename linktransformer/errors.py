"""What can go wrong, by name: every error is ours and also the builtin that it resembles.

A message has three parts: what is wrong, what was given, what to do.
"""

from __future__ import annotations

__all__ = [
    "ColumnNotFoundError",
    "InvalidArgumentError",
    "LinkTransformerError",
    "LinkWarning",
    "MissingExtraError",
    "ModelError",
    "TableTypeError",
    "UnknownArgumentError",
]


class LinkTransformerError(Exception):
    """Anything that this package raises on purpose.

    Example:
        >>> str(ColumnNotFoundError("on='nme' is not a column."))
        "on='nme' is not a column."
    """

    def __str__(self) -> str:
        # KeyError would show the quotes of repr()
        return str(self.args[0]) if len(self.args) == 1 else Exception.__str__(self)


class ColumnNotFoundError(LinkTransformerError, KeyError):
    """A column that was named is not in the table."""


class InvalidArgumentError(LinkTransformerError, ValueError):
    """An argument has a value that cannot work, alone or together with another one."""


class UnknownArgumentError(InvalidArgumentError, TypeError):
    """A function has no argument of the name that was given, or fewer places than were filled."""


class TableTypeError(LinkTransformerError, TypeError):
    """What was given is not a dataframe, or the two tables come from two libraries."""


class MissingExtraError(LinkTransformerError, ImportError):
    """An optional package is needed and not installed; the message has the pip line."""


class ModelError(LinkTransformerError, ValueError):
    """A model cannot be found or loaded, or gives vectors that cannot be used."""


class LinkWarning(UserWarning):
    """A result that may lose rows or link wrong ones. `report()["warnings"]` has the same text."""
