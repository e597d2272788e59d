"""Labelled tables of three shapes as texts, entities and pairs, each in its split."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, readers, records, splits
from linktransformer.tables.answers import answers
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import IntoDataFrame, Table
from linktransformer.tables.pair_labels import conflicts, warn_of
from linktransformer.tables.serialize import Serializer
from linktransformer.training.label_schema import Shape
from linktransformer.training.run_folder import fingerprint

__all__ = ["Labelled", "TableOrPath", "held_out_shares", "read", "read_splits"]

logger = logging.getLogger(__name__)
PARTS = {"data": splits.TRAIN, "train_data": splits.TRAIN, "val_data": splits.VAL, "test_data": splits.TEST}
Cells = Mapping[str, NDArray[np.object_]]
TableOrPath = IntoDataFrame | str | os.PathLike[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Labelled pairs of texts.

    Args:
        texts: Different texts, sorted.
        entity: The entity of each by all labels, (n_texts,) int64.
        tied: The entity of each by equal texts and ids alone, (n_texts,) int64.
        left: Left text of each different pair, (n_pairs,) int64.
        right: Right text.
        label: 1 or 0.
        part: The split of each pair, `splits.NONE` where its two texts are in different ones.
        text_part: The split of each text, (n_texts,) int64.
        is_left: Whether each text is on the left of a pair, (n_texts,) bool.
        is_right: Whether each text is on the right of a pair, (n_texts,) bool.
        rows: By side, the cells of the first row that has each text, (n_texts,) each.
        counts: What was read and left out, for the log and the manifest.
        like: The first table, for its library.
    """

    texts: tuple[str, ...]
    entity: Integers
    tied: Integers
    left: Integers
    right: Integers
    label: Integers
    part: Integers
    text_part: Integers
    is_left: Bools
    is_right: Bools
    rows: tuple[Cells, Cells]
    counts: Mapping[str, object]
    like: Table

    @property
    def fingerprint(self) -> str:
        """A hash of texts, pairs, labels and splits."""
        return fingerprint(self.texts, self.left, self.right, self.label, self.part)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """One side of a table: texts, text and id of rows with an id, cells of texts' first rows."""

    texts: list[str]
    with_id: Integers
    ids: list[str]
    cells: Cells


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs of text numbers with their label and the split of their table, (n_pairs,) int64 each."""

    left: Integers
    right: Integers
    label: Integers
    part: Integers

    def take(self, rows: Integers) -> _Pairs:
        return _Pairs(self.left[rows], self.right[rows], self.label[rows], self.part[rows])


def read_splits(**tables: TableOrPath) -> dict[int, Table]:
    """Tables or files of the arguments data, train_data, val_data and test_data, by split."""
    if (tables["data"] is None) == (tables["train_data"] is None):
        raise InvalidArgumentError(
            "Give the labelled rows once: data=, which is split, or train_data= (with val_data= and "
            "test_data= where you have them)."
        )
    return {
        PARTS[name]: frames.wrap(readers.read(Path(t)) if isinstance(t, (str, os.PathLike)) else t, name)
        for name, t in tables.items()
        if t is not None
    }


def read(
    tables: Mapping[int, Table],
    shape: Shape,
    serializer: Serializer,
    shares: Sequence[float],
    seed: int,
) -> Labelled:
    """Read the labelled tables by split; a split without a table is drawn from train's, by entity."""
    # texts are numbered in sorted order, so that the order of the rows does not matter
    read_tables = {part: _read_table(table, part, shape, serializer) for part, table in tables.items()}
    sides = [side for both, _, _ in read_tables.values() for side in both]
    texts = sorted({text for side in sides for text in side.texts})
    number = {text: place for place, text in enumerate(texts)}
    numbers = [np.array([number[text] for text in side.texts], dtype=np.int64) for side in sides]
    columns = [
        (numbers[2 * n][pairs.left], numbers[2 * n + 1][pairs.right], pairs.label, pairs.part)
        for n, (_, pairs, _) in enumerate(read_tables.values())
    ]
    pairs = _Pairs(*map(np.concatenate, zip(*columns, strict=True)))
    tied = _tied(texts, sides, numbers)
    found = conflicts(pairs.left, pairs.right, pairs.label == 1, len(texts))
    warn_of(
        found,
        (_named(texts, pairs.left), _named(texts, pairs.right)),
        next(iter(tables.values())).name,
        "texts",
    )
    n_all = len(pairs.label)
    pairs = pairs.take(np.flatnonzero(~found.both_ways))
    n_known = len(pairs.label)
    match = pairs.label == 1
    entity = splits.components(
        len(texts),
        np.concatenate([pairs.left[match], np.arange(len(texts))]),
        np.concatenate([pairs.right[match], _first_of(tied)]),
    )
    pairs = _different(pairs)
    part, text_part, split_counts = _split(set(tables), texts, entity, pairs, shares, seed)
    cells = tuple(_first_cells(sides[n::2], numbers[n::2], len(texts)) for n in (0, 1))
    counts = {
        "shape": shape.name,
        "rows": sum(table.n_rows for table in tables.values()),
        "rows_without_text": sum(without[0] for _, _, without in read_tables.values()),
        "rows_without_label": sum(without[1] for _, _, without in read_tables.values()),
        "pairs_repeated": n_known - len(pairs.label),
        "pairs_labelled_both_ways": n_all - n_known,
        "contradictions": found.n_both_ways + found.n_joined,
        "entities": len(np.unique(entity)),
        **split_counts,
    }
    logger.info("training data: %s", counts)
    is_left, is_right = (np.isin(np.arange(len(texts)), np.concatenate(numbers[n::2])) for n in (0, 1))
    return Labelled(
        tuple(texts), entity, tied, pairs.left, pairs.right, pairs.label, part, text_part, is_left, is_right,
        (cells[0], cells[1]), counts, next(iter(tables.values())),
    )  # fmt: skip


def _read_table(
    table: Table, part: int, shape: Shape, serializer: Serializer
) -> tuple[tuple[_Side, _Side], _Pairs, tuple[int, int]]:
    """Both sides of a table, pairs of texts, and how many rows have no text, or a text and no label."""
    arguments = ("clus_text_col_names",) * 2 if shape.cluster else ("left_col_names", "right_col_names")
    for names, argument in zip((shape.left, shape.right), arguments, strict=True):
        frames.check_columns(table, list(names), argument)
    read_sides = [records.read(table, list(names), serializer) for names in (shape.left, shape.right)]
    left, right = (side.text_of_row for side in read_sides)
    no_ids: tuple[Integers, list[str]] = (np.full(table.n_rows, -1, dtype=np.int64), [])
    if shape.cluster:
        cluster = _ids(table, (shape.cluster,), "clus_id_col_name")
        has_text = left >= 0
        usable = has_text & (cluster[0] >= 0)
        ends = _rings(left[usable], cluster[0][usable])
        label, ids = np.ones(len(ends[0]), dtype=np.int64), (cluster, no_ids)
    else:
        labels = _labels(table, shape.label)
        has_text = (left >= 0) & (right >= 0)
        usable = has_text & (labels >= 0)
        ends, label = (left[usable], right[usable]), labels[usable]
        ids = (_ids(table, shape.left_id, "left_id_name"), _ids(table, shape.right_id, "right_id_name"))
    sides = []
    for names, side, (group, group_names) in zip((shape.left, shape.right), read_sides, ids, strict=True):
        cells = {name: frames.joined(table, [name], " ", False, compared=True) for name in names}
        text, first = np.unique(side.text_of_row, return_index=True)
        labelled = np.flatnonzero((side.text_of_row >= 0) & (group >= 0))
        named = [group_names[code] for code in group[labelled].tolist()]
        of_first = {name: values[first[text >= 0]] for name, values in cells.items()}
        sides.append(_Side(side.texts.tolist(), side.text_of_row[labelled], named, of_first))
    pairs = _Pairs(*ends, label, np.full(len(label), part, dtype=np.int64))
    return (sides[0], sides[1]), pairs, (int((~has_text).sum()), int((has_text & ~usable).sum()))


def _named(texts: Sequence[str], numbers: Integers) -> list[str]:
    return [texts[number] for number in numbers.tolist()]


def _labels(table: Table, name: str | None) -> Integers:
    """1, 0, or -1 where it is null; 1 everywhere without a column."""
    if name is None:
        return np.ones(table.n_rows, dtype=np.int64)
    frames.check_columns(table, [name], "label_col_name")
    values = frames.column(table, name)
    return np.array(answers(values.tolist(), f"label_col_name={name!r}"), dtype=np.int64)


def _ids(table: Table, columns: Sequence[str], argument: str) -> tuple[Integers, list[str]]:
    """The number of each row's id, -1 where it is null or there are no columns, and the ids."""
    if not columns:
        return np.full(table.n_rows, -1, dtype=np.int64), []
    frames.check_columns(table, list(columns), argument)
    rows = list(zip(*(frames.column(table, name).tolist() for name in columns), strict=True))
    names, code = factorize(["\x1f".join(map(str, row)) for row in rows])
    null = [any(value is None for value in row) for row in rows]
    return np.where(null, -1, code).astype(np.int64), names


def _tied(texts: list[str], sides: Sequence[_Side], numbers: Sequence[Integers]) -> Integers:
    """Entities of texts that are equal but for case and spaces, or that have one id on a side."""
    folded = factorize([" ".join(text.casefold().split()) for text in texts])[1]
    text = np.concatenate([number[side.with_id] for side, number in zip(sides, numbers, strict=True)])
    group = factorize([(place % 2, name) for place, side in enumerate(sides) for name in side.ids])[1]
    return splits.components(
        len(texts),
        np.concatenate([np.arange(len(texts)), text]),
        np.concatenate([_first_of(folded), text[_first_of(group)]]),
    )


def _first_of(code: Integers) -> Integers:
    """The place of the first item with each item's code, (n,)."""
    _, first, inverse = np.unique(code, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], dtype=np.int64)


def _rings(text: Integers, group: Integers) -> tuple[Integers, Integers]:
    """Pairs of each different text of a cluster with the next one, and of the last with the first."""
    members = np.unique(np.stack([group, text], axis=1), axis=0)
    starts = np.flatnonzero(np.diff(members[:, 0], prepend=-1))
    sizes = np.diff(starts, append=len(members))
    following = np.arange(1, len(members) + 1)
    following[starts + sizes - 1] = starts
    size, start = np.repeat(sizes, sizes), np.repeat(starts, sizes)
    paired = (size > 2) | ((size == 2) & (np.arange(len(members)) == start))
    return members[paired, 1], members[following[paired], 1]


def _first_cells(sides: Sequence[_Side], numbers: Sequence[Integers], n: int) -> Cells:
    """The cells of the first row that has each of n texts, "" for texts of the other side only."""
    cells = {name: np.full(n, "", dtype=object) for name in sides[0].cells}
    for side, number in reversed(list(zip(sides, numbers, strict=True))):
        for name, values in side.cells.items():
            cells[name][number] = values
    return cells


def _different(pairs: _Pairs) -> _Pairs:
    """Each pair of a split once, in an order that is not that of the rows."""
    pairs = pairs.take(np.lexsort((pairs.part, -pairs.label, pairs.right, pairs.left)))
    key = np.stack([pairs.left, pairs.right, pairs.part], axis=1)
    return pairs.take(np.flatnonzero(np.append(True, (key[1:] != key[:-1]).any(axis=1))[: len(key)]))


def held_out_shares(shares: Sequence[float], own_splits: set[int]) -> list[float]:
    """The shares of the splits that are drawn from the training rows, summing to 1; 0 for given splits."""
    drawn = [
        share if part == splits.TRAIN or part not in own_splits else 0.0 for part, share in enumerate(shares)
    ]
    return [share / sum(drawn) for share in drawn]


def _split(
    own_splits: set[int],
    texts: list[str],
    entity: Integers,
    pairs: _Pairs,
    shares: Sequence[float],
    seed: int,
) -> tuple[Integers, Integers, dict[str, int]]:
    """The split of each pair and of each text, and the counts of the report."""
    left, right = pairs.left, pairs.right
    of_train = pairs.part == splits.TRAIN
    weight = np.bincount(
        entity[left[of_train & (pairs.label == 1)]], minlength=int(entity.max(initial=-1)) + 1
    )
    of_entity = splits.split(entity, texts, weight, held_out_shares(shares, own_splits), seed)
    part = np.where(of_train, of_entity[entity[left]], pairs.part)
    crossing = of_train & (of_entity[entity[left]] != of_entity[entity[right]])
    part[crossing] = splits.NONE
    text_part = of_entity[entity]
    for number in (splits.TEST, splits.VAL, splits.TRAIN):  # train last: its texts are not held out
        if number in own_splits:
            rows = part == number
            text_part[np.concatenate([left[rows], right[rows]])] = number
    counts = {f"{name}_pairs": int((part == number).sum()) for number, name in enumerate(splits.NAMES)}
    counts["pairs_between_splits"] = int(crossing.sum())
    for number, name in ((splits.VAL, "val"), (splits.TEST, "test")):
        matches = entity[left[(part == number) & (pairs.label == 1)]]
        shared = len(np.intersect1d(matches, entity[left[part == splits.TRAIN]]))
        counts[f"{name}_entities_in_train"] = shared
        if shared:
            logger.warning(
                "%d entities of the %s data are also in the training data: its scores tell less of new ones",
                shared,
                name,
            )
    return part, text_part, counts
