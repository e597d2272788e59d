"""How fast the bundled model of printed names is: records a second, and a whole book linked in one call.

Each language is a fresh process. `--torch DIR` names the folder that the bundled one was made of; the vectors
of both are compared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table

from . import ocr_firms
from .jobs import peak_mb
from .measure import environment, run_job

VIEWS = ("fused", "image", "text")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--lang", nargs="*", default=list(ocr_firms.LANGUAGES), choices=ocr_firms.LANGUAGES)
    parser.add_argument("--torch", type=Path, default=None, metavar="DIR", help="the folder it was made of")
    parser.add_argument("--timeout", type=float, default=900, help="seconds that a language may take")


def run(options: argparse.Namespace) -> Report:
    """Measure each language in a process of its own."""
    gone = data.missing(ocr_firms.FOLDER)
    if gone:
        return Report("names_speed", skipped=[gone])
    rows = []
    for language in options.lang:
        command = [sys.executable, "-m", __spec__.name, language]
        if options.torch is not None:
            command += ["--torch", str(options.torch.resolve())]
        done = run_job(command, environment(data.ROOT), options.timeout)
        rows.append({"language": language, **done.result, "peak MB": done.peak_mb})
    return Report("names_speed", [Table("names_speed", rows)])


def measured(language: str, folder: Path | None) -> dict[str, Any]:
    """Link the test books, then encode them once more by parts."""
    import linktransformer as lt
    from clippings import load_record_encoder
    from clippings.pictures.read import read_pictures

    from .ocr_models import frame

    split, ocr = ocr_firms.load(language).test, "ocr_noisy"
    left, right = frame(split.source, ocr), frame(split.target, ocr)
    how = {"on": "ocr", "images": "crop", "confidence": "sure", "progress": False}
    wall, cpu = time.perf_counter(), time.process_time()
    links = lt.link(left, right, model="names", **how)
    found: dict[str, Any] = {
        "rows": f"{len(left)} x {len(right)}",
        "links": len(links),
        "link s": time.perf_counter() - wall,
        "link CPU s": time.process_time() - cpu,
        "link peak MB": peak_mb(),
    }
    encoder = load_record_encoder("names")
    start = time.perf_counter()
    shown = read_pictures(right["crop"].tolist(), shortest=64)
    read = time.perf_counter() - start
    start = time.perf_counter()
    ours = encoder.encode_records(right["ocr"].tolist(), shown, confidence=right["sure"].to_numpy())
    encoded = time.perf_counter() - start
    found |= {"records/s": len(right) / (read + encoded), "of it reading": read / (read + encoded)}
    if folder is not None:
        theirs = load_record_encoder(folder, device="cpu").encode_records(
            right["ocr"].tolist(), shown, confidence=right["sure"].to_numpy()
        )
        gaps = [np.abs(getattr(ours, view) - getattr(theirs, view)).max() for view in VIEWS]
        found["largest difference to torch"] = f"{max(gaps):.1e}"
    return found


def main() -> None:
    """Measure one language and write the values."""
    parser = argparse.ArgumentParser()
    parser.add_argument("language", choices=ocr_firms.LANGUAGES)
    parser.add_argument("--torch", type=Path, default=None)
    parser.add_argument("--result", type=Path, required=True)
    options = parser.parse_args()
    values = measured(options.language, options.torch)
    options.result.write_text(json.dumps(values), encoding="utf-8")


if __name__ == "__main__":
    main()
