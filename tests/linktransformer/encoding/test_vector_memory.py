"""Vectors that a bundled model gave before are read from memory: the same bits, bounded, for threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings import OnnxTextEncoder
from linktransformer.encoding import model_plan, vector_memory
from linktransformer.encoding.vector_memory import VARIABLE, VectorMemory


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that the bundled model has encoded so far, from an empty memory on."""
    vector_memory._memory.cache_clear()
    seen: list[str] = []
    real = OnnxTextEncoder.encode

    def spy(self: OnnxTextEncoder, texts: list[str], **named: Any) -> np.ndarray:
        seen.extend(texts)
        return real(self, texts, **named)

    monkeypatch.setattr(OnnxTextEncoder, "encode", spy)
    return seen


def test_a_text_is_encoded_once_with_the_same_bits(encoded: list[str]) -> None:
    encoder = model_plan.plan(None).encoder
    texts = [f"Acme {number} Steel" for number in range(50)]
    plain = encoder.encode(texts)
    encoded.clear()
    first = model_plan.embed(encoder, texts[:30])
    assert encoded == texts[:30]
    first[:] = 0  # the caller's own
    np.testing.assert_array_equal(model_plan.embed(encoder, texts[::-1]), plain[::-1])
    assert encoded == texts[:30] + texts[:29:-1]
    np.testing.assert_array_equal(model_plan.embed(encoder, texts), plain)
    assert len(encoded) == 50
    np.testing.assert_array_equal(model_plan.embed(encoder, texts, remember=False), plain)
    assert len(encoded) == 100


def test_a_second_link_encodes_new_rows_only(encoded: list[str]) -> None:
    register = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairies", "Zeller Motors"]})
    for name in ("Acme Steel Co", "Baxter Dairy"):
        links = lt.link(
            pd.DataFrame({"name": [name]}), register, on="name", model=model_plan.plan(None).encoder
        )
        assert len(links.right_rows) == 1
    assert sorted(encoded) == sorted([*register["name"], "Acme Steel Co", "Baxter Dairy"])


def test_progress_counts_what_was_there(encoded: list[str]) -> None:
    encoder = model_plan.plan(None).encoder
    steps: list[int] = []
    for texts in (["tea", "cup"], ["tea", "cup", "milk"]):
        steps.clear()
        vector_memory.encode(encoder, texts, None, steps.append)
        assert sum(steps) == len(texts)


def test_vectors_of_a_callers_object_are_not_kept() -> None:
    class Counting:
        calls = 0
        cache_key = "v1"

        def encode(self, texts: list[str]) -> list[list[float]]:
            self.calls += 1
            return [[1.0, float(self.calls)] for _ in texts]

    model = Counting()
    encoder = model_plan.plan(model).encoder
    assert not np.array_equal(model_plan.embed(encoder, ["tea"]), model_plan.embed(encoder, ["tea"]))


def test_what_is_no_text_is_refused_as_before() -> None:
    for wrong in (None, ["tea"]):
        with pytest.raises(lt.ModelError, match="encode takes texts"):
            model_plan.embed(model_plan.plan(None).encoder, [wrong])


def test_the_least_recently_used_are_dropped() -> None:
    rows = np.arange(8, dtype=np.float32).reshape(4, 2)
    one = 8 + 4 * 1 + vector_memory.ENTRY
    memory = VectorMemory(3 * one)
    memory.put("m", ["a", "b", "c"], rows[:3])
    assert memory.size == 3 * one
    assert memory.take("m", ["a"]) == [rows[0].tobytes()]
    memory.put("m", ["d", "d"], rows[[3, 3]])
    assert memory.take("m", list("abcd")) == [rows[0].tobytes(), None, rows[2].tobytes(), rows[3].tobytes()]
    assert memory.size == 3 * one
    assert memory.take("other", ["a"]) == [None]
    VectorMemory(1).put("m", ["a"], rows[:1])
    memory.put("m", ["long " * 1000], rows[:1])  # larger than all of it
    assert memory.size == 0


def test_threads_share_it() -> None:
    memory = VectorMemory(40 * (8 + 4 * 2 + vector_memory.ENTRY))
    texts = [f"{number:02}" for number in range(100)]

    def turn(start: int) -> bool:
        for at in range(start, start + 400):
            some = [texts[(at * 7 + step) % 100] for step in range(5)]
            memory.put("m", some, np.array([[int(text), 1] for text in some], np.float32))
            for text, row in zip(some, memory.take("m", some), strict=True):
                assert row is None or np.frombuffer(row, np.float32)[0] == int(text)
        return True

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(turn, range(4)))
    assert memory.size == len(memory._rows) * (8 + 4 * 2 + vector_memory.ENTRY) <= memory.max_bytes


def test_its_size_is_told_by_a_variable(encoded: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = model_plan.plan(None).encoder
    monkeypatch.setenv(VARIABLE, "0")
    for _ in range(2):
        model_plan.embed(encoder, ["tea"])
    assert encoded == ["tea", "tea"]
    vector_memory._memory.cache_clear()
    monkeypatch.setenv(VARIABLE, "much")
    with pytest.raises(lt.InvalidArgumentError, match=f"{VARIABLE}='MUCH' is not a size"):
        model_plan.embed(encoder, ["tea"])
    vector_memory._memory.cache_clear()
