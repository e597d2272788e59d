"""train_clf_model: rows with a class in, a model that classifies rows like them out."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.progress import displayed, stage
from linktransformer.tables.splits import TEST, TRAIN, VAL, check_shares
from linktransformer.training.classes import classifier, training_texts
from linktransformer.training.classes.classifier import ClassWeights, Head, Label
from linktransformer.training.classes.training_texts import Classified
from linktransformer.training.label_schema import Columns
from linktransformer.training.legacy_settings import of_classifier
from linktransformer.training.run_folder import (
    InFolder,
    base_errors,
    check_sealed,
    folder_of,
    seal_text_model,
    try_to_seal,
)
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.training_data import TableOrPath, read_splits

if TYPE_CHECKING:
    from clippings.training.trainable import Trainable

__all__ = ["TrainedClassifier", "train_clf_model"]

logger = logging.getLogger(__name__)
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # scikit-learn's C
# of the encoder; other settings as for train_model. Texts to be classified are long: few at a time
TUNED: Mapping[str, object] = {"loss": "supcon", "epochs": 3, "batch_size": 64, "mini_batch_size": 16}


@dataclass(frozen=True, slots=True, eq=False)
class TrainedClassifier(InFolder):
    """The result of `train_clf_model`, for `classify_rows(df, model=trained)`.

    It unpacks like the result of linktransformer 0.1.18: `folder, f1, label_map = trained`.

    Args:
        folder: The model's folder.
        metrics: Macro F1 and accuracy on validation and test by name.
        label_map: The number of each class; one for all splits.
        counts: What was read, split and left out.
        mistakes: Wrongly classified test rows: text, class, and predicted class.
    """

    folder: Path
    metrics: Mapping[str, float]
    label_map: Mapping[Label, int]
    counts: Mapping[str, object] = field(repr=False)
    mistakes: Sequence[tuple[str, Label, Label]] = field(repr=False, default=())

    def __iter__(self) -> Iterator[Any]:
        return iter((str(self.folder), self.metrics["val_macro_f1"], dict(self.label_map)))


@displayed
def train_clf_model(
    data: TableOrPath = None,
    model: str | os.PathLike[str] | None = None,
    on: Columns = None,
    label_col_name: str = "label",
    *,
    train_data: TableOrPath = None,
    val_data: TableOrPath = None,
    test_data: TableOrPath = None,
    out: str | os.PathLike[str] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    weighted_loss: bool | None = None,
    weight_list: Sequence[float] | None = None,
    shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
    seed: int = 0,
    device: str | None = None,
    resume: bool = False,
    progress: bool | None = None,
    training_args: Mapping[str, object] | None = None,
    **old: object,
) -> TrainedClassifier:
    """Tune a model on rows whose class you know.

    The encoder is tuned so that rows of a class lie together (supervised contrastive, P. Khosla et al.,
    2020), and a logistic regression on its vectors and on character n-grams separates the classes (as in
    SetFit, L. Tunstall et al., Efficient few-shot learning without prompts, 2022). Epochs that do not help
    are undone: the weights with the best macro F1 on validation are kept, which may be those of the base.

    Args:
        data: A pandas or polars DataFrame, a pyarrow Table, or the path of a csv or parquet file. It is split
            class by class; equal texts go to one split.
        model: What to start from: "bundled" (None is the same), a folder of sentence-transformers, or
            "org/name@revision".
        on: Columns of the text. None: every text column but the label.
        label_col_name: The column with the class: texts, whole numbers or truth values.
        train_data: In place of `data`, where you split it yourself.
        val_data: Rows to choose by; None draws them from the training rows.
        test_data: Rows that are used once, at the end; None draws them from the training rows.
        out: The folder of the run; the model goes to `out/model`. None is the first free `models/trained-N`.
        epochs: Passes over the rows in which the encoder is tuned; 0 leaves it as it is. None is 3.
        batch_size: Texts seen together; None is 64.
        lr: The highest learning rate; None is 2e-5.
        weighted_loss: True weighs rare classes as much as common ones, False does not; None takes the better
            one on validation.
        weight_list: A weight for each class, in the order of `label_map`.
        shares: Of train, validation and test, for the splits that are not given as tables.
        seed: Of the draw and the training.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        training_args: Settings of `TrainConfig` as a mapping; old names are understood.
        old: `model_save_dir` is the old name of `out`; other arguments of linktransformer 0.1.18 are accepted
            and have no effect (logged).

    Returns:
        The classifier.

    Raises:
        InvalidArgumentError: Arguments that cannot work; a class of validation or test that training lacks.
        ColumnNotFoundError: A column that is not there.
        ModelError: The base cannot be loaded.
        MissingExtraError: torch or sentence-transformers is not installed.

    Example:
        >>> trained = train_clf_model("articles.csv", on="text", label_col_name="topic")  # doctest: +SKIP
        >>> classify_rows(articles, on="text", model=trained)  # doctest: +SKIP
    """
    own = {"epochs": epochs, "batch_size": batch_size, "learning_rate": lr}
    place, values = of_classifier(old, out, training_args, own)
    tables = read_splits(data=data, train_data=train_data, val_data=val_data, test_data=test_data)
    if weighted_loss is not None and weight_list is not None:
        raise InvalidArgumentError("weighted_loss= and weight_list= both say how classes weigh. Give one.")
    values = {**TUNED, **values, "seed": seed}
    tuned = values["epochs"] != 0
    # the recipe needs at least one epoch; with none the encoder is not tuned at all
    settings = TrainConfig.from_dict(values if tuned else {**values, "epochs": 1})
    rows = training_texts.read(tables, on, label_col_name, settings.serializer(), check_shares(shares), seed)
    weights: Sequence[ClassWeights] = {None: (None, "balanced"), False: (None,), True: ("balanced",)}[
        weighted_loss
    ]
    if weight_list is not None:
        if len(weight_list) != len(rows.labels):
            raise InvalidArgumentError(
                f"weight_list has {len(weight_list)} weights for {len(rows.labels)} classes. Give one a "
                f"class, in the order {list(rows.labels)}."
            )
        weights = [dict(enumerate(map(float, weight_list)))]
    base = "bundled" if model is None else model
    with base_errors(base):
        from clippings.training import distributed
        from clippings.training.trainable import load_trainable

        folder = folder_of(place, resume)
        with stage("model"):
            trainable = load_trainable(base, distributed.own_device(device))
            if distributed.join().first:
                try_to_seal(trainable, folder, settings, rows)
        chooser = _Chooser(rows, weights)
        best_step = _tuned(trainable, chooser, settings, folder, resume) if tuned else 0
        return _classifier(trainable, chooser, settings, folder / "model", best_step)


class _Chooser:
    """Fits and scores classifiers of texts with classes, for given class weights."""

    def __init__(self, rows: Classified, weights: Sequence[ClassWeights]) -> None:
        self.rows, self.weights = rows, weights
        self.train = rows.of(TRAIN)
        self.idf = classifier.frequencies(rows.texts_of(self.train))

    def best(self, vectors: Floats) -> tuple[Head, dict[str, float]]:
        """The views, strength and class weights with the best macro F1 on validation; of equals the first."""
        return max(self._fitted(vectors), key=lambda fitted: fitted[1]["macro_f1"])

    def _fitted(self, vectors: Floats) -> Iterator[tuple[Head, dict[str, float]]]:
        rows, train = self.rows, self.train
        val = rows.of(VAL) if len(rows.of(VAL)) else train
        for views in classifier.VIEWS:
            table = classifier.features(views, vectors[train], rows.texts_of(train), self.idf)
            for weights in self.weights:
                for strength in STRENGTHS:
                    head = classifier.fit(
                        rows.labels, views, table, rows.code[train], self.idf, strength, weights
                    )
                    yield head, self.scores(head, vectors, val)[1]

    def scores(self, head: Head, vectors: Floats, rows: Integers) -> tuple[Integers, dict[str, float]]:
        """The predicted classes of some rows, and how often they are right."""
        from sklearn.metrics import f1_score

        chance = classifier.probabilities(head, vectors[rows], self.rows.texts_of(rows))
        predicted = np.asarray(chance.argmax(axis=1), dtype=np.int64)
        truth = self.rows.code[rows]
        macro = float(f1_score(truth, predicted, average="macro", zero_division=0.0))
        return predicted, {"macro_f1": macro, "accuracy": float((predicted == truth).mean())}


def _tuned(model: Trainable, chooser: _Chooser, settings: TrainConfig, out: Path, resume: bool) -> int:
    """Tune the encoder; the number of steps to its best weights."""
    from clippings.training.trainer import fit

    rows = chooser.rows
    seen = np.flatnonzero(rows.part != TEST)
    vectors = np.zeros((len(rows.texts), model.dim), dtype=np.float32)

    def validate(now: Trainable) -> Mapping[str, float]:
        vectors[seen] = now.encode(rows.texts_of(seen))
        return chooser.best(vectors)[1]

    with stage("train") as tick:
        run = fit(
            model,
            training_texts.examples(rows),
            settings.recipe(),
            out,
            validate=validate,
            score="macro_f1",
            resume=resume,
            tick=tick,
        )
    return run.best_step


def _classifier(
    model: Trainable, chooser: _Chooser, settings: TrainConfig, folder: Path, best_step: int
) -> TrainedClassifier:
    """The classifier on the tuned encoder, measured on the test rows and written into a folder."""
    from clippings.training import distributed

    rows = chooser.rows
    with stage("classes"):
        vectors = model.encode(list(rows.texts))
        head, scores = chooser.best(vectors)
    head = replace(head, on=rows.on)
    metrics = {f"val_{name}": value for name, value in scores.items()} | {"best_step": float(best_step)}
    mistakes: list[tuple[str, Label, Label]] = []
    test = rows.of(TEST)
    if len(test):
        predicted, scores = chooser.scores(head, vectors, test)
        metrics |= {f"test_{name}": value for name, value in scores.items()}
        mistakes = [
            (rows.texts[row], rows.labels[rows.code[row]], rows.labels[code])
            for row, code in zip(test.tolist(), predicted.tolist(), strict=True)
            if code != rows.code[row]
        ]
    group = distributed.join()
    if group.first:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model.save(folder)
        classifier.write(head, folder)
        name = settings.name or f"classifier-{rows.fingerprint[7:15]}"
        made_by = "linktransformer.train_clf_model"
        seal_text_model(
            model, folder, settings, rows, metrics, name=name, task="text classification", created_by=made_by
        )
        check_sealed(model, folder)
    group.wait()
    label_map = {label: number for number, label in enumerate(rows.labels)}
    return TrainedClassifier(folder, metrics, label_map, rows.counts, mistakes)
