"""Rows with a class as texts and numbers of classes, each text in one split."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import files, frames, records, splits
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer

__all__ = ["Classified", "examples", "read"]

logger = logging.getLogger(__name__)
ARGUMENT = {splits.TRAIN: "train_data", splits.VAL: "val_data", splits.TEST: "test_data"}


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Texts with classes.

    Args:
        texts: Every different text of a split and class, n of them.
        code: The class of each, (n,) int64.
        part: Its split, (n,) int64.
        labels: The classes as the caller wrote them, sorted; the same for all splits.
        on: The columns of the text.
        counts: What was read and left out.
    """

    texts: tuple[str, ...]
    code: Integers
    part: Integers
    labels: tuple[Any, ...]
    on: tuple[str, ...]
    counts: Mapping[str, Any]

    def of(self, part: int) -> Integers:
        """The places of a split's texts.

        Args:
            part: The split's number.

        Returns:
            Numbers of the texts, (n,) int64.
        """
        return np.flatnonzero(self.part == part)

    @property
    def fingerprint(self) -> str:
        """A hash of texts, classes and splits."""
        digest = hashlib.sha256()
        for text in self.texts:
            digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
        for values in (self.code, self.part):
            digest.update(np.ascontiguousarray(values, dtype=np.int64).tobytes())
        return f"sha256:{digest.hexdigest()}"


def read(
    tables: Mapping[int, Any],
    on: str | Sequence[str] | None,
    label_col_name: str,
    serializer: Serializer,
    shares: tuple[float, float, float],
    seed: int,
) -> Classified:
    """Read the tables, and cut them class by class where the caller did not.

    Args:
        tables: By split, a table, a path or None; train's is there.
        on: Columns of the text, None for every text column but the label.
        label_col_name: The column of the class.
        serializer: How columns become one text.
        shares: Of train, validation and test.
        seed: Of the draw.

    Returns:
        Texts, classes and splits.

    Raises:
        ColumnNotFoundError: A column is not there.
        InvalidArgumentError: There are not two classes, or a class is not in the training rows.
    """
    wrapped = {
        part: frames.wrap(
            files.read(Path(native)) if isinstance(native, (str, os.PathLike)) else native, ARGUMENT[part]
        )
        for part, native in tables.items()
        if native is not None
    }
    columns = _columns(wrapped[splits.TRAIN], on, label_col_name)
    texts: list[str] = []
    named: list[Any] = []
    given: list[int] = []
    rows = without = 0
    for which, table in wrapped.items():
        found, classes, blank = _read_one(table, columns, label_col_name, serializer)
        texts += found
        named += classes
        given += [which] * len(found)
        rows, without = rows + table.n_rows, without + blank
    labels = _labels(named, given)
    code = np.array([labels.index(label) for label in named], dtype=np.int64)
    part = _parts(texts, code, np.array(given, dtype=np.int64), set(wrapped), shares, seed)
    keep = _different(texts, code, part)
    part = part[keep]
    counts = {
        "rows": rows,
        "rows_without_text_or_label": without,
        "texts_repeated": len(texts) - len(keep),
        **{f"{name}_texts": int((part == number).sum()) for number, name in enumerate(splits.NAMES)},
    }
    logger.info("training data: %s", counts)
    return Classified(
        tuple(texts[row] for row in keep.tolist()), code[keep], part, labels, tuple(columns), counts
    )


def _columns(table: Table, on: str | Sequence[str] | None, label: str) -> list[str]:
    frames.check_columns(table, [label], "label_col_name")
    if on is None:
        found = [name for name in frames.string_columns_shared(table, table) if name != label]
        if not found:
            raise InvalidArgumentError(
                f"on=None takes the text columns, and the {table.name} table has none beside {label!r}. Name "
                "the columns of the text."
            )
        return found
    names = [on] if isinstance(on, str) else list(on)
    frames.check_columns(table, names, "on")
    return names


def _read_one(
    table: Table, columns: list[str], label: str, serializer: Serializer
) -> tuple[list[str], list[Any], int]:
    """Texts and classes of the rows that have both."""
    frames.check_columns(table, [*columns, label], "on")
    found = records.read(table, columns, serializer)
    classes = frames.column(table, label)
    has = (found.text_of_row >= 0) & np.array([value is not None for value in classes], dtype=bool)
    kept = np.flatnonzero(has)
    texts = found.texts[found.text_of_row[kept]].tolist()
    return texts, [_plain(value) for value in classes[kept].tolist()], int((~has).sum())


def _plain(value: Any) -> Any:
    """A class as JSON can hold it: whole floats, as a column with gaps has them, are whole numbers."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _labels(named: list[Any], given: list[int]) -> tuple[Any, ...]:
    """The classes of the training rows, sorted; refuses others."""
    known = {name for name, part in zip(named, given, strict=True) if part == splits.TRAIN}
    if len(known) < 2:
        raise InvalidArgumentError(
            f"A classifier needs two classes. Given: {sorted(map(str, known))}. Check label_col_name=."
        )
    for part, argument in ARGUMENT.items():
        strange = {name for name, where in zip(named, given, strict=True) if where == part} - known
        if strange:
            raise InvalidArgumentError(
                f"{argument} has classes that the training rows have not: {sorted(map(str, strange))[:5]}. "
                "Give training rows of each class."
            )
    return tuple(sorted(known, key=lambda name: (str(type(name)), name)))


def _parts(
    texts: list[str],
    code: Integers,
    given: Integers,
    have: set[int],
    shares: tuple[float, float, float],
    seed: int,
) -> Integers:
    """The split of each row: the caller's, or drawn class by class, equal texts together."""
    cut = [share if part == splits.TRAIN or part not in have else 0.0 for part, share in enumerate(shares)]
    cut = [share / sum(cut) for share in cut]
    folded, group = factorize([" ".join(text.casefold().split()) for text in texts])
    part = given.copy()
    mine = given == splits.TRAIN
    of_group = np.full(len(folded), splits.TRAIN, dtype=np.int64)
    rows = np.flatnonzero(mine)
    # a text that was labelled twice is drawn with its first class
    first = rows[np.unique(group[rows], return_index=True)[1]]
    for number in np.unique(code[first]):
        groups = group[first[code[first] == number]]
        names = [folded[one] for one in groups.tolist()]
        weight = np.ones(len(groups), dtype=np.int64)
        of_group[groups] = splits.split(np.arange(len(groups)), names, weight, cut, seed)
    part[mine] = of_group[group[mine]]
    return part


def _different(texts: list[str], code: Integers, part: Integers) -> Integers:
    """The first row of each text, class and split."""
    seen: set[tuple[str, int, int]] = set()
    keep = []
    for row, key in enumerate(zip(texts, code.tolist(), part.tolist(), strict=True)):
        if key not in seen:
            seen.add(key)
            keep.append(row)
    return np.array(keep, dtype=np.int64)


def examples(rows: Classified) -> Any:
    """What the encoder learns from: the training texts, those of a class as one entity.

    Args:
        rows: The texts.

    Returns:
        The `clippings.training.examples.Examples`.
    """
    from clippings.training.examples import Examples

    train = rows.of(splits.TRAIN)
    code = rows.code[train]
    order = np.argsort(code, kind="stable")
    same = np.flatnonzero(code[order][1:] == code[order][:-1])  # each text with the next of its class
    label = np.ones(len(same), dtype=np.int64)
    texts = tuple(rows.texts[row] for row in train.tolist())
    return Examples(texts, code, order[same], order[same + 1], label, np.arange(len(texts)))
