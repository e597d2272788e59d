"""Random columns and tables of Python values, None for null."""

from __future__ import annotations

import datetime
import decimal
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["KINDS", "TEXTS", "Table", "build", "column", "perturbed"]

SYLLABLES = [
    "ba",
    "re",
    "mi",
    "ton",
    "sel",
    "ka",
    "nor",
    "vig",
    "lu",
    "pest",
    "ar",
    "du",
    "wich",
    "son",
    "gra",
]
ODD = [
    "é",
    "e\u0301",
    "ﬁn",
    "Ｆｕｌｌ",
    "a\u200bb",
    "so\u00adft",
    "\ufeffmark",
    "名古屋",
    "なごや",
    "ΑΒΓ",
    "שלום",
    "العربية",
    "\u202eright",
    "😀👩‍👩‍👧",
    "ß",
    "İstanbul",
    "ı",
    "\x00",
    "\x1f",
    "a\nb",
    'q"uote',
    "c,omma",
    "t\tab",
    "=1+1",
    "<b>",
    "nan",
    "None",
    "NULL",
    "-",
    "0",
    "1.0",
    "True",
    "१२३",
    "Ⅻ",
    "½",
]
Cells = list[Any]


def _name(rng: np.random.Generator) -> str:
    words = ["".join(rng.choice(SYLLABLES, rng.integers(1, 4))) for _ in range(rng.integers(1, 4))]
    return " ".join(words).title()


def _names(rng: np.random.Generator, n: int) -> Cells:
    return [_name(rng) for _ in range(n)]


def _odd(rng: np.random.Generator, n: int) -> Cells:
    return ["".join(rng.choice(ODD, rng.integers(1, 4))) for _ in range(n)]


def _blank(rng: np.random.Generator, n: int) -> Cells:
    return list(rng.choice(["", " ", "\t\n", "\u3000", "\u200b", "x"], n))


def _same(rng: np.random.Generator, n: int) -> Cells:
    return ["the same text"] * n


def _few(rng: np.random.Generator, n: int) -> Cells:
    return list(rng.choice(["north", "South ", "east", "", "WEST"], n))


def _long(rng: np.random.Generator, n: int) -> Cells:
    return [" ".join(_names(rng, 200)) if rng.random() < 0.1 else _name(rng) for _ in range(n)]


def _numbered(rng: np.random.Generator, n: int) -> Cells:
    return [f"Unit {rng.integers(0, 40)} Block {rng.choice(list('ABC'))}" for _ in range(n)]


def _integers(rng: np.random.Generator, n: int) -> Cells:
    return rng.integers(0, 50, n).tolist()


def _large(rng: np.random.Generator, n: int) -> Cells:
    edges = [2**63 - 1, -(2**63), 2**53 + 1, 2**53, -(2**53) - 1, 0, 1]
    return [edges[i] for i in rng.integers(0, len(edges), n)]


def _floats(rng: np.random.Generator, n: int) -> Cells:
    values = rng.normal(0, 100, n).round(2)
    for special in (np.inf, -np.inf, -0.0, 1e308, 1e-320):
        values[rng.random(n) < 0.02] = special
    return values.tolist()


def _booleans(rng: np.random.Generator, n: int) -> Cells:
    return (rng.random(n) < 0.5).tolist()


def _dates(rng: np.random.Generator, n: int) -> Cells:
    return [datetime.date(1800, 1, 1) + datetime.timedelta(int(d)) for d in rng.integers(0, 90_000, n)]


def _times(rng: np.random.Generator, n: int) -> Cells:
    start = datetime.datetime(1960, 1, 1)
    return [start + datetime.timedelta(seconds=int(s)) for s in rng.integers(0, 2**31, n)]


def _zoned(rng: np.random.Generator, n: int) -> Cells:
    zone = datetime.timezone(datetime.timedelta(hours=2))
    return [time.replace(tzinfo=zone) for time in _times(rng, n)]


def _decimals(rng: np.random.Generator, n: int) -> Cells:
    return [decimal.Decimal(int(v)) / 100 for v in rng.integers(0, 10_000, n)]


def _mixed(rng: np.random.Generator, n: int) -> Cells:
    choices: Cells = ["text", 7, 7.0, True, "7", b"bytes", datetime.date(2000, 1, 1), math.nan, ("a", 1)]
    return [choices[i] for i in rng.integers(0, len(choices), n)]


def _nothing(rng: np.random.Generator, n: int) -> Cells:
    return [None] * n


TEXTS: dict[str, Callable[[np.random.Generator, int], Cells]] = {
    "names": _names,
    "odd": _odd,
    "blank": _blank,
    "same": _same,
    "few": _few,
    "long": _long,
    "numbered": _numbered,
}
OBJECTS = {"mixed": _mixed}  # cells that only a column of Python objects can hold
KINDS = TEXTS | {
    "integers": _integers,
    "large": _large,
    "floats": _floats,
    "booleans": _booleans,
    "dates": _dates,
    "times": _times,
    "zoned": _zoned,
    "decimals": _decimals,
    "nothing": _nothing,
}


def column(kind: str, rng: np.random.Generator, n: int, nulls: float) -> Cells:
    """Cells of one kind, this share of them null, (n,)."""
    cells = (KINDS | OBJECTS)[kind](rng, n)
    return [None if gone else cell for cell, gone in zip(cells, rng.random(n) < nulls, strict=True)]


def perturbed(cells: Sequence[Any], rng: np.random.Generator, rows: Sequence[int]) -> Cells:
    """The cells of these rows, every second text with a letter changed, dropped or in capitals."""
    out: Cells = []
    for row in rows:
        cell = cells[row]
        if isinstance(cell, str) and cell and rng.random() < 0.5:
            at = int(rng.integers(0, len(cell)))
            cell = (cell[:at] + cell[at + 1 :], cell.upper(), cell[:at] + "x" + cell[at:])[rng.integers(0, 3)]
        out.append(cell)
    return out


@dataclass(frozen=True)
class Table:
    """Columns by name, and the kind of each."""

    columns: dict[str, Cells]
    kinds: dict[str, str]

    @property
    def n_rows(self) -> int:
        """How many rows."""
        return len(next(iter(self.columns.values())))

    def take(self, rows: Sequence[int]) -> Table:
        """These rows in this order."""
        return Table({name: [cells[row] for row in rows] for name, cells in self.columns.items()}, self.kinds)


ARROW = {
    "integers": "int64",
    "large": "int64",
    "row": "int64",
    "floats": "float64",
    "booleans": "bool",
    "dates": "date32",
    "times": "timestamp_us",
    "zoned": "timestamp_us_utc",
    "decimals": "decimal",
}


def _arrow(table: Table) -> Any:
    import pyarrow as pa

    types = {
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "date32": pa.date32(),
        "timestamp_us": pa.timestamp("us"),
        "timestamp_us_utc": pa.timestamp("us", "UTC"),
        "decimal": pa.decimal128(12, 2),
    }
    return pa.table(
        {
            name: pa.array(cells, types[ARROW[kind]] if kind in ARROW else pa.string())
            for (name, cells), kind in zip(table.columns.items(), table.kinds.values(), strict=True)
        }
    )


def build(table: Table, library: str, index: str = "range", seed: int = 0) -> Any:
    """The table in a library: "pandas", "pandas_object", "pandas_arrow", "polars" or "pyarrow".

    Args:
        table: Its cells.
        library: Of dataframes.
        index: Of a pandas table: "range", "shuffled", "texts", "repeated" or "levels".
        seed: Of the index.
    """
    if library == "pyarrow":
        return _arrow(table)
    if library == "polars":
        import polars as pl

        return pl.from_arrow(_arrow(table))
    if library == "pandas_arrow":
        frame = _arrow(table).to_pandas(types_mapper=pd.ArrowDtype)
    elif library == "pandas_object":
        frame = pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in table.columns.items()})
    else:
        frame = pd.DataFrame(table.columns)
    n, rng = table.n_rows, np.random.default_rng(seed)
    if index == "shuffled":
        frame.index = pd.Index(rng.permutation(n))
    elif index == "texts":
        frame.index = pd.Index([f"r{i}" for i in rng.permutation(n)], dtype=object)
    elif index == "repeated":
        frame.index = pd.Index(rng.integers(0, 3, n))
    elif index == "levels":
        frame.index = pd.MultiIndex.from_arrays([rng.integers(0, 3, n), range(n)], names=["a", None])
    return frame
