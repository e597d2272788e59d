"""The decision refitted by answers: what it learns, what it leaves, and links without a new search."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.decision.correction import FEATURES
from linktransformer.linking import compare_tables
from linktransformer.linking.options import Job
from linktransformer.review.pairs import pairs_of
from linktransformer.review.refit import Answers, Pool, pool_of, refit
from linktransformer.tables import frames

PLACES = ["Ada", "Boise", "Cody", "Dover", "Elko", "Fargo", "Gary", "Hilo", "Ithaca", "Joplin"]
LEFT = pd.DataFrame({"name": [f"{word} Steel {place}" for word in ("Acme", "Baxter") for place in PLACES]})
RIGHT = pd.DataFrame({"name": [f"{name.upper()} CO" for name in LEFT["name"]][::-1]})


def pool(n: int = 2000, seed: int = 0) -> tuple[Pool, np.ndarray]:
    draw = np.random.default_rng(seed)
    z = draw.normal(-1, 2.5, n).astype(np.float32)
    features = draw.normal(0, 1, (n, 30)).astype(np.float32)
    match = draw.random(n) < 1 / (1 + np.exp(-(z - 1.5 + 1.5 * features[:, 29])))
    rows = np.arange(n)
    return Pool(rows, rows, z, features, z, z > 0), match


def loss(z: np.ndarray, match: np.ndarray) -> float:
    return float(np.logaddexp(0, np.where(match, -z, z)).mean())


NONE = Answers(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))


def test_no_answers_change_nothing() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    pairs = pairs_of(links)
    of = pool_of(pairs)
    now = refit(of, NONE)
    assert (now.log_odds == of.log_odds).all()
    assert now.linked.tolist() == pairs.linked.tolist()
    assert now.posterior.log_odds() == pytest.approx(of.log_odds, abs=0.01)  # the mean over the prior


def test_the_pool_of_pairs_is_that_of_their_evidence() -> None:
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    kept = links.evidence
    assert kept is not None
    pairs = pairs_of(links)
    of = pool_of(pairs)
    for pair, position in enumerate(kept.find(of.left, of.right).tolist()):
        assert pairs.position[pair] == position >= 0
        assert of.log_odds[pair] == kept.log_odds[position]
    names, values, _ = kept.features()
    place = FEATURES.index("lexical similarity")
    assert of.features[:, place] == pytest.approx(values[pairs.position, names.index("lexical similarity")])


def test_clusters_and_links_by_similarity_have_a_pool() -> None:
    clusters = lt.cluster(pd.concat([LEFT, RIGHT]).reset_index(drop=True), on="name", model="lexical")
    of = pool_of(pairs_of(clusters))
    assert of.validate == "m:m" and len(of.features) == len(of) > 0
    links = lt.link(LEFT, RIGHT, on="name", model="lexical")
    without = pool_of(pairs_of(replace(links, evidence=None)))
    assert without.features.shape == (len(without), 0)
    at = np.flatnonzero(without.linked)[:1]
    assert not refit(without, Answers(np.repeat(at, 2), np.zeros(2, dtype=bool))).linked[at[0]]


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
    sure = int(of.log_odds.argmax())
    assert refit(of, Answers(np.array([sure]), np.array([False]))).probability[sure] < 0.05
    assert abs(both.log_odds[doubtful] - of.log_odds[doubtful]) < 0.5


def test_one_answer_moves_the_others_little_and_many_alike_move_them_far() -> None:
    of, _ = pool()
    near = np.flatnonzero((of.log_odds > 0) & (of.log_odds < 1))[:40]
    others = np.setdiff1d(np.arange(len(of)), near)
    one, many = (refit(of, Answers(near[:n], np.zeros(n, dtype=bool))).corrected[others] for n in (1, 40))
    few, much = (np.median(of.log_odds[others] - moved) for moved in (one, many))
    assert 0 < few < 1.5 < 2 < much


def test_a_wrong_answer_about_a_sure_pair_moves_little() -> None:
    of, _ = pool()
    at = np.flatnonzero(of.log_odds > 4)[:1]
    now = refit(of, Answers(at, np.array([False])))
    others = np.setdiff1d(np.arange(len(of)), at)
    assert np.abs(now.log_odds - of.log_odds)[others].mean() < 1.5


def test_a_hundred_thousand_pairs_take_a_second() -> None:
    of, match = pool(100_000)
    at = np.arange(50)
    began = time.process_time()
    refit(of, Answers(at, match[at]))
    assert time.process_time() - began < 4
