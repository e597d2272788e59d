"""Folders of sentence-transformers as people have them: each works, or is refused in plain words."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sentence_transformers")

from clippings import EncoderError, MissingPackageError, fingerprint, load_text_encoder  # noqa: E402
from clippings.text import folder_checks  # noqa: E402
from clippings.text.sentence_models import default_prompt  # noqa: E402
from clippings.training.trainable import load_trainable  # noqa: E402
from model_hub import parse  # noqa: E402
from tests.model_hub.conftest import Server, say  # noqa: E402
from tests.tiny_model import firms, make_base  # noqa: E402

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 90888945\n"
TEXTS = firms(20)[0]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("made"))


def changed(base: Path, folder: Path, **settings: Any) -> Path:
    """A copy with other settings in config_sentence_transformers.json."""
    shutil.copytree(base, folder)
    path = folder / "config_sentence_transformers.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **settings}))
    return folder


def pointer(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(POINTER)


def pointer_of_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_bytes(POINTER)


def half(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def longer(folder: Path) -> None:
    with (folder / "model.safetensors").open("ab") as stream:
        stream.write(b"more")


def empty(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"")


def html(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"<html>" * 100)


def no_pooling(folder: Path) -> None:
    shutil.rmtree(folder / "1_Pooling")


def no_pooling_settings(folder: Path) -> None:
    (folder / "1_Pooling" / "config.json").unlink()


def broken_config(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": ')


def broken_modules(folder: Path) -> None:
    (folder / "modules.json").write_text("{}")


def broken_tokenizer(folder: Path) -> None:
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "Strange"}}')


def adapter(folder: Path) -> None:
    settings = {"peft_type": "LORA", "base_model_name_or_path": "x", "r": 4, "target_modules": ["query"]}
    (folder / "adapter_config.json").write_text(json.dumps(settings))


def of_another_type(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "distilbert"}))


def without_a_layer(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if "layer.1.output.dense.weight" not in name}
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})


def unknown_type(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "no-such-model"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pointer, "git lfs pull"),
        (pointer_of_tokenizer, "git lfs pull"),
        (half, "damaged or not whole"),
        (longer, "damaged or not whole"),
        (empty, "damaged or not whole"),
        (html, "damaged or not whole"),
        (no_pooling, "no such folder"),
        (no_pooling_settings, "pooling is not described"),
        (broken_config, r"not JSON.*config\.json"),
        (broken_modules, "modules.json does not list"),
        (broken_tokenizer, "could not be loaded"),
        (adapter, r"needs the package peft.*linktransformer\[adapters\]"),
        (of_another_type, "weights are not those of its config.json"),
        (without_a_layer, r"lacks 1 of \d+ weights"),
        (unknown_type, "could not be loaded"),
    ],
)
def test_damaged_folders_are_refused(
    base: Path, tmp_path: Path, change: Callable[[Path], None], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_checks, "find_spec", lambda name: None)
    folder = tmp_path / "model"
    shutil.copytree(base, folder)
    change(folder)
    for load in (load_text_encoder, load_trainable):  # as model= and as base=
        with pytest.raises(EncoderError, match=message):
            load(folder)
    if change is adapter:
        assert fingerprint.of_reference(parse(folder), "cpu") is None  # a base model is elsewhere
        assert fingerprint.of_reference(parse(base), "cpu") is not None
        with pytest.raises(MissingPackageError):
            load_text_encoder(folder)


def test_a_prefix_and_old_names_of_weights_are_known(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "model"
    shutil.copytree(base, folder)
    weights = load_file(folder / "model.safetensors")
    named = {f"bert.{name}".replace("LayerNorm.weight", "LayerNorm.gamma"): v for name, v in weights.items()}
    named = {name.replace("LayerNorm.bias", "LayerNorm.beta"): v for name, v in named.items()}
    save_file({**named, "cls.predictions.bias": torch.zeros(3)}, folder / "model.safetensors")
    names = list(weights)
    assert folder_checks.weights_of_another_kind(folder, "bert", names) is None
    assert folder_checks.weights_of_another_kind(folder, "bert", [*names, "more.weight"]) is not None


def test_a_default_prompt_is_used_in_training_too(base: Path, tmp_path: Path) -> None:
    folder = changed(base, tmp_path / "prompt", prompts={"query": "north: "}, default_prompt_name="query")
    encoder, trainable = load_text_encoder(folder), load_trainable(folder, "cpu")
    assert default_prompt(trainable.model) == trainable.prompt == "north: "
    expected = encoder.encode(TEXTS)
    np.testing.assert_allclose(trainable.encode(TEXTS), expected, atol=1e-5)
    plain = load_text_encoder(base)
    np.testing.assert_allclose(plain.encode([f"north: {text}" for text in TEXTS]), expected, atol=1e-5)
    assert (plain.encode(TEXTS) * expected).sum(axis=1).max() < 0.9999
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(json.dumps({**json.loads(pooling.read_text()), "include_prompt": False}))
    left_out = load_text_encoder(folder).encode(TEXTS)
    assert (left_out * expected).sum(axis=1).max() < 0.9999
    np.testing.assert_allclose(load_trainable(folder, "cpu").encode(TEXTS), left_out, atol=1e-5)


def test_fewer_numbers_of_a_vector(base: Path, tmp_path: Path) -> None:
    folder = changed(base, tmp_path / "cut", truncate_dim=12)
    encoder, trainable = load_text_encoder(folder), load_trainable(folder, "cpu")
    first = load_text_encoder(base).encode(TEXTS)[:, :12]
    expected = first / np.linalg.norm(first, axis=1, keepdims=True)
    np.testing.assert_allclose(encoder.encode(TEXTS), expected, atol=1e-5)
    np.testing.assert_allclose(trainable.encode(TEXTS), expected, atol=1e-5)


def test_more_tokens_than_positions(base: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "long"
    shutil.copytree(base, folder)
    for path in folder.glob("sentence_bert_config.json"):
        path.unlink()
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 4096}))
    tokenizer = folder / "tokenizer_config.json"
    tokenizer.write_text(json.dumps({**json.loads(tokenizer.read_text()), "model_max_length": 4096}))
    encoder = load_text_encoder(folder)
    assert encoder.model.max_seq_length == 64 and "64 positions" in caplog.text  # type: ignore[union-attr]
    long = " ".join(["acme"] * 500)
    np.testing.assert_allclose(encoder.encode([long]), load_text_encoder(base).encode([long]), atol=1e-6)


def test_routes(base: Path, tmp_path: Path) -> None:
    import sentence_transformers

    modules = pytest.importorskip("sentence_transformers.sentence_transformer.modules")
    router = pytest.importorskip("sentence_transformers.base.modules.router").Router

    def parts() -> list[Any]:
        return [modules.Transformer(str(base)), modules.Pooling(32, "mean")]

    for route in (None, "document"):
        module = router.for_query_document(parts(), parts(), default_route=route, allow_empty_key=False)
        folder = tmp_path / f"router-{route}"
        sentence_transformers.SentenceTransformer(modules=[module], device="cpu").save_pretrained(
            str(folder), create_model_card=False
        )
        if route is None:
            with pytest.raises(EncoderError, match="without a default route"):
                load_text_encoder(folder)
        else:
            assert load_text_encoder(folder).encode(TEXTS).shape == (20, 32)
            with pytest.raises(EncoderError, match="different routes"):
                load_trainable(folder, "cpu")


def test_errors_of_a_library_while_encoding_are_ours(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = load_text_encoder(base)

    def fail(*_: Any, **__: Any) -> None:
        raise IndexError("index out of range in self")

    monkeypatch.setattr(encoder.model, "encode", fail)  # type: ignore[union-attr]
    with pytest.raises(EncoderError, match=r"failed on a text.*IndexError: index out of range"):
        encoder.encode(["acme"])


OFFLINE = """
import sys, time
from clippings import load_record_encoder, load_text_encoder
start = time.monotonic()
print(load_text_encoder("org/tiny", device="cpu").encode(["acme steel"]).shape)
for load, name in ((load_text_encoder, "org/never"), (load_record_encoder, "hf:org/never")):
    try:
        load(name)
    except Exception as error:
        print(type(error).__name__, str(error)[:60])
print(round(time.monotonic() - start))
"""


@pytest.mark.parametrize("how", ["LINKTRANSFORMER_OFFLINE", "HF_HUB_OFFLINE", "no network", "in trouble"])
def test_offline_means_no_request(base: Path, tmp_path: Path, how: str) -> None:
    commit = "a" * 40
    place = tmp_path / "hub" / "models--org--tiny"
    shutil.copytree(base, place / "snapshots" / commit)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text(commit)
    server = Server(lambda handler: say(handler, 503))
    settings = {"HF_ENDPOINT": f"http://{server.host}", "HF_HOME": str(tmp_path), how.replace(" ", "_"): "1"}
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_") and "OFFLINE" not in k}
    environment |= {**settings, "LINKTRANSFORMER_CACHE": str(tmp_path / "cache")}
    if how == "no network":
        server.close()
    try:
        done = subprocess.run(
            [sys.executable, "-c", OFFLINE], env=environment, capture_output=True, text=True, timeout=120
        )
    finally:
        if how != "no network":
            server.close()
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "(1, 32)"
    if "OFFLINE" in how:
        assert server.asked == []
        assert int(lines[-1]) < 60  # the time is that of importing torch
    else:
        # only our own look-up, which is tried a few times; sentence-transformers asks nothing
        assert len(server.asked) < 20 and not [p for _, p, _ in server.asked if "/resolve/" in p]
    assert "never fetched" in done.stdout.lower()
