"""Describe tasks whose rows have pictures: texts as an engine misread them, vectors of what was printed."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
import pandas as pd

from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.search import blocking, lexical
from linktransformer.tables import frames, records
from linktransformer.tables.frames import Table
from linktransformer.tables.records import Records
from linktransformer.tables.serialize import Serializer
from linktransformer.tables.splits import components
from tools.recipes.decision.domains import FAMILIES, TABLES, Task, make
from tools.recipes.decision.featurize import write
from tools.recipes.decision.labelled_sets import pairs_of

__all__ = ["add_arguments", "described", "misread", "printed_again", "run", "vectors"]

WIDTH = 256  # of a vector
MOST = 2000  # rows of a side


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this step."""
    parser.add_argument("sets", type=Path, help="folder of labelled data sets")
    parser.add_argument("out", type=Path, help="folder of the feature files; files that are there are kept")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seeds", type=int, default=4, help="tasks of each made family and of each set")
    parser.add_argument("--only", nargs="*", default=[], help="only these sets or families")


def run(options: argparse.Namespace) -> None:
    """Describe the tasks."""
    from tools.recipes.decision import labelled_sets

    options.out.mkdir(parents=True, exist_ok=True)
    jobs = [(name, None) for name in (*FAMILIES, *TABLES)]
    jobs += [(name, options.sets) for name in labelled_sets.names(options.sets)]
    jobs = [job for job in jobs if not options.only or job[0] in options.only]
    began = time.time()
    with ProcessPoolExecutor(options.processes, multiprocessing.get_context("spawn")) as pool:
        parts = [
            pool.submit(_describe, name, seed, sets, options.out)
            for seed in range(options.seeds)
            for name, sets in jobs
        ]
        for part in as_completed(parts):
            part.result()
    sys.stdout.write(f"{len(parts)} jobs in {time.time() - began:.0f} s\n")


def _describe(name: str, seed: int, sets: Path | None, out: Path) -> None:
    draw = np.random.default_rng([crc32(name.encode()), seed])
    for task in _tasks(name, seed, sets, draw):
        path = out / f"{task.name.replace('/', '__')}@readings{seed}+dense.npz"
        if not path.exists():
            seen, rows = described(task, draw), replace(task, name=f"{task.name}@readings{seed}")
            if seen is not None and len(seen.features.at):
                write(rows, seen, path)


def _tasks(name: str, seed: int, sets: Path | None, draw: np.random.Generator) -> Iterator[Task]:
    """The task, with fewer matches, as one table or printed several times at times, and a tiny one of it."""
    from tools.recipes.decision import labelled_sets, variations

    task = make(name, seed) if sets is None else labelled_sets.load(sets, name)
    task = variations.sampled(task, int(np.exp(draw.uniform(np.log(200), np.log(MOST)))), draw)
    if task.right is not None and draw.random() < 0.5:
        task = variations.with_overlap(task, float(draw.uniform(0, 1)), draw)
    columns = list(draw.permutation(list(task.left))[: int(draw.integers(1, 3))])
    if task.right is None or all(column in task.right for column in columns):
        right = None if task.right is None else task.right[columns]
        task = replace(task, left=task.left[columns], right=right)
        if task.right is not None and draw.random() < 0.5:
            task = variations.as_one_table(task, columns, float(draw.uniform(0, 1)), draw)
            task = variations.sampled(task, variations.MOST_ROWS, draw)
    if draw.random() < 0.5:
        task = printed_again(task, draw)
    yield task
    yield from variations.tiny(task, 1, draw)


def printed_again(task: Task, draw: np.random.Generator) -> Task:
    """A task whose left rows are printed one to three times each, every time on another picture.

    Args:
        task: The task.
        draw: The source of chance.

    Returns:
        The task with the rows repeated; those of one table that are repeated are matches of each other.
    """
    rows = np.repeat(np.arange(len(task.left)), draw.integers(1, 4, len(task.left)))
    left = task.left.iloc[rows].reset_index(drop=True)
    if task.right is None:
        entity = components(len(task.left), task.truth[:, 0], task.truth[:, 1])
        return replace(task, left=left, truth=pairs_of(entity[rows]))
    known = pd.DataFrame(task.truth, columns=["row", "right"])
    truth = pd.DataFrame({"row": rows, "left": np.arange(len(rows))}).merge(known, on="row")
    return replace(task, left=left, truth=truth[["left", "right"]].to_numpy(dtype=np.int64))


def described(task: Task, draw: np.random.Generator) -> Described | None:
    """The candidates of a task whose rows have pictures, None where a table is too small.

    Every row is a record, since no two pictures are equal. How much is misread, how many rows have no text,
    and how well the pictures are told apart differs from task to task.

    Args:
        task: What was printed.
        draw: The source of chance.

    Returns:
        Candidates and features.
    """
    same = task.right is None
    printed = [task.left] if same else [task.left, task.right]
    if min(map(len, printed)) < (2 if same else 1):
        return None
    rate, failed = float(draw.choice([0, 0.02, 0.05, 0.1, 0.2])), float(draw.choice([0, 0.05, 0.2]))
    without = float(draw.choice([0, 0, 0.1, 0.4, 1]))
    read = [misread(table, rate, failed, without, draw) for table in printed]
    tables = [frames.wrap(table, side) for table, side in zip(read, ("left", "right"), strict=False)]
    on = [[] if without == 1 else list(table) for table in printed]
    texts = [_read(table, names) for table, names in zip(tables, on, strict=True)]
    nodes = [blocking.nodes(of.text_of_row) for of in texts]
    sides = vectors([_written(table) for table in printed], float(draw.uniform(0, 1)), draw)
    both = sides[0], sides[-1]
    return describe(
        (tables[0], tables[-1]),
        (on[0], on[-1]),
        (nodes[0], nodes[-1]),
        (texts[0], texts[-1]),
        Options(vectors={"dense": both, "fused": both}, readings=True),
        same=same,
    )


def misread(
    table: pd.DataFrame, rate: float, failed: float, without: float, draw: np.random.Generator
) -> pd.DataFrame:
    """A table as an engine reads it.

    Args:
        table: What was printed.
        rate: The share of letters that are read as others, dropped or doubled.
        failed: The share of rows of which nothing is read rightly.
        without: The share of rows of which nothing is read at all.
        draw: The source of chance.

    Returns:
        The table, None where nothing is read.
    """
    letters = sorted(
        {letter for cell in table.to_numpy().ravel() if isinstance(cell, str) for letter in cell}
    )
    # an engine takes a letter for one of a few others
    takes_for = {letter: draw.choice(letters, 3).tolist() for letter in letters} if letters else {}
    of_row = np.where(draw.random(len(table)) < failed, 1.0, rate)
    gone = draw.random(len(table)) < without

    def cell(text: object, row: int) -> object:
        if gone[row] or not isinstance(text, str):
            return None
        chance = draw.random((2, len(text)))
        found = []
        for letter, wrong, how in zip(text, chance[0], chance[1], strict=True):
            if wrong >= of_row[row]:
                found.append(letter)
            elif how < 0.8:
                found.append(takes_for[letter][int(how / 0.8 * 3)])
            elif how < 0.9:
                found.append(letter * 2)
        return "".join(found) or None

    return pd.DataFrame(
        {name: [cell(text, row) for row, text in enumerate(table[name].tolist())] for name in table},
        dtype=object,
    )


def vectors(printed: list[list[str]], noise: float, draw: np.random.Generator) -> list[np.ndarray]:
    """Vectors of pictures: near each other where what was printed is written alike.

    Args:
        printed: What the pictures of each table show.
        noise: The length of what is added to each vector, of length 1, by how it was printed and scanned.
        draw: The source of chance.

    Returns:
        Unit rows, (n, 256) float32 of each table: random projections of the n-grams (W. Johnson and J.
        Lindenstrauss 1984), which keep their cosines.
    """
    view = lexical.fit(printed[0], printed[1] if len(printed) > 1 else [])
    sides = [view.left, view.right][: len(printed)]
    along = draw.standard_normal((view.left.shape[1], WIDTH)).astype(np.float32) / np.float32(WIDTH**0.5)
    found = []
    for side in sides:
        rows = np.asarray(side @ along, dtype=np.float32)
        rows += (
            np.float32(noise) * draw.standard_normal(rows.shape).astype(np.float32) / np.float32(WIDTH**0.5)
        )
        found.append(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9))
    return found


def _written(table: pd.DataFrame) -> list[str]:
    return [" ".join(cell for cell in row if isinstance(cell, str)) for row in table.to_numpy().tolist()]


def _read(table: Table, on: list[str]) -> Records:
    """The text of each row, "" for none; every row has its own."""
    rows = np.arange(table.n_rows, dtype=np.int64)
    if not on:
        return Records(np.full(len(rows), "", dtype=object), rows, 0, ())
    found = records.read(table, on, Serializer())
    return Records(np.append(found.texts, "")[found.text_of_row], rows, found.n_cut, found.columns)
