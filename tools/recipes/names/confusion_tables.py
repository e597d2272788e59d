"""Print names, age them, read them with tesseract, and learn which characters it takes for which.

    python -m tools.recipes.names.confusion_tables clippings/confusion_tables 1500

writes one table for each language and direction, and a JSON of figures on standard output. Everything that
is learned from is our own print, whose text is known; no label of any benchmark is looked at.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from clippings.synthetic.alignment import character_error_rate
from clippings.synthetic.learn_confusions import learn_confusions
from clippings.synthetic.name_variants import SIDES, english, japanese
from clippings.synthetic.records import SyntheticRecords
from clippings.synthetic.scan_damage import Damage
from clippings.synthetic.synthesize import synthesize
from clippings.synthetic.tesseract import Tesseract
from tools.recipes.names.fonts import training_fonts
from tools.recipes.names.name_lists import english_names, japanese_names

SEVERITY = {"ja": 0.75, "en": 1.4}  # with these the engine is as sure of itself as on the benchmark's crops
TABLES = {("ja", "source"): "jpn-lines", ("ja", "target"): "jpn-columns",
          ("en", "source"): "eng-modern", ("en", "target"): "eng-old"}  # fmt: skip
SEED = 17


def read_side(language: str, side: str, n: int) -> SyntheticRecords:
    """Records of one side, damaged as in the benchmark and read by tesseract.

    Args:
        language: "ja" or "en".
        side: "source", or "target": in Japanese a book whose names stand in columns.
        n: How many names.

    Returns:
        The records, one a name.
    """
    column = (language, side) == ("ja", "target")
    engine = Tesseract(language={"ja": "jpn_vert" if column else "jpn", "en": "eng"}[language], workers=2)
    names = japanese_names(20_000, SEED) if language == "ja" else english_names(20_000, SEED)
    fonts = training_fonts(language, side) + training_fonts(language, side, seen_only=True)
    fonts += [font for font in fonts if font.name == "Blankenburg"]
    return synthesize(
        names[:n],
        fonts,
        crops_per_name=(1, 0) if side == "source" else (0, 1),
        orientation=("horizontal", "vertical" if column else "horizontal"),
        damage=Damage(severity=SEVERITY[language]),
        ocr=engine,
        variants=japanese() if language == "ja" else english(),
        seed=SEED,
    )


def make_tables(folder: Path, n: int) -> dict[str, Any]:
    """Make the four tables.

    Args:
        folder: Where they go.
        n: Names a table.

    Returns:
        Figures for each: error rate of the engine and of draws from the table, share of empty readings,
        quantiles of the confidence, error rate by font.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures: dict[str, Any] = {}
    for language in ("ja", "en"):
        for side in SIDES:
            records = read_side(language, side, n)
            pairs = list(zip(records.printed, records.text, strict=True))
            table = learn_confusions(pairs, records.confidence.tolist())
            name = TABLES[language, side]
            table.save(folder / f"{name}.json")
            drawn = table.read_crops(records.images, records.printed, range(len(records)))
            again = [(text, reading.text) for text, reading in zip(records.printed, drawn, strict=True)]
            by_font = {font: [pair for pair, of in zip(pairs, records.font, strict=True) if of == font]
                       for font in sorted(set(records.font))}  # fmt: skip
            figures[name] = {
                "names": len(records),
                "cer": round(character_error_rate(pairs), 4),
                "cer_of_draws": round(character_error_rate(again), 4),
                "exact": round(float(np.mean([a == b for a, b in pairs])), 4),
                "exact_of_draws": round(float(np.mean([a == b for a, b in again])), 4),
                "empty": round(float(np.mean([not text for text in records.text])), 4),
                "spread": table.spread,
                "confidence": np.quantile(records.confidence, (0.1, 0.5, 0.9)).round(3).tolist(),
                "cer_by_font": {font: round(character_error_rate(of), 3) for font, of in by_font.items()},
                "bytes": (folder / f"{name}.json").stat().st_size,
            }
    return figures


if __name__ == "__main__":
    made = make_tables(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_500)
    sys.stdout.write(json.dumps(made, ensure_ascii=False, indent=1) + "\n")
