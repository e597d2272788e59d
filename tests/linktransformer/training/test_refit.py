"""The decision refitted by answers: what it learns, what it leaves, and links without a new search."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.tables import frames
from linktransformer.training.refit import Answers, Pool, links_after, pool_of, refit

PLACES = ["Ada", "Boise", "Cody", "Dover", "Elko", "Fargo", "Gary", "Hilo", "Ithaca", "Joplin"]
LEFT = pd.DataFrame({"name": [f"{word} Steel {place}" for word in ("Acme", "Baxter") for place in PLACES]})
RIGHT = pd.DataFrame({"name": [f"{name.upper()} CO" for name in LEFT["name"]][::-1]})


def pool(n: int = 2000, seed: int = 0) -> tuple[Pool, np.ndarray]:
    draw = np.random.default_rng(seed)
    z = draw.normal(-1, 2.5, n).astype(np.float32)
    features = draw.normal(0, 1, (n, 30)).astype(np.float32)
    match = draw.random(n) < 1 / (1 + np.exp(-(z - 1.5 + 1.5 * features[:, 29])))
    rows = np.arange(n)
    return Pool(rows, rows, z, features, z, 1, 1.9), match


def loss(z: np.ndarray, match: np.ndarray) -> float:
    return float(np.logaddexp(0, np.where(match, -z, z)).mean())


def test_no_answers_change_nothing() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    of = pool_of(links)
    none = Answers(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))
    now = refit(of, none)
    assert (now.log_odds == of.log_odds).all()
    same = links_after(links, of, now)
    assert same.left_rows.tolist() == links.left_rows.tolist()
    assert same.right_rows.tolist() == links.right_rows.tolist()
    assert same.score == pytest.approx(links.score)
    assert (same.left_reason == links.left_reason).all()


def test_the_features_are_those_that_a_decision_learns_from() -> None:
    tables = frames.wrap(LEFT, "left"), frames.wrap(RIGHT, "right")
    names = ["name"], ["name"]
    fused = compare_tables.compare(tables, names, Job(model="lexical", keep_features=True)).fused
    assert fused.described is not None and fused.evidence is not None
    kept = fused.described.features
    names_again, values, bits = fused.evidence.features()
    assert names_again == kept.names
    assert values == pytest.approx(kept.values, nan_ok=True, abs=1e-5)
    assert bits == pytest.approx(kept.weights.bits, abs=1e-5)


def test_answers_teach_a_column() -> None:
    of, match = pool()
    at = np.random.default_rng(1).choice(len(of), 300, replace=False)
    rest = np.setdiff1d(np.arange(len(of)), at)
    now = refit(of, Answers(at, match[at]))
    assert loss(now.log_odds[rest], match[rest]) < loss(of.log_odds[rest], match[rest]) - 0.1


def test_the_pair_itself_follows_its_answers() -> None:
    of, _ = pool()
    doubtful = int(np.abs(of.log_odds).argmin())
    yes = refit(of, Answers(np.array([doubtful]), np.array([True])))
    both = refit(of, Answers(np.array([doubtful] * 2), np.array([True, False])))
    no = refit(of, Answers(np.array([doubtful]), np.array([False])))
    assert yes.probability[doubtful] > 0.95
    assert no.probability[doubtful] < 0.05
    assert (both.log_odds == of.log_odds).all()
    others = np.arange(len(of)) != doubtful
    assert (yes.log_odds == of.log_odds)[others].all()  # one answer moves no other pair


def test_pairs_far_from_the_answers_stay() -> None:
    of, _ = pool()
    near = np.flatnonzero((of.log_odds > 0) & (of.log_odds < 1))[:40]
    now = refit(of, Answers(near, np.arange(40) < 34))
    low = of.log_odds < of.log_odds[near[:34]].min()
    assert (now.log_odds[low] <= of.log_odds[low]).all()
    high = of.log_odds > of.log_odds[near[34:]].max()
    assert (now.log_odds[high] >= of.log_odds[high]).all()


def test_a_refused_link_is_gone_and_has_a_reason() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    of = pool_of(links)
    assert links.evidence is not None
    first = np.flatnonzero(refit(of, Answers(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))).linked)[
        :1
    ]
    now = refit(of, Answers(np.repeat(first, 3), np.zeros(3, dtype=bool)))
    new = links_after(links, of, now)
    row = links.evidence.nodes[0].node_of_row.tolist().index(int(of.left[first[0]]))
    before = int(links.right_rows[links.left_rows == row][0])
    assert before not in new.right_rows[new.left_rows == row]
    assert new.report()["decision"] == "learned from labels"


def test_links_without_evidence() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    with pytest.raises(InvalidArgumentError, match="kept no candidate"):
        pool_of(replace(links, evidence=None))


def test_a_hundred_thousand_pairs_take_a_second() -> None:
    of, match = pool(100_000)
    at = np.arange(50)
    began = time.process_time()
    refit(of, Answers(at, match[at]))
    assert time.process_time() - began < 4
