"""Models of open_clip are built, trained a step, kept and found again.

open_clip needs torchvision, of which no build fits the torch of these checks. With it on the path
transformers cannot be imported before our own code was, so it is kept in a folder of its own:
`PYTHONPATH=.venv/clip python -m pytest tests/clippings/records/test_open_clip.py`, as `make test` does.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from clippings import EncoderError, load_record_encoder, load_text_encoder  # noqa: E402
from clippings.records.clip_libraries import need_open_clip  # noqa: E402
from model_hub import ModelNotFoundError, publish  # noqa: E402
from tests import small_records  # noqa: E402
from tests.small_records import records  # noqa: E402

pytestmark = [
    pytest.mark.skipif(
        find_spec("open_clip") is None,
        reason="open_clip is not on the path: `make test` runs these by themselves, PYTHONPATH=.venv/clip",
    ),
    pytest.mark.filterwarnings("ignore"),  # of their import, not ours to mend
]
TINY: dict[str, Any] = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": [16, 64], "patch_size": [8, 8], "width": 32, "layers": 2, "head_width": 16},
    "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 2},
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A small model under a name that open_clip knows."""
    made = tmp_path_factory.mktemp("configs")
    (made / "tiny-wide.json").write_text(json.dumps(TINY))
    need_open_clip().add_model_config(made)
    return "open_clip:tiny-wide/"


def opened(ref: Any) -> Any:
    encoder = load_record_encoder(ref, device="cpu")
    encoder.inputs._strips = small_records
    return encoder


def step(encoder: Any) -> None:
    """One step of training on four records."""
    model = encoder.model.train()
    prepared, _ = encoder.inputs.prepare(
        [shot for shot in records()[1] if shot and shot.pixels is not None][:4]
    )
    batch = next(encoder.inputs.image_batches(prepared, 4))
    letters = next(encoder.inputs.text_batches(["Deutsche Bank", "tokyo", "東京銀行", "c"], 4))
    image = model.image(torch.from_numpy(batch.pixels), torch.from_numpy(batch.mask), batch.vertical)
    text = model.text(torch.from_numpy(letters.ids), torch.from_numpy(letters.mask))
    there = torch.ones(4, dtype=torch.bool)
    fused = model.fuse(image, text, there, there, torch.rand(4, 3))
    loss = ((image @ text.T + fused @ fused.T) * model.scale.exp() + model.bias).square().mean()
    loss.backward()
    torch.optim.SGD(model.parameters(), lr=0.1).step()


def test_trained_saved_published_and_loaded(tiny: str, tmp_path: Path) -> None:
    encoder = opened(tiny)
    texts, pictures, confidence = records()
    untrained = encoder.encode_records(texts, pictures, confidence=confidence)
    step(encoder)
    before = encoder.encode_records(texts, pictures, confidence=confidence)
    for name in ("image", "text"):
        assert np.abs(getattr(before, name) - getattr(untrained, name)).max() > 1e-4
    one_by_one = encoder.encode_records(texts, pictures, confidence=confidence, batch_size=1)
    np.testing.assert_allclose(one_by_one.fused, before.fused, atol=1e-5)
    manifest = encoder.save(tmp_path / "made", licence="MIT")
    assert (manifest.name, manifest.dimension, manifest.max_tokens) == ("open_clip-tiny-wide", 24, 16)
    ref = publish(tmp_path / "made", tmp_path / "shared")
    after = opened(ref).encode_records(texts, pictures, confidence=confidence)
    np.testing.assert_allclose(before.fused, after.fused, atol=1e-6)
    as_text = load_text_encoder(ref, device="cpu")
    np.testing.assert_allclose(as_text.encode(["\ud800 bank"]), encoder.encode(["\ufffd bank"]), atol=1e-6)


def test_vectors_are_those_of_the_library(tiny: str) -> None:
    library = need_open_clip()
    encoder = opened(tiny)
    texts = ["Deutsche Bank", "tokyo"]
    tokens = library.get_tokenizer("tiny-wide")(texts)
    with torch.no_grad():
        expected = encoder.model.clip.encode_text(tokens, normalize=True).numpy()
    np.testing.assert_allclose(encoder.encode(texts), expected, atol=1e-5)


def test_unknown_names(tiny: str) -> None:
    with pytest.raises(EncoderError, match="has no such model"):
        load_record_encoder("open_clip:ViT-Z-99/")
    with pytest.raises(EncoderError, match="cannot load the model"):
        load_record_encoder("open_clip:tiny-wide/nowhere")


@pytest.fixture(scope="module")
def saved(tiny: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as open_clip publishes it: settings with their own mean, and safetensors."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("local")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        model = need_open_clip().create_model("tiny-wide")
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    settings = {"model_cfg": TINY, "preprocess_cfg": {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6]}}
    (folder / "open_clip_config.json").write_text(json.dumps(settings))
    return folder


@pytest.mark.parametrize("form", ["local-dir:{}", "tiny-wide/{}/open_clip_model.safetensors"])
def test_weights_on_the_disk(saved: Path, form: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    library = need_open_clip()
    own = library.create_model(f"local-dir:{saved}")
    with torch.no_grad():
        expected = own.encode_text(library.get_tokenizer("tiny-wide")(["tokyo"]), normalize=True).numpy()
    encoder = opened("open_clip:" + form.format(saved))  # an absolute path has two slashes
    np.testing.assert_allclose(encoder.encode(["tokyo"]), expected, atol=1e-5)
    assert encoder.inputs.config.mean == (0.1, 0.2, 0.3) and encoder.inputs.config.std == (0.4, 0.5, 0.6)
    assert str(saved) not in json.dumps(encoder.inputs.config.to_dict())  # a path may hold private names
    manifest = encoder.save(tmp_path / "kept")
    np.testing.assert_allclose(opened(tmp_path / "kept").encode(["tokyo"]), expected, atol=1e-5)
    assert manifest.dimension == 24
    monkeypatch.chdir(saved.parent)
    relative = opened("open_clip:" + form.format(saved.name))
    np.testing.assert_allclose(relative.encode(["tokyo"]), expected, atol=1e-5)


def test_files_of_weights_that_are_refused(saved: Path, tmp_path: Path) -> None:
    for suffix in (".pt", ".bin"):
        path = tmp_path / f"weights{suffix}"
        path.write_bytes(b"PK")
        with pytest.raises(EncoderError, match="safetensors only"):
            load_record_encoder(f"open_clip:tiny-wide/{path}")
    with pytest.raises(EncoderError, match="no such file of weights"):
        load_record_encoder("open_clip:tiny-wide//nowhere/w.safetensors")
    whole = (saved / "open_clip_model.safetensors").read_bytes()
    (tmp_path / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(EncoderError, match="damaged or not whole"):
        load_record_encoder(f"open_clip:tiny-wide/{tmp_path / 'half.safetensors'}")
    with pytest.raises(EncoderError, match="is not a model of open_clip"):
        load_record_encoder(f"open_clip:local-dir:{tmp_path / 'nowhere'}")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY}))
    (tmp_path / "half.safetensors").unlink()
    with pytest.raises(EncoderError, match="no weights as safetensors"):
        load_record_encoder(f"open_clip:local-dir:{tmp_path}")


def test_offline_nothing_is_requested(tiny: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINKTRANSFORMER_OFFLINE", "1")
    with pytest.raises(ModelNotFoundError, match="never fetched"):
        load_record_encoder("open_clip:hf-hub:org/never-fetched")
    with pytest.raises((EncoderError, ModelNotFoundError), match="never fetched"):
        load_record_encoder("open_clip:ViT-B-32/laion2b_s34b_b79k")


def test_a_full_size_model_is_built_and_trained_a_step() -> None:
    encoder = opened("open_clip:ViT-B-32/")
    assert (encoder.dim, encoder.inputs.config.height, encoder.inputs.config.width) == (512, 224, 224)
    assert 150e6 < sum(value.numel() for value in encoder.model.parameters()) < 153e6
    before = encoder.encode(["bank"])
    step(encoder)
    assert np.abs(encoder.encode(["bank"]) - before).max() > 1e-5
