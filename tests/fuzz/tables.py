"""Random columns and tables of Python values, None for null."""

from __future__ import annotations

import datetime
import decimal
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

__all__ = ["KINDS", "OBJECTS", "TEXTS", "Table", "column", "perturbed", "without_null_values"]

GONE = {"the same text", "-", "north", "7", "7.0"}

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


def _categories(rng: np.random.Generator, n: int) -> Cells:
    return list(rng.choice(["red wine", "white wine", "olive oil", "Oil, olive"], n))


def _small(rng: np.random.Generator, n: int) -> Cells:
    return rng.integers(0, 256, n).tolist()


def _halves(rng: np.random.Generator, n: int) -> Cells:
    return (rng.integers(-40, 40, n) / 2).tolist()


def _constant(rng: np.random.Generator, n: int) -> Cells:
    return [7] * n


def _lists(rng: np.random.Generator, n: int) -> Cells:
    return [_name(rng).split() if rng.random() < 0.9 else [] for _ in range(n)]


def _structs(rng: np.random.Generator, n: int) -> Cells:
    return [{"name": _name(rng), "size": int(rng.integers(0, 9))} for _ in range(n)]


def _raw(rng: np.random.Generator, n: int) -> Cells:
    return [name.encode("utf-16" if rng.random() < 0.1 else "utf-8") for name in _names(rng, n)]


def _durations(rng: np.random.Generator, n: int) -> Cells:
    return [datetime.timedelta(seconds=int(s)) for s in rng.integers(-100_000, 2**31, n)]


def _clocks(rng: np.random.Generator, n: int) -> Cells:
    return [datetime.time(int(s) // 3600, int(s) // 60 % 60, int(s) % 60) for s in rng.integers(0, 86_400, n)]


def _pages(rng: np.random.Generator, n: int) -> Cells:
    return [_name(rng) * (2_000 if rng.random() < 0.03 else 1) for _ in range(n)]


def _scripts(rng: np.random.Generator, n: int) -> Cells:
    letters = ["אבגדה", "ابتثج", "अआइई", "กขคง", "가나다라", "😀😁🇩🇪", "ЖЗИК", "漢字仮名"]
    words = ["".join(rng.choice(list(letters[rng.integers(0, len(letters))]), 4)) for _ in range(40)]
    return [" ".join(rng.choice(words, 2)) for _ in range(n)]


def _surrogates(rng: np.random.Generator, n: int) -> Cells:
    return [_name(rng) + ("\ud800" if rng.random() < 0.3 else "\x00") for _ in range(n)]


def _huge(rng: np.random.Generator, n: int) -> Cells:
    return [10 ** int(e) + int(d) for e, d in zip(rng.integers(5, 60, n), rng.integers(0, 9, n), strict=True)]


def _tuples(rng: np.random.Generator, n: int) -> Cells:
    return [tuple(_name(rng).split()) for _ in range(n)]


def _shares(rng: np.random.Generator, n: int) -> Cells:
    return rng.random(n).round(3).tolist()


@cache
def _palette() -> Cells:
    from PIL import Image

    pictures = []
    for seed in range(12):
        file = io.BytesIO()
        pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8)
        Image.fromarray(pixels).resize((24, 24)).save(file, "PNG")
        pictures.append(file.getvalue())
    return [*pictures, b"not a picture"]


def _pictures(rng: np.random.Generator, n: int) -> Cells:
    return [_palette()[i] for i in rng.integers(0, len(_palette()), n)]


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
    "pages": _pages,
    "scripts": _scripts,
}
# cells that only a column of Python objects can hold
OBJECTS = {"mixed": _mixed, "surrogates": _surrogates, "huge": _huge, "tuples": _tuples}
KINDS = TEXTS | {
    "integers": _integers,
    "large": _large,
    "floats": _floats,
    "booleans": _booleans,
    "dates": _dates,
    "times": _times,
    "zoned": _zoned,
    "decimals": _decimals,
    "categories": _categories,
    "small": _small,
    "halves": _halves,
    "constant": _constant,
    "lists": _lists,
    "structs": _structs,
    "raw": _raw,
    "durations": _durations,
    "clocks": _clocks,
    "nothing": _nothing,
    "shares": _shares,
}
PICTURES = {"pictures": _pictures}


def column(kind: str, rng: np.random.Generator, n: int, nulls: float) -> Cells:
    """Cells of one kind, this share of them null, (n,)."""
    cells = (KINDS | OBJECTS | PICTURES)[kind](rng, n)
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

    def renamed(self, names: dict[str, str]) -> Table:
        """The table with other column names."""
        return Table(
            {names.get(name, name): cells for name, cells in self.columns.items()},
            {names.get(name, name): kind for name, kind in self.kinds.items()},
        )


def without_null_values(table: Table, on: Sequence[str], null_values: object) -> Table:
    """Cells of key columns that stand for a missing one, as None."""
    if not null_values:
        return table
    columns = dict(table.columns)
    for place, name in enumerate(on):
        if isinstance(null_values, list) or place == 0:  # by column it is the first
            columns[name] = [None if str(cell).strip().lower() in GONE else cell for cell in columns[name]]
    return replace(table, columns=columns)
