"""Linking firm names of two scanned books by OCR text, pictures or both, beside every string baseline.

Needs the data set ocr_firms, and rapidfuzz for one of the baselines. Cutoffs are tuned on valid, the figures
are those of test, by the scorer that comes with the data set; intervals are 95 % bootstraps over firms.
"""

from __future__ import annotations

import argparse
import importlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tools import data
from tools.report import Report, Table, say

from . import ocr_extras, ocr_firms, ocr_models, ocr_strings
from .ocr_firms import LANGUAGES, OCR, TRUE, Corpus, Scorer, Split
from .ocr_strings import README, STRINGS, Prediction, StringSystem, System

GAPS = ("lev_norm", "fused", ocr_models.DECIDED)  # what is run on records with gaps, too
NO_TEXT = "none"  # stands where an OCR stands, for a system that reads no text
CEILING = "lev_norm*"


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One system on one language and OCR."""

    language: str
    ocr: str
    system: str
    cutoff: float
    valid: float
    judged: Any
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    every = [*STRINGS, *ocr_models.SYSTEMS]
    parser.add_argument("--lang", nargs="*", default=list(LANGUAGES), choices=LANGUAGES)
    parser.add_argument("--ocr", nargs="*", default=list(OCR), choices=OCR)
    parser.add_argument("--systems", nargs="*", default=every, help=f"only these of {', '.join(every)}")
    parser.add_argument(
        "--models", nargs="*", type=Path, default=[], metavar="DIR", help="folders of models, measured alike"
    )
    parser.add_argument("--gaps", action="store_true", help="a third of texts and of pictures missing, too")
    parser.add_argument("--clusters", action="store_true", help="cluster the source crops of test, too")
    parser.add_argument("--device", default=None, help="where models run")
    parser.add_argument(
        "--predictions",
        type=Path,
        default=None,
        metavar="DIR",
        help="score the files LANG_SPLIT_NAME_OCR.csv of this folder too, for valid and test",
    )
    parser.add_argument("--write", type=Path, default=None, metavar="DIR", help="write such files")
    parser.add_argument("--seed", type=int, default=0, help="breaks ties of the string baselines")


def run(options: argparse.Namespace) -> Report:
    """Every system on every language and OCR."""
    gone = data.missing(ocr_firms.FOLDER, "score.py")
    if gone:
        return Report("clippings", skipped=[gone])
    here, skipped = ocr_strings.available()
    outcomes: list[Outcome] = []
    tables: dict[str, list[dict[str, Any]]] = {
        "fonts": [],
        "differences": [],
        "clusters": [],
        "seeds": [],
        "clippings": [],
    }
    for language in options.lang:
        corpus, scorer = ocr_firms.load(language), Scorer(language)
        found = [
            outcome
            for system in systems(options, here)
            for outcome in measured(system, corpus, scorer, options)
        ]
        if options.gaps:
            holes = ocr_extras.with_gaps
            holed = replace(corpus, valid=holes(corpus.valid, 0), test=holes(corpus.test, 1))
            for system in systems(replaced(options), here):
                system.name += ", gaps"
                found += measured(system, holed, scorer, options)
        if options.predictions is not None:
            found += from_files(options.predictions, corpus, scorer)
        found.append(ceiling(corpus, scorer, options.seed))
        for outcome in found:
            tables["clippings"].append(row_of(outcome, scorer))
            tables["fonts"].append(fonts_of(outcome, scorer))
        tables["differences"] += differences(found, scorer)
        outcomes += found
        for ocr in options.ocr if options.clusters else ():
            tables["clusters"] += ocr_extras.clusters(corpus, scorer, ocr, options.models, options.device)
    tables["seeds"] = ocr_extras.seeds(tables["clippings"])
    equal, compared = agreement(tables["clippings"])
    settings = {"seed": options.seed, "figures equal to the README": f"{equal} of {compared}"}
    say(f"{equal} of {compared} figures equal those of the README", note=True)
    return Report(
        "clippings", [Table(name, rows) for name, rows in tables.items() if rows], skipped, settings
    )


def systems(options: argparse.Namespace, here: Sequence[str]) -> list[System]:
    """New systems of the wanted names."""
    every = [*STRINGS, *ocr_models.SYSTEMS]
    unknown = sorted(set(options.systems) - set(every))
    if unknown:
        raise SystemExit(f"no such system: {', '.join(unknown)}; there are: {', '.join(every)}")
    strings: list[System] = [StringSystem(name, options.seed) for name in here if name in options.systems]
    return strings + [
        make(folder, options.device)
        for folder in options.models
        for name, make in ocr_models.SYSTEMS.items()
        if name in options.systems
    ]


def replaced(options: argparse.Namespace) -> argparse.Namespace:
    """The options with the systems that can do with gaps."""
    some = [name for name in options.systems if name in GAPS]
    return argparse.Namespace(**{**vars(options), "systems": some})


def measured(system: System, corpus: Corpus, scorer: Scorer, options: argparse.Namespace) -> list[Outcome]:
    """A system on each OCR, or once where it reads no text."""
    found = []
    for ocr in options.ocr if system.reads_text else (NO_TEXT,):
        began = time.perf_counter()
        system.fit(corpus, ocr)
        predictions = {split.name: frame_of(system.predict(split.hidden(), ocr), split)
                       for split in (corpus.valid, corpus.test)}  # fmt: skip
        if options.write is not None:
            options.write.mkdir(parents=True, exist_ok=True)
            for split, frame in predictions.items():
                name = f"{corpus.language}_{split}_{system.name}_{ocr}.csv"
                frame.to_csv(options.write / name, index=False)
        seconds = time.perf_counter() - began
        found.append(judged(predictions, (corpus.language, ocr, system.name), scorer, seconds))
        say(f"{corpus.language} {ocr} {system.name}: {seconds:.1f} s", note=True)
    return found


def frame_of(prediction: Prediction, split: Split) -> Any:
    """A prediction as the scorer reads it."""
    pd: Any = importlib.import_module("pandas")
    target = np.array(split.target.ids, dtype=object)[prediction.target]
    return pd.DataFrame({"source_id": split.source.ids, "target_id": target, "score": prediction.score})


def judged(
    predictions: Mapping[str, Any], name: tuple[str, str, str], scorer: Scorer, seconds: float
) -> Outcome:
    """The cutoff from valid, and what the scorer says of test."""
    cutoff, valid = scorer.tune(scorer.judge("valid", predictions["valid"]))
    return Outcome(*name, cutoff, valid, scorer.judge("test", predictions["test"]), seconds)


def from_files(folder: Path, corpus: Corpus, scorer: Scorer) -> list[Outcome]:
    """Systems that were run elsewhere: their predictions on valid and test as files."""
    pd: Any = importlib.import_module("pandas")
    found = []
    for path in sorted(folder.glob(f"{corpus.language}_test_*.csv")):
        name, ocr = split_name(path.stem.removeprefix(f"{corpus.language}_test_"))
        frames = {
            split: pd.read_csv(
                path.with_name(path.name.replace("_test_", f"_{split}_", 1)),
                dtype={"source_id": str, "target_id": str},
            )
            for split in ("valid", "test")
        }
        found.append(judged(frames, (corpus.language, ocr, name), scorer, 0.0))
    return found


def split_name(stem: str) -> tuple[str, str]:
    """The system and the OCR in the name of a file.

    Example:
        >>> split_name("fused_seed_1_ocr_clean"), split_name("image_only_none")
        (('fused_seed_1', 'ocr_clean'), ('image_only', 'none'))
    """
    for ocr in (*OCR, NO_TEXT):
        if stem.endswith(f"_{ocr}"):
            return stem.removesuffix(f"_{ocr}"), ocr
    raise SystemExit(f"the name of the file {stem}.csv ends with none of {', '.join((*OCR, NO_TEXT))}")


def ceiling(corpus: Corpus, scorer: Scorer, seed: int) -> Outcome:
    """`lev_norm` on what was printed: what perfect OCR would give, and no system."""
    began = time.perf_counter()
    folder = data.shared() / ocr_firms.FOLDER / corpus.language
    predictions = {}
    for name in ("valid", "test"):
        split = ocr_firms.read_split(folder / name, labels=False, texts=(TRUE,))
        scores = ocr_strings.string_scores(
            CEILING, split.source.texts[TRUE], split.target.texts[TRUE], corpus.language
        )
        predictions[name] = frame_of(ocr_strings.choose(scores, seed), split)
    name = (corpus.language, TRUE, CEILING)
    return judged(predictions, name, scorer, time.perf_counter() - began)


def row_of(outcome: Outcome, scorer: Scorer) -> dict[str, Any]:
    """The figures of a system, and the README's beside them."""
    found = scorer.metrics(outcome.judged, outcome.cutoff)
    said = README.get((outcome.language, outcome.ocr, outcome.system))
    return {
        "language": outcome.language,
        "OCR": outcome.ocr,
        "system": outcome.system,
        "matched": found["matched"][0],
        "matched, 95 %": interval(found["matched"]),
        "no-match": found["no-match"][0],
        "no-match, 95 %": interval(found["no-match"]),
        "cutoff": outcome.cutoff,
        "matched (README)": said[0] if said else None,
        "no-match (README)": said[1] if said else None,
        "cutoff (README)": said[2] if said else None,
        "seconds": outcome.seconds,
    }


def fonts_of(outcome: Outcome, scorer: Scorer) -> dict[str, Any]:
    """Matched top-1 by whether the fonts of source and target occur in train."""
    row: dict[str, Any] = {"language": outcome.language, "OCR": outcome.ocr, "system": outcome.system}
    for kind, (share, sources) in scorer.by_fonts(outcome.judged).items():
        row |= {kind: share, f"{kind}, sources": sources}
    return row


def differences(outcomes: Sequence[Outcome], scorer: Scorer) -> list[dict[str, Any]]:
    """Each system against the string baseline that is best on valid, paired by firm.

    A system without text is compared with the best baseline of every OCR.
    """
    rows = []
    systems = [outcome for outcome in outcomes if outcome.system != CEILING]
    for ocr in dict.fromkeys(outcome.ocr for outcome in systems if outcome.ocr != NO_TEXT):
        strings = [item for item in systems if item.ocr == ocr and item.system in STRINGS]
        if not strings:
            continue
        best = max(strings, key=lambda item: item.valid)
        for outcome in systems:
            if outcome is best or outcome.ocr not in (ocr, NO_TEXT):
                continue
            found = scorer.versus((outcome.judged, outcome.cutoff), (best.judged, best.cutoff))
            rows.append(
                {
                    "language": outcome.language,
                    "OCR": ocr,
                    "system": outcome.system,
                    "minus": best.system,
                    "matched": found["matched"][0],
                    "matched, 95 %": interval(found["matched"]),
                    "no-match": found["no-match"][0],
                    "no-match, 95 %": interval(found["no-match"]),
                }
            )
    return rows


def interval(value: tuple[float, float, float]) -> str:
    """The two ends.

    Example:
        >>> interval((0.5, 0.4, 0.61234))
        '[0.400, 0.612]'
    """
    return f"[{value[1]:.3f}, {value[2]:.3f}]"


def agreement(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How many of the README's figures are met to the digits it prints, of how many."""
    equal = compared = 0
    for row in rows:
        for name, digits in (("matched", ".3f"), ("no-match", ".3f"), ("cutoff", ".3g")):
            said = row[f"{name} (README)"]
            if said is not None:
                compared += 1
                equal += float(format(row[name], digits)) == said
    return equal, compared
