"""train_clf_model: rows with a class in, a model that classifies rows like them out."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.progress import displayed, stage
from linktransformer.tables.splits import TEST, TRAIN, VAL, check_shares
from linktransformer.training import classifier, training_texts
from linktransformer.training.classifier import Head
from linktransformer.training.legacy_settings import of_classifier
from linktransformer.training.provenance import origin, versions
from linktransformer.training.train_config import TrainConfig
from linktransformer.training.training_run import folder_of, in_our_words
from linktransformer.training.training_texts import Classified

__all__ = ["TrainedClassifier", "train_clf_model"]

logger = logging.getLogger(__name__)
STRENGTHS = (0.1, 1.0, 10.0, 100.0)  # scikit-learn's C
# of the encoder; other settings as for train_model. Texts to be classified are long: few at a time
TUNED = {"loss": "supcon", "epochs": 3, "batch_size": 64, "mini_batch_size": 16}
Columns = str | Sequence[str] | None


@dataclass(frozen=True, slots=True, eq=False)
class TrainedClassifier:
    """What `train_clf_model` gives: `classify_rows(df, model=trained)` uses it as it is.

    It can be taken apart as linktransformer 0.1.18's answer: `folder, f1, label_map = trained`.

    Args:
        folder: The model's folder.
        metrics: Macro F1 and accuracy on validation and test by name.
        label_map: The number of each class; one for all splits.
        counts: What was read, cut and left out.
        mistakes: Test rows that were classified wrongly: text, class, and what was said instead.
    """

    folder: Path
    metrics: Mapping[str, float]
    label_map: Mapping[Any, int]
    counts: Mapping[str, Any] = field(repr=False)
    mistakes: Sequence[tuple[str, Any, Any]] = field(repr=False, default=())

    def __iter__(self) -> Iterator[Any]:
        return iter((str(self.folder), self.metrics["val_macro_f1"], dict(self.label_map)))

    def publish(self, ref: str, **options: Any) -> Any:
        """Publish the model for others.

        Args:
            ref: Where, as `model_hub.publish` takes it.
            options: Handed on.

        Returns:
            What `model_hub.publish` returns.
        """
        import model_hub

        return model_hub.publish(self.folder, ref, **options)


@displayed
def train_clf_model(
    data: Any = None,
    model: str | os.PathLike[str] | None = None,
    on: Columns = None,
    label_col_name: str = "label",
    *,
    train_data: Any = None,
    val_data: Any = None,
    test_data: Any = None,
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
    training_args: Mapping[str, Any] | None = None,
    **old: Any,
) -> TrainedClassifier:
    """Tune a model on rows whose class you know.

    The encoder is tuned so that rows of a class lie together (supervised contrastive, P. Khosla et al.,
    2020), and a logistic regression on its vectors and on character n-grams tells the classes apart (as in
    SetFit, L. Tunstall et al., Efficient few-shot learning without prompts, 2022). Epochs that do not help
    are undone: the weights with the best macro F1 on validation are kept, be they those of the base.

    Args:
        data: A pandas or polars DataFrame, a pyarrow Table, or the path of a csv or parquet file. It is cut
            class by class; equal texts go to one split.
        model: What to start from: "bundled" (None is the same), a folder of sentence-transformers, or
            "org/name@revision".
        on: Columns of the text. None: every text column but the label.
        label_col_name: The column with the class: texts, whole numbers or truth values.
        train_data: In place of `data`, where you cut it yourself.
        val_data: Rows to choose by; None cuts them from the training rows.
        test_data: Rows that are looked at once, at the end; None cuts them from the training rows.
        out: The folder of the run; the model goes to `out/model`. None is the first free `models/trained-N`.
        epochs: Passes over the rows in which the encoder is tuned; 0 leaves it as it is. None is 3.
        batch_size: Texts seen together; None is 64.
        lr: The highest learning rate; None is 2e-5.
        weighted_loss: True weighs rare classes as much as common ones, False does not; None takes what does
            better on validation.
        weight_list: A weight for each class, in the order of `label_map`.
        shares: Of train, validation and test, for the splits that are not given as tables.
        seed: Of the draw and the training.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        training_args: Settings of `TrainConfig` as a mapping; old names are understood.
        old: `model_save_dir` is the old name of `out`; what else linktransformer 0.1.18 knew is taken and has
            no effect (a line in the log says so).

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
    where, values = of_classifier(old, out, training_args, epochs=epochs, batch_size=batch_size, lr=lr)
    if (data is None) == (train_data is None):
        raise InvalidArgumentError(
            "Give the labelled rows once: data=, which is cut into splits, or train_data= (with val_data= "
            "and test_data= where you have them)."
        )
    if weighted_loss is not None and weight_list is not None:
        raise InvalidArgumentError("weighted_loss= and weight_list= both say how classes weigh. Give one.")
    tables = {TRAIN: data if data is not None else train_data, VAL: val_data, TEST: test_data}
    tune = int(values.get("epochs", TUNED["epochs"]))
    # a run of no epochs is one that is never begun: the recipe itself wants one
    settings = TrainConfig.from_dict({**TUNED, **values, "epochs": max(1, tune), "seed": seed})
    rows = training_texts.read(tables, on, label_col_name, settings.serializer(), check_shares(shares), seed)
    if weight_list is not None and len(weight_list) != len(rows.labels):
        raise InvalidArgumentError(
            f"weight_list has {len(weight_list)} weights for {len(rows.labels)} classes. Give one a class, "
            f"in the order {list(rows.labels)}."
        )
    kinds: Sequence[Any] = {None: (None, "balanced"), False: (None,), True: ("balanced",)}[weighted_loss]
    if weight_list is not None:
        kinds = [dict(enumerate(map(float, weight_list)))]
    base = "bundled" if model is None else model
    with in_our_words(base):
        return _trained(rows, settings, tune, base, folder_of(where, resume), device, resume, kinds)


def _trained(
    rows: Classified,
    settings: TrainConfig,
    epochs: int,
    base: str | os.PathLike[str],
    out: Path,
    device: str | None,
    resume: bool,
    kinds: Sequence[Any],
) -> TrainedClassifier:
    from clippings.training import distributed
    from clippings.training.trainable import load_trainable
    from clippings.training.trainer import fit

    with stage("model"):
        model = load_trainable(base, distributed.own_device(device))
    idf = classifier.frequencies([rows.texts[row] for row in rows.of(TRAIN)])

    seen = np.flatnonzero(rows.part != TEST)
    vectors = np.zeros((len(rows.texts), model.dim), dtype=np.float32)

    def validate(now: Any) -> Mapping[str, float]:
        vectors[seen] = now.encode([rows.texts[row] for row in seen.tolist()])
        return _best(rows, vectors, idf, kinds)[1]

    steps = 0
    if epochs:
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
        steps = run.best_step
    with stage("classes"):
        vectors[:] = model.encode(list(rows.texts))
        head, metrics = _best(rows, vectors, idf, kinds)
    head = replace(head, on=rows.on)
    found = {f"val_{name}": value for name, value in metrics.items()} | {"best_step": float(steps)}
    wrong: list[tuple[str, Any, Any]] = []
    test = rows.of(TEST)
    if len(test):
        said, scores = _scored(rows, head, vectors, test)
        found |= {f"test_{name}": value for name, value in scores.items()}
        wrong = [
            (rows.texts[row], rows.labels[rows.code[row]], rows.labels[code])
            for row, code in zip(test.tolist(), said.tolist(), strict=True)
            if code != rows.code[row]
        ]
    group = distributed.join()
    if group.first:
        _sealed(model, out / "model", rows, settings, found, head)
    group.wait()
    label_map = {label: number for number, label in enumerate(rows.labels)}
    return TrainedClassifier(out / "model", found, label_map, rows.counts, wrong)


def _best(
    rows: Classified, vectors: Floats, idf: Floats, kinds: Sequence[Any]
) -> tuple[Head, dict[str, float]]:
    """The views, strength and class weights that do best on validation; of equals the simplest."""
    best: tuple[Head, dict[str, float]] | None = None
    train = rows.of(TRAIN)
    val = rows.of(VAL) if len(rows.of(VAL)) else train
    texts = [rows.texts[row] for row in train]
    for views in classifier.VIEWS:
        table = classifier.features(views, vectors[train], texts, idf)
        for kind in kinds:
            for strength in STRENGTHS:
                head = classifier.fit(rows.labels, views, table, rows.code[train], idf, strength, kind)
                scores = _scored(rows, head, vectors, val)[1]
                if best is None or scores["macro_f1"] > best[1]["macro_f1"]:
                    best = head, scores
    if best is None:
        raise ModelError("No classifier was fitted.")
    return best


def _scored(
    rows: Classified, head: Head, vectors: Floats, which: Integers
) -> tuple[Integers, dict[str, float]]:
    """What a head says of these rows, and how often it is right."""
    from sklearn.metrics import f1_score

    chance = classifier.probabilities(head, vectors[which], [rows.texts[row] for row in which.tolist()])
    said = np.asarray(chance.argmax(axis=1), dtype=np.int64)
    truth = rows.code[which]
    macro = float(f1_score(truth, said, average="macro", zero_division=0.0))
    return said, {"macro_f1": macro, "accuracy": float((said == truth).mean())}


def _sealed(
    model: Any,
    folder: Path,
    rows: Classified,
    settings: TrainConfig,
    metrics: Mapping[str, float],
    head: Head,
) -> None:
    from model_hub import seal

    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    model.save(folder)
    classifier.write(head, folder)
    known = origin(model.name)
    seal(
        folder,
        name=settings.name or f"classifier-{rows.fingerprint[7:15]}",
        architecture="sentence-transformers",
        **{**known, "licence": settings.licence or known["licence"]},
        dimension=model.dim,
        max_tokens=int(model.model.max_seq_length or 512),
        serializer=settings.serializer().to_dict(),
        languages=list(settings.languages),
        trained_on={"data": rows.fingerprint, **rows.counts, "settings": settings.recipe().to_dict()},
        metrics={name: round(value, 6) for name, value in metrics.items()},
        measured_on=rows.fingerprint,
        task="text classification",
        versions=versions(),
        created_by="linktransformer.train_clf_model",
    )
