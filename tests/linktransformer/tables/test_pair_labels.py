"""Labels of pairs: every form in which they come, and what is refused in place of a score of 0."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.tables import frames
from linktransformer.tables.pair_labels import Ids, conflicts, read_labels

LEFT = pd.DataFrame({"id": ["f1", "f2", "f3"], "name": ["Hart Mill", "Orr Foundry", "Penn Salt"]})
RIGHT = pd.DataFrame({"key": [70, 80, 90], "name": ["Penn Salt Co", "Hart Mills", "Orr Foundries"]})
PAIRS = [("f1", 80), ("f2", 90), ("f3", 70)]
IDS = {"left_id": "id", "right_id": "key"}


def read(given: Any, ids: Ids | None = None) -> tuple[list[int], list[int], list[bool]]:
    tables = frames.wrap(LEFT, "left"), frames.wrap(RIGHT, "right")
    found = read_labels(tables, given, "labels", ids or Ids("id", "key"))
    return found.left.tolist(), found.right.tolist(), found.match.tolist()


@pytest.mark.parametrize(
    "given",
    [
        PAIRS,
        dict(PAIRS),
        [(*pair, 1) for pair in PAIRS],
        np.array(PAIRS, dtype=object),
        pd.DataFrame(PAIRS, columns=["a", "b"]),
        pd.DataFrame([(a, b, 1) for a, b in PAIRS], columns=["a", "b", "y"]),
        pd.DataFrame([("x", b, a, 0.4) for a, b in PAIRS], columns=["note", "right", "left", "score"]),
        pd.DataFrame([(b, a) for a, b in PAIRS], columns=["right_id", "left_id"]),
    ],
)
def test_one_meaning_in_every_form(given: Any) -> None:
    assert read(given) == ([0, 1, 2], [1, 2, 0], [True] * 3)


@pytest.mark.parametrize(
    "answers", [[1, 0, None], ["1", "0", None], [True, False, None], ["Yes", " no", None], ["t", "F", None]]
)
@pytest.mark.parametrize("name", ["label", "match", "is it one"])
def test_a_column_of_answers(answers: list[Any], name: str) -> None:
    table = pd.DataFrame(PAIRS, columns=["a", "b"])
    table[name] = pd.Series(answers, dtype=object)
    assert read(table) == ([0, 1], [1, 2], [True, False])
    wide = table.assign(who="me")[["who", "a", "b", name]]
    with pytest.raises(lt.InvalidArgumentError, match="not clear which columns"):
        read(wide, Ids("id", "key", name))
    assert read(wide[["a", "b", name]], Ids("id", "key", name)) == ([0, 1], [1, 2], [True, False])


def test_a_null_right_label_says_that_there_is_no_match() -> None:
    assert read({"f1": 80, "f2": None}) == ([0, 1], [1, -1], [True, False])


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([(80, "f1")], r"80, the label of no row of the left table.*sides exchanged"),
        ([("f1", 80), ("f2", 75)], r"75, the label of no row of the right table.*column 'key'"),
        ([("f1", 80, "perhaps")], "'perhaps', which is not an answer"),
        (pd.DataFrame({"a": ["f1"]}), "not clear which columns"),
        (pd.DataFrame([("f1", 80, 0.7)], columns=["a", "b", "score"]), "not clear which columns"),
        (["f1 80"], "not a pair"),
        (7, "not a pair"),
    ],
)
def test_what_is_not_clear_is_refused(given: Any, message: str) -> None:
    with pytest.raises(lt.InvalidArgumentError, match=message):
        read(given)


def test_ids_that_repeat_are_refused() -> None:
    twice = pd.concat([LEFT, LEFT], ignore_index=True)
    links = lt.link(twice, RIGHT, on="name", model="lexical")
    with pytest.raises(lt.InvalidArgumentError, match="column 'id' repeats"):
        links.evaluate(PAIRS, **IDS)
    with pytest.raises(lt.ColumnNotFoundError, match="nam"):
        links.evaluate(PAIRS, left_id="nam")


def test_links_are_evaluated_by_ids_and_answers() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    assert links.evaluate(PAIRS, **IDS)["f1"] == links.evaluate(dict(PAIRS), **IDS)["f1"] == 1.0
    judged = [(*PAIRS[0], 1), (*PAIRS[1], 0)]
    assert links.evaluate(judged, **IDS) == {
        "precision": 1 / 3, "recall": 1.0, "f1": 0.5, "links": 3.0, "true_pairs": 1.0,
        "repeated_labels": 0.0, "contradictions": 0.0,
    }  # fmt: skip


def test_exchanged_sides_are_no_score_of_zero() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    with pytest.raises(lt.InvalidArgumentError, match="sides exchanged"):
        links.evaluate([(b, a) for a, b in PAIRS], **IDS)


def test_a_review_table_is_no_score_of_zero() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    review = pd.DataFrame(
        [("ours", a, "theirs", b, 0.9) for a, b in PAIRS],
        columns=["set_1", "no_1", "set_2", "no_2", "weight"],
    )
    with pytest.raises(lt.InvalidArgumentError, match=r"not clear which columns.*set_1.*\[\['left'"):
        links.evaluate(review, **IDS)
    assert links.evaluate(review[["no_1", "no_2"]], **IDS)["f1"] == 1.0


def test_clusters_are_evaluated_by_a_dict_and_by_pairs() -> None:
    table = pd.DataFrame({"id": ["a", "b", "c", "d"], "name": ["Hart Mill", "Penn Salt", "Hart Mill", "Ory"]})
    found = lt.cluster(table, on="name", model="lexical")
    assert found.evaluate({0: "h", 1: "p", 2: "h"})["cluster_f1"] == 1
    assert found.evaluate({"a": 1, "c": 1, "b": 2, "d": 3}, row_id="id")["f1"] == 1
    pairs = pd.DataFrame({"one": ["a", "a"], "other": ["c", "d"], "label": [1, 0]})
    assert found.evaluate(pairs, row_id="id")["f1"] == 1
    assert found.evaluate(pairs.assign(label=[0, 1]), row_id="id")["recall"] == 0
    for truth, message in (
        ({"x": 1}, "'x', the label of no row"),
        (pairs.assign(more=1, again=2).drop(columns="label"), "not clear which columns"),
        ([1, 2], "2 values and the table 4 rows"),
    ):
        with pytest.raises(lt.InvalidArgumentError, match=message):
            found.evaluate(truth, row_id="id")


def test_columns_named_as_the_ids_are_read_by_name() -> None:
    turned = pd.DataFrame([(b, a) for a, b in PAIRS], columns=["key", "id"])
    assert read(turned) == ([0, 1, 2], [1, 2, 0], [True] * 3)


def test_unknown_labels_are_counted_in_the_message() -> None:
    many = [*PAIRS, ("f8", 80), ("f9", 80), ("f7", 80), ("f6", 80)]
    with pytest.raises(lt.InvalidArgumentError, match=r"'f8', .*\(4 such labels: 'f8', 'f9', 'f7'\)"):
        read(many)


def test_links_leave_out_pairs_that_are_labelled_both_ways() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    both = [*PAIRS, (*PAIRS[0], 0), (*PAIRS[1], 1)]
    with pytest.warns(lt.LinkWarning, match=r"truth contradicts itself: 1 pair .*\('f1', 80\)") as warned:
        scores = links.evaluate(both, **IDS)
    assert warned[0].filename == __file__
    assert (scores["links"], scores["true_pairs"], scores["f1"]) == (2, 2, 1)
    assert (scores["repeated_labels"], scores["contradictions"]) == (1, 1)


def test_labels_without_a_match_are_no_truth() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    rejected = pd.DataFrame([(a, b, 0) for a, b in PAIRS], columns=["l", "r", "match"])
    with pytest.raises(lt.InvalidArgumentError, match="3 labels and no match"):
        links.evaluate(rejected, **IDS)
    assert links.evaluate({"f1": None}, **IDS)["precision"] == 0
    assert links.evaluate([], **IDS)["recall"] == 1
    table = pd.DataFrame({"id": ["a", "b"], "name": ["Hart Mill", "Penn Salt"]})
    found = lt.cluster(table, on="name", model="lexical")
    with pytest.raises(lt.InvalidArgumentError, match="1 labels and no match"):
        found.evaluate(pd.DataFrame({"one": ["a"], "other": ["b"], "label": [0]}), row_id="id")


def test_clusters_name_non_matches_that_matches_join() -> None:
    table = pd.DataFrame({"id": ["a", "b", "c", "d"], "name": ["Hart Mill", "Penn Salt", "Hart Mill", "Ory"]})
    found = lt.cluster(table, on="name", model="lexical")
    pairs = pd.DataFrame(
        [("a", "c", 1), ("c", "d", 1), ("d", "a", "no"), ("c", "a", 1), ("b", "d", 0)],
        columns=["one", "other", "label"],
    )
    with pytest.warns(lt.LinkWarning, match=r"1 pair is .*between rows that matches join, .*\('d', 'a'\)"):
        scores = found.evaluate(pairs, row_id="id")
    assert (scores["contradictions"], scores["repeated_labels"], scores["n_true_clusters"]) == (1, 1, 2)


@pytest.mark.parametrize("same", [True, False])
def test_conflicts_are_those_of_a_plain_reading(same: bool) -> None:
    rng = np.random.default_rng(3)
    for _ in range(60):
        left = rng.integers(-1, 6, 12)
        right = rng.integers(0, 6, 12) + (0 if same else 6)
        match = rng.random(12) < 0.5
        found = conflicts(left, right, match, 12)
        answers: dict[tuple[int, int], list[bool]] = {}
        labels = [
            ((min(a, b), max(a, b)), m) for a, b, m in zip(left.tolist(), right.tolist(), match, strict=True)
        ]
        for pair, answer in labels:
            if pair[0] >= 0:
                answers.setdefault(pair, []).append(bool(answer))
        both = {pair for pair, given in answers.items() if len(set(given)) == 2}
        group = {item: {item} for item in range(12)}
        for pair, given in answers.items():
            if given[0] and pair not in both:
                whole = group[pair[0]] | group[pair[1]]
                group |= dict.fromkeys(whole, whole)
        joined = {pair for pair, given in answers.items() if not any(given) and pair[1] in group[pair[0]]}
        assert found.both_ways.tolist() == [pair in both for pair, _ in labels]
        assert found.joined.tolist() == [pair in joined for pair, _ in labels]
        assert (found.n_both_ways, found.n_joined) == (len(both), len(joined))
        assert found.repeated == sum(len(given) - len(set(given)) for given in answers.values())


def test_clusters_are_evaluated_by_a_table_of_clusters() -> None:
    """Numbers of clusters were taken for numbers of rows, and the table for pairs."""
    table = pd.DataFrame({"id": ["a", "b", "c", "d"], "name": ["Hart Mill", "Penn Salt", "Hart Mill", "Ory"]})
    found = lt.cluster(table, on="name", model="lexical")
    truth = pd.DataFrame({"row": [0, 1, 2, 3], "cluster": [0, 1, 0, 2]})
    assert found.evaluate(truth)["f1"] == found.evaluate(truth[["cluster", "row"]])["f1"] == 1
    named = truth.assign(row=table["id"])
    assert found.evaluate(named, row_id="id")["cluster_f1"] == 1
    twice = pd.concat([named, named.assign(cluster=[5, 1, 6, 2])])
    with pytest.raises(lt.InvalidArgumentError, match="several clusters for 2 rows: 'a', 'c'"):
        found.evaluate(twice, row_id="id")
    with pytest.raises(lt.InvalidArgumentError, match=r"'a', the label of no row \(4 such labels: 'a',"):
        found.evaluate(named)
