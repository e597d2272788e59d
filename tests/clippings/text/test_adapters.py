"""A LoRA adapter of a SentenceTransformer: its own vectors, as model and as base. Needs peft."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import linktransformer as lt
from clippings import load_text_encoder
from clippings.text.folder_checks import weights_of_another_kind
from clippings.training.trainable import load_trainable
from tests.tiny_model import make_base

TEXTS = ["acme steel works", "baxter dairy", "zeller motors"]


@pytest.fixture(scope="module")
def adapted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder with an adapter that changes the vectors, and the vectors of these texts."""
    peft = pytest.importorskip("peft")
    import torch
    from sentence_transformers import SentenceTransformer

    folder = tmp_path_factory.mktemp("adapted")
    make_base(folder)
    model = SentenceTransformer(str(folder / "base"), device="cpu")
    torch.manual_seed(0)
    settings = peft.LoraConfig(r=4, lora_alpha=32, target_modules=["query", "value"], init_lora_weights=False)
    model.add_adapter(settings)
    model.save(str(folder / "adapter"), create_model_card=False)
    return folder / "adapter", model.encode(TEXTS, normalize_embeddings=True)


def test_an_adapter_gives_its_own_vectors(adapted: tuple[Path, np.ndarray]) -> None:
    folder, vectors = adapted
    assert (folder / "adapter_config.json").is_file()
    np.testing.assert_allclose(load_text_encoder(folder).encode(TEXTS), vectors, atol=1e-5)
    plain = load_text_encoder(folder.parent / "base").encode(TEXTS)
    assert (plain * vectors).sum(1).min() < 0.999


def test_an_adapter_links_rows(adapted: tuple[Path, np.ndarray]) -> None:
    table = pd.DataFrame({"name": TEXTS})
    links = lt.link(table, table, on="name", model=str(adapted[0]))
    assert links.left_rows.tolist() == links.right_rows.tolist() == [0, 1, 2]


def test_an_adapter_is_a_base(adapted: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    folder, vectors = adapted
    base = load_trainable(folder, "cpu")
    np.testing.assert_allclose(base.encode(TEXTS), vectors, atol=1e-5)
    labels = pd.DataFrame({"a": [f"acme {i}" for i in range(40)], "b": [f"acm no {i}" for i in range(40)]})
    lt.train_model(
        labels,
        left_col_names="a",
        right_col_names="b",
        base=folder,
        out=tmp_path / "run",
        epochs=1,
        batch_size=16,
        progress=False,
    )
    assert not list((tmp_path / "run" / "model").rglob("adapter*"))
    assert load_text_encoder(tmp_path / "run" / "model").encode(TEXTS).shape == vectors.shape


def test_layers_that_an_adapter_wraps_have_the_names_of_the_base(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    save_file({"layer.query.weight": np.zeros(2, "f4")}, tmp_path / "model.safetensors")
    wrapped = ["layer.query.base_layer.weight", "layer.query.lora_A.default.weight"]
    assert weights_of_another_kind(tmp_path, "bert", wrapped) is None
    assert weights_of_another_kind(tmp_path, "bert", ["layer.key.base_layer.weight"]) is not None
