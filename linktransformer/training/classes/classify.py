"""classify_rows: the class of each row of a table."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.arrays import Doubles
from linktransformer.encoding import model_plan
from linktransformer.encoding.cache_settings import CacheLike
from linktransformer.encoding.remote.endpoint import is_remote
from linktransformer.errors import InvalidArgumentError, ModelError
from linktransformer.progress import displayed, stage
from linktransformer.tables import frames, records
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.serialize import Serializer
from linktransformer.training.classes import classifier
from linktransformer.training.classes.classifier import Label
from linktransformer.training.classes.classify_remote import Question, Remote, classify_by_model
from linktransformer.training.label_schema import Columns

if TYPE_CHECKING:
    from linktransformer.training.classes.train_classifier import TrainedClassifier

__all__ = ["classify_rows"]


@displayed
def classify_rows(
    df: IntoDataFrame,
    on: Columns = None,
    model: str | os.PathLike[str] | TrainedClassifier | None = None,
    *,
    probability: bool = False,
    label_column: str | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    cache: CacheLike = None,
    progress: bool | None = None,
    num_labels: int | None = None,
    label_map: Mapping[Label, Label] | None = None,
    openai_key: str | None = None,
    openai_topic: str | None = None,
    openai_prompt: str | None = None,
    openai_params: Mapping[str, object] | None = None,
    progress_bar: bool | None = None,
    llm: Remote | None = None,
) -> Any:
    """Classify each row by a model that `train_clf_model` made, or by a language model.

    Args:
        df: A pandas or polars DataFrame or a pyarrow Table; it is not changed.
        on: Columns of the text. None: those that the model was trained on.
        model: The trained classifier, or its folder or name; a local folder of a sequence classifier of
            transformers; or a language model: "openai:NAME", "gemini:NAME", or only NAME with `openai_key`.
            All texts are sent to it.
        probability: Add the probability of the class, in a column of the same name with "_probability".
        label_column: Name of the column with the class; None is "clf_preds_" and the columns' names.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Cache a trained model's vectors on disk: True for the user's cache folder, a folder, or
            `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        num_labels: Has no effect: a trained model and a `label_map` have the number. For old scripts.
        label_map: For a language model: the classes, as {text: value} or {value: text}. It is asked for a
            text, and the column has the value, in the second form the text. None is {"no": 0, "yes": 1}. A
            trained model has its own labels. For a sequence classifier: what its classes are called, as
            {number: name} or {name: number}; None takes the names of its config.
        openai_key: A key for the language model; None takes the one of the environment (docs/llm.md).
        openai_topic: The topic that a language model decides about, such as "a protest".
        openai_prompt: What to ask, in place of our question; the classes are added.
        openai_params: More for the language model's request, such as {"max_tokens": 900}; None as a value
            leaves a key out.
        progress_bar: Another name of `progress`.
        llm: How a language model is asked: time-outs, cache, concurrency (`linktransformer.Remote`).

    Returns:
        The table with the class as the training rows wrote it, null where a row has no text; its rows and
        its index stay.

    Raises:
        ColumnNotFoundError: A column that is not there.
        ModelError: There is no such model, or it is not a classifier.
        InvalidArgumentError: A column of that name is there already, or an argument of a language model
            cannot work.

    Example:
        >>> trained = train_clf_model(articles, on="text")  # doctest: +SKIP
        >>> classify_rows(others, on="text", model=trained)  # doctest: +SKIP
    """
    table = frames.wrap(df, "df")
    if is_remote(model) or openai_key is not None:
        if probability:
            raise InvalidArgumentError(
                "probability=True: a language model gives no probabilities. Leave it out, or train a model."
            )
        question = Question(openai_topic, openai_prompt, label_map, openai_params)
        classes, columns = classify_by_model(table, on, model, question, openai_key, llm or Remote())
        name = label_column if label_column is not None else f"clf_preds_{'_'.join(columns)}"
        return frames.with_columns(table, {name: classes})
    opened = _opened(model, device, cache, label_map)
    columns = [on] if isinstance(on, str) else list(on if on is not None else opened.on)
    if not columns:
        raise InvalidArgumentError("on= is missing, and the model names no columns. Name those to read.")
    frames.check_columns(table, columns, "on" if on is not None else "model's column")
    name = label_column if label_column is not None else f"clf_preds_{'_'.join(columns)}"
    added = [name, f"{name}_probability"][: 1 + probability]
    for column in added:
        if column in table.columns:
            raise InvalidArgumentError(
                f"df has a column {column!r} already. Name another one by label_column=."
            )
    keys = records.read(table, columns, opened.serializer)
    texts = keys.texts.tolist()
    label = np.full(table.n_rows, None, dtype=object)
    highest = np.full(table.n_rows, np.nan)
    if texts:
        chance = opened.probabilities(texts, batch_size)
        rows = np.flatnonzero(keys.text_of_row >= 0)
        text = keys.text_of_row[rows]
        labels = np.empty(len(opened.labels), dtype=object)
        labels[:] = opened.labels
        label[rows] = labels[chance.argmax(axis=1)][text]
        highest[rows] = chance.max(axis=1)[text]
    return frames.with_columns(table, dict(zip(added, (label, highest), strict=False)))


@dataclass(frozen=True, slots=True)
class _Classifier:
    """A classifier of either kind: its classes, the columns of its training, how rows are written for it."""

    labels: Sequence[Label]
    on: Sequence[str]
    serializer: Serializer
    probabilities: Callable[[list[str], int | None], Doubles]


def _opened(
    model: object, device: str | None, cache: CacheLike, label_map: Mapping[Label, Label] | None
) -> _Classifier:
    folder = getattr(model, "folder", model)
    if not isinstance(folder, (str, os.PathLike)):
        raise ModelError(
            f"model={model!r} is not a classifier. Give what train_clf_model returned, its folder, or the "
            "name of a published one."
        )
    from clippings.text.sequence_classifier import is_sequence_classifier
    from model_hub import ModelHubError, open_model

    if is_sequence_classifier(Path(folder)):
        return _of_transformers(Path(folder), device, label_map)
    try:
        opened = open_model(folder)
        path = opened.file(classifier.FILE)
    except ModelHubError as error:
        raise ModelError(f"model={os.fspath(folder)!r} is not a classifier: {error}") from error
    head, plan = classifier.read(Path(path)), model_plan.plan(str(opened.path), device, cache)

    def probabilities(texts: list[str], batch_size: int | None) -> Doubles:
        vectors = model_plan.embed(plan.encoder, texts, batch_size=batch_size)
        return classifier.probabilities(head, vectors, texts)

    return _Classifier(head.labels, head.on, plan.serializer, probabilities)


def _of_transformers(
    folder: Path, device: str | None, label_map: Mapping[Label, Label] | None
) -> _Classifier:
    from clippings.text.sequence_classifier import SequenceClassifier

    with model_plan.model_errors(f"model={os.fspath(folder)!r}"):
        sequence_classifier = SequenceClassifier(folder, device)
    labels: Sequence[Label] = sequence_classifier.labels
    if label_map is not None:
        numbers = range(len(labels))
        by_number = {number: name for name, number in label_map.items()}
        for names in (label_map, by_number):
            if len(label_map) == len(labels) and all(number in names for number in numbers):
                labels = [names[number] for number in numbers]
                break
        else:
            raise InvalidArgumentError(
                f"label_map={dict(label_map)!r} does not name the {len(labels)} classes of the model. Give "
                "{0: 'no', 1: 'yes'} or {'no': 0, 'yes': 1}."
            )

    def probabilities(texts: list[str], batch_size: int | None) -> Doubles:
        with stage("classify", len(texts)) as tick:
            return sequence_classifier.probabilities(texts, batch_size=batch_size, progress=tick)

    return _Classifier(labels, (), Serializer(), probabilities)
