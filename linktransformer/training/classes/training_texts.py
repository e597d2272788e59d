"""Rows with a class as texts and class numbers, each text in one split."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.tables import frames, records, splits
from linktransformer.tables.answers import examples as shown
from linktransformer.tables.factorize import factorize
from linktransformer.tables.frames import Table
from linktransformer.tables.serialize import Serializer
from linktransformer.training.classes.classifier import Label
from linktransformer.training.label_schema import Columns
from linktransformer.training.run_folder import fingerprint
from linktransformer.training.training_data import held_out_shares

if TYPE_CHECKING:
    from clippings.training.examples import Examples

__all__ = ["Classified", "examples", "read"]

logger = logging.getLogger(__name__)
ARGUMENT = {splits.TRAIN: "train_data", splits.VAL: "val_data", splits.TEST: "test_data"}


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """Texts with classes.

    Args:
        texts: Every different text of a split and class, n of them.
        code: The number of each one's class, (n,) int64.
        part: Its split, (n,) int64.
        labels: The classes as the caller wrote them, sorted; the same for all splits.
        on: The columns of the text.
        counts: What was read and left out.
    """

    texts: tuple[str, ...]
    code: Integers
    part: Integers
    labels: tuple[Label, ...]
    on: tuple[str, ...]
    counts: Mapping[str, object]

    def of(self, part: int) -> Integers:
        """Numbers of a split's texts, (n,) int64."""
        return np.flatnonzero(self.part == part)

    def texts_of(self, rows: Integers) -> list[str]:
        """The texts of these numbers."""
        return [self.texts[row] for row in rows.tolist()]

    @property
    def fingerprint(self) -> str:
        """A hash of texts, classes and splits."""
        return fingerprint(self.texts, self.code, self.part)


def read(
    tables: Mapping[int, Table],
    on: Columns,
    label_col_name: str,
    serializer: Serializer,
    shares: tuple[float, float, float],
    seed: int,
) -> Classified:
    """Read the labelled tables by split; a split without a table is drawn from train's, class by class.

    For `on=None` every text column but the label is read.
    """
    columns = _columns(tables[splits.TRAIN], on, label_col_name)
    texts: list[str] = []
    classes: list[Label] = []
    table_split: list[int] = []
    for part, table in tables.items():
        table_texts, table_classes = _read_table(table, columns, label_col_name, serializer)
        texts += table_texts
        classes += table_classes
        table_split += [part] * len(table_texts)
    n_rows = sum(table.n_rows for table in tables.values())
    labels = _labels(classes, table_split)
    number = {label: place for place, label in enumerate(labels)}
    code = np.array([number[label] for label in classes], dtype=np.int64)
    split = _split(
        texts, code, np.array(table_split, dtype=np.int64), held_out_shares(shares, set(tables)), seed
    )
    keys = factorize(list(zip(texts, code.tolist(), split.tolist(), strict=True)))[1]
    rows = np.sort(np.unique(keys, return_index=True)[1])  # the first row of each text, class and split
    several = _several(texts, code, split, rows)
    n_repeated, n_several = (
        len(texts) - len(rows),
        len({_folded(texts[row]) for row in rows[several].tolist()}),
    )
    if n_several:
        _warn_of_several([(texts[row], classes[row]) for row in rows[several].tolist()], n_several)
        rows = rows[~several]
        if len(np.unique(code[rows][split[rows] == splits.TRAIN])) < len(labels):
            raise InvalidArgumentError(
                f"{label_col_name}: without the {n_several} texts that have several classes a class has no "
                "training text left. Give one class for each text."
            )
    split = split[rows]
    counts = {
        "rows": n_rows,
        "rows_without_text_or_label": n_rows - len(texts),
        "texts_repeated": n_repeated,
        "texts_with_several_classes": n_several,
        **{f"{name}_texts": int((split == part).sum()) for part, name in enumerate(splits.NAMES)},
    }
    logger.info("training data: %s", counts)
    kept_texts = tuple(texts[row] for row in rows.tolist())
    return Classified(kept_texts, code[rows], split, labels, tuple(columns), counts)


def _several(texts: Sequence[str], code: Integers, split: Integers, rows: Integers) -> Bools:
    """Which of the rows have a text of several classes in their split; case and spaces do not matter."""
    folded = [_folded(texts[row]) for row in rows.tolist()]
    group = factorize(list(zip(folded, split[rows].tolist(), strict=True)))[1]
    classes = np.unique(np.stack([group, code[rows]], axis=1), axis=0)[:, 0]
    return np.asarray(np.bincount(classes, minlength=int(group.max(initial=-1)) + 1)[group] > 1)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _warn_of_several(labelled: Sequence[tuple[str, Label]], n: int) -> None:
    some = sorted(labelled, key=lambda pair: pair[0])
    progress.warn(
        f"{n:,} {'text has several classes and is' if n == 1 else 'texts have several classes and are'} left "
        f"out, such as {shown(some)}. Correct them."
    )


def _columns(table: Table, on: Columns, label: str) -> list[str]:
    frames.check_columns(table, [label], "label_col_name")
    if on is not None:
        names = [on] if isinstance(on, str) else list(on)
        frames.check_columns(table, names, "on")
        return names
    names = [name for name in frames.string_columns_shared(table, table) if name != label]
    if not names:
        raise InvalidArgumentError(
            f"on=None takes the text columns, and the {table.name} table has none beside {label!r}. Name "
            "the columns of the text."
        )
    return names


def _read_table(
    table: Table, columns: list[str], label: str, serializer: Serializer
) -> tuple[list[str], list[Label]]:
    """Texts and classes of the rows that have both."""
    frames.check_columns(table, [*columns, label], "on")
    keys = records.read(table, columns, serializer)
    classes = frames.column(table, label)
    labelled = np.array([value is not None for value in classes], dtype=bool)
    rows = np.flatnonzero((keys.text_of_row >= 0) & labelled)
    texts: list[str] = keys.texts[keys.text_of_row[rows]].tolist()
    return texts, [_plain(value) for value in classes[rows].tolist()]


def _plain(value: object) -> Label:
    """A class as JSON can hold it: whole floats, as a column with gaps has them, are whole numbers."""
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _labels(classes: Sequence[Label], table_split: Sequence[int]) -> tuple[Label, ...]:
    """The classes of the training rows, sorted; refuses others."""
    by_split = {
        part: {label for label, place in zip(classes, table_split, strict=True) if place == part}
        for part in ARGUMENT
    }
    train_classes = by_split[splits.TRAIN]
    if len(train_classes) < 2:
        raise InvalidArgumentError(
            f"A classifier needs two classes. Given: {sorted(map(str, train_classes))}. Check "
            "label_col_name=."
        )
    for part, argument in ARGUMENT.items():
        unknown = by_split[part] - train_classes
        if unknown:
            raise InvalidArgumentError(
                f"{argument} has classes that the training rows have not: {sorted(map(str, unknown))[:5]}. "
                "Give training rows of each class."
            )
    return tuple(sorted(train_classes, key=lambda label: (str(type(label)), label)))


def _split(
    texts: list[str], code: Integers, table_split: Integers, shares: Sequence[float], seed: int
) -> Integers:
    """The split of each row: the caller's, or drawn class by class, equal texts together."""
    folded, group = factorize([_folded(text) for text in texts])
    split_of_group = np.full(len(folded), splits.TRAIN, dtype=np.int64)
    of_train = table_split == splits.TRAIN
    rows = np.flatnonzero(of_train)
    # a text that was labelled twice is drawn with its first class
    first = rows[np.unique(group[rows], return_index=True)[1]]
    for number in np.unique(code[first]):
        groups = group[first[code[first] == number]]
        names = [folded[one] for one in groups.tolist()]
        weight = np.ones(len(groups), dtype=np.int64)
        split_of_group[groups] = splits.split(np.arange(len(groups)), names, weight, shares, seed)
    return np.where(of_train, split_of_group[group], table_split)


def examples(rows: Classified) -> Examples:
    """Examples for the encoder: the training texts, those of a class as one entity."""
    from clippings.training.examples import Examples

    train = rows.of(splits.TRAIN)
    code = rows.code[train]
    order = np.argsort(code, kind="stable")
    same = np.flatnonzero(code[order][1:] == code[order][:-1])  # each text with the next of its class
    label = np.ones(len(same), dtype=np.int64)
    texts = tuple(rows.texts_of(train))
    return Examples(texts, code, order[same], order[same + 1], label, np.arange(len(texts)))
