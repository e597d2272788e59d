"""train_pictures: two tables with pictures and their known links in, a model that links them out."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns
from linktransformer.progress import displayed, stage, warn
from linktransformer.tables import frames, key_columns, splits
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.pair_labels import Ids, read_labels, warn_of
from linktransformer.tables.picture_records import picture_columns, read_units
from linktransformer.tables.serialize import Serializer
from linktransformer.training import fit_decision
from linktransformer.training.picture_examples import PictureExamples, linking_task, picture_examples
from linktransformer.training.run_folder import base_errors, folder_of
from linktransformer.training.trained_model import TrainedModel

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from clippings.record_training.recipe import RecordRecipe
    from clippings.record_training.trainable import RecordTrainable
    from clippings.records.bi_encoder import BiEncoder

__all__ = ["train_pictures"]

logger = logging.getLogger(__name__)
NEW, TINY = "new", "new:tiny"  # random weights
DAMAGE = 0.4  # strength of the random damage to pictures in training


@displayed
def train_pictures(
    left: IntoDataFrame,
    right: IntoDataFrame,
    truth: object,
    on: Columns = None,
    *,
    images: Columns,
    left_on: Columns = None,
    right_on: Columns = None,
    confidence: Columns = None,
    image_root: str | os.PathLike[str] | None = None,
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
        confidence: Column or pair of columns with an OCR engine's confidence in the text, 0 to 1. None: not
            known.
        image_root: The folder of relative paths in `images`; None is the current one.
        base: What to start from: "new" for random weights, "new:tiny" for a small model of random weights; or
            a model of pictures and texts by its folder or name.
        complete: Whether `truth` names every link. Otherwise the entities of rows that it does not name are
            unknown: their pictures and texts are learned from, and they are never negatives of each other.
        shares: Of train, validation and test, by entity.
        name: The model's name; None makes one.
        licence: Of the weights, as SPDX writes it.
        languages: BCP 47 codes, such as ("en",).
        out: The folder of the run; the model goes to `out/model`. None is the first free `models/trained-N`.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        options: Any field of `clippings.record_training.recipe.RecordRecipe`: epochs, batch_size,
            learning_rate, ...

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
    keys = key_columns.resolve(tables[0], tables[1], on, left_on, right_on, columns)
    labels = read_labels(tables, truth, "truth", Ids())
    links = labels.left[labels.known_match], labels.right[labels.known_match]
    warn_of(labels.conflicts, labels.names, "truth")
    if not len(links[0]):
        raise InvalidArgumentError("truth names no link to learn from. Give pairs of labels.")
    sides = [
        read_units(table, names, column, Serializer(), confidence_column, image_root)
        for table, names, column, confidence_column in zip(tables, keys, columns, sure, strict=True)
    ]
    for side in sides:
        if side.warning:
            warn(side.warning)
    with base_errors(base):
        from clippings.record_training.recipe import RecordRecipe
        from clippings.records.torch_encoder import save

        recipe = RecordRecipe.for_stage("labelled", **options)
        records = picture_examples(
            (sides[0], sides[1]), links, complete, splits.check_shares(shares), recipe.seed
        )
        run_folder = folder_of(out, resume)
        model, metrics, history = _fitted(records, recipe, base, run_folder, device, resume)
    folder = run_folder / "model"
    shutil.rmtree(folder, ignore_errors=True)
    save(
        model.model,
        folder,
        name=name or f"pictures-{records.examples.fingerprint()[:8]}",
        licence=licence or "NOASSERTION",
        languages=list(languages),
        trained_on={**records.counts, "settings": recipe.to_dict()},
        metrics={key: round(value, 6) for key, value in metrics.items() if np.isfinite(value)},
        created_by="linktransformer.train_pictures",
    )
    unit = sides[0].records.text_of_row[links[0]]
    held_out = (unit >= 0) & (records.part[unit] == splits.VAL)
    if held_out.any():
        # the decision is learned from links that the model was not trained on, among all other rows
        pairs = [
            frames.index_labels(table, rows[held_out]).tolist()
            for table, rows in zip(tables, links, strict=True)
        ]
        decision = fit_decision.fit_decision(
            left,
            right,
            list(zip(*pairs, strict=True)),
            on,
            left_on=left_on,
            right_on=right_on,
            images=images,
            confidence=confidence,
            image_root=image_root,
            complete="named",
            model=folder,
            out=run_folder / "decided",
            device=device,
            progress=progress,
        )
        metrics |= decision.metrics
        folder = decision.folder
    return TrainedModel(folder, metrics, history, {**records.counts, **labels.conflicts.counts})


def _fitted(
    records: PictureExamples,
    recipe: RecordRecipe,
    base: str | os.PathLike[str],
    out: Path,
    device: str | None,
    resume: bool,
) -> tuple[RecordTrainable, dict[str, float], Sequence[Mapping[str, object]]]:
    """The trained model, its scores and the log."""
    from clippings.record_training.evaluation import evaluate, validation
    from clippings.record_training.examples import take
    from clippings.record_training.trainable import RecordTrainable
    from clippings.record_training.trainer import Stage, fit_records
    from clippings.records.torch_encoder import best_device

    model = RecordTrainable(_towers(base, recipe.seed), device or best_device())
    val = linking_task(records, splits.VAL)
    if not len(val.queries):
        logger.warning("no validation rows: the best weights are chosen on the training rows")
        val = linking_task(records, splits.TRAIN)
    train = take(records.examples, np.flatnonzero(records.part == splits.TRAIN))
    with stage("train") as tick:
        run = fit_records(
            model,
            Stage(train, recipe, (), _damaged),
            out,
            validate=validation({"val": val}),
            resume=resume,
            tick=tick,
        )
    metrics = {f"val_{name}": float(value) for name, value in run.best.items()}
    metrics |= {"steps": float(run.steps), "best_step": float(run.best_step)}
    test = linking_task(records, splits.TEST)
    if len(test.queries):
        with stage("test"):
            vectors = model.encode(records.examples)
            scores = evaluate(vectors, test, evaluate(vectors, val))
        metrics |= {f"test_{name}": float(value) for name, value in scores.items()}
    return model, metrics, run.history


def _damaged(batch: Tensor, mask: Tensor, generator: Generator) -> Tensor:
    """A batch with light random damage, another one each time."""
    from clippings.record_training.strip_augment import Augmentation, augment

    settings = Augmentation(strength=DAMAGE)
    return augment(batch, generator, settings, mask=mask, vertical=batch.shape[2] > batch.shape[3])


def _towers(base: str | os.PathLike[str], seed: int) -> BiEncoder:
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
    model: BiEncoder = TorchRecordEncoder.from_folder(folder, device="cpu").model
    return model
