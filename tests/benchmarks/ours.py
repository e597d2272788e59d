"""The package under test, called as a user calls it, with what it linked as pairs of ids."""

from __future__ import annotations

import importlib
import inspect
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tools.data import TwoTables

ROW_COLUMNS = ("left", "right")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Linked pairs of ids, what it took, and what the package says about its own decision."""

    pairs: frozenset[tuple[str, str]]
    seconds: float
    cpu_seconds: float
    report: Mapping[str, Any]
    scores: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def precision(self) -> float | None:
        """The precision of the links as the package estimates it."""
        value = self.report.get("precision")
        return float(value) if isinstance(value, int | float) else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The interval that it gives for that precision."""
        value = self.report.get("precision_interval")
        if not isinstance(value, list | tuple) or len(value) != 2:
            return None
        return float(value[0]), float(value[1])


@contextmanager
def encoding_once() -> Iterator[None]:
    """The bundled model keeps its vectors inside, so that linking the same tables again is quick.

    A text has the same vector every time (a test says so), hence the links are those of a fresh run.
    """
    encoder: Any = importlib.import_module("clippings").OnnxTextEncoder
    encode, kept = encoder.encode, {}

    def remembered(self: Any, texts: Any, **options: Any) -> Any:
        key = (self.name, tuple(texts))
        if key not in kept:
            kept[key] = encode(self, texts, **options)
        return kept[key]

    encoder.encode = remembered
    try:
        yield
    finally:
        encoder.encode = encode


def link(tables: TwoTables, **options: Any) -> Outcome:
    """`lt.link` on every column but `id`."""
    lt: Any = importlib.import_module("linktransformer")

    wall, cpu = time.perf_counter(), time.process_time()
    links = lt.link(
        tables.left,
        tables.right,
        left_on=tables.left_keys,
        right_on=tables.right_keys,
        **{"progress": False, **options},
    )
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    pairs = id_pairs(links, tables)
    scores = dict(zip(pairs, links.pairs["score"].to_numpy().astype(float).tolist(), strict=True))
    return Outcome(frozenset(pairs), wall, cpu, report_of(links), scores)


def takes(argument: str) -> bool:
    """Whether `lt.link` of this version has that argument."""
    lt: Any = importlib.import_module("linktransformer")
    return argument in inspect.signature(lt.link).parameters


def merged_pairs(tables: TwoTables, **options: Any) -> frozenset[tuple[str, str]]:
    """The pairs of ids in the frame that `lt.merge` gives for every column but `id`."""
    lt: Any = importlib.import_module("linktransformer")

    frame = lt.merge(
        tables.left,
        tables.right,
        left_on=tables.left_keys,
        right_on=tables.right_keys,
        **{"how": "inner", "progress": False, **options},
    )
    return frozenset(zip(frame["id_x"], frame["id_y"], strict=True))


def id_pairs(links: Any, tables: TwoTables) -> list[tuple[str, str]]:
    """Index labels of the links (row numbers here, as the tables are read fresh) as ids."""
    rows = [links.pairs[name].to_numpy() for name in ROW_COLUMNS]
    left, right = tables.left["id"].to_numpy()[rows[0]], tables.right["id"].to_numpy()[rows[1]]
    return list(zip(left.tolist(), right.tolist(), strict=True))


def report_of(links: Any) -> dict[str, Any]:
    """`links.report()` flattened: nested names joined by a dot."""
    return dict(flat(links.report()))


def flat(value: Any, prefix: str = "") -> list[tuple[str, Any]]:
    """The leaves of nested mappings with their dotted names.

    Example:
        >>> flat({"weights": {"dense": 0.5}, "links": 3})
        [('weights.dense', 0.5), ('links', 3)]
    """
    if not isinstance(value, Mapping):
        return [(prefix, value)]
    return [
        leaf
        for name, inner in value.items()
        for leaf in flat(inner, f"{prefix}.{name}" if prefix else str(name))
    ]


def encoding_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Whether the encoder ran in a job, how many records it encoded by the report, how many texts it had.

    Args:
        values: What the job wrote: "texts", counted at the encoder, and "report", where the side has one.

    Example:
        >>> encoding_of({"texts": 9, "report": {"encoded": {"records": [3, 4]}}})
        {'encoder ran': True, 'records encoded': 7, 'texts encoded': 9}
        >>> encoding_of({"texts": 0})
        {'encoder ran': False, 'records encoded': None, 'texts encoded': 0}
    """
    said = values.get("report", {}).get("encoded", {}).get("records", [])
    texts = values.get("texts", 0)
    return {
        "encoder ran": texts > 0,
        "records encoded": sum(said) if said else None,
        "texts encoded": texts,
    }


def find(report: Mapping[str, Any], *endings: str) -> Any:
    """The first value whose name ends so, in the order of the endings; None where there is none."""
    for ending in endings:
        for name, value in report.items():
            if name == ending or name.endswith("." + ending):
                return value
    return None
