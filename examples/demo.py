"""The four-line merge on a real pair of tables, DBLP and the ACM digital library (data/README.md)."""

from pathlib import Path

import pandas as pd

import linktransformer as lt

DATA = Path(__file__).parent / "data"
KEYS = ["title", "authors", "venue", "year"]


def main() -> None:
    """Link, show a few links and rows without one, and compare with the truth."""
    dblp, acm = (pd.read_csv(DATA / f"{name}.csv", dtype=str) for name in ("left", "right"))
    linked = lt.merge(dblp, acm, on=KEYS, how="inner")

    print(f"{len(dblp)} DBLP rows, {len(acm)} ACM rows, {len(linked)} links. A few of them:\n")
    for row in linked.head(5).itertuples():
        print(f"  {row.score:.2f}  {row.title_x}\n        {row.title_y}")

    links = lt.link(dblp, acm, on=KEYS)
    unlinked = links.unlinked
    print("\nRows without a link, and why:\n")
    print(unlinked.groupby(["side", "reason"]).size().to_string())
    for row in unlinked[unlinked.side == "left"].head(3).itertuples():
        print(f"  {row.reason}: {dblp.title[row.row]}")

    truth = pd.read_csv(DATA / "matches.csv", dtype=str)
    found = set(zip(linked.id_x, linked.id_y, strict=True))
    true = set(zip(truth.left_id, truth.right_id, strict=True))
    precision, recall = len(found & true) / len(found), len(found & true) / len(true)
    report = links.report()
    print(f"\nestimated precision {report['precision']:.3f}, recall {report['recall']:.3f}")
    f1 = 2 * precision * recall / (precision + recall)
    print(f"precision {precision:.3f}  recall {recall:.3f}  F1 {f1:.3f}")


if __name__ == "__main__":
    main()
