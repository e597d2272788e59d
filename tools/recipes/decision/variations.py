"""Tasks made from a task: fewer rows, fewer matches, fewer columns, one table of two, two of one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from zlib import crc32

import numpy as np
import pandas as pd

from tools.recipes.decision.domains import Task, noise
from tools.recipes.decision.domains.draw import Draw

__all__ = ["MOST_ROWS", "as_one_table", "copies", "distinct", "sampled", "tiny", "variations"]

MOST_ROWS = 5000  # rows of a side: larger tasks are sampled
OVERLAPS = (0.0, 0.02, 0.05, 0.1, 0.3, 0.6)


def variations(task: Task, seed: int = 0, most: int = MOST_ROWS) -> Iterator[Task]:
    """Make tasks from a labelled one.

    Args:
        task: The task.
        seed: Of all that is drawn.
        most: Rows of a side.

    Yields:
        The task itself, sampled where it is large, and its variations, called NAME@WHAT.
    """
    draw = np.random.default_rng([crc32(task.name.encode()), seed])
    base = sampled(task, most, draw)
    yield replace(base, name=task.name)
    made = _of_two(base, most, draw) if task.right is not None else _of_one(base, draw)
    for what, other in made:
        enough = len(other.left) >= 30 and (other.right is None or len(other.right) >= 10)
        if enough:
            yield replace(other, name=f"{task.name}@{what}", family=task.family)
    for number in range(2):
        rows = int(np.exp(draw.uniform(np.log(150), np.log(most))))
        yield replace(copies(base, rows, draw), name=f"{task.name}@copies{number}")
    one = distinct(base, draw) if base.right is not None else base
    for number in range(2):
        rows = int(np.exp(draw.uniform(np.log(40), np.log(500))))
        part = thinned(beside(one, rows, draw), float(draw.choice([0.0, 0.0, 0.3])), draw)
        yield replace(part, name=f"{task.name}@alike{number}")
    yield from tiny(base, 6, draw)


def tiny(task: Task, how_many: int, draw: np.random.Generator) -> Iterator[Task]:
    """Tasks of two to sixty rows a side.

    Args:
        task: The task.
        how_many: Tasks.
        draw: The source of chance.

    Yields:
        The tasks, called NAME@tinyN.
    """
    for number in range(how_many):
        rows = int(np.exp(draw.uniform(np.log(2), np.log(60))))
        overlap = float(draw.choice([0.0, 0.3, 0.6, 1.0, 1.0]))
        some = beside(task, rows, draw) if draw.random() < 0.4 else sampled(task, rows, draw)
        some = thinned(some, overlap, draw) if task.right is None else with_overlap(some, overlap, draw)
        if len(some.left) and (some.right is None or len(some.right)):
            yield replace(some, name=f"{task.name}@tiny{number}")


def _of_two(base: Task, most: int, draw: np.random.Generator) -> Iterator[tuple[str, Task]]:
    small = min(len(base.left), len(base.right)) < 600
    wanted = OVERLAPS[:1] + OVERLAPS[3:5] if small else OVERLAPS
    for overlap in wanted:
        yield f"overlap{overlap}", with_overlap(base, overlap, draw)
    yield (
        "small",
        with_overlap(sampled(base, int(np.exp(draw.uniform(np.log(40), np.log(400)))), draw), None, draw),
    )
    columns = [name for name in base.left if name in base.right]
    if len(base.left.columns) == len(base.right.columns) == 1:  # one name for both, where they differ
        columns = list(base.left)
        base = replace(base, right=base.right.set_axis(columns, axis=1))
    if columns:
        for share in (1.0, 0.15, 0.02, 0.0):
            yield f"one{share}", sampled(as_one_table(base, columns, share, draw), most, draw)
    if len(columns) > 2:
        some = list(draw.permutation(columns)[: int(draw.integers(1, 4))])
        yield "columns", replace(base, left=base.left[some], right=base.right[some])
        overlap = float(np.exp(draw.uniform(np.log(0.03), np.log(0.7))))
        some = list(draw.permutation(columns)[: int(draw.integers(2, 5))])
        yield (
            "columns-overlap",
            with_overlap(replace(base, left=base.left[some], right=base.right[some]), overlap, draw),
        )
    if len(base.left.columns) > 1 or len(base.right.columns) > 1:
        joined = replace(base, left=joined_text(base.left), right=joined_text(base.right))
        yield "joined", with_overlap(joined, float(draw.choice([0.1, 0.4, 1.0])), draw)


def _of_one(base: Task, draw: np.random.Generator) -> Iterator[tuple[str, Task]]:
    columns = list(base.left)
    for number in range(2 if len(columns) > 3 else 0):
        some = list(draw.permutation(columns)[: int(draw.integers(2, min(6, len(columns))))])
        yield f"columns{number}", replace(base, left=base.left[some])
    if len(columns) > 1:
        yield "joined", thinned(replace(base, left=joined_text(base.left)), 0.5, draw)
    for share in (0.0, 0.02, 0.1, 0.4):
        yield f"thin{share}", thinned(base, share, draw)
    yield "small", sampled(base, int(np.exp(draw.uniform(np.log(40), np.log(400)))), draw)
    if len(base.truth) > 2 * len(base.left):  # clusters are large: one row of each as a code list
        for share in (1.0, 0.5):
            codes = against_codes(base, share, draw)
            yield f"codes{share}", codes
            few = sampled_codes(codes, int(np.exp(draw.uniform(np.log(15), np.log(120)))), draw)
            yield f"few-codes{share}", few
    two = as_two_tables(base, draw)
    yield "two", two
    for overlap in (0.0, 0.05, 0.3):
        yield f"two-overlap{overlap}", with_overlap(two, overlap, draw)


def copies(task: Task, most: int, draw: np.random.Generator) -> Task:
    """Rows that are different, and noisy copies of some of them: clusters of any size, near or far apart.

    How many rows have copies, how many copies, and how much of a copy is changed is drawn for the task. Words
    that are added come from a few words of the table, as parts of addresses and of offices do.

    Args:
        task: A task of one or of two tables; the left one is used, one row of each cluster.
        most: Rows of the result.
        draw: The source of chance.

    Returns:
        A task of one table.
    """
    table = distinct(task, draw).left
    share, mean = float(draw.choice([0.1, 0.3, 0.6, 1.0])), float(draw.choice([1.2, 3, 8, 20]))
    size = 1 + np.where(draw.random(len(table)) < share, draw.geometric(1 / mean, len(table)), 0)
    order = draw.permutation(len(table))
    order = order[: max(2, int((np.cumsum(size[order]) <= most).sum()))]
    group = np.repeat(np.arange(len(order)), size[order])
    cells = table.iloc[order].iloc[group].to_numpy(dtype=object, copy=True)
    first = np.append(True, group[1:] != group[:-1])
    of = Draw(draw)
    words = [word for cell in table.to_numpy().ravel() if isinstance(cell, str) for word in cell.split()]
    common = of.some(words, min(len(words), of.whole(5, 60))) if words else ["x"]
    amount, weights = of.log_span(0.3, 8), draw.dirichlet(np.full(8, 0.6))
    for row, errors in zip(
        np.flatnonzero(~first).tolist(), draw.poisson(amount, int((~first).sum())), strict=True
    ):
        for what in draw.choice(8, size=int(errors), p=weights).tolist():
            there = [at for at, cell in enumerate(cells[row]) if isinstance(cell, str) and cell]
            if there:
                at = of.pick(there)
                cells[row, at] = _changed(of, cells[row, at], what, common, len(there) > 1)
    from tools.recipes.decision.labelled_sets import pairs_of

    made = pd.DataFrame(cells, columns=list(table))
    return _shuffled(Task(task.name, task.family, made, None, pairs_of(group)), draw)


def _changed(draw: Draw, text: str, what: int, common: list[str], may_go: bool) -> str | None:
    """A cell with one error."""
    if what == 0:
        return noise.typo(draw, text)
    if what == 1:
        return noise.drop_word(draw, text)
    if what == 2:
        return noise.swap_words(draw, text)
    if what == 3:
        return noise.shorten_word(draw, text)
    if what == 4:
        return noise.join_words(draw, text)
    if what == 5:
        return None if may_go else text.upper()
    extra = " ".join(draw.some(common, min(len(common), draw.whole(1, 3))))
    return f"{extra} {text}" if what == 6 else f"{text} {extra}"


def sampled(task: Task, most: int, draw: np.random.Generator) -> Task:
    """Keep at most so many rows a side: left rows with what they match, and as large a share of the rest."""
    if task.right is None:
        if len(task.left) <= most:
            return task
        group = _groups(len(task.left), task.truth)
        order = draw.permutation(int(group.max()) + 1)
        size = np.bincount(group)[order]
        kept = np.zeros(len(order), dtype=bool)
        kept[order[np.cumsum(size) <= max(most, int(size[0]))]] = True
        return _rows_kept(task, kept[group], None)
    if max(len(task.left), len(task.right)) <= most:
        return task
    share = most / max(len(task.left), len(task.right))
    left = draw.random(len(task.left)) < share
    of_right = np.zeros(len(task.right), dtype=bool)
    of_right[task.truth[:, 1]] = True
    right = ~of_right & (draw.random(len(task.right)) < share)
    right[task.truth[left[task.truth[:, 0]], 1]] = True
    loose = np.flatnonzero(right)
    if len(loose) > most:
        right[draw.permutation(loose)[most:]] = False
    return _rows_kept(task, left, right)


def beside(task: Task, rows: int, draw: np.random.Generator) -> Task:
    """Keep rows that follow each other in the order of a column, thus alike, and their matches."""
    name = str(draw.choice(list(task.left)))
    n, right = len(task.left), task.right
    if right is not None and name not in right:
        return sampled(task, rows, draw)
    texts = task.left[name].astype(str)
    if right is not None:
        texts = pd.concat([texts, right[name].astype(str)])
    order = np.argsort(texts.str.lower().to_numpy(dtype=str), kind="stable")
    wanted = min(rows * (1 if right is None else 2), len(order))
    start = int(draw.integers(len(order) - wanted + 1))
    kept = np.zeros(len(order), dtype=bool)
    kept[order[start : start + wanted]] = True
    truth = task.truth + np.array([0, 0 if right is None else n])
    for first, second in ((0, 1), (1, 0)) if len(truth) else ():
        there = kept[truth[:, first]]
        kept[truth[there, second]] = True
    return _rows_kept(task, kept[:n], None if right is None else kept[n:])


def with_overlap(task: Task, overlap: float | None, draw: np.random.Generator) -> Task:
    """Keep both sides of a share of the matches and one side of each other one."""
    if task.right is None or overlap is None:
        return task
    group = _groups(len(task.left) + len(task.right), task.truth + np.array([0, len(task.left)]))
    both = draw.random(int(group.max(initial=0)) + 1) < overlap
    side = draw.random(len(both)) < 0.5
    matched = [
        np.isin(np.arange(len(part)), task.truth[:, at]) for at, part in enumerate((task.left, task.right))
    ]
    of_left, of_right = group[: len(task.left)], group[len(task.left) :]
    left = ~matched[0] | both[of_left] | side[of_left]
    right = ~matched[1] | both[of_right] | ~side[of_right]
    return _rows_kept(task, left, right)


def as_one_table(task: Task, columns: list[str], share: float, draw: np.random.Generator) -> Task:
    """Put two tables into one, with the right rows of a share of the matches."""
    keep = draw.random(len(task.truth)) < share
    drop = np.zeros(len(task.right), dtype=bool)
    drop[task.truth[:, 1]] = True
    drop[task.truth[keep, 1]] = False
    cut = _rows_kept(task, np.ones(len(task.left), dtype=bool), ~drop)
    table = pd.concat([cut.left[columns], cut.right[columns]], ignore_index=True)
    group = _groups(len(table), cut.truth + np.array([0, len(cut.left)]))
    from tools.recipes.decision.labelled_sets import pairs_of

    one = Task(task.name, task.family, table, None, pairs_of(group))
    return _shuffled(one, draw)


def as_two_tables(task: Task, draw: np.random.Generator) -> Task:
    """Split one table into two at random."""
    first = draw.random(len(task.left)) < draw.choice([0.3, 0.5])
    number = np.where(first, np.cumsum(first), np.cumsum(~first)) - 1
    a, b = task.truth[:, 0], task.truth[:, 1]
    across = first[a] != first[b]
    left, right = np.where(first[a], a, b)[across], np.where(first[a], b, a)[across]
    truth = np.stack([number[left], number[right]], axis=1)
    tables = task.left[first].reset_index(drop=True), task.left[~first].reset_index(drop=True)
    return Task(task.name, task.family, *tables, truth)


def against_codes(task: Task, share: float, draw: np.random.Generator) -> Task:
    """One row of a share of the clusters as the right table, all other rows as the left one."""
    group = _groups(len(task.left), task.truth)
    order = draw.permutation(len(group))
    first = np.zeros(len(group), dtype=bool)
    first[order[np.unique(group[order], return_index=True)[1]]] = True
    there = draw.random(int(group.max()) + 1) < share
    code = np.full(len(there), -1, dtype=np.int64)
    right = first & there[group]
    code[group[right]] = np.arange(int(right.sum()))
    left = ~first
    of_left = code[group[left]]
    at = np.flatnonzero(of_left >= 0)
    tables = task.left[left].reset_index(drop=True), task.left[right].reset_index(drop=True)
    return Task(task.name, task.family, *tables, np.stack([at, of_left[at]], axis=1))


def sampled_codes(task: Task, most: int, draw: np.random.Generator) -> Task:
    """Keep so many right rows, left rows that match them and as large a share of the others."""
    right = np.zeros(len(task.right), dtype=bool)
    right[draw.permutation(len(right))[:most]] = True
    matched = np.zeros(len(task.left), dtype=bool)
    matched[task.truth[:, 0]] = True
    left = ~matched & (draw.random(len(matched)) < right.mean())
    left[task.truth[right[task.truth[:, 1]], 0]] = True
    return _rows_kept(task, left, right)


def thinned(task: Task, share: float, draw: np.random.Generator) -> Task:
    """Leave one row of most clusters, all rows of a share of them."""
    group = _groups(len(task.left), task.truth)
    whole = draw.random(int(group.max(initial=-1)) + 1) < share
    order = draw.permutation(len(group))
    first = np.zeros(len(group), dtype=bool)
    first[order[np.unique(group[order], return_index=True)[1]]] = True
    return _rows_kept(task, first | whole[group], None)


def distinct(task: Task, draw: np.random.Generator) -> Task:
    """Rows of which no two are the same thing: of two tables those of the left one."""
    if task.right is None:
        return thinned(task, 0.0, draw)
    group = _groups(len(task.left) + len(task.right), task.truth + np.array([0, len(task.left)]))
    first = np.zeros(len(task.left), dtype=bool)
    first[np.unique(group[: len(task.left)], return_index=True)[1]] = True
    left = task.left[first].reset_index(drop=True)
    return replace(task, left=left, right=None, truth=np.empty((0, 2), dtype=np.int64))


def joined_text(table: pd.DataFrame) -> pd.DataFrame:
    """All cells of a row as one text."""
    text = table.fillna("").agg(" ".join, axis=1).str.split().str.join(" ")
    return pd.DataFrame({"text": text.replace("", None)})


def _groups(n: int, truth: np.ndarray) -> np.ndarray:
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(truth)), (truth[:, 0], truth[:, 1])), shape=(n, n))
    return connected_components(graph, directed=False)[1]


def _rows_kept(task: Task, left: np.ndarray, right: np.ndarray | None) -> Task:
    of_right = left if right is None else right
    number = [np.where(keep, np.cumsum(keep) - 1, -1) for keep in (left, of_right)]
    truth = np.stack([number[0][task.truth[:, 0]], number[1][task.truth[:, 1]]], axis=1)
    other = None if task.right is None else task.right[of_right].reset_index(drop=True)
    kept = truth[(truth >= 0).all(axis=1)]
    return replace(task, left=task.left[left].reset_index(drop=True), right=other, truth=kept)


def _shuffled(task: Task, draw: np.random.Generator) -> Task:
    order = draw.permutation(len(task.left))
    place = np.empty(len(order), dtype=np.int64)
    place[order] = np.arange(len(order))
    return replace(
        task, left=task.left.iloc[order].reset_index(drop=True), truth=np.sort(place[task.truth], axis=1)
    )
