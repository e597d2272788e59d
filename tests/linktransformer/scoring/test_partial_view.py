"""A model's view of some records: the same as of all records where it read both, and unknown elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from linktransformer.scoring.describe import Described, Options, describe
from linktransformer.scoring.partial_view import NAME, encode, with_search, with_view
from linktransformer.search import blocking
from linktransformer.tables import frames, records
from linktransformer.tables.serialize import Serializer
from tests.linktransformer.scoring.test_features import letters, table


def described(options: Options, same: bool = False) -> Described:
    left = frames.wrap(table(40, 1), "left")
    right = left if same else frames.wrap(table(30, 2), "right")
    texts: Any = tuple(records.read(side, ["name"], Serializer()) for side in (left, right))
    nodes: Any = tuple(blocking.nodes(side.text_of_row) for side in texts)
    return describe((left, right), (["name"], ["name"]), nodes, texts, options, same=same)


def wanted(found: Described, share: float) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(0)
    return draw.random(len(found.nodes[0])) < share, draw.random(len(found.nodes[1])) < share


def test_texts_of_both_tables_are_read_once_and_their_vectors_found_again() -> None:
    found = described(Options())
    read: list[str] = []

    def embed(texts: list[str]) -> Any:
        read.extend(texts)
        return letters(texts)

    some = wanted(found, 0.6)
    encoded = encode(found.views, embed, some)
    assert len(set(read)) == len(read) > 0
    for known, side in zip(encoded.encoded_texts(found.nodes), some, strict=True):
        np.testing.assert_array_equal(known, side)
    for readable, row, vectors in zip(found.views.readable, encoded.row, encoded.vectors, strict=True):
        for number, text in enumerate(readable):
            if row[number] >= 0:
                np.testing.assert_allclose(vectors[row[number]], letters([text])[0], atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_a_cosine_is_known_where_both_records_were_read(share: float) -> None:
    before = described(Options())
    encoded = encode(before.views, letters, wanted(before, share))
    after = with_view(before, encoded)
    known = encoded.encoded_texts(before.nodes)
    left, right = before.candidates.left, before.candidates.right
    both = known[0][left] & known[1][right]
    score = after.candidates.views[NAME]
    np.testing.assert_array_equal(np.isnan(score), ~both)
    vectors = [
        letters([readable[number] for number in nodes.text.tolist()])
        for readable, nodes in zip(before.views.readable, before.nodes, strict=True)
    ]
    cosine = np.einsum("ij,ij->i", vectors[0][left], vectors[1][right])
    np.testing.assert_allclose(score[both], cosine[both], atol=1e-6)
    np.testing.assert_array_equal(after.candidates.left, left)
    assert after.written is not None
    for written, of, row in zip(after.written, before.views.readable, encoded.row, strict=True):
        assert written == [text if at >= 0 else "" for text, at in zip(of, row.tolist(), strict=True)]


def test_a_search_adds_the_nearest_records_that_were_read() -> None:
    before = described(Options(k=3))
    some = wanted(before, 0.5)
    encoded = encode(before.views, letters, some)
    after = with_search(before, encoded, Options(k=3))
    pairs = set(zip(after.candidates.left.tolist(), after.candidates.right.tolist(), strict=True))
    old = set(zip(before.candidates.left.tolist(), before.candidates.right.tolist(), strict=True))
    assert old < pairs
    vectors = [
        letters([readable[number] for number in nodes.text.tolist()])
        for readable, nodes in zip(before.views.readable, before.nodes, strict=True)
    ]
    cosine = vectors[0] @ vectors[1].T
    cosine[~some[0]] = cosine[:, ~some[1]] = -1
    for row in np.flatnonzero(some[0]).tolist():
        assert (row, int(cosine[row].argmax())) in pairs or np.ptp(np.sort(cosine[row])[-2:]) < 1e-6
    new = pairs - old
    assert all(some[0][a] and some[1][b] for a, b in new)
