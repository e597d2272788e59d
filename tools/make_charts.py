"""Draw the gallery of docs/charts.md and the example report, from the tables of examples/data.

python -m tools.make_charts
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

import linktransformer as lt

ROOT = Path(__file__).resolve().parents[1]
DATA, IMAGES, REPORT = ROOT / "examples" / "data", ROOT / "docs" / "images", ROOT / "docs" / "report.html"
KEYS = ["title", "authors", "venue", "year"]
PAIR = 6  # a link with all kinds of parts
LARGEST_REPORT = 500_000  # bytes that may be committed


def charts() -> dict[str, lt.Chart]:
    """The charts of the gallery by name of file, and the report on the way."""
    dblp, acm, truth = (pd.read_csv(DATA / f"{name}.csv", dtype=str) for name in ("left", "right", "matches"))
    links = lt.link(dblp, acm, on=KEYS)
    links.to_html(REPORT, title="Papers of DBLP and of the ACM digital library")
    if REPORT.stat().st_size > LARGEST_REPORT:
        raise SystemExit(f"{REPORT} has {REPORT.stat().st_size:,} bytes: too many to commit.")
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


def main() -> None:
    """Write all files."""
    for name, chart in charts().items():
        chart.save(IMAGES / f"chart-{name}.svg")


if __name__ == "__main__":
    main()
