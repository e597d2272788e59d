"""Lay a reading beside what was printed: which characters were kept, mistaken, lost or made up."""

from __future__ import annotations

from collections.abc import Iterable

Step = tuple[str, str]  # (printed, read): equal if kept, "" on one side if lost or made up


def align(printed: str, read: str) -> list[Step]:
    """The cheapest way from what was printed to what was read, character by character.

    (V. Levenshtein, 1966; the path by R. Wagner and M. Fischer, 1974.) Of equally cheap ways the one that
    mistakes rather than loses is taken, from the end backwards; what begins alike is kept.

    Args:
        printed: The true text.
        read: What was read.

    Returns:
        Steps (printed, read), in the order of the text.

    Example:
        >>> align("Hill", "Hi1l"), align("Hill", "Hil")
        ([('H', 'H'), ('i', 'i'), ('l', '1'), ('l', 'l')], [('H', 'H'), ('i', 'i'), ('l', 'l'), ('l', '')])
    """
    start = 0
    while start < min(len(printed), len(read)) and printed[start] == read[start]:
        start += 1
    kept = [(char, char) for char in printed[:start]]
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
    return kept + back[::-1]


def edits(printed: str, read: str) -> int:
    """How many characters were mistaken, lost or made up: the edit distance.

    Args:
        printed: The true text.
        read: What was read.

    Returns:
        The number.

    Example:
        >>> edits("Hill", "Hi1ls")
        2
    """
    return sum(a != b for a, b in align(printed, read))


def character_error_rate(pairs: Iterable[tuple[str, str]]) -> float:
    """Edits over the number of printed characters, summed over the pairs.

    Args:
        pairs: (printed, read).

    Returns:
        The rate, 0 where nothing was printed; above 1 where much was made up.

    Example:
        >>> character_error_rate([("Hill", "Hi1ls"), ("Boat", "Boat")])
        0.25
    """
    wrong = total = 0
    for printed, read in pairs:
        wrong += edits(printed, read)
        total += len(printed)
    return wrong / max(1, total)
