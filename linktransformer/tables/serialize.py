"""How a row becomes text: the rule, and its application to a whole table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from linktransformer.arrays import Objects
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames

__all__ = ["Serializer", "serialize"]


@dataclass(frozen=True, slots=True)
class Serializer:
    """How the key columns of a row become one text.

    Args:
        separator: The text between two columns.
        labels: Write "name: value" instead of only the value.
        max_chars: Longer texts are cut to this length.

    Raises:
        InvalidArgumentError: A value has the wrong type, or `max_chars` is below 1.

    Example:
        >>> Serializer(separator=", ").to_dict()
        {'separator': ', ', 'labels': False, 'max_chars': 20000}
    """

    separator: str = " "
    labels: bool = False
    max_chars: int = 20_000

    def __post_init__(self) -> None:
        for name, kind in (("separator", str), ("labels", bool), ("max_chars", int)):
            value = getattr(self, name)
            if type(value) is not kind:
                raise InvalidArgumentError(f"{name}={value!r} must be of type {kind.__name__}.")
        if self.max_chars < 1:
            raise InvalidArgumentError(f"max_chars={self.max_chars} must be at least 1.")

    def to_dict(self) -> dict[str, object]:
        """The fields as a dict for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Serializer:
        """A serializer from the dict of `to_dict`; missing fields have their default.

        Raises:
            InvalidArgumentError: A key is not a field, or a value is wrong.

        Example:
            >>> Serializer.from_dict({"labels": True}).labels
            True
        """
        keys = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(keys))
        if unknown:
            raise InvalidArgumentError(
                f"The serializer has unknown keys: {unknown}. Its keys are {keys}; remove the others."
            )
        return cls(**values)  # the types are checked in __post_init__


def serialize(table: frames.Table, columns: Sequence[str], serializer: Serializer) -> Objects:
    """Write each row's key columns as one normalised text, (n_rows,) object, "" for a row without key.

    Null, NaN, blank and invisible cells are left out. Long texts are cut later, by `records.read`.

    Example:
        >>> import pandas as pd
        >>> table = frames.wrap(pd.DataFrame({"name": ["Acme", None], "size": [5.0, 2.5]}), "left")
        >>> serialize(table, ["name", "size"], Serializer(labels=True)).tolist()
        ['name: Acme size: 5', 'size: 2.5']
    """
    return frames.joined(table, columns, serializer.separator, serializer.labels, compared=True)
