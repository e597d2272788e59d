"""Probes and hits of text models are counted rightly."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from scipy import sparse

from tools.data import TwoTables

from . import probes
from .crosslingual import hit, task


def test_probes_are_read_whole() -> None:
    asked = probes.probes()
    assert sum(map(len, asked.values())) >= 100 and len(asked) >= 6
    every = [probe for of in asked.values() for probe in of]
    assert len(set(every)) == len(every) and all(len({*probe}) == 3 for probe in every)
    assert ("IBM Corp.", "International Business Machines", "Intel Corporation") in every
    lexical = probes.run(argparse.Namespace(models=["lexical"], wrong=True))
    n_wrong = len(lexical.tables[0].rows)
    assert lexical.tables[1].rows[0]["all"] == pytest.approx(1 - n_wrong / len(every))


def test_a_sample_keeps_the_matches_of_its_queries() -> None:
    pd = pytest.importorskip("pandas")
    left = pd.DataFrame({"id": [f"l{n}" for n in range(20)], "name": [f"left {n}" for n in range(20)]})
    right = pd.DataFrame({"id": [f"r{n}" for n in range(40)], "name": [f"right {n}" for n in range(40)]})
    truth = frozenset((f"l{n}", f"r{2 * n}") for n in range(15))
    tables = TwoTables("edinet_ja_en_companies", left, right, truth)
    for limit, n_queries, n_items in ((0, 15, 40), (5, 5, 10)):
        queries, items, places = task(tables, limit)
        assert (len(queries), len(items)) == (n_queries, n_items)
        for query, of in zip(queries, places, strict=True):
            assert [items[at] for at in of] == [f"right {2 * int(query.split()[1])}"]
    assert hit(np.eye(3), np.eye(3)[[1, 0, 2]], [{1}, {0}, {0}]) == pytest.approx(2 / 3)


def test_rows_of_n_grams_stay_sparse_and_hit_as_dense_ones_do() -> None:
    texts = ["Hill Mills", "Hill Mill", "Old Bank", "Old Banks"]
    rows = probes.encoder("lexical", texts)(texts)
    assert sparse.issparse(rows)
    truth = [{0}, {1}, {1}, {0}]
    assert hit(rows, rows[1:], truth) == hit(rows.toarray(), rows[1:].toarray(), truth) == 0.5
    assert hit(rows, rows, [{at} for at in range(4)]) == 1.0
