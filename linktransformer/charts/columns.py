"""Key columns before linking: how complete they are, and how rarely two rows agree by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from linktransformer.arrays import Objects
from linktransformer.charts.chart import GREY, IN, OUT, Chart, Spec, chart_of
from linktransformer.tables import factorize, frames, key_columns, normalize
from linktransformer.tables.frames import IntoDataFrame, Table

__all__ = ["ColumnFacts", "advice_of", "column_chart", "facts_of"]

WIDTH = 230
ROW = 34  # height of a column's bars


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """A key column of two tables, or of one that is compared with itself.

    Args:
        name: The column; both names where they differ.
        filled: The share of rows with a value, of each table.
        distinct: The number of different values, of all tables together.
        chance: The share of random pairs of filled rows that are equal, NaN where there is no pair.
        others: Rows with a value that a row is compared with.
        shared: The share of left rows with a value whose value is in the right table too; of one table, whose
            value another row has; NaN where no row has one.
    """

    name: str
    filled: tuple[float, ...]
    distinct: int
    chance: float
    others: int
    shared: float

    @property
    def bits(self) -> float:
        """How many bits an agreement by chance is worth: -log2 of its probability."""
        with np.errstate(divide="ignore"):
            return float(-np.log2(self.chance))

    @property
    def by_chance(self) -> float:
        """How many rows agree with a row by chance."""
        return self.chance * self.others


def column_chart(
    left: IntoDataFrame,
    right: IntoDataFrame | None = None,
    on: str | Sequence[str] | None = None,
    *,
    left_on: str | Sequence[str] | None = None,
    right_on: str | Sequence[str] | None = None,
) -> Chart:
    """Chart which columns can tell rows apart, before anything is linked.

    For each key column it shows the share of filled cells, and how rarely two random rows have equal values,
    in bits: with 10 bits, one pair in 1,024 is equal by chance. The dashed line is the number of bits from
    which fewer than one row agrees with a given row by chance. `advice` says the same in words.

    Args:
        left: A table.
        right: Another one of the same library; None for rows of one table, as in `cluster`.
        on: Key columns that both tables have; None for all text columns that both have.
        left_on: Key columns of the left table, with `right_on` in place of `on`.
        right_on: Key columns of the right table.

    Returns:
        The chart, with `advice`, a sentence for each column.

    Raises:
        ColumnNotFoundError: A name that is not a column.
        InvalidArgumentError: There is no key column.
        TableTypeError: No table, or tables of two libraries.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"town": ["Rome", "Rome", "Oslo", "Rome"], "id": ["1", "2", "3", None]})
        >>> for sentence in column_chart(table, on=["town", "id"]).advice:
        ...     print(sentence)
        town: a row agrees with 1.5 other rows by chance; it needs other columns beside it.
        id: 25 % of the rows are empty; no value occurs twice, so that only similar values can match.
    """
    one = right is None
    tables = [frames.wrap(left, "table" if one else "left")]
    if right is None:
        pairs = [(name, name) for name in key_columns.of_one(tables[0], on)]
    else:
        tables.append(frames.wrap(right, "right"))
        frames.same_library(*tables)
        pairs = key_columns.paired(*key_columns.resolve(tables[0], tables[1], on, left_on, right_on))
    facts = [facts_of(tables, pair) for pair in pairs]
    names = [table.name for table in tables]
    rows = " and ".join(f"{table.n_rows:,} {table.name} rows" for table in tables)
    subtitle = [
        f"{rows.replace('table rows', 'rows')}. Right of the dashed line fewer than one row agrees by chance."
    ]
    return chart_of(
        _spec(facts, names),
        "Key columns before linking",
        subtitle,
        [advice_of(fact, names) for fact in facts],
    )


def facts_of(tables: Sequence[Table], names: tuple[str, str]) -> ColumnFacts:
    """Completeness and rarity of a column: of two tables, or of one."""
    cells = [_folded(table, name) for table, name in zip(tables, names, strict=False)]
    values, codes = factorize.factorize([str(cell) for side in cells for cell in side])
    has_text = np.fromiter(map(bool, values), dtype=bool, count=len(values))
    sides = np.split(codes, [len(cells[0])])[: len(cells)]
    counts = [np.bincount(side, minlength=len(values)) * has_text for side in sides]
    sizes = [int(count.sum()) for count in counts]
    filled = tuple(size / max(1, len(side)) for size, side in zip(sizes, sides, strict=True))
    of_left = counts[0].astype(np.float64)
    if len(counts) == 1:
        equal, pairs = float((of_left * (of_left - 1)).sum()), sizes[0] * (sizes[0] - 1)
        shared, others = float(of_left[of_left > 1].sum()), max(0, sizes[0] - 1)
    else:
        equal, pairs = float(of_left @ counts[1]), sizes[0] * sizes[1]
        shared, others = float(of_left[counts[1] > 0].sum()), sizes[1]
    return ColumnFacts(
        names[0] if names[0] == names[1] else f"{names[0]} / {names[1]}",
        filled,
        int(has_text.sum()),
        equal / pairs if pairs else float("nan"),
        others,
        shared / sizes[0] if sizes[0] else float("nan"),
    )


def advice_of(facts: ColumnFacts, tables: Sequence[str]) -> str:
    """What follows for linking, in a sentence."""
    parts = [
        f"{1 - share:.0%} of the {'' if len(tables) == 1 else table + ' '}rows are empty".replace("%", " %")
        for share, table in zip(facts.filled, tables, strict=True)
        if share < 1
    ]
    other = "other" if len(tables) == 1 else tables[1]
    if not facts.distinct or np.isnan(facts.chance):
        parts = ["no pair of rows has values to compare; leave it out"]
    elif facts.distinct == 1:
        parts.append("all rows have one value; it separates nothing, leave it out")
    elif facts.chance == 0:
        nothing = "no value occurs twice" if len(tables) == 1 else "the tables share no value"
        parts.append(f"{nothing}, so that only similar values can match")
    elif facts.by_chance >= 1:
        parts.append(
            f"a row agrees with {facts.by_chance:,.1f} {other} rows by chance; "
            "it needs other columns beside it"
        )
    else:
        parts.append(
            f"a row agrees with {facts.by_chance:.2g} {other} rows by chance; equal values say much, and "
            f"{facts.shared:.0%} of the rows have one".replace("%", " %")
        )
    return f"{facts.name}: {'; '.join(parts)}."


def _folded(table: Table, name: str) -> Objects:
    """The cells of a column, normalised and without differences of case; "" for null."""
    return np.asarray(normalize.folded(frames.joined(table, [name], " ", False)), dtype=object)


def _spec(facts: Sequence[ColumnFacts], tables: Sequence[str]) -> Spec:
    """Two panels: filled cells of each table, and bits of an agreement."""
    filled = [
        {"column": fact.name, "table": table, "filled": round(share, 4)}
        for fact in facts
        for table, share in zip(tables, fact.filled, strict=True)
    ]
    bits = [
        {"column": fact.name, "bits": round(fact.bits, 2) if known else None,
         "text": f"{fact.bits:.1f}" if known else "no equal values"}
        for fact in facts
        for known in (bool(np.isfinite(fact.bits)),)
    ]  # fmt: skip
    names = [fact.name for fact in facts]
    needed = float(np.log2(max(1, *(fact.others for fact in facts), 1)))
    row = {"field": "column", "type": "nominal", "sort": names, "title": None}
    most = max([needed, *(fact.bits for fact in facts if np.isfinite(fact.bits))])
    height = ROW * len(facts)
    of_cells = {
        "width": WIDTH, "height": height, "data": {"values": filled},
        "mark": "bar",
        "encoding": {
            "y": row | {"axis": {"labelLimit": 160}},
            "yOffset": {"field": "table", "type": "nominal", "sort": list(tables)},
            "x": {"field": "filled", "type": "quantitative", "title": "filled cells",
                  "scale": {"domain": [0, 1]}, "axis": {"format": "%", "tickCount": 5}},
            "color": {"field": "table", "type": "nominal", "title": None,
                      "scale": {"domain": list(tables), "range": [IN, OUT]},
                      "legend": {"orient": "top"} if len(tables) > 1 else None},
            "tooltip": [{"field": name} for name in ("column", "table", "filled")],
        },
    }  # fmt: skip
    of_values = {
        "width": WIDTH, "height": height, "data": {"values": bits},
        "encoding": {"y": row | {"axis": None},
                     "x": {"field": "bits", "type": "quantitative", "scale": {"domain": [0, most * 1.2]},
                           "title": "rarity of an agreement (bits)"}},
        "layer": [
            {"mark": {"type": "bar", "color": GREY, "height": {"band": 0.6}}},
            {"transform": [{"calculate": "isValid(datum.bits) ? datum.bits : 0", "as": "end"}],
             "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 11},
             "encoding": {"x": {"field": "end", "type": "quantitative"}, "text": {"field": "text"}}},
            {"mark": {"type": "rule", "strokeDash": [4, 3], "color": "#111827"},
             "encoding": {"x": {"datum": needed}, "y": None}},
        ],
    }  # fmt: skip
    return {"hconcat": [of_cells, of_values], "spacing": 24, "resolve": {"scale": {"color": "independent"}}}
