"""Draw the gallery of docs/charts.md and the example reports, from the tables and crops of examples/data.

python -m tools.make_charts
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import linktransformer as lt

ROOT = Path(__file__).resolve().parents[1]
DATA, DOCS = ROOT / "examples" / "data", ROOT / "docs"
KEYS = ["title", "authors", "venue", "year"]
PAIR = 6  # a link with all kinds of parts
LARGEST_REPORT = 2_000_000  # bytes that may be committed


def charts() -> dict[str, lt.Chart]:
    """The charts of the gallery by name of file, and the report of papers on the way."""
    dblp, acm, truth = (pd.read_csv(DATA / f"{name}.csv", dtype=str) for name in ("left", "right", "matches"))
    links = lt.link(dblp, acm, on=KEYS)
    write(links, "report.html", "Papers of DBLP and of the ACM digital library")
    clusters = lt.cluster(pd.concat([dblp, acm], ignore_index=True), on=KEYS)
    return {
        "columns": lt.column_chart(dblp, acm, on=KEYS),
        "probability": links.chart("probability"),
        "weights": links.chart("weights"),
        "pair": links.chart("pair", link=PAIR),
        "views": links.chart("views"),
        "unlinked": links.chart("unlinked"),
        "reliability": links.chart("reliability", truth=truth, left_id="id", right_id="id"),
        "sizes": clusters.chart("sizes"),
        "loosest": clusters.chart("loosest"),
    }


def book_of_pictures() -> lt.Links:
    """Two books of firm names, linked by crops of their lines and what an OCR engine read in them."""
    books = [pd.read_csv(DATA / "names" / f"book_{name}.csv", keep_default_na=False) for name in "ab"]
    how = {"on": "ocr", "images": "crop", "confidence": "confidence", "model": "names"}
    return lt.link(*books, **how, image_root=(DATA / "names").relative_to(ROOT), threshold=0.5)


def write(links: lt.Links, name: str, title: str) -> None:
    """A report in docs, if it is small enough to be committed."""
    links.to_html(DOCS / name, title=title)
    if (size := (DOCS / name).stat().st_size) > LARGEST_REPORT:
        raise SystemExit(f"{name} has {size:,} bytes: too many to commit.")


def main() -> None:
    """Write all files."""
    write(book_of_pictures(), "report-pictures.html", "Firm names of two scanned books")
    for name, chart in charts().items():
        chart.save(DOCS / "images" / f"chart-{name}.svg")


if __name__ == "__main__":
    main()
