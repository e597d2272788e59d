"""CLIP models of transformers behind `encode_records`: their own vectors, kept and found again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from clippings import EncoderError, MissingPackageError, load_record_encoder, load_text_encoder  # noqa: E402
from clippings.records import clip_libraries as libraries  # noqa: E402
from clippings.records.clip_config import ClipConfig  # noqa: E402
from clippings.records.clip_encoder import ClipInputs, load_clip, on_paper  # noqa: E402
from model_hub import open_model, publish  # noqa: E402
from tests import small_records  # noqa: E402
from tests.small_records import Shot, records, square  # noqa: E402

WORDS = ["<|startoftext|>", "<|endoftext|>", "bank", "deutsche", "tokyo", *"abcdefghij"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random CLIPModel with its tokenizer, as transformers writes them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import CLIPConfig, CLIPModel, PreTrainedTokenizerFast

    made = tmp_path_factory.mktemp("clip")
    numbers = {word: number for number, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(numbers, unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(word, numbers[word]) for word in WORDS[:2]]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{WORDS[0]} $A {WORDS[1]}", special_tokens=ends
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=WORDS[1], unk_token=WORDS[1], eos_token=WORDS[1]
    ).save_pretrained(made)
    sizes: dict[str, Any] = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
    }  # fmt: skip
    text = {**sizes, "vocab_size": len(WORDS), "max_position_embeddings": 12, "eos_token_id": 1}
    vision = {**sizes, "image_size": 32, "patch_size": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24))
    model.save_pretrained(made)
    (made / "preprocessor_config.json").write_text(
        json.dumps(
            {"image_processor_type": "CLIPImageProcessor", "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
        )
    )
    return made


def with_stand_ins(encoder: Any) -> Any:
    encoder.inputs._strips = small_records
    return encoder


def test_vectors_are_those_of_the_library(folder: Path) -> None:
    from transformers import AutoTokenizer, CLIPModel

    encoder = with_stand_ins(load_record_encoder(f"hf:{folder}", device="cpu"))
    pictures = [Shot(np.full((10, 20), 90, np.uint8)), None, Shot(np.zeros((30, 9, 3), np.uint8))]
    texts = ["Deutsche Bank", "tokyo", None]
    found = encoder.encode_records(texts, pictures, batch_size=2)
    model = CLIPModel.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(texts[:2], padding=True, return_tensors="pt")
    papers = [
        torch.from_numpy(square(np.broadcast_to(p.pixels.reshape(*p.pixels.shape[:2], -1), s), 32).copy())
        for p, s in ((pictures[0], (10, 20, 3)), (pictures[2], (30, 9, 3)))
    ]
    pixels = ((torch.stack(papers).permute(0, 3, 1, 2) / 255) - 0.5) / 0.25
    with torch.no_grad():
        image = model.get_image_features(pixel_values=pixels)
        text = model.get_text_features(**tokens)
    image, text = (getattr(part, "pooler_output", part) for part in (image, text))
    image, text = (torch.nn.functional.normalize(part, dim=1).numpy() for part in (image, text))
    np.testing.assert_allclose(found.image[[0, 2]], image, atol=1e-5)
    np.testing.assert_allclose(found.text[:2], text, atol=1e-5)
    mean = (image[0] + text[0]) / np.linalg.norm(image[0] + text[0])
    np.testing.assert_allclose(found.fused, [mean, text[1], image[1]], atol=1e-5)
    assert found.has_image.tolist() == [True, False, True] and encoder.dim == 24


def test_saved_published_and_loaded_after_a_step(folder: Path, tmp_path: Path) -> None:
    encoder = with_stand_ins(load_clip(f"hf:{folder}", "cpu", fusion="gate"))
    texts, pictures, confidence = records()
    untrained = encoder.encode_records(texts, pictures, confidence=confidence)
    model = encoder.model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    prepared, _ = encoder.inputs.prepare(pictures[:4])
    batch = next(encoder.inputs.image_batches(prepared, 4))
    letters = next(encoder.inputs.text_batches(["bank", "tokyo", "a b", "c"], 4))
    image = model.image(torch.from_numpy(batch.pixels), torch.from_numpy(batch.mask), batch.vertical)
    text = model.text(torch.from_numpy(letters.ids), torch.from_numpy(letters.mask))
    there = torch.ones(4, dtype=torch.bool)
    fused = model.fuse(image, text, there, there, torch.rand(4, 3))
    ((image @ text.T + fused @ fused.T) * model.scale.exp() + model.bias).square().mean().backward()
    for part in (model.clip.vision_model, model.clip.text_model, model.fuse):
        assert any(value.grad is not None and value.grad.abs().max() > 0 for value in part.parameters())
    optimizer.step()
    before = encoder.encode_records(texts, pictures, confidence=confidence)
    assert np.abs(before.fused - untrained.fused).max() > 1e-4
    manifest = encoder.save(tmp_path / "made", name="lt-clip", licence="MIT")
    assert (manifest.architecture, manifest.dimension, manifest.max_tokens) == ("clippings-clip", 24, 12)
    assert not any(path.suffix in (".bin", ".pt", ".pkl") for path in (tmp_path / "made").rglob("*"))
    ref = publish(tmp_path / "made", tmp_path / "shared")
    loaded = with_stand_ins(load_record_encoder(ref, device="cpu"))
    after = loaded.encode_records(texts, pictures, confidence=confidence)
    np.testing.assert_allclose(before.fused, after.fused, atol=1e-6)
    as_text = load_text_encoder(ref, device="cpu")
    np.testing.assert_allclose(as_text.encode(["bank"]), encoder.encode(["bank"]), atol=1e-6)
    loaded.save(tmp_path / "again")  # and the tokenizer goes with it
    assert (open_model(tmp_path / "again").path / "tokenizer" / "tokenizer.json").exists()


@pytest.mark.parametrize(
    ("shape", "paper", "ink"),
    [
        ((10, 20), (32, 32), (16, 32)),
        ((10, 80), (16, 64), (8, 64)),
        ((40, 80), (16, 64), (16, 32)),
        ((80, 10), (16, 64), (8, 64)),  # turned: it would be 2 pixels wide
        ((10, 80), (64, 16), (64, 8)),
        ((11, 10), (16, 64), (16, 15)),  # not tall enough to be turned
    ],
)
@pytest.mark.parametrize("colours", [(), (3,)])
def test_on_paper(
    shape: tuple[int, int], paper: tuple[int, int], ink: tuple[int, int], colours: tuple
) -> None:
    found = on_paper(np.zeros((*shape, *colours), np.uint8), *paper, square)
    assert found.shape == (*paper, *colours) and found.dtype == np.uint8
    dark = np.argwhere((found if not colours else found[:, :, 0]) < 255)
    low, high = dark.min(axis=0), dark.max(axis=0) + 1
    assert np.abs(high - low - ink).max() <= 1
    assert np.abs(low + high - paper).max() <= 2  # in the middle


def test_texts_are_cut_and_checked() -> None:
    seen: list[str] = []

    def tokenize(texts: Any) -> Any:
        seen.extend(texts)
        return np.zeros((len(texts), 3), np.int64), np.ones((len(texts), 3), bool)

    config = ClipConfig(library="open_clip", name="x", architecture={}, dim=3, longest_text=2)
    inputs = ClipInputs(config, tokenize, small_records)
    rows = [batch.rows.tolist() for batch in inputs.text_batches(["a" * 100_000, "b", "c"], 2)]
    assert rows == [[0, 1], [2]] and seen == ["a" * 128, "b", "c"]
    for wrong in (3, None):
        with pytest.raises(EncoderError, match="A text was expected"):
            list(inputs.text_batches(["a", wrong], 2))  # type: ignore[list-item] # that it is refused is tested


def test_settings() -> None:
    config = ClipConfig(library="open_clip", name="x", architecture={"embed_dim": 3}, dim=3, height=16)
    assert ClipConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    with pytest.raises(EncoderError, match="Did you mean 'height'"):
        ClipConfig.from_dict({**config.to_dict(), "hieght": 3})
    with pytest.raises(EncoderError, match=r"Missing are: \['dim'\]"):
        ClipConfig.from_dict({"library": "open_clip", "name": "x", "architecture": {}})
    for name, value in (("library", "keras"), ("std", (0, 1, 1)), ("fusion", "sum"), ("width", 0)):
        with pytest.raises(EncoderError, match=f"Given: {name}="):
            ClipConfig.from_dict({**config.to_dict(), name: value})


def test_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(EncoderError, match="open_clip:NAME"):
        load_clip("hf:")
    with pytest.raises(EncoderError, match="transformers cannot load"):
        load_record_encoder(f"hf:{tmp_path}")

    def none(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(libraries, "import_module", none)
    with pytest.raises(MissingPackageError, match=r'pip install "linktransformer\[clip\]"'):
        load_record_encoder("open_clip:ViT-B-32/")
    with pytest.raises(MissingPackageError, match="transformers"):
        load_record_encoder("hf:org/name")
