"""One table of files clustered piece by piece, held to the same table clustered in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import linktransformer as lt
from linktransformer.partitions import partition
from linktransformer.results.clusters import Clusters
from tests.linktransformer.partitions.test_several_columns import articles

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

FEW = 1_200_000  # bytes: pieces of some hundred rows
SAID = ("rows_without_key", "rows_of_equal_key", "threshold", "precision", "match_weights", "key_column")
SAID += ("comparisons", "rows_with_more_neighbours_than_k", "warnings", "null_values", "on")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Two catalogues in one table, read in many batches."""
    monkeypatch.setattr("linktransformer.tables.parquet_tables.BATCH", 70)
    monkeypatch.setattr(partition, "MOST", 40)
    return pa.concat_tables(articles(220), promote_options="permissive")


def the_same(found: Clusters, wanted: Clusters) -> None:
    """Fail where the clusters of files are not those of a table in memory."""
    np.testing.assert_array_equal(found.label, wanted.label)
    has_node = found.length > 0  # not without a block, where a row is a cluster
    assert has_node.mean() > 0.5
    np.testing.assert_array_equal(found.length[has_node], wanted.length[has_node])
    pairs = [sorted(zip(c.left_rows.tolist(), c.right_rows.tolist(), strict=True)) for c in (found, wanted)]
    assert pairs[0] == pairs[1] and len(pairs[0]) > 40
    orders = [np.lexsort((c.right_rows, c.left_rows)) for c in (found, wanted)]
    scores = [c.score[order] for c, order in zip((found, wanted), orders, strict=True)]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-5)
    for name in SAID:
        assert found.details.get(name) == wanted.details.get(name), name


CASES: list[dict[str, Any]] = [
    {"on": "title", "threshold": 0.02},
    {"on": "title", "block_on": "venue", "threshold": 0.02},
    {"on": ["title", "authors", "year"], "block_on": "venue"},
    {"on": ["title", "note"], "method": "complete", "threshold": 0.3},
    {"on": ["note", "title"], "block_on": "venue", "method": "single"},
    {"on": ["title", "authors"], "null_values": {"authors": ["a. smith"]}, "block_on": "year", "k": 5},
    {},
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_same_as_in_memory(table: Any, tmp_path: Path, case: dict[str, Any]) -> None:
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=90)
    found = lt.cluster_files(tmp_path / "t.parquet", None, memory_limit=FEW, progress=False, **case)
    the_same(found, lt.cluster(table, model="lexical", **case))
    if case.get("block_on") == "venue":
        assert found.details["search"]["pieces"] > 1
