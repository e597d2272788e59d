"""Links of two tables by Splink, run by the Python of its own environment, set up alike for every set.

    python splink_tables.py --left FILE --right FILE --result FILE

The settings are made from the columns by one rule, without labels: names are compared by Jaro-Winkler,
everything else by equality and Levenshtein distance, u is sampled at random, and EM runs twice, each time
blocked on another column. Of two ways to choose the rules that are taken for certain, the one that was better
for Splink on a few sets is here; nothing else was tuned. A setup by hand for one set may do better, above all
where names are long texts. This file is run by either side, so it imports
nothing of the benchmarks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SURE = 0.5
LONGEST = 200  # characters of a value that are kept
MOST_PAIRS = 2_000_000  # that one blocking rule may make
FEWEST_PAIRS = 50  # that EM may learn from
RECALL = 0.7  # of the rules that are taken for certain
CERTAIN = 10  # of them at most
CHANCE = 0.02  # rows that two keys may share by chance, as a share of the rows
PREFIX = 4
FEWEST_COLUMNS = 3
NAME_LEVELS = (0.92, 0.88, 0.7)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the two tables, link them, write the pairs of row numbers with their probability."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--left", type=Path, required=True)
    parser.add_argument("--right", type=Path, required=True)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args(arguments)
    import pandas as pd
    import splink.comparison_library  # noqa: F401  # importing is not timed

    left, right = (
        pd.read_csv(path, dtype=str, keep_default_na=False) for path in (options.left, options.right)
    )
    start, cpu = time.perf_counter(), time.process_time()
    pairs = linked(left, right)
    found = {"pairs": pairs, "seconds": time.perf_counter() - start, "CPU s": time.process_time() - cpu}
    options.result.write_text(json.dumps(found), encoding="utf-8")


def paired(left: Sequence[str], right: Sequence[str]) -> list[tuple[str, str]]:
    """Columns of the same name; those left over are paired in order where there are as many on both sides.

    Example:
        >>> paired(["title", "price"], ["name", "price"])
        [('title', 'name'), ('price', 'price')]
    """
    rest = [name for name in left if name not in right], [name for name in right if name not in left]
    other = dict(zip(*rest, strict=True)) if len(rest[0]) == len(rest[1]) else {}
    return [(name, other.get(name, name)) for name in left if name in right or name in other]


def prepared(left: Any, right: Any) -> tuple[Any, Any]:
    """The paired columns as c0, c1, ...: lower case, single spaces, no empty text, not too long."""
    import pandas as pd

    tables = []
    for table, side in ((left, 0), (right, 1)):
        columns = {
            f"c{number}": [" ".join(text.lower().split())[:LONGEST] or None for text in table[pair[side]]]
            for number, pair in enumerate(paired(list(left.columns), list(right.columns)))
        }
        made = pd.DataFrame(columns, dtype=object)
        made.insert(0, "unique_id", range(len(made)))
        tables.append(made)
    return tables[0], tables[1]


def is_name(values: Sequence[str]) -> bool:
    """Whether a column holds words: less than a third of its characters are digits."""
    text = "".join(values)
    return sum(character.isdigit() for character in text) * 3 < len(text)


def equal_pairs(left: Sequence[Any], right: Sequence[Any]) -> int:
    """How many pairs of rows have the same value, missing ones aside."""
    counts = Counter(right)
    return sum(counts[value] for value in left if value is not None and not is_nan(value))


def is_nan(value: Any) -> bool:
    """Whether a value is missing."""
    return isinstance(value, float) and math.isnan(value)


def linked(left: Any, right: Any) -> list[tuple[int, int, float]]:
    """Fit and predict; every pair with a match probability of at least .5."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    one, two = prepared(left, right)
    columns = [name for name in one.columns if name != "unique_id"]
    if len(columns) < FEWEST_COLUMNS:
        raise SystemExit("too few comparable columns")
    names = [c for c in columns if is_name([v for v in [*one[c], *two[c]] if isinstance(v, str)])]
    add_keys(one, two, names)
    keys = ranked(one, two, columns, names)
    if not keys:
        raise SystemExit("no column to block on")
    prior = 0.5 * min(len(one), len(two)) / (len(one) * len(two))
    settings = SettingsCreator(
        link_type="link_only",
        blocking_rules_to_generate_predictions=[rule_of(key) for key in keys],
        comparisons=[compared(name, name in names) for name in columns],
        probability_two_random_records_match=prior,
    )
    api = DuckDBAPI()
    linker = Linker([api.register(one), api.register(two)], settings)
    train(linker, one, two, keys)
    scored = linker.inference.predict(threshold_match_probability=SURE).as_pandas_dataframe()
    rows = zip(scored["unique_id_l"], scored["unique_id_r"], scored["match_probability"], strict=True)
    return [(int(a), int(b), float(chance)) for a, b, chance in rows]


def add_keys(one: Any, two: Any, names: Sequence[str]) -> None:
    """For each column of words, its start and its rarest word that the other table has too."""
    for name in names:
        words = [
            Counter(w for v in t[name] if isinstance(v, str) for w in set(v.split())) for t in (one, two)
        ]
        for table in (one, two):
            values = list(table[name])
            table[f"{name}_start"] = [v[:PREFIX] if isinstance(v, str) else None for v in values]
            table[f"{name}_rare"] = [
                rarest(v, words[0], words[1]) if isinstance(v, str) else None for v in values
            ]


def rarest(value: str, left: Counter[str], right: Counter[str]) -> str | None:
    """The word of a value that fewest pairs of rows share, of those that both tables have."""
    shared = [word for word in value.split() if left[word] and right[word]]
    return min(shared, key=lambda word: (left[word] * right[word], word), default=None)


def ranked(one: Any, two: Any, columns: Sequence[str], names: Sequence[str]) -> list[str]:
    """The keys to block on, those with the fewest pairs a row first."""
    possible = [*columns, *(f"{name}_{kind}" for name in names for kind in ("start", "rare"))]
    counted = {key: equal_pairs(one[key], two[key]) for key in possible}
    usable = [key for key in possible if 0 < counted[key] <= MOST_PAIRS]
    return sorted(usable, key=lambda key: (counted[key], key))


def certain_keys(one: Any, two: Any, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of keys of two columns that hardly any two rows share by chance, the loosest first."""
    share = {key: equal_pairs(one[key], two[key]) / (len(one) * len(two)) for key in keys}
    by_chance = {
        (a, b): share[a] * share[b] * len(one) * len(two)
        for a, b in itertools.combinations(keys, 2)
        if a.split("_")[0] != b.split("_")[0]
    }
    fine = [pair for pair, rows in by_chance.items() if rows <= CHANCE * min(len(one), len(two))]
    return sorted(fine, key=lambda pair: (-by_chance[pair], pair))[:CERTAIN]


def rule_of(*keys: str) -> Any:
    """Equality of those keys."""
    from splink import block_on

    return block_on(*keys)


def compared(name: str, as_name: bool) -> Any:
    """How a column is compared."""
    import splink.comparison_library as cl

    if as_name:
        comparison = cl.JaroWinklerAtThresholds(name, list(NAME_LEVELS))
    else:
        comparison = cl.LevenshteinAtThresholds(name, [1, 2])
    return comparison.configure(term_frequency_adjustments=True)


def train(linker: Any, one: Any, two: Any, keys: Sequence[str]) -> None:
    """The prior from rules that are taken for certain, u by sampling, EM on two different columns."""
    enough = [key for key in keys if equal_pairs(one[key], two[key]) >= FEWEST_PAIRS]
    chosen: list[str] = []
    for key in enough or list(keys):
        if key.split("_")[0] not in {other.split("_")[0] for other in chosen}:
            chosen.append(key)
    certain = [rule_of(a, b) for a, b in certain_keys(one, two, keys)]
    if certain:
        try:
            linker.training.estimate_probability_two_random_records_match(certain, recall=RECALL)
        except Exception as error:
            print(f"prior kept: {error}")  # noqa: T201
    linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=0)
    for key in chosen[:2]:
        try:
            linker.training.estimate_parameters_using_expectation_maximisation(rule_of(key))
        except Exception as error:
            print(f"EM blocked on {key} failed: {error}")  # noqa: T201


if __name__ == "__main__":
    main()
