"""train_pictures: two tables with pictures and their known links in, a model that links them out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns
from linktransformer.progress import displayed, stage
from linktransformer.tables import frames, key_columns, splits
from linktransformer.tables.pair_labels import Ids, read_labels
from linktransformer.tables.picture_records import Units, picture_columns, read_units
from linktransformer.tables.serialize import Serializer
from linktransformer.training import fit_decision
from linktransformer.training.trained_model import TrainedModel
from linktransformer.training.training_run import folder_of, in_our_words

__all__ = ["train_pictures"]

logger = logging.getLogger(__name__)
NEW, TINY = "new", "new:tiny"  # towers with random weights
AGED = 0.4  # strength of the damage that pictures get anew each time they are seen


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """The records of both tables, the left ones first.

    Attributes:
        examples: With the entity of each.
        part: Its split, (n,) int64.
        n_left: How many are left ones.
        counts: What was read and cut.
    """

    examples: Any
    part: Integers
    n_left: int
    counts: Mapping[str, Any]


@displayed
def train_pictures(
    left: Any,
    right: Any,
    truth: Any,
    on: Columns = None,
    *,
    images: Any,
    left_on: Columns = None,
    right_on: Columns = None,
    confidence: Any = None,
    base: str | os.PathLike[str] = "new",
    complete: bool = False,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    name: str | None = None,
    licence: str | None = None,
    languages: tuple[str, ...] = (),
    out: str | os.PathLike[str] | None = None,
    device: str | None = None,
    resume: bool = False,
    progress: bool | None = None,
    **options: Any,
) -> TrainedModel:
    """Tune a model of pictures and texts on two tables with known links, and learn when a pair is a link.

    Args:
        left: A table.
        right: A table of the same library.
        truth: The known links: a table of two columns, left and right label, and optionally a third with 1
            (match) and 0 (non-match); or a dict from left to right label, pairs, or triples. Labels are index
            labels in pandas, row numbers elsewhere.
        on: Key column or columns of text of both tables. None, with `left_on` and `right_on`: the text
            columns that both have.
        images: Column of pictures, or a pair (left, right): paths, "book.zip/crop.png", bytes, PIL images or
            arrays.
        left_on: Key columns of text of the left table, with `right_on`.
        right_on: Key columns of text of the right table.
        confidence: Column or pair of columns: how sure an OCR engine was of the text, 0 to 1. None: not
            known.
        base: What to start from: "new" for random weights, "new:tiny" for few of them; or a model of pictures
            and texts by its folder or name.
        complete: Whether `truth` names every link. Otherwise rows that it does not name are of unknown
            things: pictures and texts of theirs are learned from, and they are never negatives of each other.
        shares: Of train, validation and test, by entity.
        name: The model's name; None makes one.
        licence: Of the weights, as SPDX writes it.
        languages: BCP 47 codes, such as ("en",).
        out: The folder of the run; the model goes to `out/model`. None is the first free `models/trained-N`.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        options: Any field of `clippings.record_training.recipe.RecordRecipe`: epochs, batch_size, ...

    Returns:
        The model, with its scores on validation and test: top-1 and F1 by picture, by text and by both.

    Raises:
        InvalidArgumentError: Arguments that cannot work, or no known link to learn from.
        ColumnNotFoundError: A column that is not there.
        ModelError: The base cannot be loaded.
        MissingExtraError: torch or Pillow is not installed.

    Example:
        >>> trained = train_pictures(a, b, known, on="ocr", images="crop")  # doctest: +SKIP
        >>> linked = lt.merge(a, b, on="ocr", images="crop", model=trained)  # doctest: +SKIP
    """
    tables = frames.wrap(left, "left"), frames.wrap(right, "right")
    columns = picture_columns(images, tables)
    sure: tuple[str | None, str | None] = (None, None)
    if confidence is not None:
        sure = picture_columns(confidence, tables, "confidence")
    names = key_columns.resolve(tables[0], tables[1], on, left_on, right_on, columns)
    named = read_labels(tables, truth, "truth", Ids())
    rows = named.left[named.match], named.right[named.match]
    if not len(rows[0]):
        raise InvalidArgumentError("truth names no link to learn from. Give pairs of labels.")
    sides = [
        read_units(table, of, column, Serializer(), conf)
        for table, of, column, conf in zip(tables, names, columns, sure, strict=True)
    ]
    with in_our_words(base):
        from clippings.record_training.recipe import RecordRecipe

        recipe = RecordRecipe.for_stage("labelled", **options)
        known = _known((sides[0], sides[1]), rows, complete, splits.check_shares(shares), recipe.seed)
        place = folder_of(out, resume)
        model, metrics, history = _fitted(known, recipe, base, place, device, resume)
    facts = {
        "name": name or f"pictures-{known.examples.fingerprint()[:8]}",
        "licence": licence or "NOASSERTION",
        "languages": list(languages),
        "trained_on": {**known.counts, "settings": recipe.to_dict()},
        "metrics": {key: round(value, 6) for key, value in metrics.items() if np.isfinite(value)},
        "created_by": "linktransformer.train_pictures",
    }
    folder = _sealed(model, place, facts)
    held = _held_out(known, (sides[0], sides[1]), rows)
    if len(held):
        # decided on rows that the model was not trained on, among all others as rivals
        labels = [frames.index_labels(table, held[:, n]).tolist() for n, table in enumerate(tables)]
        decided = fit_decision.fit_decision(
            left,
            right,
            list(zip(*labels, strict=True)),
            on,
            left_on=left_on,
            right_on=right_on,
            images=images,
            confidence=confidence,
            complete="named",
            model=folder,
            out=place / "decided",
            device=device,
            progress=progress,
        )
        metrics |= decided.metrics
        folder = decided.folder
    return TrainedModel(folder, metrics, history, known.counts)


def _known(
    sides: tuple[Units, Units], rows: tuple[Integers, Integers], complete: bool, shares: Any, seed: int
) -> _Known:
    """Units as records, entities by the known links, and the split of each."""
    from clippings.pictures.strips import strips
    from clippings.record_training.examples import RecordExamples

    n_left, n = len(sides[0].pictures), sum(len(side.pictures) for side in sides)
    a, b = (side.records.text_of_row[row] for side, row in zip(sides, rows, strict=True))
    there = (a >= 0) & (b >= 0)
    a, b = a[there], b[there] + n_left
    if not len(a):
        raise InvalidArgumentError(
            f"There is no known link to learn from. Given: {len(rows[0])}, none with a text or a picture on "
            "both sides. Give rows that have one."
        )
    entity = splits.components(n, a, b)
    texts = tuple(str(text) for side in sides for text in side.records.texts.tolist())
    pictures = [of[0] if of else None for side in sides for of in side.pictures]
    made = strips(pictures)
    weight = np.bincount(entity[a], minlength=int(entity.max()) + 1)
    said = [f"{text}\x1f{'' if of is None else of.key}" for text, of in zip(texts, pictures, strict=True)]
    part = splits.split(entity, said, weight, shares, seed)[entity]
    told = entity.copy()
    if not complete:
        named = np.zeros(n, dtype=bool)
        named[np.concatenate([a, b])] = True
        told[~named] = -1
        part[~named] = splits.TRAIN
    examples = RecordExamples(
        texts,
        [None if one is None else one.pixels for one in made],
        told,
        np.repeat(np.array([0, 1], np.int8), [n_left, n - n_left]),
        np.concatenate([side.confidence for side in sides]).astype(np.float32),
        np.array([(np.nan, np.nan) if one is None else one.quality for one in made], np.float32),
    )
    counts = {
        "records": n,
        "known_links": len(a),
        "entities": len(np.unique(told[told >= 0])),
        **{f"{of}_records": int((part == number).sum()) for number, of in enumerate(splits.NAMES)},
        "rows_without_picture": {"left": dict(sides[0].problems), "right": dict(sides[1].problems)},
    }
    logger.info("training data: %s", counts)
    return _Known(examples, part, n_left, counts)


def _fitted(
    known: _Known,
    recipe: Any,
    base: str | os.PathLike[str],
    out: Path,
    device: str | None,
    resume: bool,
) -> tuple[Any, dict[str, float], Any]:
    """The trained model, its scores and the log."""
    from clippings.record_training.evaluation import evaluate, validation
    from clippings.record_training.examples import take
    from clippings.record_training.trainable import RecordTrainable
    from clippings.record_training.trainer import Stage, fit_records

    model = RecordTrainable(_towers(base, recipe.seed), device or _device())
    chosen_by = _task(known, splits.VAL)
    if not len(chosen_by.queries):
        logger.warning("no validation rows: the best weights are chosen on the training rows")
        chosen_by = _task(known, splits.TRAIN)
    train = take(known.examples, np.flatnonzero(known.part == splits.TRAIN))
    with stage("train") as tick:
        run = fit_records(
            model,
            Stage(train, recipe, (), _aged),
            out,
            validate=validation({"val": chosen_by}),
            resume=resume,
            tick=tick,
        )
    metrics = {f"val_{name}": float(value) for name, value in run.best.items()}
    metrics |= {"steps": float(run.steps), "best_step": float(run.best_step)}
    test = _task(known, splits.TEST)
    if len(test.queries):
        with stage("test"):
            vectors = model.encode(known.examples)
            found = evaluate(vectors, test, evaluate(vectors, chosen_by))
        metrics |= {f"test_{name}": float(value) for name, value in found.items()}
    return model, metrics, run.history


def _task(known: _Known, part: int) -> Any:
    """The left rows of a split that are known, searched in all right rows, those of other splits too."""
    from clippings.record_training.evaluation import RecordTask

    every = np.arange(len(known.examples))
    left = (every < known.n_left) & (known.part == part) & (known.examples.entity >= 0)
    return RecordTask(known.examples, np.flatnonzero(left), every[known.n_left :])


def _device() -> str:
    from clippings.records.torch_encoder import best_device

    return best_device()


def _aged(batch: Any, mask: Any, generator: Any) -> Any:
    """Light damage, drawn anew each time a picture is seen."""
    from clippings.record_training.strip_augment import Augmentation, augment

    settings = Augmentation(strength=AGED)
    return augment(batch, generator, settings, mask=mask, vertical=batch.shape[2] > batch.shape[3])


def _towers(base: str | os.PathLike[str], seed: int) -> Any:
    """The model to start from; random weights are the same for the same seed."""
    from clippings.errors import TrainingError
    from clippings.records.bi_encoder import BiEncoder
    from clippings.records.bi_encoder_config import BiEncoderConfig
    from clippings.records.torch_encoder import TorchRecordEncoder
    from model_hub import open_model

    new: Mapping[str, Callable[[], BiEncoderConfig]] = {NEW: BiEncoderConfig, TINY: BiEncoderConfig.tiny}
    if isinstance(base, str) and base in new:
        torch = import_module("torch")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return BiEncoder(new[base]())
    folder = open_model(base)
    if folder.manifest.architecture != "clippings":
        raise TrainingError(
            f"This model cannot be trained on pictures. Given: base={str(base)!r}, of the architecture "
            f"{folder.manifest.architecture!r}. Give a folder that train_pictures made, or 'new'."
        )
    return TorchRecordEncoder.from_folder(folder, device="cpu").model


def _sealed(model: Any, place: Path, facts: Mapping[str, Any]) -> Path:
    import shutil

    from clippings.records.torch_encoder import save

    shutil.rmtree(place / "model", ignore_errors=True)
    save(model.model, place / "model", **facts)
    return place / "model"


def _held_out(known: _Known, sides: tuple[Units, Units], rows: tuple[Integers, Integers]) -> Integers:
    """The known links of validation rows, (n, 2) row numbers."""
    unit = sides[0].records.text_of_row[rows[0]]
    held = (unit >= 0) & (known.part[unit] == splits.VAL)
    return np.stack([rows[0][held], rows[1][held]], axis=1)
