"""One call that links two tables, timed in a process of its own by the Python of its side.

    python link_job.py SIDE --left FILE --right FILE --result FILE
    python link_job.py SIDE --two-rows --result FILE

Every side runs this file, so that all are timed in the same way; it imports nothing of the benchmarks but
what its side needs. pandas and the tables are loaded first. Then the package is imported, which is timed
apart; of ours, whose names are loaded when first used, that is `linktransformer.link` too. The call is timed
with all that it loads itself, such as a model.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import resource
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
OURS = ("default", "full", "lexical")
SIDES = (*OURS, "old", "splink", "tfidf")
ROWS = ("left_row", "right_row")

Call = Callable[[Any, Any], Any]
Pairs = list[tuple[Any, ...]]  # row numbers, left and right; from Splink with the match probability


def neighbour(name: str) -> Any:
    """Another file of this folder, from its path: this folder is not on the path of a side."""
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot import {name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def spent() -> tuple[float, float]:
    """Wall and CPU seconds so far, the latter of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return time.perf_counter(), sum(one.ru_utime + one.ru_stime for one in used)


def since(start: tuple[float, float], name: str) -> dict[str, float]:
    """Wall and CPU seconds since then, under a name."""
    wall, cpu = spent()
    return {f"{name} s": wall - start[0], f"{name} CPU s": cpu - start[1]}


def extra(side: str, model: str | None) -> dict[str, Any]:
    """The arguments of `link` and `merge` beside the tables and the keys."""
    chosen = {"default": None, "old": model}.get(side, side)
    return {} if chosen is None else {"model": chosen}


def by_ours(side: str, clock: Any) -> Call:
    """`lt.link` with nothing but the keys and the model."""
    link: Any = importlib.import_module("linktransformer").link
    encoder: Any = importlib.import_module("clippings").OnnxTextEncoder
    encoder.encode = clock.counting(encoder.encode)

    def call(left: Any, right: Any) -> Any:
        return link(left, right, left_on=list(left), right_on=list(right), **extra(side, None))

    return call


def by_old(model: str | None, clock: Any) -> Call:
    """`merge` of linktransformer 0.1.18: the best match of every left row, without a threshold."""
    lt: Any = importlib.import_module("linktransformer")
    classes: Any = importlib.import_module("linktransformer.modelling.LinkTransformer")
    classes.LinkTransformer.encode = clock.counting(classes.LinkTransformer.encode)

    def call(left: Any, right: Any) -> Any:
        keys = [[name for name in table if name not in ROWS] for table in (left, right)]
        if len(keys[0]) == len(keys[1]) == 1:
            keys = [names[0] for names in keys]
        return lt.merge(left, right, left_on=keys[0], right_on=keys[1], **extra("old", model))

    return call


def call_of(side: str, model: str | None, clock: Any) -> Call:
    """Import what the side is and give its call."""
    if side in OURS:
        return by_ours(side, clock)
    if side == "old":
        return by_old(model, clock)
    if side == "splink":
        importlib.import_module("splink.comparison_library")
        linked: Call = neighbour("splink_tables").linked
        return linked
    for name in ("sklearn.feature_extraction.text", "sparse_dot_topn"):
        importlib.import_module(name)
    baseline: Call = importlib.import_module("tests.benchmarks.speed").by_baseline
    return baseline


def outcome(side: str, linked: Any) -> dict[str, Any]:
    """The pairs of row numbers, and the report where the side has one."""
    pairs: Pairs
    if side in OURS:
        pairs = list(zip(linked.pairs["left"].tolist(), linked.pairs["right"].tolist(), strict=True))
        return {"pairs": pairs, "report": linked.report()}
    if side == "old":
        return {"pairs": list(zip(*(linked[name].tolist() for name in ROWS), strict=True))}
    return {"pairs": linked}


def one_call(options: argparse.Namespace) -> dict[str, Any]:
    """Read the tables, import the package, time the call."""
    import pandas as pd

    jobs = neighbour("jobs")
    left, right = (
        pd.read_csv(path, dtype=str, keep_default_na=False) for path in (options.left, options.right)
    )
    if options.side == "old":
        left, right = (
            table.assign(**{name: range(len(table))}) for table, name in zip((left, right), ROWS, strict=True)
        )
    clock = jobs.Clock()
    start = spent()
    call = call_of(options.side, options.model, clock)
    values: dict[str, Any] = since(start, "import")
    start = spent()
    linked = call(left, right)
    values |= since(start, "call")
    values["peak_mb"] = jobs.peak_mb()
    return {**values, "texts": clock.texts, **outcome(options.side, linked)}


def two_rows(options: argparse.Namespace) -> dict[str, Any]:
    """Import the package and merge two tables of two rows, then merge them again; pandas is loaded before."""
    import pandas as pd

    left = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy"]})
    right = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Zeller Motors"]})
    start = spent()
    merge: Any = importlib.import_module("linktransformer").merge
    values: dict[str, Any] = since(start, "import")
    merge(left, right, on="name", **extra(options.side, options.model))
    values |= since(start, "first")  # with the import
    start = spent()
    merge(left, right, on="name", **extra(options.side, options.model))
    values |= since(start, "second")
    return {**values, "peak_mb": neighbour("jobs").peak_mb()}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the call of a side and write its values."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("side", choices=SIDES)
    parser.add_argument("--left", type=Path, help="CSV of the key columns")
    parser.add_argument("--right", type=Path, help="CSV of the key columns")
    parser.add_argument("--model", default=None, help="the folder of the old package's model")
    parser.add_argument("--two-rows", action="store_true")
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args(arguments)
    # a script's own folder leads sys.path, and its neighbours (`report`, `data`) would shadow other modules
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != HERE]
    values = two_rows(options) if options.two_rows else one_call(options)
    options.result.write_text(json.dumps(values), encoding="utf-8")


if __name__ == "__main__":
    main()
