"""The reader as torch layers, and written beside another text model: the same log-odds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clippings.text.pair_reader import GRAPH, SETTINGS, TABLE, TOKENIZER, CellTokens, PairReader
from model_hub import ModelFolder, bundled
from model_hub.folder import describe

pytest.importorskip("torch")
pytest.importorskip("onnx")

from clippings.export.pair_export import torch_layers, write_mixing, write_reader
from clippings.training import pair_tuning
from clippings.training.pair_tuning import LabelledPairs

NAMES = [
    "Deutsche Bank AG",
    "German bank",
    "Dresdner Bank AG",
    "東京電力株式会社",
    "Tokyo Electric Power",
    "Acme",
]
CITIES = ["Frankfurt am Main", "Frankfurt", "", "Tokyo", "", "Boston, Massachusetts"]


@pytest.fixture(scope="module")
def reader() -> PairReader:
    return PairReader(bundled(), threads=1)


@pytest.fixture(scope="module")
def pairs(reader: PairReader) -> LabelledPairs:
    tokens = reader.tokens(list(zip(NAMES, CITIES, strict=True)))
    n = len(NAMES)
    left, right = np.repeat(np.arange(n), n), np.tile(np.arange(n), n)
    return LabelledPairs((tokens, tokens), left, right, left == right, np.zeros(n * n, np.float32))


def read(reader: PairReader, pairs: LabelledPairs) -> np.ndarray:
    return reader.log_odds(*pairs.sides, pairs.left, pairs.right)


def as_folder(path: Path) -> ModelFolder:
    names = sorted(file.name for file in path.iterdir())
    return ModelFolder(path, replace(bundled().manifest, files=describe(path, names)))


def test_the_layers_give_the_log_odds_of_the_graph(reader: PairReader, pairs: LabelledPairs) -> None:
    """The graph rounds the inputs of its products to 8 bits: hence the tolerance."""
    import torch

    found = pair_tuning._read(reader, torch_layers(bundled()), torch.from_numpy(reader.place), pairs)
    graph = read(reader, pairs)
    assert np.ptp(graph) > 8
    assert np.abs(found - graph).mean() < 0.1 and np.abs(found - graph).max() < 0.5
    assert np.corrcoef(found, graph)[0, 1] > 0.999


def test_the_reader_is_the_same_beside_another_model(
    reader: PairReader, pairs: LabelledPairs, tmp_path: Path
) -> None:
    write_reader(bundled(), tmp_path, reader.mixing)
    assert {path.name for path in tmp_path.iterdir()} == {GRAPH, SETTINGS, TABLE, TOKENIZER}
    copied = PairReader(as_folder(tmp_path), threads=1)
    again: CellTokens = copied.tokens(list(zip(NAMES, CITIES, strict=True)))
    np.testing.assert_array_equal(again.ids, pairs.sides[0].ids)
    np.testing.assert_array_equal(read(copied, pairs), read(reader, pairs))
    np.testing.assert_array_equal(copied.mixing, reader.mixing)
    write_mixing(tmp_path, np.array([1.0, 2.0, 3.0, 4.123456]))
    assert PairReader(as_folder(tmp_path)).mixing.tolist() == [1.0, 2.0, 3.0, 4.12346]


def test_layers_that_were_not_changed_give_the_graph_that_they_came_from(
    reader: PairReader, pairs: LabelledPairs, tmp_path: Path
) -> None:
    write_reader(bundled(), tmp_path, reader.mixing, (torch_layers(bundled()), reader.place))
    written = PairReader(as_folder(tmp_path), threads=1)
    np.testing.assert_allclose(read(written, pairs), read(reader, pairs), atol=0.1)
    size = (tmp_path / GRAPH).stat().st_size
    assert abs(size - bundled().file(GRAPH).stat().st_size) < 500_000  # 8 bits, as the shipped one
