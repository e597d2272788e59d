"""Dense search by FAISS, against all scores computed and sorted."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from linktransformer.errors import MissingExtraError
from linktransformer.search import faiss_choice, faiss_index

faiss = pytest.importorskip("faiss")
Matrix = NDArray[np.float32]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(threads)


def brute(queries: Matrix, items: Matrix, k: int) -> tuple[NDArray[np.int64], Matrix]:
    """All scores, sorted by falling score and row."""
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for i, query in enumerate(queries):
        score = (items * query).sum(axis=1, dtype=np.float32)
        order = np.argsort(-score, kind="stable")[:k]
        rows[i, : len(order)], scores[i, : len(order)] = order, score[order]
    return rows, scores


def unit(rng: np.random.Generator, n: int, d: int) -> Matrix:
    matrix = rng.standard_normal((n, d)).astype(np.float32)
    return np.asarray(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), dtype=np.float32)


def check(queries: Matrix, items: Matrix, k: int) -> dict[str, Any]:
    rows, scores, report = faiss_index.top_k(queries, items, k, device="cpu")
    want_rows, want_scores = brute(queries, items, k)
    assert (rows.dtype, scores.dtype) == (np.dtype(np.int64), np.dtype(np.float32))
    np.testing.assert_array_equal(rows, want_rows)
    np.testing.assert_allclose(scores, want_scores, atol=1e-6)
    return report


def test_available() -> None:
    assert faiss_index.available()


def test_random_rows() -> None:
    rng = np.random.default_rng(0)
    report = check(unit(rng, 300, 24), unit(rng, 700, 24), 10)
    assert report == {"index": "FAISS flat"}


@given(st.integers(0, 2**32), st.integers(0, 30), st.integers(0, 40), st.integers(0, 50), st.integers(1, 4))
def test_whole_numbers_have_many_ties(seed: int, n: int, m: int, k: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    queries, items = (rng.integers(-2, 3, (rows, d)).astype(np.float32) for rows in (n, m))
    check(queries, items, k)


@pytest.mark.parametrize("times", [2, 15, 40, 300])
def test_equal_rows_tie_exactly_and_the_lower_wins(times: int) -> None:
    rng = np.random.default_rng(times)
    different = unit(rng, 9, 67)  # an odd width, so that blocks have edges
    items = np.tile(different, (times, 1))
    rows, scores, report = faiss_index.top_k(different, items, 5, device="cpu")
    lower = np.arange(9)[:, None] + 9 * np.arange(5)
    np.testing.assert_array_equal(rows[:, : min(5, times)], lower[:, : min(5, times)])
    assert np.all(scores[:, : min(5, times)] == scores[:, :1])
    assert "ties_not_settled" not in report


def test_ties_that_cannot_be_settled_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_index, "WIDEST", 30)
    items = np.ones((100, 4), dtype=np.float32)
    items[:50] = np.eye(50, 4)
    queries = np.array([[0.5, 0.5, 0.5, 0.5], [9, -3, -3, -3]], dtype=np.float32)
    rows, scores, report = faiss_index.top_k(queries, items, 3, device="cpu")
    assert report["ties_not_settled"] == 2  # 50 rows score 2; 46 zero rows and 50 rows score 0
    assert np.all(rows[0] >= 50) and np.all(scores[0] == 2)
    assert rows[1, 0] == 0 and scores[1].tolist() == [9, 0, 0]


@pytest.mark.parametrize(
    ("n", "m", "k", "d"), [(0, 5, 2, 3), (5, 0, 2, 3), (5, 4, 0, 3), (0, 0, 0, 3), (2, 3, 5, 0)]
)
def test_nothing_to_search(n: int, m: int, k: int, d: int) -> None:
    check(np.zeros((n, d), dtype=np.float32), np.zeros((m, d), dtype=np.float32), k)


def test_more_neighbours_than_items() -> None:
    rng = np.random.default_rng(1)
    check(unit(rng, 20, 8), unit(rng, 3, 8), 7)
    check(unit(rng, 20, 8), unit(rng, 40, 8), 3000)


def test_the_same_for_any_step_and_strides(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    queries, items = unit(rng, 90, 16), np.asfortranarray(unit(rng, 200, 16))
    whole = faiss_index.top_k(queries, items, 4, device="cpu")
    monkeypatch.setattr(faiss_index, "NUMBERS", 1)
    single = faiss_index.top_k(queries, items, 4, device="cpu")
    np.testing.assert_array_equal(whole[0], single[0])
    np.testing.assert_array_equal(whole[1], single[1])


def test_approximate_search_knows_its_recall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_choice, "EXACT_UP_TO", 0)
    rng = np.random.default_rng(3)
    centres = unit(rng, 60, 16)
    items = unit(rng, 6000, 16) * 0.5 + centres[rng.integers(0, 60, 6000)]
    items = np.asarray(items / np.linalg.norm(items, axis=1, keepdims=True), dtype=np.float32)
    queries = items[::10] + 0.05 * unit(rng, 600, 16)
    rows, scores, report = faiss_index.top_k(queries, items, 5, device="cpu")
    truth, _ = brute(queries, items, 5)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(truth, rows, strict=True)])
    assert report["index"] == "FAISS IVF" and report["lists"] == 153
    assert 0.95 <= report["recall"] <= 1 and report["probes"] < report["lists"]
    assert abs(recall - report["recall"]) < 0.02
    again = faiss_index.top_k(queries, items, 5, device="cpu")
    np.testing.assert_array_equal(rows, again[0])
    np.testing.assert_array_equal(scores, again[1])
    assert report == again[2]


def test_approximate_search_of_few_or_equal_items(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_choice, "EXACT_UP_TO", 0)
    rng = np.random.default_rng(4)
    assert check(unit(rng, 5, 8), unit(rng, 7, 8), 9)["recall"] == 1.0  # one list: all of it is searched
    rows, _, report = faiss_index.top_k(unit(rng, 5, 8), np.ones((400, 8), dtype=np.float32), 3, device="cpu")
    assert report["recall"] == 1.0 and np.all(rows == [0, 1, 2])


def test_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(MissingExtraError, match=r"linktransformer\[cpu\]"):
        faiss_index.top_k(np.ones((1, 2), dtype=np.float32), np.ones((1, 2), dtype=np.float32), 1)


class Cards:
    """FAISS as it is with so many cards, on which an index of this kind of copy finds no room."""

    def __init__(
        self, faiss: Any, n: int, without_room: set[tuple[bool, bool]], said: str = "out of memory"
    ) -> None:
        self._faiss, self._n, self._without_room, self._said = faiss, n, without_room, said

    def __getattr__(self, name: str) -> Any:
        return getattr(self._faiss, name)

    def get_num_gpus(self) -> int:
        return self._n

    class GpuMultipleClonerOptions:
        shard = useFloat16 = False  # noqa: N815

    def index_cpu_to_all_gpus(self, index: Any, options: Any) -> Any:
        if (options.shard, options.useFloat16) in self._without_room:
            raise RuntimeError(self._said)
        return index


@pytest.mark.parametrize(
    ("n", "without_room", "device"),
    [
        (1, set(), "gpu"),
        (1, {(False, False)}, "gpu, half precision"),
        (2, {(False, False)}, "gpu, divided"),
        (2, {(False, False), (True, False)}, "gpu, divided, half precision"),
        (1, {(False, False), (False, True)}, "cpu, since the items do not fit the GPU"),
    ],
)
def test_an_index_goes_where_there_is_room(
    n: int, without_room: set[tuple[bool, bool]], device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(0)
    items = draw.normal(size=(300, 8)).astype(np.float32)
    want = brute(items[:20], items, 5)
    cards = Cards(faiss_index.need("faiss", extra="cpu"), n, without_room)
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    rows, _, report = faiss_index.top_k(items[:20], items, 5)
    assert (rows == want[0]).all() and report["device"] == device
    assert "device" not in faiss_index.top_k(items[:20], items, 5, device="cpu")[2]


def test_more_neighbours_than_a_card_finds_are_found_in_parts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    items = np.random.default_rng(0).normal(size=(2500, 4)).astype(np.float32)
    cards = Cards(faiss_index.need("faiss", extra="cpu"), 1, set())
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    rows, _, report = faiss_index.top_k(items[:3], items, 2100)
    assert (rows >= 0).all() and report["device"] == "gpu" and report["parts"] == 3


def test_other_faults_of_a_card_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    items = np.eye(20, dtype=np.float32)
    cards = Cards(faiss_index.need("faiss", extra="cpu"), 1, {(False, False)}, "illegal instruction")
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    with pytest.raises(RuntimeError, match="illegal"):
        faiss_index.top_k(items, items, 2)


class SmallCards(Cards):
    """Cards with room for so many items each."""

    def __init__(self, faiss: Any, n: int, room: int) -> None:
        super().__init__(faiss, n, set())
        self._room = room
        self.largest = 0

    def index_cpu_to_all_gpus(self, index: Any, options: Any = None) -> Any:
        wanted = index.ntotal / (self._n if options and options.shard else 1)
        if wanted / (2 if options and options.useFloat16 else 1) > self._room:
            raise RuntimeError("failed to allocate: out of memory")
        self.largest = max(self.largest, index.ntotal)
        return index

    class GpuParameterSpace:
        def set_index_parameter(self, index: Any, name: str, value: int) -> None:
            setattr(index, name, value)


@pytest.mark.parametrize(
    ("n", "room", "device", "parts"),
    [(1, 300, "gpu", 1), (1, 130, "gpu, half precision", 2), (3, 40, "gpu, divided, half precision", 2)],
)
def test_items_that_no_card_has_room_for_are_searched_in_parts(
    n: int, room: int, device: str, parts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = unit(np.random.default_rng(0), 300, 8)
    items[250:] = items[:50]  # ties between parts
    cards = SmallCards(faiss_index.need("faiss", extra="cpu"), n, room)
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    want = brute(items[:20], items, 5)
    rows, scores, report = faiss_index.top_k(items[:20], items, 5)
    np.testing.assert_array_equal(rows, want[0])
    np.testing.assert_allclose(scores, want[1], atol=1e-6)
    assert (report["device"], report.get("parts", 1)) == (device, parts)
    assert cards.largest == -(-300 // parts)


@pytest.mark.parametrize("case", ["random", "all in one part", "ties", "few"])
@pytest.mark.parametrize("k", [3, 25, 70, 199])
def test_more_neighbours_than_an_index_finds_come_from_parts(
    case: str, k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best of one query may all be in one part, where the index finds no more than 30 of them."""
    monkeypatch.setattr(faiss_index, "WIDEST", 30)
    draw = np.random.default_rng(k)
    items = unit(draw, 200 if case == "few" else 900, 6)
    if case == "all in one part":
        items = items[np.argsort(-items[:, 0])]
    if case == "ties":
        items = np.round(items)
    queries = np.eye(6, dtype=np.float32)
    cards = SmallCards(faiss_index.need("faiss", extra="cpu"), 1, 10_000)
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    rows, scores, report = faiss_index.top_k(queries, items, k)
    want = brute(queries, items, k)
    np.testing.assert_allclose(scores, want[1], atol=1e-6)
    if "ties_not_settled" not in report:
        np.testing.assert_array_equal(rows, want[0])
    assert case == "ties" or "ties_not_settled" not in report


def clustered(m: int, d: int) -> Matrix:
    draw = np.random.default_rng(3)
    centres = unit(draw, 60, d)
    items = unit(draw, m, d) * 0.5 + centres[draw.integers(0, 60, m)]
    return np.asarray(items / np.linalg.norm(items, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("card", [False, True])
def test_codes_where_a_copy_of_the_rows_is_too_large(card: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXACT_UP_TO", "EXACT_ON_GPU"):
        monkeypatch.setattr(faiss_choice, name, 0)
    monkeypatch.setattr(faiss_index, "COPY_UP_TO", 1e5)
    monkeypatch.setattr(faiss_choice, "CODES", (2,))
    if card:
        cards = SmallCards(faiss_index.need("faiss", extra="cpu"), 1, 50_000)
        monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    items = clustered(12_000, 8)
    queries = np.ascontiguousarray(items[::30])
    rows, scores, report = faiss_index.top_k(queries, items, 5, device=None if card else "cpu")
    truth, _ = brute(queries, items, 5)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(truth, rows, strict=True)])
    assert (report["index"], report["bytes of a row"]) == ("FAISS IVF-PQ", 2)
    assert report.get("device") == ("gpu" if card else None)
    assert report["recall"] >= 0.95 and abs(recall - report["recall"]) < 0.02
    true = np.einsum("nd,nkd->nk", queries, items[rows])  # codes find, numbers decide
    np.testing.assert_allclose(scores, true, atol=1e-6)
    assert report["probes"] <= report["lists"] and (rows[:, 0] == np.arange(0, 12_000, 30)).all()


def test_lists_that_no_card_has_room_for_become_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EXACT_UP_TO", "EXACT_ON_GPU"):
        monkeypatch.setattr(faiss_choice, name, 0)

    class OnlyCodes(SmallCards):
        def index_cpu_to_all_gpus(self, index: Any, options: Any = None) -> Any:
            if isinstance(index, faiss.IndexIVFFlat):
                raise RuntimeError("out of memory")
            return index

    cards = OnlyCodes(faiss_index.need("faiss", extra="cpu"), 2, 0)
    monkeypatch.setattr(faiss_index, "need", lambda *_, **__: cards)
    items = clustered(12_000, 8)
    report = faiss_index.top_k(items[:100], items, 5)[2]
    assert (report["index"], report["device"]) == ("FAISS IVF-PQ", "gpu")
    report = faiss_index.top_k(items[:100], items[:3000], 5)[2]  # too few for codes
    assert (report["index"], report["device"]) == ("FAISS IVF", "cpu, since the items do not fit the GPU")


def test_the_index_is_chosen_by_size() -> None:
    choose = faiss_choice.choose
    assert choose(10_000, 1_000_000, 384).kind == "flat"
    assert choose(100_000, 1_000_000, 384).kind == "IVF"
    assert choose(100_000, 1_000_000, 384, gpu=True).kind == "flat"
    assert choose(5_000_000, 5_000_000, 384) == faiss_choice.Choice("IVF", 8944)
    assert choose(10_000_000, 10_000_000, 384) == faiss_choice.Choice("IVF-PQ", 12649, 48)
    assert choose(10_000_000, 10_000_000, 768).code == 48 and choose(10**7, 10**7, 1024).code == 32
    assert choose(10**7, 10**7, 383).kind == "IVF"  # no code divides a prime number of columns
    parts = faiss_choice.parts_of(10, 4)
    assert [stop - start for start, stop in parts] == [2, 3, 2, 3] and len(faiss_choice.parts_of(2, 9)) == 2


@pytest.mark.gpu
@pytest.mark.parametrize("kind", ["IVF", "IVF-PQ"])
def test_lists_on_a_card_find_what_their_recall_says(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faiss_choice, "EXACT_ON_GPU", 0)
    if kind == "IVF-PQ":
        monkeypatch.setattr(faiss_index, "COPY_UP_TO", 0)
    items = clustered(60_000, 96)
    queries = np.ascontiguousarray(items[::60])
    rows, _, report = faiss_index.top_k(queries, items, 10)
    truth, _ = brute(queries, items, 10)
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(truth, rows, strict=True)])
    assert report["index"] == f"FAISS {kind}" and report["device"].startswith("gpu")
    assert report["recall"] >= 0.95 and abs(recall - report["recall"]) < 0.03


@pytest.mark.gpu
def test_a_card_finds_more_than_it_can_at_a_time() -> None:
    items = unit(np.random.default_rng(1), 9000, 96)
    rows, scores, report = faiss_index.top_k(items[:50], items, 5000)
    want = brute(items[:50], items, 5000)
    assert report["device"].startswith("gpu") and report["parts"] > 2
    assert (rows == want[0]).mean() > 0.99
    np.testing.assert_allclose(scores, want[1], atol=1e-6)


@pytest.mark.gpu
def test_a_card_that_refuses_large_indexes_is_given_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    there = faiss_index._on_gpus

    def small(of: Any, index: Any, shard: bool, half: bool) -> Any:
        if index.ntotal > 3000:
            raise faiss_index._NoRoomError
        return there(of, index, shard, half)

    monkeypatch.setattr(faiss_index, "_on_gpus", small)
    items = unit(np.random.default_rng(2), 9000, 96)
    rows, _, report = faiss_index.top_k(items[:300], items, 20)
    assert report["parts"] == 4
    assert (rows == brute(items[:300], items, 20)[0]).mean() > 0.999


@pytest.mark.gpu
@pytest.mark.parametrize("k", [1, 51, 2048])
def test_a_card_finds_what_the_processor_finds(k: int) -> None:
    draw = np.random.default_rng(1)
    items = draw.normal(size=(5000, 96)).astype(np.float32)
    items /= np.linalg.norm(items, axis=1, keepdims=True)
    rows, scores, report = faiss_index.top_k(items[:300], items, k)
    assert report["device"].startswith("gpu")
    want = brute(items[:300], items, k)
    assert (rows == want[0]).mean() > 0.999  # the rest are ties up to rounding
    np.testing.assert_allclose(scores, want[1], atol=1e-6)
