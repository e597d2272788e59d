"""Add the reader to the bundled model "linker-multilingual": its layers as a graph in 8 bits, and its settings.

    python tools/make_reader_model.py TRAINED.npz MIXING.json [FOLDER]    # default: model_hub/bundled/linker-multilingual

TRAINED.npz is reader-none.npz of `python -m tools.recipes.reader.train`, MIXING.json of `tools.recipes.reader.mix`.
The token table stays in model.onnx: reader.json says where in that file it lies. Needs torch, transformers and onnx.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

import model_hub
from clippings.export.quantize import quantize_graph
from clippings.export.record_export import trace
from clippings.text.pair_reader import GRAPH, SETTINGS
from model_hub.ref import BUNDLED
from tools.recipes.reader.model import Reader, restored

NAME = "linker-multilingual"
MOST = 40  # tokens of a record, as in training


class Layers(torch.nn.Module):
    """The reader after its table of tokens: what is given for each token -> log-odds."""

    def __init__(self, reader: Reader) -> None:
        super().__init__()
        self.reader = reader

    def forward(self, given: Any) -> Any:
        """(n, length, width) -> (n,)."""
        hidden = self.reader.body(inputs_embeds=given).last_hidden_state
        return self.reader.head(torch.cat([hidden[:, 0], hidden.mean(dim=1)], dim=1))[:, 0]


def place_of(file: Path, values: np.ndarray) -> int:
    """Where in a file the bytes of an array lie."""
    raw, found = file.read_bytes(), values.tobytes()
    at = raw.find(found)
    if at < 0 or raw.find(found, at + 1) >= 0:
        raise SystemExit(f"{file} does not hold an array of {values.shape} once")
    return at


def main() -> None:
    """Write the graph and the settings; seal the folder again."""
    import onnx
    from onnx import numpy_helper

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("trained", type=Path)
    parser.add_argument("mixing", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED / NAME)
    options = parser.parse_args()
    folder = options.folder
    reader = restored(options.trained).eval()
    trace(
        torch, Layers(reader), {"given": torch.zeros(2, 7, reader.table.weight.shape[1])},
        {"given": {0: "pairs", 1: "length"}, "found": {0: "pairs"}}, folder / GRAPH,
    )  # fmt: skip
    quantize_graph(folder / GRAPH)
    stored = {item.name: item for item in onnx.load(str(folder / "model.onnx")).graph.initializer}
    name = next(name for name in stored if name.endswith("word_embeddings.weight.8bit"))
    numbers = numpy_helper.to_array(stored[name])
    scales = numpy_helper.to_array(stored[name.removesuffix(".8bit") + ".scale"])
    settings = {
        "max_tokens": MOST,
        **json.loads(options.mixing.read_text("utf-8")),
        "table": {
            "rows": numbers.shape[0],
            "width": numbers.shape[1],
            "numbers": place_of(folder / "model.onnx", numbers),
            "scales": place_of(folder / "model.onnx", scales),
        },
        "places": [[round(value, 6) for value in row] for row in reader.place.weight.detach().T.tolist()],
    }
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for gone in ("format", "files", "dependencies"):
        manifest.pop(gone, None)
    made = model_hub.seal(folder, **manifest)
    print(made.name, sum(file.size for file in made.files), "bytes")


if __name__ == "__main__":
    main()
