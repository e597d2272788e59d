"""Counts by hashes against a Counter."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from linktransformer.tables.hashed_counts import HashedCounts, hashes

PARTS = st.lists(st.dictionaries(st.text("abé\ud800", max_size=3), st.integers(1, 9), max_size=5), max_size=6)


@given(PARTS, st.booleans())
def test_counts_add_up(parts: list[dict[str, int]], ask_between: bool) -> None:
    counts, expected = HashedCounts(), Counter[str]()
    for part in parts:
        counts.add(list(part), np.array(list(part.values()), dtype=np.int64))
        expected.update(part)
        if ask_between:
            assert counts.of(list(part)).tolist() == [expected[text] for text in part]
    texts = [*expected, "never counted"]
    assert counts.of(texts).tolist() == [expected[text] for text in texts]


def test_a_hash_is_the_same_in_every_process() -> None:
    code = "from linktransformer.tables.hashed_counts import hashes; print(*hashes(['tea', 'é']).tolist())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert [int(word) for word in done.stdout.split()] == hashes(["tea", "é"]).tolist()
