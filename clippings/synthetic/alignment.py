"""Align a reading with the printed text: equal, mistaken, lost and inserted characters."""

from __future__ import annotations

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

Step = tuple[str, str]  # (printed, read): equal if kept, "" on one side if lost or made up


def align(printed: str, read: str) -> list[Step]:
    """The cheapest alignment as steps (printed, read), in the order of the text.

    (V. Levenshtein, 1966; the path by R. Wagner and M. Fischer, 1974.) Ties prefer a mistaken to a lost
    character, from the end backwards; a common beginning is kept.

    Example:
        >>> align("Hill", "Hi1l"), align("Hill", "Hil")
        ([('H', 'H'), ('i', 'i'), ('l', '1'), ('l', 'l')], [('H', 'H'), ('i', 'i'), ('l', 'l'), ('l', '')])
    """
    start = 0
    while start < min(len(printed), len(read)) and printed[start] == read[start]:
        start += 1
    prefix = [(char, char) for char in printed[:start]]
    a, b = printed[start:], read[start:]
    cost = [list(range(len(b) + 1))]
    for row, char in enumerate(a, 1):
        above, line = cost[-1], [row]
        for column, other in enumerate(b, 1):
            step = above[column - 1] + (char != other)
            line.append(min(step, above[column] + 1, line[column - 1] + 1))
        cost.append(line)
    back: list[Step] = []
    row, column = len(a), len(b)
    while row or column:
        here = cost[row][column]
        if row and column and here == cost[row - 1][column - 1] + (a[row - 1] != b[column - 1]):
            row, column = row - 1, column - 1
            back.append((a[row], b[column]))
        elif row and here == cost[row - 1][column] + 1:
            row -= 1
            back.append((a[row], ""))
        else:
            column -= 1
            back.append(("", b[column]))
    return prefix + back[::-1]


def character_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Edits over the number of printed characters, summed over the pairs.

    Example:
        >>> character_error_rate([("Hill", "Hi1ls"), ("Boat", "Boat")])
        0.25
    """
    wrong = total = 0
    for printed, read in pairs:
        wrong += Levenshtein.distance(printed, read)
        total += len(printed)
    return wrong / max(1, total)
