"""One random job: tables, a verb and its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.tables import KINDS, TEXTS, Table, column, perturbed

__all__ = ["LIBRARIES", "TWO", "VERBS", "Case", "cases"]

LIBRARIES = tuple(
    name
    for name in ("pandas", "pandas_object", "pandas_arrow", "polars", "pyarrow")
    if find_spec(name.partition("_")[0])
)
TWO = ("merge", "link", "merge_knn", "Linker")
VERBS = (*TWO, "cluster_rows", "dedup_rows", "cluster", "Deduplicator")
SIZES = st.one_of(st.integers(0, 5), st.integers(0, 40), st.integers(40, 300))


@dataclass(frozen=True)
class Case:
    """A job; `left` alone for verbs of one table."""

    verb: str
    library: str
    left: Table
    right: Table
    on: list[str]
    index: str
    seed: int
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        kinds = {name: kind for name, kind in self.left.kinds.items() if name != "row"}
        return (
            f"{self.verb} {self.library} {self.left.n_rows}x{self.right.n_rows} on={self.on} "
            f"kinds={kinds} index={self.index} seed={self.seed} {self.options}"
        )


def _tables(kinds: dict[str, str], sizes: tuple[int, int], nulls: float, overlap: float, seed: int) -> Any:
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
    verb = draw(st.sampled_from(VERBS))
    library = draw(st.sampled_from(LIBRARIES))
    names = [f"c{i}" for i in range(draw(st.integers(1, 4)))]
    kinds = {names[0]: draw(st.one_of(st.sampled_from(list(TEXTS)), st.sampled_from(list(KINDS))))}
    kinds |= {name: draw(st.sampled_from(list(KINDS))) for name in names[1:]}
    if library in ("pandas", "pandas_object") and draw(st.integers(0, 5)) == 0:
        kinds[names[-1]] = "mixed"
    on = names[: draw(st.integers(1, len(names)))]
    sizes = draw(SIZES), draw(SIZES)
    seed = draw(st.integers(0, 2**32 - 1))
    nulls, overlap = draw(st.sampled_from([0.0, 0.1, 0.6])), draw(st.sampled_from([0.0, 0.3, 0.9]))
    left, right = _tables(kinds, sizes, nulls, overlap, seed)
    index = draw(st.sampled_from(["range", "range", "shuffled", "texts", "repeated", "levels"]))
    options: dict[str, Any] = {"model": "lexical"}
    if draw(st.booleans()):
        number = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])
        options["threshold"] = draw(
            st.one_of(number, st.just("auto"))
            if verb not in ("merge", "link")
            else st.one_of(number, st.none(), st.sampled_from([{"precision": 0.9}, {"precision": 0.5}]))
        )
    if draw(st.integers(0, 3)) == 0:
        options["k"] = draw(st.integers(1, 60))
    if draw(st.integers(0, 3)) == 0 and verb != "merge_knn":
        options["block_on"] = draw(st.sampled_from(names))
    if verb in ("merge", "link"):
        options["validate"] = draw(st.sampled_from([None, "1:1", "1:m", "m:1", "m:m"]))
        if draw(st.integers(0, 3)) == 0:
            options["expected_overlap"] = draw(st.sampled_from([0.05, 0.5, 1.0]))
    if verb == "merge":
        options["how"] = draw(st.sampled_from(["left", "right", "inner", "outer"]))
        options["indicator"] = draw(st.booleans())
    if verb in ("merge", "link", "cluster_rows", "dedup_rows", "cluster") and draw(st.integers(0, 4)) == 0:
        options["null_values"] = ["the same text", "-", "north"]
    if verb in ("cluster_rows", "dedup_rows", "cluster", "Deduplicator"):
        options["method"] = draw(st.sampled_from(["average", "single", "complete"]))
    if verb == "merge_knn":
        options.pop("threshold", None)
        options["k"] = draw(st.integers(1, 5))
    return Case(verb, library, left, right, on, index, seed, options)
