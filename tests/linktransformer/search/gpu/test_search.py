"""The exact search for a GPU: by torch on the processor here, by Triton's kernels with `-m gpu`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from linktransformer.search import blocking, candidate_search, lsh_forest, pair_products, views  # noqa: E402
from linktransformer.search.gpu import exact_passes as gpu_passes  # noqa: E402
from linktransformer.search.gpu import pairs as gpu_pairs  # noqa: E402
from linktransformer.search.gpu import rows as gpu_rows  # noqa: E402
from linktransformer.search.gpu import search as gpu_search  # noqa: E402
from linktransformer.search.gpu import sparse as gpu_sparse  # noqa: E402
from linktransformer.search.gpu import torch_reference as gpu_plain  # noqa: E402
from linktransformer.search.pair_products import pair_scores  # noqa: E402

Matrix = NDArray[np.float32]
ON = [
    pytest.param("cpu", id="torch"),
    pytest.param("cuda:0", id="card", marks=pytest.mark.gpu),
    pytest.param("cuda:0 plain", id="card, torch", marks=pytest.mark.gpu),
]


@pytest.fixture(params=ON)
def device(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = str(request.param)
    if name.endswith("plain"):
        monkeypatch.setattr(gpu_search, "_kernels", lambda device: gpu_plain)
    return name.split()[0]


def unit(rows: NDArray[Any]) -> Matrix:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def check(
    queries: Matrix, items: Matrix, k: int, found: tuple[Any, Any], blocks: Any = None, near: float = 1e-6
) -> None:
    """Held to all products in float64: the same scores in the same order, up to what float32 can tell."""
    rows, scores = found
    true = queries.astype(np.float64) @ items.astype(np.float64).T
    if blocks is not None:
        true[blocks[0][:, None] != blocks[1][None]] = -np.inf
    wide = min(k, len(items))
    best = -np.sort(-true, axis=1)[:, :wide]
    real = np.isfinite(best)
    assert rows.shape == scores.shape == (len(queries), k)
    assert ((rows[:, :wide] >= 0) == real).all() and (rows[:, wide:] == -1).all()
    assert np.isneginf(scores[rows < 0]).all()
    got = np.take_along_axis(true, np.maximum(rows[:, :wide], 0), axis=1)
    size = np.abs(best[real]).max(initial=1)
    assert np.abs(got[real] - best[real]).max(initial=0) <= near * size
    assert np.abs(scores[:, :wide][real] - got[real]).max(initial=0) <= near * size
    twice = np.sort(np.where(rows < 0, -1 - np.arange(k), rows), axis=1)
    assert (np.diff(twice, axis=1) != 0).all()  # no item twice
    tied = (scores[:, 1:] == scores[:, :-1]) & (rows[:, 1:] >= 0)
    assert (rows[:, 1:] > rows[:, :-1])[tied].all()  # ties go to the lower row


SHAPES = [(5, 3, 7, 2), (1, 1, 1, 1), (130, 257, 64, 128), (200, 1000, 40, 10), (10, 300, 16, 400)]


@pytest.mark.parametrize(("n", "m", "d", "k"), [*SHAPES, (260, 5000, 65, 51), (40, 2000, 1024, 5)])
def test_the_best_items_are_those_of_all_products(device: str, n: int, m: int, d: int, k: int) -> None:
    draw = np.random.default_rng(n)
    queries, items = unit(draw.normal(size=(n, d))), unit(draw.normal(size=(m, d)))
    check(queries, items, k, gpu_search.top_k(queries, items, k, device=device)[:2])


@pytest.mark.parametrize(
    "kind", ["clusters", "copies", "near ties", "as near as rounding", "lengths", "large and small", "zeros"]
)
def test_rows_that_are_hard_to_tell_apart(device: str, kind: str) -> None:
    draw = np.random.default_rng(1)
    centre = unit(draw.normal(size=(30, 96)))
    items = {
        "clusters": lambda: unit(centre[draw.integers(0, 30, 4000)] + 0.02 * draw.normal(size=(4000, 96))),
        "copies": lambda: centre[draw.integers(0, 30, 4000)],
        "near ties": lambda: unit(centre[0] + 1e-4 * draw.normal(size=(4000, 96))),
        "as near as rounding": lambda: unit(centre[0] + 0.005 * draw.normal(size=(4000, 96))),
        "lengths": lambda: draw.normal(size=(4000, 96)) * np.exp(3 * draw.normal(size=(4000, 1))),
        "large and small": lambda: 1e4 * draw.normal(size=(4000, 96)),
        "zeros": lambda: np.zeros((4000, 96)),
    }[kind]()
    items = items.astype(np.float32)
    queries = items[:200] * np.float32(1e-6) if kind == "large and small" else items[:200]
    rows, scores, report = gpu_search.top_k(queries, items, 20, device=device)
    check(queries, items, 20, (rows, scores))
    if kind in ("copies", "near ties", "zeros"):
        assert report["queries_with_many_near_ties"] > 0


@pytest.mark.parametrize("kind", ["even", "skewed", "tiny", "strangers", "one"])
def test_only_rows_of_one_block_meet(device: str, kind: str) -> None:
    draw = np.random.default_rng(2)
    n, m = 700, 3000
    blocks = {
        "even": (draw.integers(0, 60, n), draw.integers(0, 60, m)),
        "skewed": (draw.zipf(1.5, n) % 200, draw.zipf(1.5, m) % 200),
        "tiny": (np.arange(n), np.arange(m) // 2),
        "strangers": (draw.integers(-40, 40, n), draw.integers(0, 80, m)),
        "one": (np.full(n, 2**40), np.full(m, 2**40)),
    }[kind]
    queries, items = unit(draw.normal(size=(n, 24))), unit(draw.normal(size=(m, 24)))
    rows, scores, _ = gpu_search.top_k(queries, items, 7, blocks=blocks, device=device)
    check(queries, items, 7, (rows, scores), blocks)


def test_one_block_is_no_blocking(device: str) -> None:
    draw = np.random.default_rng(3)
    queries, items = unit(draw.normal(size=(150, 24))), unit(draw.normal(size=(900, 24)))
    without = gpu_search.top_k(queries, items, 9, device=device)
    ones = np.zeros(150, dtype=np.int64), np.zeros(900, dtype=np.int64)
    within = gpu_search.top_k(queries, items, 9, blocks=ones, device=device)
    assert (without[0] == within[0]).all() and (without[1] == within[1]).all()


@pytest.mark.parametrize("blocked", [False, True])
@pytest.mark.parametrize("at_once", [1, 100, 999])
def test_items_in_parts_are_the_items(device: str, at_once: int, blocked: bool) -> None:
    if at_once == 1 and device != "cpu":
        at_once = 50  # a launch for every item
    draw = np.random.default_rng(4)
    m = 60 if at_once == 1 else 1000
    queries, items = unit(draw.normal(size=(40, 16))), unit(draw.normal(size=(m, 16)))
    blocks = (draw.integers(0, 5, 40), draw.integers(0, 5, m)) if blocked else (None, None)
    whole = gpu_search.GpuIndex(items, blocks=blocks[1], device=device)
    parts = gpu_search.GpuIndex(items, blocks=blocks[1], device=device, at_once=at_once)
    assert (whole.parts, parts.parts) == (1, -(-m // at_once))
    for one, other in zip(
        whole.search(queries, 12, blocks=blocks[0]), parts.search(queries, 12, blocks=blocks[0]), strict=True
    ):
        assert (one == other).all()


def test_small_workspaces_and_pieces_change_nothing(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(5)
    queries, items = unit(draw.normal(size=(500, 20))), unit(draw.normal(size=(1500, 20)))
    blocks = (draw.integers(0, 9, 500), draw.integers(0, 9, 1500))
    want = [gpu_search.top_k(queries, items, 6, blocks=some, device=device)[:2] for some in (None, blocks)]
    monkeypatch.setattr(gpu_rows, "WORKSPACE", 1)
    monkeypatch.setattr(gpu_rows, "PIECE", 700)
    monkeypatch.setattr(gpu_plain, "NUMBERS", 5000)
    monkeypatch.setattr(gpu_passes, "STRETCH", 3)
    found = [gpu_search.top_k(queries, items, 6, blocks=some, device=device)[:2] for some in (None, blocks)]
    for one, other in zip(want, found, strict=True):
        assert (one[0] == other[0]).all() and (one[1] == other[1]).all()


def test_queries_are_divided_among_devices() -> None:
    draw = np.random.default_rng(6)
    queries, items = unit(draw.normal(size=(90, 8))), unit(draw.normal(size=(300, 8)))
    blocks = (draw.integers(0, 4, 90), draw.integers(0, 4, 300))
    for some in (None, blocks):
        one = gpu_search.top_k(queries, items, 3, blocks=some, device="cpu")
        three = gpu_search.top_k(queries, items, 3, blocks=some, device=["cpu"] * 3)
        assert (one[0] == three[0]).all() and (one[1] == three[1]).all() and three[2]["devices"] == 3


def test_nothing_to_search() -> None:
    none, some = np.zeros((0, 4), dtype=np.float32), np.ones((3, 4), dtype=np.float32)
    for queries, items, k in ((none, some, 2), (some, none, 2), (some, some, 0)):
        rows, scores, _ = gpu_search.top_k(queries, items, k, device="cpu")
        assert rows.shape == scores.shape == (len(queries), k) and (rows == -1).all()
    flat = np.zeros((2, 0), dtype=np.float32)
    rows, scores, _ = gpu_search.top_k(flat, np.zeros((3, 0), dtype=np.float32), 5, device="cpu")
    assert rows.tolist() == [[0, 1, 2, -1, -1]] * 2 and (scores[:, :3] == 0).all()


def test_float64_and_memory_that_cannot_be_written(device: str) -> None:
    draw = np.random.default_rng(7)
    queries, items = unit(draw.normal(size=(9, 8))), unit(draw.normal(size=(50, 8)))
    want = gpu_search.top_k(queries, items, 3, device=device)
    items.setflags(write=False)
    found = gpu_search.top_k(queries.astype(np.float64), items, 3, device=device)
    assert (want[0] == found[0]).all()


def test_keys_sort_as_scores_and_then_as_items() -> None:
    draw = np.random.default_rng(8)
    score = torch.from_numpy(
        np.append(draw.normal(size=50), [0.0, -0.0, 1.0, 1.0, -np.inf]).astype(np.float32)
    )
    item = torch.from_numpy(np.append(draw.integers(0, 2**32 - 1, 53), [7, 5]))
    keys = gpu_plain.as_keys(score, item)
    order = keys.argsort(descending=True).numpy()
    assert order.tolist() == np.lexsort((item.numpy(), -score.numpy())).tolist()
    back_item, back_score = gpu_plain.of_keys(keys)
    assert (back_score == score).all() and (back_item[:-1] == item[:-1]).all() and back_item[-1] == -1
    assert gpu_plain.of_keys(torch.tensor([gpu_plain.NOTHING, -(2**63)]))[0].tolist() == [-1, -1]


@pytest.mark.gpu
@pytest.mark.parametrize(("n", "m", "d"), [(128, 1, 64), (256, 3001, 384), (384, 5000, 1024)])
@pytest.mark.parametrize("streamed", [False, True])
def test_kernels_of_maxima_are_those_of_torch(n: int, m: int, d: int, streamed: bool) -> None:
    from linktransformer.search.gpu import kernels as gpu_kernels

    if streamed and not gpu_kernels._streams(torch.device("cuda:0")):
        pytest.skip("this card does not copy tiles by itself")
    draw = torch.Generator("cuda").manual_seed(0)
    queries, items = (torch.randn(rows, d, device="cuda", generator=draw).half() / 16 for rows in (n, m))
    tiles = -(-m // gpu_plain.TILE)
    shapes = (n, tiles * gpu_plain.TILE // gpu_plain.GROUP), (n, tiles)
    ours, plain = ([torch.full(shape, torch.nan, device="cuda") for shape in shapes] for _ in range(2))
    gpu_kernels.maxima(queries, items, None, None, tiles, tuple(ours), streamed=streamed)
    gpu_plain.maxima(queries.float(), items.float(), None, None, tiles, tuple(plain))
    for one, other in zip(ours, plain, strict=True):
        assert (torch.isneginf(one) == torch.isneginf(other)).all()
        real = torch.isfinite(other)
        assert (one[real] - other[real]).abs().max() < 1e-3


@pytest.mark.gpu
def test_all_cards_find_what_one_finds() -> None:
    if torch.cuda.device_count() < 2:
        pytest.skip("there is one card")
    draw = np.random.default_rng(9)
    queries, items = unit(draw.normal(size=(3000, 64))), unit(draw.normal(size=(20_000, 64)))
    blocks = (draw.integers(0, 40, 3000), draw.integers(0, 40, 20_000))
    for some in (None, blocks):
        one = gpu_search.top_k(queries, items, 10, blocks=some, device="cuda:0")
        every = gpu_search.top_k(queries, items, 10, blocks=some)
        assert every[2]["devices"] == torch.cuda.device_count()
        assert (one[0] == every[0]).all() and (one[1] == every[1]).all()


@pytest.mark.parametrize("same", [False, True])
def test_large_blocks_are_searched_at_once(same: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(10)
    block = np.sort(draw.integers(0, 6, 900))
    of_right = block if same else draw.integers(0, 6, 700)
    a = unit(draw.normal(size=(900, 12)))
    b = a if same else unit(draw.normal(size=(700, 12)))
    left, right = (blocking.nodes_of_rows(np.arange(len(of)), of) for of in (block, of_right))
    dense = {"dense": (a, b)}
    want = candidate_search.search(dense, left, right, 4, device="cpu", same=same)
    monkeypatch.setattr(candidate_search, "gpus", lambda device, work: ["cpu"])
    monkeypatch.setattr(views, "pair_scores", lambda *given, device=None, **more: pair_scores(*given, **more))
    found = candidate_search.search(dense, left, right, 4, same=same)
    assert found.report["dense"]["index"] == "exact, GPU"
    assert (found.left == want.left).all() and (found.right == want.right).all()


@pytest.mark.parametrize("blocked", [False, True])
def test_what_a_card_has_no_room_for_is_done_by_the_processor(
    blocked: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    draw = np.random.default_rng(11)
    rows, sparse = unit(draw.normal(size=(300, 12))), sp.random(300, 80, 0.2, "csr", np.float32, draw)
    of = np.repeat([0, 1], 150) if blocked else np.zeros(300, dtype=np.int64)
    nodes = blocking.nodes_of_rows(np.arange(300), of)
    both = {"lexical": (sparse, sparse[::-1]), "dense": (rows, rows[::-1])}
    monkeypatch.setattr(lsh_forest, "EXACT_UP_TO", 10)
    want = candidate_search.search(both, nodes, nodes, 4, device="cpu")

    def full(*_: object, **__: object) -> None:
        raise torch.cuda.OutOfMemoryError("so many bytes")

    for module in (candidate_search, pair_products, views):
        monkeypatch.setattr(module, "gpus", lambda device, work: ["cuda:0"])
    for module, name in ((gpu_search, "top_k"), (gpu_sparse, "top_k"), (gpu_pairs, "pair_scores")):
        monkeypatch.setattr(module, name, full)
    monkeypatch.setattr(gpu_pairs, "possible", lambda *_: True)
    found = candidate_search.search(both, nodes, nodes, 4)
    assert (found.left == want.left).all() and (found.right == want.right).all()
    assert all((found.views[name] == want.views[name]).all() for name in both)
    assert {record.message.split(":")[0] for record in caplog.records} == {
        "dense search",
        "sparse search",
        "scores of candidates",
    }


@pytest.mark.gpu
def test_a_card_that_is_really_full() -> None:
    draw = np.random.default_rng(12)
    rows = unit(draw.normal(size=(60_000, 256)))
    nodes = blocking.nodes_of_rows(np.arange(len(rows)), np.zeros(len(rows), dtype=np.int64))
    torch.cuda.empty_cache()  # what is kept for later counts as taken
    taken = torch.empty(int(0.98 * torch.cuda.mem_get_info()[0]), dtype=torch.uint8, device="cuda:0")
    reserved = torch.cuda.memory_reserved() / torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(reserved)
    try:
        full = candidate_search.search({"dense": (rows, rows[::-1])}, nodes, nodes, 4)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
        del taken
        torch.cuda.empty_cache()
    free = candidate_search.search({"dense": (rows, rows[::-1])}, nodes, nodes, 4)
    same = (full.left == free.left[: len(full.left)]).mean() if len(full.left) == len(free.left) else 0.0
    assert same > 0.999
    assert "GPU" not in str(full.report["dense"]) and "GPU" in str(free.report["dense"])


def test_a_small_card_gets_a_small_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    card = torch.device("cuda:0")

    class Properties:
        total_memory = 8 * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: Properties)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2**30, 8 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 5 * 2**30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 2**30)
    assert gpu_rows.workspace(card) == 2**29
    assert gpu_rows.fitting(card, 384) == int((5 * 2**30 * 0.8 - 2**30) / (6 * 448))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 2**30)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (0, 8 * 2**30))
    assert gpu_rows.fitting(card, 384) == gpu_rows.FEWEST
    assert gpu_rows.workspace(torch.device("cpu")) == gpu_rows.WORKSPACE
