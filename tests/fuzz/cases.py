"""One random job: tables, a verb and its arguments."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.arguments import PICTURED, arguments, is_slow
from tests.fuzz.tables import KINDS, OBJECTS, TEXTS, Table, column, perturbed

__all__ = ["COPIES", "LIBRARIES", "NULLS", "TWO", "VERBS", "Case", "cases", "tables"]

LIBRARIES = tuple(
    name
    for name in ("pandas", "pandas_object", "pandas_arrow", "pandas_nullable", "polars", "pyarrow")
    if find_spec(name.partition("_")[0])
)
LINKED = ("merge", "link", "evaluate", "link_files")
TWO = (*LINKED, "merge_knn", "merge_range", "Linker")
ONE = ("cluster_rows", "dedup_rows", "cluster", "cluster_several", "Deduplicator")
VERBS = (*TWO, *ONE, "evaluate_pairs", "command")
SIZES = st.one_of(st.integers(0, 5), st.integers(0, 40), st.integers(40, 300))
FEW = st.integers(0, 12)  # rows where a model reads them
INDEXES = ["range", "range", "shuffled", "texts", "repeated", "levels", "moments"]
NULLS, COPIES = [0.0, 0.1, 0.6, 1.0], [0.0, 0.3, 0.9]
# columns of a table whose names mean something else to a verb, or are not plain words
NAMES = [["c0", "c1", "c2", "c3"]] * 5 + [
    ["score", "cluster", "_merge", "reference"],
    ["left", "side", "kept", "right"],
    ["a b", "né", "名", "c,d=e"],
]
NUMBERED = [[0, 1, 2, 3], [None, 1.5, True, ("a", 1)]]  # pandas takes any name


@dataclass(frozen=True)
class Case:
    """A job; `left` alone for verbs of one table. `right_on` are the names of the keys on the right."""

    verb: str
    library: str
    left: Table
    right: Table
    on: list[Any]
    right_on: list[Any]
    index: str
    seed: int
    twice: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    shares: tuple[float, float] = (0.0, 0.0)  # of nulls, and of rows that are copies of others

    def __str__(self) -> str:
        kinds = {name: kind for name, kind in self.left.kinds.items() if name != "row"}
        return (
            f"{self.verb} {self.library} {self.left.n_rows}x{self.right.n_rows} on={self.on}/{self.right_on} "
            f"kinds={kinds} index={self.index} seed={self.seed} "
            f"shares={self.shares} twice={self.twice} {self.options}"
        )

    @property
    def keys(self) -> dict[str, Any]:
        """`on`, or `left_on` and `right_on` where names differ."""
        same = self.on == self.right_on
        return {"on": self.on} if same else {"left_on": self.on, "right_on": self.right_on}


def tables(
    kinds: dict[Any, str], sizes: tuple[int, int], nulls: float, overlap: float, seed: int
) -> tuple[Table, Table]:
    """The tables of a case by their columns, rows, share of nulls, share of copied rows, and seed."""
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
def cases(draw: st.DrawFn, libraries: tuple[str, ...] = LIBRARIES) -> Case:
    """Draw a job. Tables come from a drawn seed, so that a case is small to draw and to print."""
    verb, library = draw(st.sampled_from(VERBS)), draw(st.sampled_from(libraries))
    names = _names(draw, verb, library)
    kinds = {names[0]: draw(st.one_of(st.sampled_from(list(TEXTS)), st.sampled_from(list(KINDS))))}
    kinds |= {name: draw(st.sampled_from(list(KINDS))) for name in names[1:]}
    if library in ("pandas_object", "pandas") and verb != "link_files" and draw(st.integers(0, 3)) == 0:
        objects = list(OBJECTS) if library == "pandas_object" else ["mixed", "tuples"]
        kinds[names[-1]] = draw(st.sampled_from(objects))
    on = names[: draw(st.integers(1, len(names)))]
    if verb in PICTURED and len(names) > len(on) and draw(st.integers(0, 9)) == 0:
        kinds[names[-1]] = "pictures"
    other_names = verb in TWO and draw(st.integers(0, 3)) == 0
    right_on = [f"their {name}" for name in on] if other_names else on
    options = arguments(draw, verb, kinds, on, right_on)
    sizes = (draw(FEW), draw(FEW)) if is_slow(options) else (draw(SIZES), draw(SIZES))
    seed = draw(st.integers(0, 2**32 - 1))
    nulls, overlap = draw(st.sampled_from(NULLS)), draw(st.sampled_from(COPIES))
    left, right = tables(kinds, sizes, nulls, overlap, seed)
    right = right.renamed({a: b for a, b in zip(on, right_on, strict=True) if a != b})
    index = draw(st.sampled_from(INDEXES))
    twice = library not in ("polars", "pandas_arrow") and draw(st.integers(0, 49)) == 0
    return Case(
        verb, library, left, right, on, right_on, index, seed, twice, options, shares=(nulls, overlap)
    )


def _names(draw: st.DrawFn, verb: str, library: str) -> list[Any]:
    """Names of one to four columns."""
    n = draw(st.integers(2 if verb == "evaluate_pairs" else 1, 4))
    any_name = library in ("pandas", "pandas_object", "pandas_nullable") and verb not in (
        "link_files",
        "command",
    )
    return draw(st.sampled_from(NUMBERED if any_name and draw(st.integers(0, 15)) == 0 else NAMES))[:n]
