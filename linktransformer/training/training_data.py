"""Labelled tables of three shapes as texts, entities and pairs, each in its split."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, records, splits
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer
from linktransformer.training.label_schema import Shape

__all__ = ["Labelled", "read"]

logger = logging.getLogger(__name__)
Cells = Mapping[str, NDArray[np.object_]]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What the labels say.

    Args:
        texts: Different texts.
        entity: The entity of each by all labels, (n_texts,) int64.
        tied: The entity of each by equal texts and ids alone, (n_texts,) int64.
        left: Left text of each different pair, (n_pairs,) int64.
        right: Right text.
        label: 1 or 0.
        part: The split of each pair, `splits.NONE` where its two ends are in different ones.
        text_part: The split of each text, (n_texts,) int64.
        is_left: Whether each text stands on the left of a pair, (n_texts,) bool.
        is_right: Whether each text stands on the right of a pair, (n_texts,) bool.
        rows: By side, the cells of the first row that has each text, (n_texts,) each.
        counts: What was read and left out, for the log and the model's manifest.
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
    counts: Mapping[str, Any]
    like: Table


def read(
    tables: Mapping[int, Table],
    shape: Shape,
    serializer: Serializer,
    shares: Sequence[float],
    seed: int,
) -> Labelled:
    """Read the labelled tables, and cut them by entity where the caller did not.

    Args:
        tables: By split. A split that is missing is cut from train's table, by entity.
        shape: Which columns say what.
        serializer: How columns become one text.
        shares: Of train, validation and test.
        seed: Of the draw.

    Returns:
        Texts, entities and pairs.

    Raises:
        ColumnNotFoundError: A column is not there.
        InvalidArgumentError: A label is not 0 or 1.
    """
    made = [_read_one(table, shape, serializer) for table in tables.values()]
    found, code = factorize([text for one in made for side in one.texts for text in side])
    texts = sorted(found)  # numbers that do not depend on the order of the rows
    number = {text: place for place, text in enumerate(texts)}
    code = np.array([number[text] for text in found], dtype=np.int64)[code]
    of_side = np.split(code, np.cumsum([len(side) for one in made for side in one.texts])[:-1])
    left = np.concatenate([of_side[2 * n][one.pairs[:, 0]] for n, one in enumerate(made)])
    right = np.concatenate([of_side[2 * n + 1][one.pairs[:, 1]] for n, one in enumerate(made)])
    label = np.concatenate([one.label for one in made])
    given = np.concatenate([np.full(len(one.pairs), part) for part, one in zip(tables, made, strict=True)])
    tied = _tied(texts, made, of_side)
    entity = splits.components(
        len(texts),
        np.concatenate([left[label == 1], np.arange(len(texts))]),
        np.concatenate([right[label == 1], np.unique(tied, return_index=True)[1][tied]]),
    )
    left, right, label, given, n_twice = _different(left, right, label, given)
    part, text_part, cut = _parts(tables, texts, entity, left, right, label, given, shares, seed)
    is_left, is_right = np.zeros(len(texts), dtype=bool), np.zeros(len(texts), dtype=bool)
    for place, numbers in enumerate(of_side):
        (is_left if place % 2 == 0 else is_right)[numbers] = True
    rows = tuple(_first_rows(made, of_side, side, len(texts)) for side in (0, 1))
    counts = {
        "shape": shape.name,
        "rows": sum(one.n_rows for one in made),
        "rows_without_text": sum(one.n_blank for one in made),
        "pairs_repeated": n_twice,
        "entities": len(np.unique(entity)),
        **cut,
    }
    logger.info("training data: %s", counts)
    return Labelled(
        tuple(texts),
        entity,
        tied,
        left,
        right,
        label,
        part,
        text_part,
        is_left,
        is_right,
        (rows[0], rows[1]),
        counts,
        next(iter(tables.values())),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _One:
    """One table: texts by side, pairs of them, and each text of a side with the id of its thing."""

    texts: tuple[list[str], list[str]]
    pairs: Integers
    label: Integers
    ids: tuple[list[tuple[int, str]], list[tuple[int, str]]]
    cells: tuple[Cells, Cells]
    row_of_text: tuple[Integers, Integers]
    n_rows: int
    n_blank: int


def _read_one(table: Table, shape: Shape, serializer: Serializer) -> _One:
    for names, argument in (
        (shape.left, "clus_text_col_names" if shape.cluster else "left_col_names"),
        (shape.right, "clus_text_col_names" if shape.cluster else "right_col_names"),
    ):
        frames.check_columns(table, list(names), argument)
    sides = [records.read(table, list(names), serializer) for names in (shape.left, shape.right)]
    a, b = sides[0].text_of_row, sides[1].text_of_row
    if shape.cluster:
        group, clusters = _ids(table, (shape.cluster,), "clus_id_col_name")
        keep = (a >= 0) & (group >= 0)
        ids: tuple[list[tuple[int, str]], list[tuple[int, str]]]
        pairs, ids = _rings(a[keep], group[keep]), (_with_ids(a, group, clusters), [])
        label = np.ones(len(pairs), dtype=np.int64)
    else:
        label = _labels(table, shape.label)
        keep = (a >= 0) & (b >= 0) & (label >= 0)
        pairs, label = np.stack([a[keep], b[keep]], axis=1), label[keep]
        ids = (
            _with_ids(a, *_ids(table, shape.left_id, "left_id_name")),
            _with_ids(b, *_ids(table, shape.right_id, "right_id_name")),
        )
    cells = tuple(
        {name: frames.joined(table, [name], " ", False, compared=True) for name in names}
        for names in (shape.left, shape.right)
    )
    first = tuple(_first_of(side.text_of_row, len(side.texts)) for side in sides)
    texts = [side.texts.tolist() for side in sides]
    return _One(
        (texts[0], texts[1]), pairs.astype(np.int64), label, ids, (cells[0], cells[1]), (first[0], first[1]),
        table.n_rows, int((~keep).sum()),
    )  # fmt: skip


def _labels(table: Table, name: str | None) -> Integers:
    """1, 0, or -1 where it is null; 1 everywhere without a column."""
    if name is None:
        return np.ones(table.n_rows, dtype=np.int64)
    frames.check_columns(table, [name], "label_col_name")
    values = frames.column(table, name)
    known = {"0": 0, "1": 1, "0.0": 0, "1.0": 1, "false": 0, "true": 1}
    found = [-1 if value is None else known.get(str(value).strip().lower(), -2) for value in values]
    wrong = sorted({str(value) for value, label in zip(values, found, strict=True) if label == -2})
    if wrong:
        raise InvalidArgumentError(
            f"label_col_name={name!r} holds values that are no labels: {wrong[:5]}. Give 1 for a match and 0 "
            "for no match."
        )
    return np.array(found, dtype=np.int64)


def _ids(table: Table, columns: Sequence[str], argument: str) -> tuple[Integers, list[str]]:
    """The number of each row's id, -1 where it is null or there are no columns, and the ids."""
    if not columns:
        return np.full(table.n_rows, -1, dtype=np.int64), []
    frames.check_columns(table, list(columns), argument)
    rows = list(zip(*(frames.column(table, name).tolist() for name in columns), strict=True))
    names, code = factorize(["\x1f".join(map(str, row)) for row in rows])
    null = [any(value is None for value in row) for row in rows]
    return np.where(null, -1, code).astype(np.int64), names


def _with_ids(text: Integers, group: Integers, names: list[str]) -> list[tuple[int, str]]:
    pairs = np.stack([text, group], axis=1)[(text >= 0) & (group >= 0)]
    return [(number, names[code]) for number, code in np.unique(pairs, axis=0).tolist()]


def _tied(texts: list[str], made: list[_One], of_side: list[Integers]) -> Integers:
    """Texts that are equal but for capitals and spaces, and texts of a side that have one id, as entities."""
    first: dict[tuple[str, str], int] = {}
    a, b = [], []
    for number, text in enumerate(texts):
        a.append(number)
        b.append(first.setdefault(("text", " ".join(text.casefold().split())), number))
    for place, one in enumerate(made):
        for side, name in enumerate(("left", "right")):
            for text_of_side, label in one.ids[side]:
                number = int(of_side[2 * place + side][text_of_side])
                a.append(number)
                b.append(first.setdefault((name, label), number))
    return splits.components(len(texts), np.array(a, dtype=np.int64), np.array(b, dtype=np.int64))


def _rings(text: Integers, group: Integers) -> Integers:
    """Each different text of a cluster with the next one, the last with the first."""
    pairs = np.unique(np.stack([group, text], axis=1), axis=0)
    found: list[tuple[int, int]] = []
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(pairs)], strict=True):
        members = pairs[start:stop, 1].tolist()
        turn = zip(members, members[1:] + members[:1], strict=True)
        found += list(turn) if len(members) > 2 else [(members[0], members[1])] if len(members) > 1 else []
    return np.array(found, dtype=np.int64).reshape(-1, 2)


def _first_of(text_of_row: Integers, n: int) -> Integers:
    """The first row of each text."""
    found = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(text_of_row >= 0)[::-1]
    found[text_of_row[rows]] = rows
    return found


def _first_rows(made: list[_One], of_side: list[Integers], side: int, n: int) -> Cells:
    """The cells of the first row that has each text on a side, "" for texts that only the other side has."""
    found = {name: np.full(n, "", dtype=object) for name in made[0].cells[side]}
    for place in reversed(range(len(made))):
        one = made[place]
        for name, values in one.cells[side].items():
            found[name][of_side[2 * place + side]] = values[one.row_of_text[side]]
    return found


def _different(
    left: Integers, right: Integers, label: Integers, given: Integers
) -> tuple[Integers, Integers, Integers, Integers, int]:
    """Each pair once, in an order that is not that of the rows; a match counts before a non-match."""
    order = np.lexsort((given, -label, right, left))
    table = np.stack([left, right], axis=1)[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (table[1:] != table[:-1]).any(axis=1) | (given[order][1:] != given[order][:-1])
    kept = order[fresh]
    return left[kept], right[kept], label[kept], given[kept], len(order) - len(kept)


def _parts(
    tables: Mapping[int, Table],
    texts: list[str],
    entity: Integers,
    left: Integers,
    right: Integers,
    label: Integers,
    given: Integers,
    shares: Sequence[float],
    seed: int,
) -> tuple[Integers, Integers, dict[str, Any]]:
    """The split of each pair and of each text, and what is to be reported of it."""
    missing = [part for part in (splits.VAL, splits.TEST) if part not in tables]
    cut = [share if part == splits.TRAIN or part in missing else 0.0 for part, share in enumerate(shares)]
    mine = (given == splits.TRAIN) & (label == 1)
    weight = np.bincount(entity[left[mine]], minlength=int(entity.max(initial=-1)) + 1)
    of_entity = splits.split(entity, texts, weight, [share / sum(cut) for share in cut], seed)
    part = np.where(given == splits.TRAIN, of_entity[entity[left]], given)
    crossing = (given == splits.TRAIN) & (of_entity[entity[left]] != of_entity[entity[right]])
    part[crossing] = splits.NONE
    text_part = of_entity[entity]
    for which in (splits.TEST, splits.VAL, splits.TRAIN):  # train last: what it has seen is not held out
        if which in tables:
            rows = part == which
            text_part[np.concatenate([left[rows], right[rows]])] = which
    found: dict[str, Any] = {
        f"{name}_pairs": int((part == number).sum()) for number, name in enumerate(splits.NAMES)
    }
    found["pairs_between_splits"] = int(crossing.sum())
    trained = set(entity[left[part == splits.TRAIN]].tolist())
    for number, name in ((splits.VAL, "val"), (splits.TEST, "test")):
        shared = trained & set(entity[left[(part == number) & (label == 1)]].tolist())
        found[f"{name}_entities_in_train"] = len(shared)
        if shared:
            logger.warning(
                "%d entities of the %s data are also in the training data: its scores say less about "
                "new ones",
                len(shared),
                name,
            )
    return part, text_part, found
