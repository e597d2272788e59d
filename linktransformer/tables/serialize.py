"""How a row becomes text: the rule, and its application to a whole table at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames

__all__ = ["Serializer", "serialize"]


@dataclass(frozen=True, slots=True)
class Serializer:
    """How the key columns of a row become one text.

    Args:
        separator: What stands between two columns.
        labels: Write "name: value" instead of the value alone.
        max_chars: Longer texts are cut here.

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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a dict that JSON can hold.

        Returns:
            Values by field name.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Serializer:
        """Make a serializer from a dict, as `to_dict` gives it.

        Args:
            values: Field names and values; fields that are missing have their default.

        Returns:
            The serializer.

        Raises:
            InvalidArgumentError: A key is no field, or a value is wrong.

        Example:
            >>> Serializer.from_dict({"labels": True}).labels
            True
        """
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise InvalidArgumentError(
                f"The serializer has unknown keys: {unknown}. It knows {known}; remove the others."
            )
        return cls(**values)


def serialize(table: frames.Table, columns: Sequence[str], serializer: Serializer) -> NDArray[np.object_]:
    """Write each row's key columns as one text, normalised by `normalize.normalize`.

    Null, NaN and blank cells are left out, and cells of characters that cannot be seen. The texts are not
    cut yet: `records.read` does that and counts.

    Args:
        table: The table.
        columns: Its key columns, in the order in which they are written.
        serializer: The rule.

    Returns:
        One text a row, (n_rows,) object; "" where the row has no key.

    Example:
        >>> import pandas as pd
        >>> table = frames.wrap(pd.DataFrame({"name": ["Acme", None], "size": [5.0, 2.5]}), "left")
        >>> serialize(table, ["name", "size"], Serializer(labels=True)).tolist()
        ['name: Acme size: 5', 'size: 2.5']
    """
    return frames.joined(table, columns, serializer.separator, serializer.labels, compared=True)
