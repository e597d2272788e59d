"""Random arguments of each verb."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

import linktransformer as lt

__all__ = ["PICTURED", "arguments", "is_slow"]

LINKED = ("merge", "link", "evaluate", "link_files")
CLUSTERED = ("cluster_rows", "dedup_rows", "cluster", "cluster_several", "Deduplicator")
PICTURED = ("merge", "link", "cluster", "cluster_rows", "dedup_rows")
READING = ("merge", "link", "evaluate", *CLUSTERED[:-1])
COMPARISONS = [
    *(lt.compare.exact(), lt.compare.text(), lt.compare.name(), lt.compare.identifier(), lt.compare.email()),
    *(lt.compare.number(within=2), lt.compare.date(within_days=3), lt.compare.geo(within_km=5)),
]
NUMBER = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


def arguments(
    draw: st.DrawFn, verb: str, kinds: dict[Any, str], on: list[Any], right_on: list[Any]
) -> dict[str, Any]:
    """The arguments of a verb beside its tables and keys."""
    if verb == "command":
        return _of_command(draw, on)
    options: dict[str, Any] = {"model": "lexical"}
    if verb == "evaluate_pairs":
        return options
    if verb == "merge_range":
        return options | {"sim_threshold": draw(NUMBER)}
    if verb == "merge_knn":
        return options | {"k": draw(st.integers(1, 5)), "drop_sim_threshold": draw(st.none() | NUMBER)}
    shared = [name for name in kinds if on == right_on or name not in on]
    options |= _of_scoring(draw, verb, on, right_on, shared)
    if verb in LINKED:
        options |= _of_links(draw, verb, on)
    if verb in CLUSTERED:
        options |= _of_clusters(draw, verb, list(kinds))
    return options | _of_models(draw, verb, kinds)


def is_slow(options: dict[str, Any]) -> bool:
    """Whether a model reads the rows."""
    return options.get("model", "lexical") != "lexical" or "model" not in options or "reader" in options


def _seldom(draw: st.DrawFn, one_in: int) -> bool:
    return draw(st.integers(0, one_in - 1)) == 0


def _of_scoring(
    draw: st.DrawFn, verb: str, on: list[Any], right_on: list[Any], shared: list[Any]
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if draw(st.booleans()):
        precise = st.sampled_from([{"precision": 0.9}, {"precision": 0.5}])
        of_links = st.one_of(NUMBER, st.just("auto"), st.none(), precise)
        options["threshold"] = draw(of_links if verb in (*LINKED, "Linker") else NUMBER | st.just("auto"))
    if _seldom(draw, 4):
        options["k"] = draw(st.integers(1, 60))
    if shared and _seldom(draw, 4):
        options["block_on"] = draw(st.sampled_from([*shared, shared[:2]]))
    elif on != right_on and verb in LINKED and _seldom(draw, 3):
        options["block_on"] = (on[-1], right_on[-1])
    if verb not in ("Linker", "Deduplicator") and _seldom(draw, 5):
        values = ["the same text", "-", "north", 7]
        options["null_values"] = draw(st.sampled_from([values, {on[0]: values}]))
    if verb not in ("Deduplicator", "dedup_rows", "link_files", "evaluate") and _seldom(draw, 6):
        options["long"] = draw(st.sampled_from(["auto", "cut", "pieces"]))
    return options


def _of_models(draw: st.DrawFn, verb: str, kinds: dict[Any, str]) -> dict[str, Any]:
    """A model that reads texts or pictures, or the reader of pairs: few rows, and seldom."""
    pictures = [name for name, kind in kinds.items() if kind == "pictures"]
    if pictures:
        certain = [name for name, kind in kinds.items() if kind == "shares"]
        confidence = {"confidence": certain[0]} if certain and verb != "dedup_rows" else {}
        return {"model": "photos", "images": pictures[0]} | confidence
    if verb in READING and _seldom(draw, 25):
        reader = draw(st.sampled_from([False, "auto", True, 0.05]))
        return {"reader": reader} | ({} if draw(st.booleans()) else {"model": None})
    return {}


def _of_links(draw: st.DrawFn, verb: str, on: list[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"validate": draw(st.sampled_from([None, "1:1", "1:m", "m:1", "m:m"]))}
    if _seldom(draw, 4):
        options["expected_overlap"] = draw(st.sampled_from([0.05, 0.5, 1.0]))
    if _seldom(draw, 4):
        options["compare"] = {draw(st.sampled_from(on)): draw(st.sampled_from(COMPARISONS))}
    if verb in ("merge", "link_files"):
        options["how"] = draw(st.sampled_from(["left", "right", "inner", "outer"]))
        options["indicator"] = draw(st.booleans())
        if _seldom(draw, 4):
            options["suffixes"] = draw(st.sampled_from([("_left", "_right"), ("", "_y"), ("_x", "")]))
        if _seldom(draw, 6):
            options["score_column"] = draw(st.sampled_from(["probability", "c0", "row"]))
    return options


def _of_clusters(draw: st.DrawFn, verb: str, names: list[Any]) -> dict[str, Any]:
    options: dict[str, Any] = {"method": draw(st.sampled_from(["average", "single", "complete"]))}
    if verb == "dedup_rows":
        options["keep"] = draw(st.sampled_from(["first", "longest", "most complete"]))
        options["return_members"] = draw(st.booleans())
    if verb != "cluster_several" and _seldom(draw, 5):
        options["one_per"] = draw(st.sampled_from(names))
    if verb == "cluster_several" and draw(st.booleans()):
        options["duplicates"] = draw(st.sampled_from([True, False, {"a"}, {"a": False, "b": True}]))
    for pairs in ("must_link", "cannot_link"):
        if verb != "cluster_several" and _seldom(draw, 5):
            row = st.integers(0, 8)
            drawn = draw(st.lists(st.tuples(row, row), min_size=1, max_size=3))
            options[pairs] = [(a, b) for a, b in drawn if a != b] or [(0, 1)]
    return options


def _of_command(draw: st.DrawFn, on: list[Any]) -> dict[str, Any]:
    """Formats of the files, and options as they are typed."""
    formats = st.sampled_from(["csv", "tsv", "csv.gz", "xlsx", "parquet"])
    files = [draw(formats) for _ in range(3)]
    typed: list[str] = []
    name = draw(st.sampled_from(["merge", "dedup"]))
    if draw(st.booleans()):
        typed += ["--threshold", draw(st.sampled_from(["auto", "0.5", "1"]))]
    if name == "merge":
        typed += ["--how", draw(st.sampled_from(["left", "right", "inner", "outer"]))]
        typed += ["--indicator"] if draw(st.booleans()) else []
        typed += (
            ["--validate", draw(st.sampled_from(["1:1", "1:m", "m:1", "m:m"]))] if draw(st.booleans()) else []
        )
    elif draw(st.booleans()):
        typed += ["--mark"]
    if _seldom(draw, 4):
        typed += ["--null-values", "north,-"]
    if _seldom(draw, 4):
        typed += ["--block-on", str(on[-1])]
    return {"name": name, "files": files, "typed": typed}
