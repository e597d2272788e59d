"""Records to train on: names of the lists, printed with the training fonts, damaged, and misread by a table.

The reader is a model of tesseract (`clippings/synthetic/confusion_tables`), so that a hundred thousand
records take minutes. No label of a benchmark is used, apart from the exclusion of names that `name_lists`
describes.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from clippings.synthetic.confusions import shipped_confusions
from clippings.synthetic.name_variants import english, japanese
from clippings.synthetic.records import SyntheticRecords, join_records
from clippings.synthetic.render import Font
from clippings.synthetic.scan_damage import Damage
from clippings.synthetic.synthesize import synthesize
from tests.benchmarks.confusion_tables import SEVERITY, TABLES
from tests.benchmarks.fonts import packed, training_fonts

PART = 500  # names a part


def training_records(
    language: str,
    names: Sequence[str],
    *,
    copies: tuple[int, int] = (1, 1),
    clean: bool = False,
    fonts: Path | None = None,
    seed: int = 0,
    workers: int = 1,
) -> SyntheticRecords:
    """Make records of two books; Japanese targets stand in columns.

    Args:
        language: "ja" or "en".
        names: Names of `name_lists`.
        copies: Records of each name in the source and in the target.
        clean: Leave the crops undamaged, for `clippings.record_training.strip_augment` on the device.
        fonts: A folder that `fonts.pack` wrote; None: the fonts of the system.
        seed: Of everything that is drawn.
        workers: Processes; the records are the same for any number.

    Returns:
        The records, in the order of the names.
    """
    pair = tuple(_fonts(language, side, fonts) for side in ("source", "target"))
    make = partial(
        synthesize,
        fonts=pair,
        crops_per_name=copies,
        orientation=("horizontal", "vertical" if language == "ja" else "horizontal"),
        damage=None if clean else Damage(severity=SEVERITY[language]),
        ocr=tuple(shipped_confusions(TABLES[language, side]) for side in ("source", "target")),
        seed=seed,
    )
    chunks = [names[at : at + PART] for at in range(0, len(names), PART)]
    if workers == 1:
        return join_records([_part(make, language, chunk) for chunk in chunks])
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return join_records(list(pool.map(partial(_part, make, language), chunks)))


def _part(make: partial[SyntheticRecords], language: str, names: Sequence[str]) -> SyntheticRecords:
    return make(names, variants=japanese() if language == "ja" else english())


def _fonts(language: str, side: str, folder: Path | None) -> list[Font]:
    if folder is None:
        return training_fonts(language, side)
    return [face.font for face in packed(folder) if (face.language, face.side) == (language, side)]
