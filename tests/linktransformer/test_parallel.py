"""Work in threads: the results are those of one thread, in their order."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time

import pytest

from linktransformer import parallel
from linktransformer.parallel import chunks, mapped


@pytest.fixture(autouse=True)
def four_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 4)


def test_results_come_in_the_order_of_the_items() -> None:
    def late_for_the_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number

    assert list(mapped(late_for_the_first, range(20))) == list(range(20))


def test_threads_are_used_for_several_items_and_none_for_one() -> None:
    here = threading.get_ident()
    barrier = threading.Barrier(2, timeout=20)

    def meet(_: int) -> int:
        barrier.wait()  # never passed by one thread alone
        return threading.get_ident()

    assert here not in list(mapped(meet, range(2)))
    assert list(mapped(lambda _: threading.get_ident(), [0])) == [here]


def test_a_call_from_inside_works_in_its_own_thread() -> None:
    def outer(_: int) -> bool:
        return set(mapped(lambda _: threading.get_ident(), range(8))) == {threading.get_ident()}

    assert all(mapped(outer, range(8)))


def test_no_more_items_than_cores_are_ahead() -> None:
    begun: list[int] = []
    results = mapped(lambda number: begun.append(number), range(50))
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 5
    results.close()


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(mapped(lambda number: 1 // (number - 3), range(8)))
    assert list(mapped(abs, [-1, -2])) == [1, 2]  # the threads are still there


def test_chunks_cover_all_numbers() -> None:
    assert [list(range(10))[part] for part in chunks(10, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert chunks(0, 4) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are forked on Linux only")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_starts_threads_of_its_own() -> None:
    list(mapped(abs, range(8)))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(_sums).get(timeout=30) == list(range(8))


def _sums() -> list[int]:
    return list(mapped(abs, range(8)))
