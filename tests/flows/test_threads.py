"""The same answer on any number of cores."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CALL = """
import sys, numpy as np, pandas as pd
from linktransformer import parallel
n = int(sys.argv[1])
parallel.cores = lambda: n
from linktransformer.decision import model
from linktransformer.scoring import column_similarity, features, fellegi_sunter, ranks, tokens, words
from linktransformer.search import lexical, lsh_forest, nearest_lists, ngrams, pair_products
for module, names in (
    (model, ["STEP"]), (features, ["STEP"]), (fellegi_sunter, ["STEP"]), (ranks, ["MANY"]),
    (column_similarity, ["CHUNK"]), (tokens, ["CHUNK"]), (words, ["TEXTS"]), (lexical, ["ROWS"]),
    (ngrams, ["CHUNK", "PART", "AT_ONCE"]), (pair_products, ["PART"]),
    (lsh_forest, ["PART"]), (nearest_lists, ["ROWS"]),
):
    for name in names:
        setattr(module, name, 64)
lsh_forest.EXACT_UP_TO = 1e4
import linktransformer as lt
draw = np.random.default_rng(0)
words = ["acme", "baxter", "denison", "steel", "dairy", "electric", "north", "2000"]
names = [" ".join(draw.choice(words, 4)) + f" {number % 90}" for number in range(600)]
left = pd.DataFrame({"name": names[:300], "town": draw.choice(words, 300), "size": draw.integers(0, 99, 300)})
right = pd.DataFrame({"name": [n[1:].upper() for n in names[100:500]], "town": draw.choice(words, 400),
                      "size": draw.integers(0, 99, 400)})
links = lt.link(left, right, on=["name", "town", "size"], model="lexical", threshold=None)
print(links.pairs.to_csv(index=False, float_format="%.17g"))
"""


@pytest.fixture(scope="module")
def one_core() -> str:
    return run(1)


def run(n: int) -> str:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(n)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("n", [2, 5])
def test_a_merge_on_several_cores_is_that_on_one(n: int, one_core: str) -> None:
    assert one_core.count("\n") > 200
    assert run(n) == one_core
