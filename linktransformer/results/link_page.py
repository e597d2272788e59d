"""Links as one HTML file to hand on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.charts import bars, page
from linktransformer.results import link_charts, notebook, page_parts
from linktransformer.results.link_charts import Asked, link_chart
from linktransformer.results.link_values import REASONS
from linktransformer.results.page_parts import Side
from linktransformer.tables import key_columns

if TYPE_CHECKING:
    from linktransformer.results.link_values import LinkValues

__all__ = ["link_page"]

MOST_COLUMNS = 20  # of which match weights are drawn; of more there is a table


def link_page(links: LinkValues, title: str, *, has_rows: bool) -> str:
    """The page; `has_rows` is false for links of files, whose cells are not in memory."""
    left_on, right_on = links.details["left_on"], links.details["right_on"]
    columns = key_columns.paired(left_on, right_on)
    pictures = links.pictures or (None, None)
    sides = (
        Side(links.left, [a for a, _ in columns], pictures[0]),
        Side(links.right, [b for _, b in columns], pictures[1]),
    )
    names = [a if a == b else f"{a} / {b}" for a, b in columns][: page_parts.COLUMNS]
    drawn = page_parts.charts([partial(link_chart, links, kind, asked) for kind, asked in _charts(links)])
    fixed = [_summary(links), *_warnings(links)]
    if len(columns) > len(names):
        fixed.append(
            page.paragraph(f"Cells of the first {len(names)} of {len(columns)} key columns are shown.")
        )
    tail = [_counts(links), page.section("Options and versions", page_parts.options(links.details))]
    charts = page.section(
        "Charts", drawn or [page.paragraph(page.NO_CHARTS), _histogram(links), _weights(links)]
    )

    def make(shown: int) -> str:
        cells = (
            [_bands(links, sides, names, shown), _unlinked(links, sides, names, shown)] if has_rows else []
        )
        return page.page(title, [*fixed, charts, *cells, *tail])

    return page_parts.fitting(make)


def _summary(links: LinkValues) -> str:
    details = links.details
    linked = [
        (f"{table.name} rows linked", f"{int((codes == 0).sum()):,} of {len(codes):,}")
        for table, codes in ((links.left, links.left_reason), (links.right, links.right_reason))
    ]
    estimates = [
        (f"estimated {name}", f"{details[name]:.3f}")
        for name in ("precision", "recall")
        if isinstance(details.get(name), float)
    ]
    words = (
        link_charts.estimates_text(details)
        or "The scores are similarities: nothing can be estimated from them."
    )
    on = ", ".join(
        a if a == b else f"{a} / {b}" for a, b in key_columns.paired(details["left_on"], details["right_on"])
    )
    return (
        page.summary([("links", f"{len(links):,}"), *linked, *estimates])
        + page.paragraph(
            f"Linked on {on}, {details['validate']}, by {details['rule']}"
            + (f", from {details['threshold']:.3f} on." if _is_finite(details.get("threshold")) else ".")
        )
        + page.paragraph(words if len(links) else "No row is linked.")
    )


def _is_finite(value: object) -> bool:
    return isinstance(value, (int, float)) and bool(np.isfinite(value))


def _warnings(links: LinkValues) -> list[str]:
    return [page.paragraph(text, is_warning=True) for text in links.details.get("warnings", ())]


def _charts(links: LinkValues) -> list[tuple[str, Asked]]:
    """The charts that these links have; as an example of a pair the link that is most in doubt."""
    charts = [("probability", Asked()), ("unlinked", Asked())]
    weights = links.details.get("match_weights") or {}
    if 0 < len(weights) <= MOST_COLUMNS:
        charts.append(("weights", Asked()))
    if len(links) and links.views:
        charts.append(("views", Asked()))
    if len(links) and links.evidence is not None:
        charts.append(("pair", Asked(link=int(links.score.argmin()))))
    return charts


def _histogram(links: LinkValues) -> str:
    nearest = links.left_nearest.score[link_charts.best_unlinked(links)]
    series = [("links", notebook.IN, links.score), ("nearest of an unlinked left row", notebook.OUT, nearest)]
    return notebook.histogram(series, links.details.get("threshold"))


def _weights(links: LinkValues) -> str:
    weights = links.details.get("match_weights") or {}
    rows = [(column, *map(float, bits)) for column, bits in weights.items()]
    levels = bars.level_names(len(rows[0]) - 1) if rows else []
    return page.plain_table(("column", *levels), rows, "Match weights in bits, by similarity of the cells")


def _bands(links: LinkValues, sides: tuple[Side, Side], names: list[str], shown: int) -> str:
    """Links of each band of probability."""
    tables = []
    for band, positions in page_parts.bands(links.score):
        some = positions[page_parts.spread(len(positions), shown)]
        rows = links.left_rows[some], links.right_rows[some]
        all_of = "all" if len(some) == len(positions) else f"{len(some)}, evenly spaced by probability, of"
        caption = f"Probability {band}: {all_of} {len(positions):,} links"
        pairs = page_parts.pair_rows(*sides, rows, links.score[some])
        tables.append(page.pair_table(names, (links.left.name, links.right.name), pairs, caption))
    return page.section("Links by probability", tables)


def _unlinked(links: LinkValues, sides: tuple[Side, Side], names: list[str], shown: int) -> str:
    """Rows without a link beside the most similar row of the other table, by side and reason."""
    tables = []
    both = ((links.left_reason, links.left_nearest), (links.right_reason, links.right_nearest))
    for side, (codes, nearest) in enumerate(both):
        table = sides[side].table
        for code in sorted(set(codes.tolist()) - {0}):
            rows = np.flatnonzero(codes == code)
            order = rows[np.argsort(-np.nan_to_num(nearest.score[rows], nan=-1.0), kind="stable")]
            some = order[page_parts.spread(len(order), shown)]
            all_of = "all" if len(some) == len(rows) else f"{len(some)} of"
            caption = f"{table.name}, {REASONS[code]}: {all_of} {len(rows):,} rows"
            has = nearest.row[some] >= 0
            with_nearest: tuple[Integers, Integers] = (some[has], nearest.row[some][has])
            pairs = page_parts.pair_rows(
                *sides, with_nearest if side == 0 else with_nearest[::-1], nearest.score[some][has]
            )
            both_names = (links.left.name, links.right.name)
            tables.append(
                page.pair_table(names, both_names, pairs, f"{caption}, beside the most probable candidate")
            )
            tables.append(_alone(sides[side], some[~has], names, f"{caption}, without a candidate"))
    return page.section("Rows without a link", tables)


def _alone(side: Side, rows: Integers, names: list[str], caption: str) -> str:
    cells = [[str(text) or None for text in column] for column in side.cells(rows)]
    lines = list(zip(side.labels(rows), *cells, strict=True))
    return page.plain_table(("row", *names), lines, caption)


def _counts(links: LinkValues) -> str:
    rows = [
        (table.name, REASONS[code], int((codes == code).sum()))
        for table, codes in ((links.left, links.left_reason), (links.right, links.right_reason))
        for code in sorted(set(codes.tolist()))
    ]
    return page.section(
        "Rows by what became of them", [page.plain_table(("table", "reason", "rows"), rows, "Counts")]
    )
