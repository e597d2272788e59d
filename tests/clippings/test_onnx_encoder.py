"""The bundled MiniLM gives the vectors of the float model it was made from, alone or in any company."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from clippings import EncoderError, OnnxTextEncoder, onnx_encoder
from clippings.onnx_encoder import batches
from model_hub import bundled

MINILM = "all-minilm-l6-v2-int8"

# worked out with the float32 model in torch: the first eight numbers of each vector, and all cosines
GOLDEN = {
    "Deutsche Bank AG, Frankfurt am Main": (0.0367, -0.0511, -0.0502, 0.0212, 0.0281, 0.0102, 0.0224, 0.1016),
    "deutsche bank frankfurt": (-0.0061, -0.0014, -0.0719, 0.0576, 0.0084, 0.0038, 0.0614, 0.0597),
    "Sony Picture Station Digital Photo Printer - DPPFP95": (
        *(-0.0739, -0.0046, -0.0486, -0.0297),
        *(0.0386, -0.0006, 0.0436, 0.1095),
    ),
    "leah hilton mitcham 3169 19380702": (
        -0.0704,
        -0.0635,
        -0.0711,
        -0.0124,
        -0.0353,
        0.0435,
        -0.001,
        0.0039,
    ),
    "": (-0.1188, 0.0483, -0.0025, -0.011, 0.052, 0.0103, 0.1154, 0.0007),
    "a 🧡 b": (-0.0462, 0.0391, -0.0082, 0.0126, -0.0794, 0.0448, 0.1456, -0.0411),
}
COSINES = np.array(
    [
        [1.0, 0.8654, 0.0612, 0.1556, 0.0483, 0.0301],
        [0.8654, 1.0, 0.0989, 0.2187, 0.0979, 0.1315],
        [0.0612, 0.0989, 1.0, 0.0740, 0.0431, 0.0746],
        [0.1556, 0.2187, 0.0740, 1.0, 0.1284, 0.2219],
        [0.0483, 0.0979, 0.0431, 0.1284, 1.0, 0.2495],
        [0.0301, 0.1315, 0.0746, 0.2219, 0.2495, 1.0],
    ]
)


@pytest.fixture(scope="module")
def encoder() -> OnnxTextEncoder:
    return OnnxTextEncoder.from_folder(bundled(MINILM), threads=1)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """200 texts of 1 to 40 words, some alike, in no order."""
    rng = np.random.default_rng(7)
    words = [
        *("bank", "of", "tokyo", "ltd", "co.", "&", "sons", "1956", "Müller"),
        *("gmbh", "société", "東京", "printer", "DPPFP95", "🧡", "x"),
    ]
    return [" ".join(rng.choice(words, rng.integers(0, 40) if i % 4 == 0 else 6)) for i in range(200)]


@pytest.fixture(scope="module")
def alone(encoder: OnnxTextEncoder, texts: list[str]) -> np.ndarray:
    """The plain reference: each text in a call of its own."""
    return np.concatenate([encoder.encode([text]) for text in texts])


def test_vectors_of_the_float_model(encoder: OnnxTextEncoder) -> None:
    vectors = encoder.encode(list(GOLDEN))
    np.testing.assert_allclose(vectors[:, :8], list(GOLDEN.values()), atol=0.015)
    np.testing.assert_allclose(vectors @ vectors.T, COSINES, atol=0.03)


def test_shape_and_length(encoder: OnnxTextEncoder, alone: np.ndarray, texts: list[str]) -> None:
    assert (alone.dtype, alone.shape) == (np.float32, (len(texts), 384))
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)
    assert (encoder.dim, encoder.max_tokens, encoder.device) == (384, 256, "cpu")
    assert encoder.name == bundled(MINILM).manifest.name


@pytest.mark.parametrize("batch_size", [None, 1, 3, 64, 10_000])
def test_batch_size_changes_nothing(
    encoder: OnnxTextEncoder, texts: list[str], alone: np.ndarray, batch_size: int | None
) -> None:
    np.testing.assert_array_equal(encoder.encode(texts, batch_size=batch_size), alone)


def test_order_and_company_change_nothing(
    encoder: OnnxTextEncoder, texts: list[str], alone: np.ndarray
) -> None:
    order = np.random.default_rng(1).permutation(len(texts))
    np.testing.assert_array_equal(encoder.encode([texts[i] for i in order]), alone[order])
    np.testing.assert_array_equal(encoder.encode(texts[::7]), alone[::7])


def test_number_of_threads_changes_nothing(texts: list[str], alone: np.ndarray) -> None:
    np.testing.assert_array_equal(
        OnnxTextEncoder.from_folder(bundled(MINILM), threads=2).encode(texts), alone
    )


def test_no_texts_and_empty_texts(encoder: OnnxTextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    empty = encoder.encode(["", " ", "\n"])
    np.testing.assert_allclose(np.linalg.norm(empty, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(empty[0], empty[1])


def test_lone_surrogates_are_replaced(encoder: OnnxTextEncoder) -> None:
    np.testing.assert_array_equal(encoder.encode(["a\ud800b"]), encoder.encode(["a\ufffdb"]))


def test_long_text_is_cut_and_counted(encoder: OnnxTextEncoder) -> None:
    long = "tea " * 25_000  # 100,000 characters
    a, b, c = encoder.encode([long, "tea " * 254, "tea"])
    assert encoder.n_truncated == 1
    np.testing.assert_array_equal(a, b)  # 254 words and two special tokens fill the 256
    assert not np.array_equal(b, c)
    encoder.encode(["tea", "x" * 100_000])
    assert encoder.n_truncated == 1
    encoder.encode(["tea"])
    assert encoder.n_truncated == 0


def test_tokenizer_is_called_in_parts(
    encoder: OnnxTextEncoder, texts: list[str], alone: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_encoder, "TEXTS_PER_TOKENIZER_CALL", 7)
    np.testing.assert_array_equal(encoder.encode(texts[:30]), alone[:30])


def test_progress_adds_up(encoder: OnnxTextEncoder, texts: list[str]) -> None:
    steps: list[int] = []
    encoder.encode(texts, batch_size=16, progress=steps.append)
    assert sum(steps) == len(texts) and max(steps) <= 16


@pytest.mark.parametrize(
    ("wrong", "message"),
    [("one text", "list of texts.*Put it in a list"), (["a", None], "NoneType"), ([1], "a int, 1")],
)
def test_wrong_texts(encoder: OnnxTextEncoder, wrong: Sequence[str], message: str) -> None:
    with pytest.raises(EncoderError, match=message):
        encoder.encode(wrong)


def test_wrong_settings(encoder: OnnxTextEncoder) -> None:
    with pytest.raises(ValueError, match="batch_size"):
        encoder.encode(["a"], batch_size=0)
    with pytest.raises(EncoderError, match="'tpu'"):
        OnnxTextEncoder.from_folder(bundled(MINILM), device="tpu")


def test_batches_hold_every_text_once_and_one_length() -> None:
    lengths = np.random.default_rng(3).integers(2, 300, 500).tolist()
    for size in (None, 1, 5):
        groups = list(batches(lengths, size))
        assert sorted(int(i) for group in groups for i in group) == list(range(500))
        for group in groups:
            of_group = {lengths[i] for i in group}
            assert len(of_group) == 1
            tokens = len(group) * of_group.pop()
            assert len(group) == 1 or tokens <= onnx_encoder.TOKENS_PER_BATCH
            assert size is None or len(group) <= size
    assert list(batches([], None)) == []
