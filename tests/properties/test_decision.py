"""What must hold for any decision by probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import linktransformer as lt
from linktransformer.decision.model import decision
from tools.recipes.decision.fit import monotone

# links of tables that are drawn may be few and uncertain
pytestmark = pytest.mark.filterwarnings("ignore::linktransformer.errors.LinkWarning")

FEW = settings(max_examples=20, deadline=None)
SYLLABLES = ("ba", "ke", "lo", "mi", "nu", "pa", "ri", "so", "tu", "va", "we", "xi", "yo", "zu", "do", "fe")
SIZES = st.tuples(st.integers(12, 30), st.integers(31, 45))


def scores(links: lt.Links, *, turned: bool = False) -> dict[tuple[int, int], float]:
    sides = (links.right_rows, links.left_rows) if turned else (links.left_rows, links.right_rows)
    pairs = zip(*(side.tolist() for side in sides), strict=True)
    return dict(zip(pairs, links.score.tolist(), strict=True))


def firms(n_left: int, n_right: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two tables of firms with street and town; each of the fewer is among the others, misspelt."""
    draw = np.random.default_rng(seed)

    def words(n: int) -> list[str]:
        return [" ".join("".join(draw.choice(SYLLABLES, 3)) for _ in range(2)) for _ in range(n)]

    right = pd.DataFrame({"name": words(n_right), "street": words(n_right), "town": words(n_right)})
    left = right.iloc[draw.permutation(n_right)[:n_left]].reset_index(drop=True)
    for column in left:
        at = draw.integers(1, 8, n_left)
        left[column] = [
            text[:cut] + "q" + text[cut + 1 :] for text, cut in zip(left[column], at, strict=True)
        ]
    return left, right


@FEW
@given(SIZES, st.integers(0, 2**32 - 1))
def test_swapped_tables_give_mirrored_links(sizes: tuple[int, int], seed: int) -> None:
    left, right = firms(*sizes, seed)
    for options in ({"on": "name"}, {"on": ["name", "street", "town"]}):
        how: dict[str, Any] = {"model": "lexical", "validate": "1:1", **options}
        there = scores(lt.link(left, right, **how))
        back = scores(lt.link(right, left, **how), turned=True)
        assert set(there) == set(back) and len(there) > sizes[0] / 2
        assert there == pytest.approx(back, abs=1e-5)


@FEW
@given(SIZES, st.integers(0, 2**32 - 1), st.permutations(["name", "street", "town"]))
def test_the_order_of_the_columns_changes_nothing(sizes: tuple[int, int], seed: int, on: list[str]) -> None:
    left, right = firms(*sizes, seed)
    straight = lt.link(left, right, on=["name", "street", "town"], model="lexical")
    turned = lt.link(left, right, on=on, model="lexical")
    assert turned.report()["key_column"] == straight.report()["key_column"]
    assert set(scores(turned)) == set(scores(straight)) and len(straight) > sizes[0] / 2
    assert scores(turned) == pytest.approx(scores(straight), abs=1e-5)


@FEW
@given(st.data())
def test_more_of_what_speaks_for_a_match_never_lowers_the_log_odds(data: st.DataObject) -> None:
    trees = decision().pair
    signs = monotone(list(trees.names))
    draw = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    place = data.draw(st.sampled_from([at for at, sign in enumerate(signs) if sign]))
    row = draw.normal(size=len(trees.names))
    for at in range(len(row)):
        cuts = trees.threshold[trees.feature == at]
        row[at] = draw.choice(cuts) + draw.choice([-1e-3, 1e-3]) if len(cuts) else row[at]
    row[draw.random(len(row)) < 0.2] = np.nan
    cuts = trees.threshold[trees.feature == place].astype(np.float64)
    values = np.sort(np.concatenate([cuts - 1e-4, cuts + 1e-4, [-5, 5]]))
    matrix = np.repeat(row[None], len(values), axis=0)
    matrix[:, place] = values
    found = trees.predict(matrix.astype(np.float32), trees.names)
    assert (np.diff(found) * signs[place] >= -1e-4).all(), trees.names[place]


@FEW
@given(SIZES, st.integers(0, 2**32 - 1), st.booleans())
def test_a_row_that_matches_nothing_changes_no_link(sizes: tuple[int, int], seed: int, on_left: bool) -> None:
    left, right = firms(*sizes, seed)
    strange = pd.DataFrame({"name": ["7731 // 0"], "street": ["## 12"], "town": ["99-99"]})
    more = [pd.concat([left, strange]), right] if on_left else [left, pd.concat([right, strange])]
    for on in ("name", ["name", "street", "town"]):
        before = scores(lt.link(left, right, on=on, model="lexical"))
        after = scores(lt.link(*(table.reset_index(drop=True) for table in more), on=on, model="lexical"))
        assert set(after) == set(before) and len(before) > sizes[0] / 2
