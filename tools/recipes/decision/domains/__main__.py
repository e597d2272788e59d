"""Shows a task: `python -m tools.recipes.decision.domains --show FAMILY --seed N`."""

from __future__ import annotations

import argparse
import sys
from difflib import SequenceMatcher

import numpy as np
import pandas as pd

from .task import FAMILIES, Task, make


def _texts(table: pd.DataFrame) -> list[str]:
    return [
        " | ".join("-" if cell is None else cell for cell in row) for row in table.itertuples(index=False)
    ]


def _nearest(text: str, others: list[str], barred: set[int]) -> int:
    """The row that reads most like a text, of those that are not barred."""
    words = set(text.lower().split())
    scores = [
        -1.0 if at in barred else len(words & set(each.lower().split())) for at, each in enumerate(others)
    ]
    best = np.argsort(scores)[-15:]
    return int(max(best, key=lambda at: (at not in barred, SequenceMatcher(None, text, others[at]).ratio())))


def lines(task: Task, count: int) -> list[str]:
    """What to show of a task: counts, pairs that match and near rows that do not."""
    left = _texts(task.left)
    right = left if task.right is None else _texts(task.right)
    linked: dict[int, set[int]] = {}
    for one, two in task.truth.tolist():
        linked.setdefault(one, set()).add(two)
        if task.right is None:
            linked.setdefault(two, set()).add(one)
    share = f"{len(linked) / len(left):.0%} linked"
    kind = "one table" if task.right is None else f"{len(right)} right rows"
    out = [f"{task.name}: {len(left)} left rows, {kind}, {len(task.truth)} pairs, {share}"]
    out += [f"  left  {list(task.left.columns)}"] + (
        [] if task.right is None else [f"  right {list(task.right.columns)}"]
    )
    for one, two in task.truth[:: max(1, len(task.truth) // count)][:count].tolist():
        out.append(f"  = {left[one]}\n    {right[two]}")
    for one in np.linspace(0, len(left) - 1, count).astype(int).tolist():
        barred = linked.get(one, set()) | ({one} if task.right is None else set())
        if len(barred) < len(right):
            mark = "*" if one in linked else " "
            out.append(f"  ≠{mark}{left[one]}\n    {right[_nearest(left[one], right, barred)]}")
    return out


def main() -> None:
    """Reads the arguments and writes to standard output."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--show", choices=sorted(FAMILIES), required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=6)
    given = parser.parse_args()
    sys.stdout.write("\n".join(lines(make(given.show, given.seed), given.count)) + "\n")


if __name__ == "__main__":
    main()
