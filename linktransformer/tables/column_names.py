"""Names of output columns: suffixes as in pandas.merge, and names that are still free."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import cast

from linktransformer import check
from linktransformer.errors import InvalidArgumentError

__all__ = ["free_name", "refuse_repeated", "suffixed"]


def free_name(name: str, taken: Collection[str]) -> str:
    """`name`, or the first of `name_lt`, `name_lt2`, `name_lt3`, ... that is not in `taken`.

    Example:
        >>> free_name("score", ["name"]), free_name("score", ["score", "score_lt"])
        ('score', 'score_lt2')
    """
    free, n = name, 1
    while free in taken:
        free = f"{name}_lt" if n == 1 else f"{name}_lt{n}"
        n += 1
    return free


def suffixed(
    left: Sequence[str], right: Sequence[str], suffixes: tuple[str | None, str | None]
) -> tuple[list[str], list[str]]:
    """Add suffixes to the columns that both tables have; None adds nothing.

    Raises:
        InvalidArgumentError: `suffixes` is not a pair of strings, or names would still be equal.

    Example:
        >>> suffixed(["id", "name"], ["name", "city"], ("_x", "_y"))
        (['id', 'name_x'], ['name_y', 'city'])
    """
    pair = tuple(suffixes) if isinstance(cast("object", suffixes), (tuple, list)) else ()
    if len(pair) != 2 or not all(part is None or isinstance(part, str) for part in pair):
        raise InvalidArgumentError(
            f"suffixes={check.shown(suffixes)} is not a pair of strings. Give two, such as ('_x', '_y')."
        )
    shared = set(left) & set(right)
    if shared and not any(pair):
        raise InvalidArgumentError(
            f"suffixes={check.shown(suffixes)} leaves columns that both tables have with one name: "
            f"{sorted(shared)}. Give at least one suffix that is not empty."
        )
    new_left = [name + (pair[0] or "") if name in shared else name for name in left]
    new_right = [name + (pair[1] or "") if name in shared else name for name in right]
    refuse_repeated(
        [*new_left, *new_right],
        f"suffixes={check.shown(suffixes)} gives two output columns one name",
        "Choose other suffixes, or rename the column.",
    )
    return new_left, new_right


def refuse_repeated(names: Iterable[str], problem: str, advice: str) -> None:
    """Raise InvalidArgumentError "`problem`: names. `advice`" if a name occurs more than once."""
    repeated = [name for name, n in Counter(names).items() if n > 1]
    if repeated:
        raise InvalidArgumentError(f"{problem}: {repeated}. {advice}")
