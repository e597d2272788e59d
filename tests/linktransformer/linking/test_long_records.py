"""`long=`: what it refuses, what it reads, and that tables without long records are linked as before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from linktransformer.encoding import model_plan
from linktransformer.linking import long_records
from linktransformer.linking.long_records import Encoding
from linktransformer.search.passages import Passages

WORDS = np.random.default_rng(0).choice(list("abcdefghijklmnoprstuvwz"), (800, 6))
LETTERS = np.array(["".join(word) for word in WORDS])


def articles(n: int, words: int = 400) -> list[str]:
    """Texts of random words, some 2,800 characters."""
    draw = np.random.default_rng(1)
    return [" ".join(draw.choice(LETTERS, words)) for _ in range(n)]


def abridged(text: str, share: float, seed: int) -> str:
    """A share of the words in runs of ten, in order."""
    words = np.array(text.split()).reshape(-1, 10)
    kept = np.sort(np.random.default_rng(seed).choice(len(words), int(share * len(words)), replace=False))
    return " ".join(words[kept].ravel())


def test_abridged_copies_are_linked_without_a_model_and_without_labels() -> None:
    texts = articles(30)
    left = pd.DataFrame({"text": [abridged(text, 0.3, n) for n, text in enumerate(texts)]})
    right = pd.DataFrame({"text": texts[::2]})
    links = lt.link(left, right, on="text", model="lexical")
    assert links.report()["long"]["n_grams"] == "by passage"
    pairs = set(zip(links.pairs["left"].tolist(), links.pairs["right"].tolist(), strict=True))
    assert pairs == {(2 * n, n) for n in range(15)}


def test_tables_without_long_records_have_the_same_links_and_scores() -> None:
    names = [f"{LETTERS[n]} {LETTERS[n + 1]} company" for n in range(40)]
    left = pd.DataFrame({"name": names})
    right = pd.DataFrame({"name": [name.replace("company", "co") for name in names]})
    tables = [lt.merge(left, right, on="name", long=long) for long in ("cut", "auto", "pieces")]
    for other in tables[1:]:
        pd.testing.assert_frame_equal(tables[0], other)
    assert "long" not in lt.link(left, right, on="name").report()


def test_one_long_record_among_short_ones_is_read_as_before_by_default() -> None:
    names = [*(f"{LETTERS[n]} {LETTERS[n + 1]} company" for n in range(20)), " ".join(LETTERS[:300])]
    table = pd.DataFrame({"name": names})
    cut, auto = (lt.merge(table, table, on="name", long=long, model="lexical") for long in ("cut", "auto"))
    pd.testing.assert_frame_equal(cut, auto)


def test_pieces_read_the_whole_record() -> None:
    texts = articles(6, 300)
    swapped = [" ".join(reversed(text.split(" ")[:150])) + text[len(text) // 2 :] for text in texts]
    left, right = pd.DataFrame({"text": texts}), pd.DataFrame({"text": swapped})
    cut = lt.link(left, right, on="text", model="full", long="cut").report()
    pieces = lt.link(left, right, on="text", model="full", long="pieces").report()
    assert cut["rows_cut_by_model"]["rows"] == 12 and "long" not in cut
    assert "rows_cut_by_model" not in pieces and pieces["long"]["model"] == "pieces"
    auto = lt.link(left, right, on="text", model="full").report()["long"]
    assert set(auto["trial"]) == {"records", "cut", "pieces"} and auto["model"] in ("cut", "pieces")


def test_records_that_n_grams_link_without_doubt_are_not_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = articles(12)
    left, right = pd.DataFrame({"text": texts}), pd.DataFrame({"text": [text + " end" for text in texts]})

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the model was asked")

    monkeypatch.setattr(model_plan, "embed", refuse)
    links = lt.link(left, right, on="text")
    assert len(links.pairs) == 12 and links.report()["long"]["model"] == "not asked"


def test_clusters_of_long_records_by_pieces() -> None:
    texts = articles(5)
    table = pd.DataFrame({"text": [*texts, *(abridged(text, 0.5, 0) for text in texts)]})
    found = lt.cluster_rows(table, on="text", model="full", long="pieces")["cluster"].tolist()
    assert found[:5] == [0, 1, 2, 3, 4] and found[5:] == found[:5]
    assert lt.cluster_rows(table, on="text")["cluster"].tolist() == found


class Flat:
    """An object without a tokenizer."""

    def encode(self, texts: list[str]) -> np.ndarray:
        return np.ones((len(texts), 2), dtype=np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"long": "chunks"}, "'pieces'"),
        ({"long": "based"}, "needs an encoder of long records"),
        ({"long": "pieces", "model": Flat()}, "tokenizer"),
    ],
)
def test_what_cannot_work_is_refused_before_the_work(arguments: Any, message: str) -> None:
    table = pd.DataFrame({"text": articles(2)})
    for call in (lt.merge, lt.link):
        with pytest.raises(lt.InvalidArgumentError, match=message):
            call(table, table, on="text", **arguments)
    with pytest.raises(lt.InvalidArgumentError, match=message):
        lt.cluster_rows(table, on="text", **arguments)
    with pytest.raises(lt.InvalidArgumentError, match=message):
        lt.Linker(on="text", **arguments).fit(table)


def test_the_sample_is_bounded_and_of_long_records() -> None:
    texts = articles(60)
    sample = long_records._sample((texts, [*texts[::-1], "short", ""]))
    assert sample is not None
    queries, items = sample
    assert 3 <= len(queries) <= long_records.QUERIES and set(queries) <= set(texts)
    assert len(items) <= 3 * len(queries) and set(queries) <= set(items)  # n-grams find the copies
    assert long_records._sample((["short"] * 5, texts)) is None


def test_passages_of_equal_text_are_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Split:
        def passages(self, texts: list[str]) -> list[list[str]]:
            return [text.split("|") for text in texts]

    def embed(encoder: object, texts: list[str], **_: Any) -> np.ndarray:
        asked.extend(texts)
        return np.eye(len(texts), dtype=np.float32)

    monkeypatch.setattr("linktransformer.encoding.passage_encoding.embed", embed)
    found = Encoding(Split(), None, True)(["a|b", "b|c", ""])  # type: ignore[arg-type]
    assert isinstance(found, Passages) and asked == ["a", "b", "c"]
    assert found.counts.tolist() == [2, 2, 0]
    assert np.asarray(found.vectors).argmax(axis=1).tolist() == [0, 1, 1, 2]
