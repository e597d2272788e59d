"""Clusters by Splink or semhash, run by the Python of their own environment.

    python dedup_peers.py splink historical_figures_50k --table FILE --result FILE

Splink with the settings that its documentation gives for these sets (its examples "deduplicate 50k rows" and
"febrl3", its tutorial for the fake contacts), semhash with its defaults, but for its model, which is fetched
when first used: wordllama's static vectors, which come with a package, stand for it. A column
"source_dataset" names the table of each row where there are several. This file is run by either side, so it
imports nothing of the benchmarks.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SOURCE = "source_dataset"
SURE = 0.95  # of Splink's example, which clusters at that probability

Labels = list[int]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read a table, cluster it, write the cluster of each row, seconds and peak memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=["splink", "semhash"])
    parser.add_argument("name")
    parser.add_argument("--table", type=Path, required=True, help="CSV of the key columns")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args(arguments)
    import pandas as pd

    table = pd.read_csv(options.table, dtype=str, keep_default_na=False).replace({"": None})
    work = (
        with_semhash
        if options.peer == "semhash"
        else {
            "historical_figures_50k": historical,
            "febrl3_persons": febrl3,
            "fake_contacts_1k": contacts,
        }[options.name]
    )
    start, cpu = time.perf_counter(), time.process_time()
    label = work(table)
    found = {
        "label": label,
        "seconds": time.perf_counter() - start,
        "CPU s": time.process_time() - cpu,
        "peak_mb": peak_mb(),
    }
    options.result.write_text(json.dumps(found), encoding="utf-8")


def peak_mb() -> float | None:
    """Peak resident memory of this process, in MB."""
    status = Path("/proc/self/status")
    line = next((line for line in status.read_text().splitlines() if line.startswith("VmHWM")), None)
    return int(line.split()[1]) / 1024 if line else None


def historical(table: Any) -> Labels:
    """Splink on historical persons."""
    import splink.comparison_library as cl
    from splink import block_on

    table["first_name_surname_concat"] = table["first_name"] + " " + table["surname"]
    code = "substr(postcode_fake,1,3)"
    predict = [
        block_on("substr(first_name,1,3)", "substr(surname,1,4)"),
        block_on("surname", "dob"),
        block_on("first_name", "dob"),
        block_on("postcode_fake", "first_name"),
        block_on("postcode_fake", "surname"),
        block_on("dob", "birth_place"),
        block_on(code, "dob"),
        block_on(code, "first_name"),
        block_on(code, "surname"),
        block_on("substr(first_name,1,2)", "substr(surname,1,2)", "substr(dob,1,4)"),
    ]
    comparisons = [
        cl.ForenameSurnameComparison(
            "first_name", "surname", forename_surname_concat_col_name="first_name_surname_concat"
        ),
        cl.DateOfBirthComparison("dob", input_is_string=True),
        cl.PostcodeComparison("postcode_fake"),
        cl.ExactMatch("birth_place").configure(term_frequency_adjustments=True),
        cl.ExactMatch("occupation").configure(term_frequency_adjustments=True),
    ]
    certain = [
        block_on("first_name", "surname", "dob"),
        block_on("substr(first_name,1,2)", "surname", "substr(postcode_fake,1,2)"),
        block_on("dob", "postcode_fake"),
    ]
    train = [block_on("first_name", "surname"), block_on("dob")]
    return with_splink(table, predict, comparisons, certain, 0.6, 5e6, train)


def febrl3(table: Any) -> Labels:
    """Splink on synthetic Australian persons."""
    import splink.comparison_library as cl
    from splink import block_on

    predict = [
        block_on(name) for name in ("soc_sec_id", "given_name", "surname", "date_of_birth", "postcode")
    ]
    comparisons = [
        cl.NameComparison("given_name").configure(term_frequency_adjustments=True),
        cl.NameComparison("surname").configure(term_frequency_adjustments=True),
        cl.DateOfBirthComparison("date_of_birth", input_is_string=True, datetime_format="%Y%m%d"),
        cl.DamerauLevenshteinAtThresholds("soc_sec_id", [2]),
        cl.ExactMatch("street_number").configure(term_frequency_adjustments=True),
        cl.ExactMatch("postcode").configure(term_frequency_adjustments=True),
    ]
    certain = [
        block_on("soc_sec_id"),
        block_on("given_name", "surname", "date_of_birth"),
        "l.given_name = r.surname and l.surname = r.given_name and l.date_of_birth = r.date_of_birth",
    ]
    train = [block_on("substr(date_of_birth,1,3)"), block_on("substr(postcode,1,2)")]
    return with_splink(table, predict, comparisons, certain, 0.9, 1e6, train)


def contacts(table: Any) -> Labels:
    """Splink on made contacts."""
    import splink.comparison_library as cl
    from splink import block_on

    comparisons = [
        cl.NameComparison("first_name"),
        cl.NameComparison("surname"),
        cl.LevenshteinAtThresholds("dob", 1),
        cl.ExactMatch("city").configure(term_frequency_adjustments=True),
        cl.EmailComparison("email"),
    ]
    certain = [
        "l.first_name = r.first_name and levenshtein(r.dob, l.dob) <= 1",
        "l.surname = r.surname and levenshtein(r.dob, l.dob) <= 1",
        "l.first_name = r.first_name and levenshtein(r.surname, l.surname) <= 2",
        block_on("email"),
    ]
    train = [block_on("first_name", "surname"), block_on("dob")]
    predict = [block_on("first_name", "city"), block_on("surname")]
    return with_splink(table, predict, comparisons, certain, 0.7, 1e6, train)


def with_splink(
    table: Any,
    predict: list[Any],
    comparisons: list[Any],
    certain: list[Any],
    recall: float,
    pairs: float,
    train: list[Any],
) -> Labels:
    """Fit, predict and cluster; the cluster of each row."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    several = SOURCE in table
    settings = SettingsCreator(
        link_type="link_and_dedupe" if several else "dedupe_only",
        blocking_rules_to_generate_predictions=predict,
        comparisons=comparisons,
    )
    given = table.assign(unique_id=range(len(table)))
    database = DuckDBAPI()
    parts = [part for _, part in given.groupby(SOURCE, sort=False)] if several else [given]
    registered = [database.register(part.drop(columns=SOURCE, errors="ignore")) for part in parts]
    linker = Linker(registered if several else registered[0], settings)
    linker.training.estimate_probability_two_random_records_match(certain, recall=recall)
    linker.training.estimate_u_using_random_sampling(max_pairs=pairs, seed=0)
    for rule in train:
        linker.training.estimate_parameters_using_expectation_maximisation(rule)
    scored = linker.inference.predict(threshold_match_probability=0.2)
    clusters = linker.clustering.cluster_pairwise_predictions_at_threshold(
        scored, threshold_match_probability=SURE
    )
    found = clusters.as_pandas_dataframe().sort_values("unique_id")["cluster_id"]
    return numbered(found.tolist())


def with_semhash(table: Any) -> Labels:
    """What semhash takes for duplicates of one row, as clusters: a removed row is with those it names."""
    import numpy as np
    from semhash import SemHash
    from wordllama import WordLlama

    words = WordLlama.load(disable_download=True)

    class Encoder:
        def encode(self, inputs: Sequence[str], **_: Any) -> Any:
            return np.nan_to_num(words.embed(list(inputs), norm=True))  # an empty text has no direction

    records = table.fillna("").to_dict("records")
    found = SemHash.from_records(records, columns=list(table.columns), model=Encoder()).self_deduplicate()
    parent: dict[tuple[str, ...], tuple[str, ...]] = {}

    def root(key: tuple[str, ...]) -> tuple[str, ...]:
        while parent.setdefault(key, key) != key:
            key = parent[key]
        return key

    def key_of(record: Any) -> tuple[str, ...]:
        return tuple(str(record[name]) for name in table.columns)

    for removed in found.filtered:
        parent[root(key_of(removed.record))] = root(key_of(removed.duplicate_of))
    return numbered([root(key_of(record)) for record in records])


def numbered(names: list[Any]) -> Labels:
    """Names as numbers from 0 in order of first appearance."""
    number: dict[Any, int] = {}
    return [number.setdefault(name, len(number)) for name in names]


if __name__ == "__main__":
    main()
