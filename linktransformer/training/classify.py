"""classify_rows: which class each row of a table is of."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Doubles
from linktransformer.encoding import model_plan
from linktransformer.encoding.llm_endpoint import is_remote
from linktransformer.errors import InvalidArgumentError, MissingExtraError, ModelError
from linktransformer.progress import displayed, stage
from linktransformer.tables import frames, records
from linktransformer.tables.serialize import Serializer
from linktransformer.training import classifier
from linktransformer.training.classify_remote import Question, Remote, classify_by_model

__all__ = ["classify_rows"]


@displayed
def classify_rows(
    df: Any,
    on: str | Sequence[str] | None = None,
    model: Any = None,
    *,
    probability: bool = False,
    label_column: str | None = None,
    batch_size: int | None = None,
    device: str | None = None,
    cache: Any = None,
    progress: bool | None = None,
    num_labels: int | None = None,
    label_map: Mapping[Any, Any] | None = None,
    openai_key: str | None = None,
    openai_topic: str | None = None,
    openai_prompt: str | None = None,
    openai_params: Mapping[str, Any] | None = None,
    progress_bar: bool | None = None,
    llm: Remote | None = None,
) -> Any:
    """Say of each row of which class it is, by a model that `train_clf_model` made or by a language model.

    Args:
        df: A pandas or polars DataFrame or a pyarrow Table; it is not changed.
        on: Columns of the text. None: those that the model was trained on.
        model: The trained classifier, or its folder or name; a local folder of a sequence classifier of
            transformers; or a language model: "openai:NAME", "gemini:NAME", or NAME alone with `openai_key`.
            All texts are sent to it.
        probability: Add the probability of the class, in a column of the same name with "_probability".
        label_column: Name of the column with the class; None is "clf_preds_" and the columns' names.
        batch_size: Texts encoded at a time; it changes the speed, not the result.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Keep a trained model's vectors on disk and use those that are there: True for the user's cache
            folder, a folder, or `CacheSettings`; None for no cache (docs/cache.md).
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        num_labels: Taken for the sake of old scripts: a trained model and a `label_map` know it.
        label_map: For a language model: the classes, as {text: value} or {value: text}. It is asked for a
            text, and the column has the value, in the second form the text. None is {"no": 0, "yes": 1}. A
            trained model has its own labels. For a sequence classifier: what its classes are called, as
            {number: name} or {name: number}; None takes the names of its config.
        openai_key: A key for the language model; None takes the one of the environment (docs/llm.md).
        openai_topic: What a language model is asked about, such as "a protest".
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
        ModelError: There is no such model, or it is no classifier.
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
        asked = classify_by_model(table, on, model, question, openai_key, llm or Remote())
        name = label_column if label_column is not None else f"clf_preds_{'_'.join(asked.columns)}"
        return frames.with_columns(table, {name: asked.labels})
    known = _opened(model, device, cache, label_map)
    columns = [on] if isinstance(on, str) else list(on if on is not None else known.on)
    if not columns:
        raise InvalidArgumentError("on= says which columns are read. The model does not say it: give them.")
    frames.check_columns(table, columns, "on" if on is not None else "model's column")
    name = label_column if label_column is not None else f"clf_preds_{'_'.join(columns)}"
    added = [name, f"{name}_probability"][: 1 + probability]
    taken = [column for column in added if column in table.columns]
    if taken:
        raise InvalidArgumentError(
            f"df has a column {taken[0]!r} already. Name another one by label_column=."
        )
    found = records.read(table, columns, known.serializer)
    texts = found.texts.tolist()
    chance = known.chance(texts, batch_size) if texts else np.zeros((0, len(known.labels)))
    has = found.text_of_row >= 0
    label = np.full(table.n_rows, None, dtype=object)
    sure = np.full(table.n_rows, np.nan)
    if texts:
        names = np.empty(len(known.labels), dtype=object)
        names[:] = known.labels
        label[has] = names[chance.argmax(axis=1)][found.text_of_row[has]]
        sure[has] = chance.max(axis=1)[found.text_of_row[has]]
    return frames.with_columns(table, dict(zip(added, (label, sure), strict=False)))


@dataclass(frozen=True, slots=True)
class _Known:
    """A classifier of either kind: its labels, the columns it was trained on, how it reads rows."""

    labels: Sequence[Any]
    on: Sequence[str]
    serializer: Serializer
    chance: Callable[[list[str], int | None], Doubles]


def _opened(model: Any, device: str | None, cache: Any, label_map: Mapping[Any, Any] | None) -> _Known:
    folder = getattr(model, "folder", model)
    if not isinstance(folder, (str, os.PathLike)):
        raise ModelError(
            f"model={model!r} is no classifier. Give what train_clf_model returned, its folder, or the name "
            "of a published one."
        )
    from clippings.text.sequence_classifier import is_sequence_classifier
    from model_hub import ModelHubError, open_model

    if is_sequence_classifier(Path(folder)):
        return _of_transformers(Path(folder), device, label_map)
    try:
        opened = open_model(folder)
        path = opened.file(classifier.FILE)
    except ModelHubError as error:
        raise ModelError(f"model={os.fspath(folder)!r} is no classifier: {error}") from error
    head, plan = classifier.read(Path(path)), model_plan.plan(str(opened.path), device, cache)

    def chance(texts: list[str], batch_size: int | None) -> Doubles:
        vectors = model_plan.embed(plan.encoder, texts, batch_size=batch_size)
        return classifier.probabilities(head, vectors, texts)

    return _Known(head.labels, head.on, plan.serializer, chance)


def _of_transformers(folder: Path, device: str | None, label_map: Mapping[Any, Any] | None) -> _Known:
    from clippings import EncoderError, MissingPackageError
    from clippings.text.sequence_classifier import SequenceClassifier

    try:
        found = SequenceClassifier(folder, device)
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    except EncoderError as error:
        raise ModelError(f"model={os.fspath(folder)!r}: {error}") from error
    labels: Sequence[Any] = found.labels
    if label_map is not None:
        by_number = {number: name for name, number in label_map.items()}
        numbers = range(len(labels))
        named = [of for of in (label_map, by_number) if all(number in of for number in numbers)]
        if not named or len(label_map) != len(labels):
            raise InvalidArgumentError(
                f"label_map={dict(label_map)!r} does not name the {len(labels)} classes of the model. Give "
                "{0: 'no', 1: 'yes'} or {'no': 0, 'yes': 1}."
            )
        labels = [named[0][number] for number in numbers]

    def chance(texts: list[str], batch_size: int | None) -> Doubles:
        with stage("classify", len(texts)) as tick:
            return found.probabilities(texts, batch_size=batch_size, progress=tick)

    return _Known(labels, (), Serializer(), chance)
