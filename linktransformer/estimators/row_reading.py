"""How the rows of a fitted table are written for each view, fixed once for all rows that come later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from linktransformer.arrays import Floats
from linktransformer.encoding import model_plan
from linktransformer.encoding.model_plan import Plan
from linktransformer.tables import records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer

__all__ = ["Reading", "embedded"]


@dataclass(frozen=True, slots=True)
class Reading:
    """Which columns each view reads.

    Args:
        head: The name of the view of one column.
        column: That column, of the rows that are asked and of the reference; None for the first key column.
        order: Key columns in the order in which words and models read them, of the rows that are asked and of
            the reference; None for the order of the keys.
        by_order: Whether a model reads the columns in that order; else as it was trained to.
        column_alone: Whether a model reads that one column and no other.
        serializer: How n-grams read rows.
    """

    head: str = "key column"
    column: tuple[str, str] | None = None
    order: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    by_order: bool = False
    column_alone: bool = False
    serializer: Serializer = field(default_factory=Serializer)

    def texts(self, table: Table, columns: Sequence[str]) -> Records:
        """The texts of rows.

        Args:
            table: The rows.
            columns: Their key columns.

        Returns:
            The texts of all columns.
        """
        return records.read(table, columns, self.serializer)

    def heads(self, table: Table, columns: Sequence[str], side: int, of: Records) -> list[str]:
        """The one column of each text.

        Args:
            table: The rows.
            columns: Their key columns.
            side: 0 for rows that are asked, 1 for those of the reference.
            of: The texts.

        Returns:
            One text for each of `of.texts`.
        """
        name = columns[0] if self.column is None else self.column[side]
        return records.texts_of(of, records.read(table, [name], Serializer()))

    def in_order(self, table: Table, side: int, of: Records) -> list[str]:
        """Each text with its columns in the order of this reading.

        Args:
            table: The rows.
            side: 0 for rows that are asked, 1 for those of the reference.
            of: The texts.

        Returns:
            One text for each of `of.texts`.
        """
        if self.order is None:
            return [str(text) for text in of.texts.tolist()]
        return records.texts_of(of, records.read(table, self.order[side], Serializer()))

    def for_model(
        self, table: Table, columns: Sequence[str], side: int, of: Records, plan: Plan
    ) -> list[str]:
        """The texts as a model reads them.

        Args:
            table: The rows.
            columns: Their key columns.
            side: 0 for rows that are asked, 1 for those of the reference.
            of: The texts.
            plan: The model.

        Returns:
            One text for each of `of.texts`.
        """
        if self.column_alone:
            return self.heads(table, columns, side, of)
        if self.by_order:
            return self.in_order(table, side, of)
        if plan.serializer == Serializer() == self.serializer:
            return [str(text) for text in of.texts.tolist()]
        return records.texts_of(of, records.read(table, columns, plan.serializer))

    def to_dict(self) -> dict[str, Any]:
        """The fields as a dict that JSON can hold.

        Returns:
            Values by field name.
        """
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Reading:
        """Make a reading from a dict, as `to_dict` gives it.

        Args:
            values: Field names and values.

        Returns:
            The reading.
        """
        column, order = values["column"], values["order"]
        return cls(
            values["head"],
            None if column is None else (column[0], column[1]),
            None if order is None else (tuple(order[0]), tuple(order[1])),
            values["by_order"],
            values["column_alone"],
            Serializer.from_dict(values["serializer"]),
        )


def embedded(plan: Plan, written: list[str], *, batch_size: int | None = None) -> Floats:
    """Vectors of texts that may repeat; those of nothing are zero, so that nulls are equal to nothing.

    Args:
        plan: The model.
        written: The texts.
        batch_size: For the model.

    Returns:
        (n_texts, d) float32.
    """
    number: dict[str, int] = {}
    place = [number.setdefault(text, len(number)) for text in written]
    vectors = np.array(model_plan.embed(plan.encoder, list(number), batch_size=batch_size), dtype=np.float32)
    if "" in number:
        vectors[number[""]] = 0
    return vectors if len(number) == len(written) else vectors[place]
