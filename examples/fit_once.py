"""Fit once, query often: a library's register that is asked row by row, and clusters whose ids stay."""

import tempfile
from pathlib import Path

import pandas as pd

import linktransformer as lt

DATA = Path(__file__).parent / "data"
KEYS = ["title", "authors"]


def main() -> None:
    """Ask a register about new rows, take it to another process, and cluster what comes in piece by piece."""
    dblp, acm = (pd.read_csv(DATA / f"{name}.csv", dtype=str) for name in ("left", "right"))
    acm = acm.set_index("id")
    known, coming = dblp.iloc[:300], dblp.iloc[300:340]

    # some rows such as will be asked show how they differ from the register's
    linker = lt.Linker("lexical", on=KEYS).fit(acm, known)
    print(f"a link needs a match probability of {linker.threshold_:.3f}\n")
    for row in coming.head(3).to_dict("records"):
        (answer,) = linker.predict(row).itertuples()
        found = "none" if pd.isna(answer.reference) else acm.title[answer.reference]
        print(f"  {row['title']}\n    {answer.score:.2f}  {found}")

    with tempfile.TemporaryDirectory() as folder:
        linker.save(Path(folder) / "register")
        again = lt.Linker.load(Path(folder) / "register")
    together = linker.predict(coming)
    print(f"\nof {len(coming)} rows {together.reference.notna().sum()} are in the register")
    print(f"the loaded one says the same: {again.predict(coming).equals(together)}")

    # one table that names things twice, which grows
    papers = pd.concat([dblp.set_index("id").iloc[:700], acm.iloc[:700]])[KEYS]
    first, later = papers.iloc[::2], papers.iloc[1::2]
    clusters = lt.Deduplicator(on=KEYS).fit(first)
    before = clusters.labels_.copy()
    clusters.add(later)
    kept = (clusters.labels_[: len(before)] == before).all()
    print(f"\n{len(first)} rows have {before.max() + 1} ids, {len(papers)} have {len(set(clusters.labels_))}")
    print(f"no id of a row that was there has changed: {kept}")
    print(f"pairs of clusters that new rows brought together: {len(clusters.merges())}")


if __name__ == "__main__":
    main()
