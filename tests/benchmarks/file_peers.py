"""One link of two tables of firms by Splink or goldenmatch, run by the Python of their own environment.

    python file_peers.py splink FOLDER --result FILE

Both block on the city. Splink compares the words of a name, each by Jaro-Winkler, with the share of equal
names as the recall of the rule that is taken for certain; a left firm has its most probable right one.
goldenmatch compares the name from .85, as its documentation does. Nothing of the benchmarks is imported.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from pathlib import Path
from typing import Any

CERTAIN = 0.25  # of the matches have equal names: how the tables are made
SURE = 0.5
FUZZY = 0.85


def main() -> None:
    """Read the tables, link them, write seconds, memory and F1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=["splink", "goldenmatch"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--result", type=Path, required=True)
    given = parser.parse_args()
    link = with_splink if given.peer == "splink" else with_goldenmatch
    __import__(given.peer)  # not timed
    cpu, start = cpu_seconds(), time.perf_counter()
    pairs = link(given.folder)
    seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
    truth = read(given.folder / "l")["truth"].tolist()
    right = sum(truth[a] == b for a, b in pairs)
    found = {
        "seconds": seconds,
        "CPU s of the caller": cpu,
        "peak MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "F1": 2 * right / max(1, len(pairs) + sum(row >= 0 for row in truth)),
    }
    given.result.write_text(json.dumps(found), encoding="utf-8")


def cpu_seconds() -> float:
    """Of this process and of those that it has started and that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def read(folder: Path) -> Any:
    """A table of several files."""
    import pandas as pd

    return pd.read_parquet(folder)


def with_splink(folder: Path) -> list[tuple[int, int]]:
    """The most probable right row of each left one."""
    import splink.comparison_library as cl
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    tables = []
    for side in "lr":
        table = read(folder / side)
        words = table["name"].str.split(" ", n=2, expand=True).reindex(columns=range(3))
        table = table.assign(first=words[0], second=words[1], rest=words[2], unique_id=range(len(table)))
        tables.append(table[["unique_id", "name", "city", "first", "second", "rest"]])
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[block_on("city")],
        comparisons=[cl.JaroWinklerAtThresholds(name, [0.92, 0.8]) for name in ("first", "second", "rest")],
    )
    database = DuckDBAPI()
    linker = Linker([database.register(table) for table in tables], settings)
    linker.training.estimate_probability_two_random_records_match([block_on("city", "name")], recall=CERTAIN)
    linker.training.estimate_u_using_random_sampling(max_pairs=5e6, seed=0)
    for rule in (block_on("city", "first"), block_on("city", "second")):
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_probability=SURE).as_pandas_dataframe()
    best = scored.sort_values("match_probability", kind="stable").drop_duplicates("unique_id_l", keep="last")
    return list(zip(best["unique_id_l"].tolist(), best["unique_id_r"].tolist(), strict=True))


def with_goldenmatch(folder: Path) -> list[tuple[int, int]]:
    """The pairs that it matches, best of each left row."""
    import goldenmatch
    import polars as pl

    sides = [
        pl.from_pandas(read(folder / side)[["name", "city"]]).with_row_index("row").cast({"row": pl.Int64})
        for side in "lr"
    ]
    found = goldenmatch.match_df(sides[0], sides[1], fuzzy={"name": FUZZY}, blocking=["city"])
    matched = found.matched
    if matched is None or not len(matched):
        return []
    rows = pl.from_arrow(matched).sort("__match_score__", descending=True, maintain_order=True)
    best = rows.unique("target_row", keep="first", maintain_order=True)
    return [(int(a), int(b)) for a, b in zip(best["target_row"], best["ref_row"], strict=True)]


if __name__ == "__main__":
    main()
