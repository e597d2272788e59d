"""Columns and domains: what a family hands to the builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .draw import Draw

Entity = dict[str, str]
Writer = Callable[[Entity], Entity]


@dataclass(frozen=True)
class Column:
    """A column that a table of a domain may have.

    Args:
        key: The field of a written record that it shows.
        names: What it may be called; the first is the usual name.
        kind: "text" (errors of words and letters), "name" (letters only), "date" (yyyy-mm-dd), "number" (an
            amount or count), "code" (copied with care) or "fixed" (never touched).
        keep: How often it is kept.
        main: Always kept and seldom empty.
        fields: The fields of an entity that it is made from; none: the key.
        soft: Differs by chance for one entity, so it does not tell entities apart.
    """

    key: str
    names: tuple[str, ...]
    kind: str = "text"
    keep: float = 0.6
    main: bool = False
    fields: tuple[str, ...] = ()
    soft: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The fields that tell entities apart in this column."""
        return () if self.soft else self.fields or (self.key,)


def column(key: str, names: str, kind: str = "text", keep: float = 0.6, **more: object) -> Column:
    """A column; names are split at the bars."""
    return Column(key, tuple(names.split("|")), kind, keep, **more)  # type: ignore[arg-type]


def main(key: str, names: str, kind: str = "text", **more: object) -> Column:
    """A column that is always kept."""
    return Column(key, tuple(names.split("|")), kind, 1.0, main=True, **more)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Domain:
    """A drawn domain: its entities and how a table writes them.

    Args:
        fresh: Makes an entity.
        sibling: Makes an entity that is near another one but not the same.
        layouts: Sets of columns; a side has one of them.
        writer: Draws how a side writes an entity: the fields that its columns show.
        dedup: How often the task is about one table.
        repeat: How often left rows repeat an entity (many rows to one): 0 never, 1 always.
        aged: The entity as it is written at another time (moved, renamed). None: it does not change.
        letters: Letters of another script, for errors.
        sizes: Fewest and most right rows; none: the usual ones.
        tidy: How often the right table has no errors of its own.
        most_siblings: The largest share of siblings.
    """

    fresh: Callable[[], Entity]
    sibling: Callable[[Entity], Entity]
    layouts: tuple[tuple[Column, ...], ...]
    writer: Callable[[Draw], Writer] = lambda draw: dict
    dedup: float = 0.25
    repeat: float = 0.0
    aged: Callable[[Entity], Entity] | None = None
    letters: str = ""
    sizes: tuple[int, int] | None = None
    tidy: float = 0.0
    most_siblings: float = 0.8
