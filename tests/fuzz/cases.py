"""One random job: tables, a verb and its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from hypothesis import strategies as st

import linktransformer as lt
from tests.fuzz.tables import KINDS, OBJECTS, TEXTS, Table, column, perturbed

__all__ = ["LIBRARIES", "TWO", "VERBS", "Case", "cases"]

LIBRARIES = tuple(
    name
    for name in ("pandas", "pandas_object", "pandas_arrow", "pandas_nullable", "polars", "pyarrow")
    if find_spec(name.partition("_")[0])
)
LINKED = ("merge", "link", "evaluate", "link_files")
TWO = (*LINKED, "merge_knn", "merge_range", "Linker")
ONE = ("cluster_rows", "dedup_rows", "cluster", "cluster_several", "Deduplicator")
VERBS = (*TWO, *ONE, "evaluate_pairs")
SIZES = st.one_of(st.integers(0, 5), st.integers(0, 40), st.integers(40, 300))
INDEXES = ["range", "range", "shuffled", "texts", "repeated", "levels", "moments"]
COMPARISONS = [
    *(lt.compare.exact(), lt.compare.text(), lt.compare.name(), lt.compare.identifier(), lt.compare.email()),
    *(lt.compare.number(within=2), lt.compare.date(within_days=3), lt.compare.geo(within_km=5)),
]


@dataclass(frozen=True)
class Case:
    """A job; `left` alone for verbs of one table. `right_on` are the names of the keys on the right."""

    verb: str
    library: str
    left: Table
    right: Table
    on: list[str]
    right_on: list[str]
    index: str
    seed: int
    twice: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        kinds = {name: kind for name, kind in self.left.kinds.items() if name != "row"}
        return (
            f"{self.verb} {self.library} {self.left.n_rows}x{self.right.n_rows} on={self.on}/{self.right_on} "
            f"kinds={kinds} index={self.index} seed={self.seed} twice={self.twice} {self.options}"
        )

    @property
    def keys(self) -> dict[str, Any]:
        """`on`, or `left_on` and `right_on` where names differ."""
        same = self.on == self.right_on
        return {"on": self.on} if same else {"left_on": self.on, "right_on": self.right_on}


def _tables(
    kinds: dict[str, str], sizes: tuple[int, int], nulls: float, overlap: float, seed: int
) -> tuple[Table, Table]:
    rng = np.random.default_rng(seed)
    n_left, n_right = sizes
    left = {name: column(kind, rng, n_left, nulls) for name, kind in kinds.items()}
    right = {name: column(kind, rng, n_right, nulls) for name, kind in kinds.items()}
    if n_left and n_right:  # some right rows are noisy copies of left rows, and some left rows of each other
        rows = rng.integers(0, n_left, n_right)
        copied = rng.random(n_right) < overlap
        for name in kinds:
            noisy = perturbed(left[name], rng, rows.tolist())
            right[name] = [a if c else b for a, b, c in zip(noisy, right[name], copied, strict=True)]
    if n_left > 1:
        twins = rng.integers(0, n_left, n_left)
        copied = rng.random(n_left) < overlap / 2
        for name in kinds:
            noisy = perturbed(left[name], rng, twins.tolist())
            left[name] = [a if c else b for a, b, c in zip(noisy, left[name], copied, strict=True)]
    left["row"], right["row"] = list(range(n_left)), list(range(n_right))
    kinds = {**kinds, "row": "row"}
    return Table(left, kinds), Table(right, kinds)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Draw a job. Tables come from a drawn seed, so that a case is small to draw and to print."""
    verb, library = draw(st.sampled_from(VERBS)), draw(st.sampled_from(LIBRARIES))
    names = [f"c{i}" for i in range(draw(st.integers(2 if verb == "evaluate_pairs" else 1, 4)))]
    kinds = {names[0]: draw(st.one_of(st.sampled_from(list(TEXTS)), st.sampled_from(list(KINDS))))}
    kinds |= {name: draw(st.sampled_from(list(KINDS))) for name in names[1:]}
    if library in ("pandas_object", "pandas") and verb != "link_files" and draw(st.integers(0, 3)) == 0:
        objects = list(OBJECTS) if library == "pandas_object" else ["mixed", "tuples"]
        kinds[names[-1]] = draw(st.sampled_from(objects))
    on = names[: draw(st.integers(1, 1 if verb == "link_files" else len(names)))]
    sizes = draw(SIZES), draw(SIZES)
    seed = draw(st.integers(0, 2**32 - 1))
    nulls, overlap = draw(st.sampled_from([0.0, 0.1, 0.6, 1.0])), draw(st.sampled_from([0.0, 0.3, 0.9]))
    left, right = _tables(kinds, sizes, nulls, overlap, seed)
    right_on = on
    if verb in TWO and draw(st.integers(0, 3)) == 0:
        right = right.renamed({name: f"their {name}" for name in on})
        right_on = [f"their {name}" for name in on]
    index = draw(st.sampled_from(INDEXES))
    twice = library not in ("polars", "pandas_arrow") and draw(st.integers(0, 49)) == 0
    blocks = [name for name in names if name in right.columns]
    return Case(
        verb, library, left, right, on, right_on, index, seed, twice, _options(draw, verb, on, blocks)
    )


def _options(draw: st.DrawFn, verb: str, on: list[str], blocks: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {"model": "lexical"}
    number = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
    if verb == "evaluate_pairs":
        return options
    if verb == "merge_range":
        return options | {"sim_threshold": draw(number)}
    if verb == "merge_knn":
        return options | {"k": draw(st.integers(1, 5)), "drop_sim_threshold": draw(st.none() | number)}
    if draw(st.booleans()):
        precise = st.sampled_from([{"precision": 0.9}, {"precision": 0.5}])
        of_links = st.one_of(number, st.just("auto"), st.none(), precise)
        options["threshold"] = draw(of_links if verb in (*LINKED, "Linker") else number | st.just("auto"))
    if draw(st.integers(0, 3)) == 0:
        options["k"] = draw(st.integers(1, 60))
    if blocks and draw(st.integers(0, 3)) == 0:
        options["block_on"] = draw(st.sampled_from(blocks))
    if verb not in ("Linker", "Deduplicator") and draw(st.integers(0, 4)) == 0:
        options["null_values"] = ["the same text", "-", "north", 7]
    return options | (_of_links(draw, verb, on) if verb in LINKED else {}) | _of_clusters(draw, verb, blocks)


def _of_links(draw: st.DrawFn, verb: str, on: list[str]) -> dict[str, Any]:
    options: dict[str, Any] = {"validate": draw(st.sampled_from([None, "1:1", "1:m", "m:1", "m:m"]))}
    if draw(st.integers(0, 3)) == 0:
        options["expected_overlap"] = draw(st.sampled_from([0.05, 0.5, 1.0]))
    if draw(st.integers(0, 3)) == 0:
        options["compare"] = {draw(st.sampled_from(on)): draw(st.sampled_from(COMPARISONS))}
    if verb in ("merge", "link_files"):
        options["how"] = draw(st.sampled_from(["left", "right", "inner", "outer"]))
        options["indicator"] = draw(st.booleans())
    return options


def _of_clusters(draw: st.DrawFn, verb: str, blocks: list[str]) -> dict[str, Any]:
    if verb not in ONE:
        return {}
    options: dict[str, Any] = {"method": draw(st.sampled_from(["average", "single", "complete"]))}
    if verb == "dedup_rows":
        options["keep"] = draw(st.sampled_from(["first", "longest", "most complete"]))
    if verb in ("cluster", "dedup_rows") and draw(st.integers(0, 4)) == 0:
        options["one_per"] = draw(st.sampled_from(blocks))
    return options
