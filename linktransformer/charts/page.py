"""One HTML file that needs no other: sections, tables, charts as SVG. No scripts; cells are escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from linktransformer.charts.chart import BAND, IN, OUT, Chart
from linktransformer.charts.differences import marked, shortened
from linktransformer.errors import MissingExtraError

__all__ = [
    "LIMIT",
    "PairRow",
    "entry_table",
    "figure",
    "page",
    "pair_table",
    "paragraph",
    "plain_table",
    "section",
    "summary",
]

LIMIT = 2_000_000  # bytes of a page
LONGEST_ENTRY = 5_000  # characters of an entry of the report
NO_CHARTS = 'Charts are drawn where the extra is installed: pip install "linktransformer[charts]".'

_STYLE = f"""
:root {{ color-scheme: light }}
body {{ font: 15px/1.45 Helvetica, Arial, sans-serif; color: #1f2937; background: #fff; margin: 0 auto;
  max-width: 76rem; padding: 1.5rem }}
h1 {{ font-size: 1.6rem; margin: 0 0 .5rem }} h2 {{ font-size: 1.2rem; margin: 2rem 0 .5rem;
  border-bottom: 1px solid #e5e7eb; padding-bottom: .2rem }} h3 {{ font-size: 1rem; margin: 1.2rem 0 .3rem }}
dl {{ display: flex; flex-wrap: wrap; gap: .6rem 2.2rem; margin: .8rem 0 }}
dt {{ color: #6b7280; font-size: .8rem }} dd {{ margin: 0; font-size: 1.15rem; font-weight: 600 }}
.note {{ border-left: 3px solid {OUT}; padding: .2rem .8rem; margin: .5rem 0; background: #fdf6ee }}
.wide {{ overflow-x: auto }} figure {{ margin: 1rem 0; overflow-x: auto; max-width: 100% }}
.charts {{ display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; align-items: flex-start }}
svg {{ max-width: 100%; height: auto }}
table {{ border-collapse: collapse; font-size: .82rem; margin: .4rem 0 }}
caption {{ text-align: start; white-space: nowrap; color: #6b7280; padding-bottom: .3rem }}
th, td {{ border-bottom: 1px solid #e5e7eb; padding: .25rem .6rem; text-align: start; vertical-align: top;
  overflow-wrap: anywhere; min-width: 3rem }}
thead th {{ background: #f3f4f6; overflow-wrap: normal }} tbody.pair {{ border-top: 2px solid #9ca3af }}
td.number, th.number {{ text-align: end; white-space: nowrap; font-variant-numeric: tabular-nums }}
mark {{ background: #fde3c4; color: inherit; text-decoration: underline; text-decoration-color: {OUT} }}
.empty {{ color: #6b7280; font-style: italic }}
.bar {{ display: inline-block; height: .6rem; background: {IN} }} .good {{ color: {BAND} }}
@media print {{ body {{ max-width: none; padding: 0 }} tbody.pair {{ break-inside: avoid }} }}
"""


@dataclass(frozen=True, slots=True)
class PairRow:
    """Two rows beside each other.

    Args:
        score: Their match probability, None for none.
        labels: The label of each row.
        cells: The two cells of each column.
        pictures: HTML of the picture of each row, None without pictures.
        remark: A reason or another remark, "" for none.
    """

    score: float | None
    labels: tuple[str, str]
    cells: Sequence[tuple[str, str]]
    pictures: tuple[str, str] | None = None
    remark: str = ""


def page(title: str, body: Sequence[str]) -> str:
    """The file; `body` is HTML."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # nothing of a page can run or be fetched, whatever cells hold
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title)}</h1>\n" + "\n".join(filter(None, body)) + "\n</main>\n</body>\n</html>\n"
    )


def section(title: str, parts: Sequence[str]) -> str:
    """A heading and what is below it; nothing where that is nothing."""
    inner = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{escape(title)}</h2>\n{inner}\n</section>" if inner else ""


def paragraph(text: str, *, is_warning: bool = False) -> str:
    """A paragraph of text."""
    return f'<p class="note">{escape(text)}</p>' if is_warning else f"<p>{escape(text)}</p>"


def summary(numbers: Sequence[tuple[str, str]]) -> str:
    """Names with values beside each other."""
    return (
        "<dl>" + "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in numbers) + "</dl>"
    )


def figure(chart: Chart, place: int) -> str:
    """A chart as inline SVG with its description; a sentence where it cannot be drawn.

    `place` is its number in the page: names inside its SVG must be its own.
    """
    try:
        svg = chart.to_svg()
    except MissingExtraError:
        return ""
    names = set(re.findall(r'\bid="([^"]+)"', svg))
    svg = re.sub(
        r'(\bid="|url\(#|href="#)([^")]+)',
        lambda found: found[1] + (f"c{place}-" if found[2] in names else "") + found[2],
        svg,
    )
    advice = "".join(f"<li>{escape(sentence)}</li>" for sentence in chart.advice)
    return f"<figure>{svg}{f'<figcaption><ul>{advice}</ul></figcaption>' if advice else ''}</figure>"


def plain_table(head: Sequence[str], rows: Sequence[Sequence[str | float | None]], caption: str) -> str:
    """A table of texts and numbers; the first cell of a row is its header. Nothing where there is no row."""
    if not rows:
        return ""
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(f"<tr>{_header(row[0])}{''.join(map(_cell, row[1:]))}</tr>" for row in rows)
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def entry_table(entries: Sequence[tuple[str, str]], caption: str) -> str:
    """Names and values that are not of cells: JSON, numbers, versions; cut at `LONGEST_ENTRY` characters."""
    lines = "".join(
        f'<tr>{_header(name)}<td dir="ltr"><code>{escape(_cut(value))}</code></td></tr>'
        for name, value in entries
    )
    return (
        f'<table><caption>{escape(caption)}</caption><thead><tr><th scope="col">entry</th>'
        f'<th scope="col">value</th></tr></thead><tbody>{lines}</tbody></table>'
    )


def _cut(value: str) -> str:
    if len(value) <= LONGEST_ENTRY:
        return value
    return f"{value[:LONGEST_ENTRY]}… ({len(value):,} characters)"


def pair_table(
    columns: Sequence[str], sides: tuple[str, str], pairs: Sequence[PairRow], caption: str, remark: str = ""
) -> str:
    """Pairs of rows, the cells of each column one above the other with their differences marked.

    `remark` is the head of the column of remarks, "" for none.
    """
    if not pairs:
        return ""
    with_pictures = any(pair.pictures is not None for pair in pairs)
    heads = [
        "probability",
        *filter(None, [remark]),
        "table",
        "row",
        *(["picture"] if with_pictures else []),
        *columns,
    ]
    head = "".join(f'<th scope="col" dir="auto">{escape(name)}</th>' for name in heads)
    body = "".join(_pair(pair, sides, with_pictures, bool(remark)) for pair in pairs)
    return (
        f'<div class="wide"><table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>'
        f"{body}</table></div>"
    )


def _pair(pair: PairRow, sides: tuple[str, str], with_pictures: bool, with_remark: bool) -> str:
    html = [marked(*cells) for cells in pair.cells]
    score = "–" if pair.score is None else f"{pair.score:.3f}"
    lines = []
    for side in (0, 1):
        first = f'<th scope="rowgroup" rowspan="2" class="number">{score}</th>' if side == 0 else ""
        if side == 0 and with_remark:
            first += f'<td rowspan="2" dir="auto">{escape(pair.remark)}</td>'
        picture = f"<td>{'' if pair.pictures is None else pair.pictures[side]}</td>" if with_pictures else ""
        cells = "".join(f'<td dir="auto">{cell[side] or _EMPTY}</td>' for cell in html)
        label = f'<td dir="auto">{escape(shortened(pair.labels[side]))}</td>'
        lines.append(f'<tr>{first}<th scope="row">{escape(sides[side])}</th>{label}{picture}{cells}</tr>')
    return f'<tbody class="pair">{"".join(lines)}</tbody>'


_EMPTY = '<span class="empty">empty</span>'


def _header(value: str | float | None) -> str:
    return f'<th scope="row" dir="auto">{escape(_text(value))}</th>'


def _cell(value: str | float | None) -> str:
    if isinstance(value, str) or value is None:
        return f'<td dir="auto">{escape(_text(value))}</td>'
    return f'<td class="number">{escape(_text(value))}</td>'


def _text(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return shortened(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
