"""Records for the training of the bundled model of names: printed by us, and of the scanned books.

What is printed needs names, fonts and tables of confusions. Where the packages of `make training-fonts` are
not installed, a folder that `prepare` wrote on another machine stands in for them.
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import zipfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from clippings.record_training.examples import Readings, RecordExamples
from clippings.synthetic.render import Font
from tools import data

LANGUAGES = ("ja", "en")
SIDES = ("source", "target")
SEVERITY = {"ja": 0.75, "en": 1.35}  # of the benchmark's books
SPREAD = (0.5, 1.3)  # print is aged between so many times as badly
CHUNK = 250  # names that one process prints at a time
KEPT_BACK = 8  # one firm of train in so many
SURE = 0.98  # the confidence of a text that is as it was printed
ENGINES = {"ja": ("jpn-lines", "jpn-columns"), "en": ("eng-modern", "eng-old")}  # tables that ship


@dataclass(frozen=True, slots=True, eq=False)
class Printed:
    """Records of our own print.

    Attributes:
        examples: As an OCR engine reads them; what is printed is a second reading.
        printed: What the strips say.
    """

    examples: RecordExamples
    printed: tuple[str, ...]

    @property
    def aloud(self) -> RecordExamples:
        """The records with their true texts, to learn reading from."""
        some = self.examples
        return RecordExamples(self.printed, some.strips, some.entity, some.side, quality=some.quality)


def prepare(folder: Path, languages: Sequence[str], n: int) -> None:
    """Write names and fonts for a machine that has neither.

    Args:
        folder: Where to.
        languages: "ja", "en".
        n: Names a language.
    """
    from tools.recipes.names import fonts

    folder.mkdir(parents=True, exist_ok=True)
    for language in languages:
        text = "".join(f"{name}\n" for name in names(language, n, None))
        (folder / f"names-{language}.txt").write_text(text, encoding="utf-8")
    fonts.pack(folder / "fonts")


def names(language: str, n: int, inputs: Path | None) -> list[str]:
    """Names to print: those of a folder, else made here."""
    from tools.recipes.names import name_lists

    if inputs is not None:
        return (inputs / f"names-{language}.txt").read_text("utf-8").split("\n")[:-1][:n]
    return (name_lists.japanese_names if language == "ja" else name_lists.english_names)(n)


def faces(language: str, inputs: Path | None) -> tuple[list[Font], list[Font]]:
    """The fonts of both sides: those of a folder, else the installed ones."""
    from tools.recipes.names import fonts

    if inputs is None:
        return fonts.training_fonts(language, "source"), fonts.training_fonts(language, "target")
    rows = [face for face in fonts.packed(inputs / "fonts") if face.language == language]
    source, target = ([face.font for face in rows if face.side == side] for side in SIDES)
    return source, target


def readers(language: str) -> tuple[Any, Any]:
    """Models of an OCR engine for both sides."""
    from clippings.synthetic.confusions import shipped_confusions

    source, target = ENGINES[language]
    return shipped_confusions(source), shipped_confusions(target)


def print_records(
    language: str,
    of: Sequence[str],
    inputs: Path | None = None,
    *,
    crops: tuple[int, int] = (2, 2),
    seed: int = 0,
    workers: int = 1,
) -> Printed:
    """Print names, age them, read them.

    Args:
        language: "ja" or "en".
        of: The names; each is an entity.
        inputs: A folder of `prepare`, or None.
        crops: Records of a name in the source and in the target.
        seed: Of everything that is drawn.
        workers: Processes.

    Returns:
        The records.
    """
    jobs = [
        (language, start, list(of[start : start + CHUNK]), faces(language, inputs), crops, seed)
        for start in range(0, len(of), CHUNK)
    ]
    if workers > 1:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            made = list(pool.map(_print_chunk, jobs))
    else:
        made = [_print_chunk(job) for job in jobs]
    columns = [[cell for chunk in made for cell in chunk[place]] for place in range(7)]
    texts, printed, strips, entity, side, confidence, quality = columns
    second = Readings(tuple(printed), np.full(len(printed), SURE, np.float32))
    examples = RecordExamples(
        tuple(texts),
        strips,
        np.array(entity, np.int64),
        np.array(side, np.int8),
        np.array(confidence, np.float32),
        np.array(quality, np.float32),
        readings=(second,),
    )
    return Printed(examples, tuple(printed))


def _print_chunk(job: tuple[Any, ...]) -> tuple[list[Any], ...]:
    from clippings.pictures.strips import strip
    from clippings.synthetic.name_variants import english, japanese
    from clippings.synthetic.scan_damage import Damage
    from clippings.synthetic.synthesize import synthesize

    language, start, of, fonts, crops, seed = job
    share = np.random.default_rng([seed, start]).uniform(*SPREAD)
    made = synthesize(
        of,
        fonts,
        crops_per_name=crops,
        orientation=("horizontal", "vertical" if language == "ja" else "horizontal"),
        damage=Damage(severity=SEVERITY[language] * share),
        ocr=readers(language),
        variants=japanese() if language == "ja" else english(),
        seed=seed,
    )
    strips = [strip(made.pixels(row)) for row in range(len(made))]
    return (
        list(made.text),
        list(made.printed),
        [one.pixels for one in strips],
        (made.entity + start).tolist(),
        made.side.tolist(),
        made.confidence.tolist(),
        [one.quality for one in strips],
    )


def kept_back(entity: np.ndarray) -> np.ndarray:
    """Which firms of train no model is trained on: those from which it is learned how evidence is weighed.

    Args:
        entity: Their numbers, in the order of their names, (n,) int64.

    Returns:
        (n,) bool, true for one in eight.
    """
    return np.asarray(entity % KEPT_BACK == 0)


def scanned(
    language: str, split: str, *, labels: bool, column: str = "ocr_noisy", limit: int = 0
) -> RecordExamples:
    """Records of the scanned books.

    Args:
        language: "ja" or "en".
        split: "train", "valid", "test" or "unlabelled".
        labels: Whether the entities are told: those of train to learn from, others to measure with.
        column: Which OCR text comes first; the other one is a second reading.
        limit: At most so many records, those of the first entities; 0 for all.

    Returns:
        The records.
    """
    from clippings.pictures.read import read_pictures
    from clippings.pictures.strips import strips

    folder = data.shared() / "ocr_firms" / language / split
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if limit and len(rows) > limit:
        rows = sorted(rows, key=lambda row: (row.get("entity_id", ""), row["id"]))[:limit]
    with zipfile.ZipFile(folder / "images.zip") as archive:
        made = strips(read_pictures([archive.read(row["image"]) for row in rows]))
    other = "ocr_clean" if column == "ocr_noisy" else "ocr_noisy"
    texts, confidence = {}, {}
    for one in (column, other):
        texts[one] = tuple(row[one] for row in rows)
        sure = [row[one.replace("ocr", "conf")] for row in rows]
        confidence[one] = np.array([float(value or "nan") for value in sure], np.float32)
    known = [row["entity_id"] for row in rows] if labels else []
    # numbered as in `ocr_firms`, so that both keep the same firms back
    number = {name: place for place, name in enumerate(sorted(set(known)))}
    return RecordExamples(
        texts[column],
        [None if one is None else one.pixels for one in made],
        np.array([number[name] for name in known] if labels else [-1] * len(rows), np.int64),
        np.array([SIDES.index(row["side"]) for row in rows], np.int8),
        confidence[column],
        np.array([(np.nan, np.nan) if one is None else one.quality for one in made], np.float32),
        readings=(Readings(texts[other], confidence[other]),),
    )


def ids(language: str, split: str) -> list[str]:
    """The ids of the records of a split, in the order of `scanned`."""
    folder = data.shared() / "ocr_firms" / language / split
    with (folder / "records.csv").open(encoding="utf-8", newline="") as file:
        return [row["id"] for row in csv.DictReader(file)]


def save(records: Printed, folder: Path) -> None:
    """Keep print for a later run: arrays and JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    some = records.examples
    strips = [strip for strip in some.pixels(np.arange(len(some)), 0) if strip is not None]
    flat = np.concatenate([strip.ravel() for strip in strips])
    np.savez(
        folder / "arrays.npz", flat=flat, shapes=np.array([strip.shape for strip in strips]),
        entity=some.entity, side=some.side, confidence=some.confidence, quality=some.quality,
    )  # fmt: skip
    words = {"texts": some.texts, "printed": records.printed}
    (folder / "texts.json").write_text(json.dumps(words, ensure_ascii=False), encoding="utf-8")


def load(folder: Path) -> Printed | None:
    """What `save` kept, None where there is nothing."""
    if not (folder / "texts.json").exists():
        return None
    words = json.loads((folder / "texts.json").read_text("utf-8"))
    with np.load(folder / "arrays.npz", allow_pickle=False) as arrays:
        shapes = arrays["shapes"]
        ends = np.cumsum(shapes.prod(axis=1))
        parts = np.split(arrays["flat"], ends[:-1])
        strips = [part.reshape(shape) for part, shape in zip(parts, shapes.tolist(), strict=True)]
        columns = [arrays[name] for name in ("entity", "side", "confidence", "quality")]
    second = Readings(tuple(words["printed"]), np.full(len(strips), SURE, np.float32))
    examples = RecordExamples(tuple(words["texts"]), strips, *columns, readings=(second,))
    return Printed(examples, tuple(words["printed"]))
