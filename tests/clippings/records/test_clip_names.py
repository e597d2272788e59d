"""CLIP models by name: each type in its own class with its own vectors, every other type refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from clippings import EncoderError, load_record_encoder  # noqa: E402
from clippings.records.clip_names import parts_of_name  # noqa: E402
from tests import small_records  # noqa: E402
from tests.small_records import records  # noqa: E402

WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    *["harbour", "tin", "quay", "leith", "moor", "son", "acme", "ivy", "press"],
]
TEXTS = ["harbour tin quay", "leith moor son acme", "ivy"]
SMALL: dict[str, Any] = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
}  # fmt: skip


def tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    made = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        model_max_length=16,
    )  # fmt: skip


def made(folder: Path, stem: str, **top: Any) -> Any:
    """A random model of a class of transformers, saved with its tokenizer."""
    text = {**SMALL, "vocab_size": 40, "max_position_embeddings": 16, "bos_token_id": 0, "eos_token_id": 2,
            "pad_token_id": 1}  # fmt: skip
    vision = {**SMALL, "image_size": 32, "patch_size": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = getattr(transformers, f"{stem}Config")(text_config=text, vision_config=vision, **top)
        model = getattr(transformers, f"{stem}Model")(config).eval()
        for value in model.parameters():  # some classes start with zeros
            value.data += 0.02 * torch.randn_like(value)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return model


def features(output: Any) -> np.ndarray:
    vectors = getattr(output, "pooler_output", output).detach().numpy()
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize("stem", ["CLIP", "MetaClip2", "Siglip", "ChineseCLIP"])
def test_vectors_are_those_of_its_own_class(stem: str, tmp_path: Path) -> None:
    own = made(tmp_path, stem, **({} if stem == "Siglip" else {"projection_dim": 24}))
    encoder = load_record_encoder(f"hf:{tmp_path}", device="cpu")
    encoder.inputs._strips = small_records
    tokens = tokenizer()(TEXTS, padding="max_length", max_length=16, return_tensors="pt")
    mask = {} if stem == "Siglip" else {"attention_mask": tokens["attention_mask"]}
    with torch.no_grad():
        expected = features(own.get_text_features(input_ids=tokens["input_ids"], **mask))
    # Chinese CLIP is padded to the longest text only, which the mask makes the same
    np.testing.assert_allclose((encoder.encode(TEXTS) * expected).sum(axis=1), 1, atol=1e-5)
    shots = [shot for shot in records()[1] if shot is not None and shot.pixels is not None][:3]
    prepared, _ = encoder.inputs.prepare(shots)
    batch = next(encoder.inputs.image_batches(prepared, 3))
    with torch.no_grad():
        image = features(own.get_image_features(pixel_values=torch.from_numpy(batch.pixels)))
    vectors = encoder.encode_records([None] * 3, shots).image
    np.testing.assert_allclose((vectors * image).sum(axis=1), 1, atol=1e-5)
    encoder.save(tmp_path / "kept")
    kept = load_record_encoder(tmp_path / "kept", device="cpu")
    np.testing.assert_allclose(kept.encode(TEXTS), encoder.encode(TEXTS), atol=1e-6)


@pytest.mark.parametrize("model_type", ["siglip2", "clip_vision_model", "align", "altclip", "bert", None])
def test_other_types_are_refused_by_name(model_type: str | None, tmp_path: Path) -> None:
    made(tmp_path, "CLIP", projection_dim=24)
    config = json.loads((tmp_path / "config.json").read_text())
    config["model_type"] = model_type
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=f"model_type='?{model_type}"):
        load_record_encoder(f"hf:{tmp_path}")


@pytest.mark.parametrize("change", ["missing", "unexpected"])
def test_weights_have_to_be_those_of_the_class(change: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    made(tmp_path, "CLIP", projection_dim=24)
    weights = load_file(tmp_path / "model.safetensors")
    if change == "missing":
        del weights["text_projection.weight"]
    else:
        weights["text_model.more.weight"] = torch.zeros(3)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(EncoderError, match=f"1 {change}"):
        load_record_encoder(f"hf:{tmp_path}")


def test_damaged_folders(tmp_path: Path) -> None:
    made(tmp_path, "CLIP", projection_dim=24)
    weights = tmp_path / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    with pytest.raises(EncoderError, match="git lfs pull"):
        load_record_encoder(f"hf:{tmp_path}")
    weights.write_bytes(whole[:-100])
    with pytest.raises(EncoderError, match="damaged or not whole"):
        load_record_encoder(f"hf:{tmp_path}")
    weights.write_bytes(whole)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EncoderError, match="not JSON"):
        load_record_encoder(f"hf:{tmp_path}")


def test_model_and_weights_are_divided_at_the_first_slash() -> None:
    assert parts_of_name("ViT-B-32/") == ("ViT-B-32", "") and parts_of_name("ViT-B-32") == ("ViT-B-32", "")
    assert parts_of_name("ViT-B-32/laion2b") == ("ViT-B-32", "laion2b")
    assert parts_of_name("ViT-B-32//m/w.safetensors") == ("ViT-B-32", "/m/w.safetensors")
    assert parts_of_name("ViT-B-32/m/w.safetensors") == ("ViT-B-32", "m/w.safetensors")
    for whole in ("local-dir:/models/clip", "hf-hub:org/name"):
        assert parts_of_name(whole) == (whole, "")
