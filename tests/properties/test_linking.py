"""What must hold for any two tables."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linktransformer as lt
from linktransformer.decision.assign import one_to_one
from linktransformer.decision.ranking import rank
from linktransformer.linking import merge
from linktransformer.search import blocking
from linktransformer.search.exact import exact_top_k
from tests.conftest import make, to_pandas

# tables that are drawn may be of copies alone
pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")

WORDS = st.sampled_from(
    [
        "acme",
        "baxter",
        "steel",
        "dairy",
        "paper",
        "mills",
        "works",
        "corp",
        "ltd",
        "boston",
        "tulsa",
        "7",
        "x",
        "é",
        "名古屋",
        "😀",
    ]
)
NAME = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
NAMES = st.lists(st.one_of(st.none(), NAME), max_size=12)
MANY = st.lists(NAME, min_size=6, max_size=12)  # so many that some are alike
PARTS = st.integers(0, 20).map(lambda twentieths: twentieths / 20)
FEW = settings(max_examples=40, deadline=None)


def frame(names: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"name": pd.Series(names, dtype=object), "place": range(len(names))})


def pairs(links: lt.Links) -> set[tuple[int, int]]:
    return set(zip(links.left_rows.tolist(), links.right_rows.tolist(), strict=True))


def lexical(left: list[str | None], right: list[str | None], **options: object) -> lt.Links:
    return lt.link(frame(left), frame(right), on="name", model="lexical", **options)


@FEW
@given(NAMES, NAMES)
def test_same_result_in_every_library(left: list[str | None], right: list[str | None]) -> None:
    found = []
    for library in ("pandas", "polars", "pyarrow"):
        tables = [make(library, {"name": names or [None]}) for names in (left, right)]
        found.append(to_pandas(merge.link(*tables, left_on="name", right_on="name", model="lexical").pairs))
    for other in found[1:]:
        assert found[0].to_dict("list") == other.to_dict("list")


@FEW
@given(NAMES, NAMES, st.randoms(use_true_random=False))
def test_row_order_changes_nothing_but_row_numbers(left, right, random) -> None:  # type: ignore[no-untyped-def]
    order = list(range(len(left)))
    random.shuffle(order)
    # a second column brings a second view, whose weight must not depend on the order either
    a, b = (frame(names).assign(place="x") for names in (left, right))
    straight = lt.link(a, b, on=["name", "place"], model="lexical", threshold=0.3)
    shuffled = lt.link(a.iloc[order], b, on=["name", "place"], model="lexical", threshold=0.3)
    score = dict(zip(straight.left_rows.tolist(), straight.score.tolist(), strict=True))
    moved = {
        order[row]: s for row, s in zip(shuffled.left_rows.tolist(), shuffled.score.tolist(), strict=True)
    }
    assert score.keys() == moved.keys()
    np.testing.assert_allclose(
        [score[row] for row in sorted(score)], [moved[row] for row in sorted(score)], 1e-4
    )


@FEW
@given(MANY, MANY)
def test_one_block_is_no_block(left: list[str | None], right: list[str | None]) -> None:
    a, b = frame(left).assign(block=1), frame(right).assign(block=1)
    with_block = lt.link(a, b, on="name", model="lexical", block_on="block")
    assert pairs(with_block) == pairs(lexical(left, right))


@FEW
@given(MANY, MANY)
def test_rows_alone_in_their_block_change_nothing_for_the_rest(
    left: list[str | None], right: list[str | None]
) -> None:
    a, b = frame([*left, "qqq"]), frame([*right, "vvv"])  # nothing in common with any word
    a["block"], b["block"] = [1] * len(left) + [2], [1] * len(right) + [3]
    with_blocks = lt.link(a, b, on="name", model="lexical", block_on="block")
    assert pairs(with_blocks) == pairs(lt.link(a, b, on="name", model="lexical"))


@FEW
@given(NAMES, NAMES, st.sampled_from(["auto", None, 0.2]))
def test_one_to_one_uses_no_row_twice(
    left: list[str | None], right: list[str | None], threshold: object
) -> None:
    links = lexical(left, right, validate="1:1", threshold=threshold)
    assert len(set(links.left_rows.tolist())) == len(links) == len(set(links.right_rows.tolist()))


@FEW
@given(MANY, MANY, PARTS, PARTS)
def test_a_higher_threshold_gives_a_subset(left, right, one, other) -> None:  # type: ignore[no-untyped-def]
    low, high = sorted((one, other))
    assert pairs(lexical(left, right, threshold=high)) <= pairs(lexical(left, right, threshold=low))


@FEW
@given(NAMES, NAMES, st.sampled_from(["1:1", "1:m", "m:1", "m:m"]))
def test_rows_without_keys_never_link_and_every_row_is_counted(left, right, validate) -> None:  # type: ignore[no-untyped-def]
    links = lexical(left, right, validate=validate, threshold=None)
    assert not {row for row, name in enumerate(left) if name is None} & set(links.left_rows.tolist())
    assert not {row for row, name in enumerate(right) if name is None} & set(links.right_rows.tolist())
    for rows, reason in ((links.left_rows, links.left_reason), (links.right_rows, links.right_reason)):
        assert set(np.flatnonzero(reason == 0).tolist()) == set(rows.tolist())


def written_otherwise(names: list[str | None], seed: int) -> list[str | None]:
    """The same names decomposed, in full width or with characters and spaces that are not seen."""
    draw = np.random.default_rng(seed)
    wide = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
    ways = [
        lambda name: unicodedata.normalize("NFD", name),
        lambda name: name.translate(wide),
        lambda name: "\ufeff" + name.replace(" ", "\u00a0\u00a0"),
        lambda name: "\u00ad\u200b".join(name),
    ]
    return [name and ways[int(draw.integers(len(ways)))](name) for name in names]


@FEW
@given(NAMES, NAMES, st.integers(0, 99))
def test_another_way_of_writing_changes_no_link(left, right, seed) -> None:  # type: ignore[no-untyped-def]
    wanted = lexical(left, right)
    found = lexical(written_otherwise(left, seed), written_otherwise(right, seed + 1))
    assert pairs(found) == pairs(wanted)
    np.testing.assert_array_equal(found.score, wanted.score)


@FEW
@given(NAMES, st.integers(0, 99))
def test_a_table_and_itself_written_otherwise_are_the_table(names, seed) -> None:  # type: ignore[no-untyped-def]
    both = frame([*names, *written_otherwise(names, seed)])
    kept = lt.dedup_rows(both, on="name", model="lexical", threshold=1)["name"].tolist()
    assert [name for name in kept if name] == list(dict.fromkeys(name for name in names if name))


@FEW
@given(st.lists(st.tuples(NAME, WORDS), max_size=10), st.integers(0, 99))
def test_another_way_of_writing_changes_no_block(rows, seed) -> None:  # type: ignore[no-untyped-def]
    names, places = ([row[side] for row in rows] for side in (0, 1))
    left = pd.DataFrame({"name": names, "place": places}, dtype=object)
    cells = [f" {place.upper()}  " for place in written_otherwise(places, seed)]
    right = pd.DataFrame({"name": names, "town": cells}, dtype=object)
    one = lt.link(left, left, on="name", model="lexical", block_on="place")
    other = lt.link(left, right, on="name", model="lexical", block_on=("place", "town"))
    assert pairs(one) == pairs(other)


@FEW
@given(NAMES, NAMES, st.integers(1, 30))
def test_any_k_and_memory_give_the_best_partner(left, right, k) -> None:  # type: ignore[no-untyped-def]
    one = lexical(left, right, threshold=None, k=k, memory_limit=1)
    assert pairs(one) == pairs(lexical(left, right, threshold=None, k=30))


@FEW
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from([0.25, 0.5, 0.75])), max_size=12)
)
def test_assignment_is_the_best_of_all(edges: list[tuple[int, int, float]]) -> None:
    best = {(a, b): s for a, b, s in edges}
    left, right = (np.array([pair[side] for pair in best], dtype=np.int64) for side in (0, 1))
    score = np.array(list(best.values()), dtype=np.float32)
    chosen, _ = one_to_one(left, right, score)
    assert score[chosen].sum() == most(best)


def most(edges: dict[tuple[int, int], float]) -> float:
    if not edges:
        return 0.0
    (a, b), s = next(iter(edges.items()))
    rest = {pair: value for pair, value in edges.items() if pair != (a, b)}
    free = {pair: value for pair, value in rest.items() if pair[0] != a and pair[1] != b}
    return max(most(rest), s + most(free))


@FEW
@given(st.integers(0, 5), st.integers(0, 7), st.integers(1, 9), st.integers(1, 400), st.integers(0, 99))
def test_the_exact_index_is_a_stable_sort(n: int, m: int, k: int, memory: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    a, b = (draw.integers(-1, 2, (rows, 3)).astype(np.float32) for rows in (n, m))
    rows, scores = exact_top_k(a, b, k, memory_limit=memory)
    wanted = np.argsort(-(a @ b.T), axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(rows, wanted)
    np.testing.assert_array_equal(scores, np.take_along_axis(a @ b.T, wanted, 1))


@FEW
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from([0.1, 0.5])), max_size=15, unique=True
    )
)
def test_ranking_is_a_stable_sort_of_each_group(found: list[tuple[int, int, float]]) -> None:
    group, other = (np.array([pair[side] for pair in found], dtype=np.int64) for side in (0, 1))
    score = np.array([pair[2] for pair in found], dtype=np.float32)
    ranking = rank(group, other, score)
    for node, best, second in zip(ranking.nodes, ranking.best, ranking.second, strict=True):
        wanted = sorted(np.flatnonzero(group == node), key=lambda pair: (-score[pair], other[pair]))
        assert (score[best], other[best]) == (score[wanted[0]], other[wanted[0]])
        assert (second == -1) == (len(wanted) == 1)
        if second >= 0:
            assert score[second] == score[wanted[1]]


@FEW
@given(st.lists(st.tuples(st.integers(-1, 3), st.integers(-1, 2)), max_size=20))
def test_nodes_are_the_different_pairs_of_text_and_block(rows: list[tuple[int, int]]) -> None:
    text, block = (np.array([row[side] for row in rows], dtype=np.int64) for side in (0, 1))
    nodes = blocking.nodes(text, block)
    wanted = list(dict.fromkeys(row for row in rows if min(row) >= 0))
    assert list(zip(nodes.text.tolist(), nodes.block.tolist(), strict=True)) == wanted
    assert nodes.node_of_row.tolist() == [wanted.index(row) if min(row) >= 0 else -1 for row in rows]
