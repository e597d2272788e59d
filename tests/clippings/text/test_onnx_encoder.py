"""The bundled model gives the vectors of the float model it was made from, alone or in any company."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from clippings import EncoderError, OnnxTextEncoder
from clippings.text import onnx_encoder
from clippings.text.onnx_encoder import batches
from model_hub import bundled

# by the float32 model in torch (`as_sentence_transformer`): eight numbers of each vector, and all cosines
GOLDEN = {
    "Deutsche Bank AG, Frankfurt am Main": (0.0633, -0.0288, -0.0366, 0.0134, -0.0359, 0.014, 0.0133, 0.1504),
    "deutsche bank frankfurt": (0.0739, 0.0031, 0.0175, -0.0063, -0.0138, -0.0189, 0.0458, 0.0692),
    "Sony Picture Station Digital Photo Printer - DPPFP95": (
        *(-0.0042, -0.0803, 0.0427, 0.029),
        *(0.0088, 0.0277, 0.0322, -0.0599),
    ),
    "leah hilton mitcham 3169 19380702": (
        *(-0.0081, -0.0011, -0.0661, 0.0848),
        *(-0.0142, 0.026, -0.0567, -0.0044),
    ),
    "": (0.0891, 0.097, 0.0039, -0.135, 0.0161, 0.0657, 0.0531, 0.0992),
    "a 🧡 b": (0.0057, -0.0141, 0.0287, -0.0415, 0.0314, 0.0138, -0.0773, -0.0431),
}
COSINES = np.array(
    [
        [1.0, 0.7157, 0.0429, 0.0292, 0.0523, 0.0831],
        [0.7157, 1.0, 0.0909, -0.0202, 0.0116, 0.0569],
        [0.0429, 0.0909, 1.0, 0.0959, -0.1831, -0.0781],
        [0.0292, -0.0202, 0.0959, 1.0, -0.0467, -0.0249],
        [0.0523, 0.0116, -0.1831, -0.0467, 1.0, 0.2717],
        [0.0831, 0.0569, -0.0781, -0.0249, 0.2717, 1.0],
    ]
)


@pytest.fixture(scope="module")
def encoder() -> OnnxTextEncoder:
    return OnnxTextEncoder.from_folder(bundled(), threads=1)


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
    np.testing.assert_allclose(vectors[:, :8], list(GOLDEN.values()), atol=0.008)
    np.testing.assert_allclose(vectors @ vectors.T, COSINES, atol=0.01)


def test_shape_and_length(encoder: OnnxTextEncoder, alone: np.ndarray, texts: list[str]) -> None:
    assert (alone.dtype, alone.shape) == (np.float32, (len(texts), 384))
    np.testing.assert_allclose(np.linalg.norm(alone, axis=1), 1, atol=1e-6)
    assert (encoder.dim, encoder.max_tokens, encoder.device) == (384, 128, "cpu")
    assert encoder.name == bundled().manifest.name


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
    np.testing.assert_array_equal(OnnxTextEncoder.from_folder(bundled(), threads=2).encode(texts), alone)


def test_no_texts_and_empty_texts(encoder: OnnxTextEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)
    empty = encoder.encode(["", " ", "\n"])
    np.testing.assert_allclose(np.linalg.norm(empty, axis=1), 1, atol=1e-6)
    np.testing.assert_array_equal(empty[1], empty[2])


def test_lone_surrogates_are_replaced(encoder: OnnxTextEncoder) -> None:
    np.testing.assert_array_equal(encoder.encode(["a\ud800b"]), encoder.encode(["a\ufffdb"]))


def test_long_text_is_cut_and_counted(encoder: OnnxTextEncoder) -> None:
    texts = ["tea " * 25_000, "tea " * 126, "tea", "x" * 100_000]  # 100,000 characters
    a, b, c, _ = encoder.encode(texts)
    np.testing.assert_array_equal(a, b)  # 126 words and two special tokens fill the 128
    assert not np.array_equal(b, c)
    lost = encoder.share_lost(texts)
    assert lost.tolist() == pytest.approx([1 - 126 * 4 / 100_000, 0, 0, 0.998], abs=0.002)


def test_a_text_cut_by_its_characters_counts_as_cut(
    encoder: OnnxTextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_encoder, "CHARS_PER_TOKEN", 1)
    text = "tea" + " " * 197  # few tokens in 200 characters, of which 128 are read
    np.testing.assert_array_equal(encoder.encode([text]), encoder.encode([text[:128]]))
    assert encoder.share_lost([text]).tolist() == pytest.approx([1 - 128 / 200])


def test_threads_share_an_encoder(encoder: OnnxTextEncoder, texts: list[str], alone: np.ndarray) -> None:
    def encode(start: int) -> tuple[np.ndarray, np.ndarray]:
        part = [*texts[start:], "tea " * (200 + start)]
        return encoder.encode(part), encoder.share_lost(part)

    starts = list(range(0, 40, 5))
    plain = [encode(start) for start in starts]
    with ThreadPoolExecutor(4) as pool:
        for start, (vectors, lost), (wanted, shares) in zip(
            starts, pool.map(encode, starts), plain, strict=True
        ):
            np.testing.assert_array_equal(vectors, wanted)
            np.testing.assert_array_equal(vectors[:-1], alone[start:])
            np.testing.assert_array_equal(lost, shares)


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
        OnnxTextEncoder.from_folder(bundled(), device="tpu")


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
