"""Add the reader to the bundled model "linker-multilingual": a graph in 8 bits, settings, terms and card.

    python tools/make_reader_model.py TRAINED.npz MIXING.json [FOLDER]

FOLDER is model_hub/bundled/linker-multilingual if it is left out. TRAINED.npz is reader-none.npz of the step
`train` of `python -m tools.recipes.reader`, MIXING.json is mixing-none.json of its step `mix` (docs/reader.md
has the commands). The token table stays in model.onnx: reader.json says where in that file
it lies. Needs torch, transformers and onnx.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
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
from tools.report import say

NAME = "linker-multilingual"
MOST = 40  # tokens of a record, as in training
POSITIONS = 2 * MOST + 3  # of a pair: both records and three special tokens
TERMS = "\nreader.onnx and reader.json"  # where the reader's part of NOTICE begins
NOTICE = f"""{TERMS} are a cross-encoder, made by the authors of linktransformer,
MIT License. Its layers started as those of model.onnx, and it uses the table of word pieces in that file. It
learned from the lists above, from made-up tables (tools/recipes/decision/domains in the linktransformer
sources), and from candidate pairs of labelled public data sets, none of which is part of this folder.
docs/reader.md and tools/recipes/reader in the sources name the sets and say how it is made again.
"""
CARD = f"""## The reader

`reader.onnx` is a cross-encoder: it reads both records of a pair together and gives log-odds that they are
one thing. `merge`, `link` and clusters ask it about pairs in doubt when they use this model by default; who
names a model has it alone (docs/reader.md).

| | |
|---|---|
| architecture | 5 layers of the text model in 8 bits, its table of word pieces, marks of shared tokens |
| trained on | the lists in NOTICE, then candidate pairs of labelled public sets and made-up tables |
| longest record | {MOST} tokens; a pair with a longer record is not read |
| speed | about 480 pairs of 28 tokens a second on one core |

It saw the labelled sets of the project in training. The figures of docs/reader.md are of other readers, which
did not see the family they are measured on.

- Records of more than {MOST} tokens are not read: what tells them apart may be in the rest.
- Products with codes (model numbers): no gain on families that it did not see.
- Shared words mislead it at times: "Deutsche Bank AG" is nearer to "Dresdner Bank AG" than to "German bank".
- Its log-odds are not calibrated by themselves: four numbers in `reader.json` mix them with a decision's own.
- Languages without lists or labelled sets depend on the pretraining of the base model."""


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


def cut_positions(reader: Reader) -> None:
    """Leave out the positions that no pair has."""
    table = reader.body.embeddings.position_embeddings
    reader.body.embeddings.position_embeddings = torch.nn.Embedding.from_pretrained(table.weight[:POSITIONS])
    reader.body.embeddings.position_ids = reader.body.embeddings.position_ids[:, :POSITIONS]
    reader.body.config.max_position_embeddings = POSITIONS


def write_graph(reader: Reader, path: Path) -> None:
    """The layers as a graph in 8 bits."""
    trace(
        torch,
        Layers(reader),
        {"given": torch.zeros(2, 7, reader.table.weight.shape[1])},
        {"given": {0: "pairs", 1: "length"}, "found": {0: "pairs"}},
        path,
    )
    quantize_graph(path)


def write_settings(reader: Reader, mixing: Path, folder: Path) -> None:
    """What the package needs beside the graph."""
    import onnx
    from onnx import numpy_helper

    stored = {item.name: item for item in onnx.load(str(folder / "model.onnx")).graph.initializer}
    name = next(name for name in stored if name.endswith("word_embeddings.weight.8bit"))
    numbers = numpy_helper.to_array(stored[name])
    scales = numpy_helper.to_array(stored[name.removesuffix(".8bit") + ".scale"])
    settings = {
        "max_tokens": MOST,
        **json.loads(mixing.read_text("utf-8")),
        "table": {
            "rows": numbers.shape[0],
            "width": numbers.shape[1],
            "numbers": place_of(folder / "model.onnx", numbers),
            "scales": place_of(folder / "model.onnx", scales),
        },
        "places": [[round(value, 6) for value in row] for row in reader.place.weight.detach().T.tolist()],
    }
    (folder / SETTINGS).write_text(json.dumps(settings) + "\n", "utf-8")


def seal_again(folder: Path) -> model_hub.Manifest:
    """Terms, manifest and card with the reader."""
    notice = folder / "NOTICE"
    notice.write_text(notice.read_text("utf-8").partition(TERMS)[0] + NOTICE, "utf-8")
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    for gone in ("format", "files", "dependencies"):
        manifest.pop(gone, None)
    made = model_hub.seal(folder, **manifest)
    before, limits, after = model_hub.model_card(made, NAME).partition("## Limits")
    (folder / "README.md").write_text(f"{before}{CARD}\n\n{limits}{after}", "utf-8")
    return made


def make(trained: Path, mixing: Path, folder: Path) -> model_hub.Manifest:
    """Write the reader's files into a folder and seal it again."""
    reader = restored(trained).eval()
    cut_positions(reader)
    write_graph(reader, folder / GRAPH)
    write_settings(reader, mixing, folder)
    return seal_again(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trained", type=Path)
    parser.add_argument("mixing", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", default=BUNDLED / NAME)
    options = parser.parse_args(arguments)
    made = make(options.trained, options.mixing, options.folder)
    size = sum(file.size for file in made.files)
    say(f"{made.name}: {size / 1e6:.1f} MB in {len(made.files)} files")


if __name__ == "__main__":
    main()
