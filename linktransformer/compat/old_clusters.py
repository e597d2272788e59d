"""cluster_rows and dedup_rows as `linktransformer` has them: calls of 0.1.18 are accepted too.

An old call names a cluster type and distances of a model.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, cast

import numpy as np

from linktransformer.arrays import Integers
from linktransformer.compat.old_arguments import accept_old, of_clusters
from linktransformer.decision.threshold import is_number
from linktransformer.dedup.cluster import cluster_rows as new_cluster_rows
from linktransformer.dedup.cluster_pipeline import clusters_of, neighbours_of
from linktransformer.dedup.constraints import Rules
from linktransformer.dedup.dedup_rows import dedup_rows as new_dedup_rows
from linktransformer.encoding import model_plan
from linktransformer.encoding.cache_settings import CacheLike
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import Columns, Job, Model, Threshold
from linktransformer.progress import displayed
from linktransformer.results.agglomerate import in_order
from linktransformer.tables import frames, key_columns, records
from linktransformer.tables.frames import IntoDataFrameT, Table
from linktransformer.tables.serialize import Serializer

__all__ = ["cluster_rows", "dedup_rows", "old_cluster_rows", "old_dedup_rows", "settings_of"]

logger = logging.getLogger(__name__)
K = 50  # neighbours of each row
DEFAULTS: Mapping[str, object] = {"threshold": 0.5, "min cluster size": 2, "metric": "cosine"}
# what a type takes where the caller's parameters do not say it
OF_TYPE: Mapping[str, Mapping[str, object]] = {
    "agglomerative": {"threshold": 0.5, "clustering linkage": "ward", "metric": "euclidean"},
    "hdbscan": {"min cluster size": 5, "min samples": 1, "metric": "cosine"},
    "slink": {"min cluster size": 2, "threshold": 0.1, "metric": "cosine"},
}
LINKAGE = {"ward": "average", "average": "average", "complete": "complete", "single": "single"}


@displayed
def old_cluster_rows(
    df: IntoDataFrameT,
    model: Model = None,
    on: Columns = None,
    cluster_type: str = "SLINK",
    cluster_params: Mapping[str, object] | None = None,
    cache: CacheLike = None,
) -> IntoDataFrameT:
    """Number the rows of a table by the cosine distances of a model.

    Raises:
        InvalidArgumentError: A type or a parameter that is not known, or a value that cannot work.
    """
    table = frames.wrap(df, "df")
    label = _labels(table, on, Job(model=model, cache=cache), cluster_type, cluster_params)
    name = frames.free_name("cluster", table.columns)
    return cast(IntoDataFrameT, frames.with_columns(table, {name: label}))


@displayed
def old_dedup_rows(
    df: IntoDataFrameT,
    model: Model = None,
    on: Columns = None,
    cluster_type: str = "SLINK",
    cluster_params: Mapping[str, object] | None = None,
    cache: CacheLike = None,
) -> IntoDataFrameT:
    """Keep the first row of each cluster, and every row of no cluster."""
    table = frames.wrap(df, "df")
    _, first = np.unique(
        _labels(table, on, Job(model=model, cache=cache), cluster_type, cluster_params), return_index=True
    )
    return cast(IntoDataFrameT, frames.take(table, np.sort(first).astype(np.int64)))


def settings_of(cluster_type: str, cluster_params: Mapping[str, object] | None) -> tuple[str, Threshold, int]:
    """Our method, our threshold and the smallest cluster.

    Raises:
        InvalidArgumentError: A type or a parameter that is not known, or a value that cannot work.

    Example:
        >>> settings_of("SLINK", {"threshold": 0.25, "min cluster size": 2, "metric": "cosine"})
        ('single', 0.75, 2)
    """
    kind = str(cluster_type).lower()
    if kind not in OF_TYPE:
        raise InvalidArgumentError(
            f"cluster_type={cluster_type!r} is not one of 'SLINK', 'agglomerative', 'HDBScan'."
        )
    parameters = {name for names in OF_TYPE.values() for name in names}
    own = DEFAULTS if cluster_params is None else cluster_params
    unknown = sorted(set(map(str, own)) - parameters)
    if unknown:
        raise InvalidArgumentError(
            f"cluster_params has {unknown[0]!r}. Its names are: {', '.join(map(repr, sorted(parameters)))}."
        )
    values = {**OF_TYPE[kind], **own}
    size = values.get("min cluster size", 1)
    if isinstance(size, bool) or not isinstance(size, (int, np.integer)) or size < 1:
        raise InvalidArgumentError(f"'min cluster size' is {size!r}. Give a whole number from 1.")
    if "min samples" in own and own["min samples"] != 1:
        logger.info("'min samples' has no effect")
    linkage = values.get("clustering linkage", "single")
    if linkage not in LINKAGE:
        raise InvalidArgumentError(f"'clustering linkage' is {linkage!r}. It may be one of {list(LINKAGE)}.")
    if kind == "agglomerative" and linkage == "ward":
        logger.info("'ward' needs a matrix of all pairs: average linkage is taken, at the same distance")
    method = {"hdbscan": "hdbscan", "slink": "single"}.get(kind, LINKAGE[linkage])
    return method, _similarity(values.get("threshold"), values["metric"]), int(size)


def _similarity(distance: object, metric: object) -> Threshold:
    """A distance as a cosine; of unit vectors the squared Euclidean distance is twice the cosine distance."""
    if metric not in ("cosine", "euclidean", "l2"):
        raise InvalidArgumentError(f"'metric' is {metric!r}. It may be 'cosine' or 'euclidean'.")
    if distance is None:
        return "auto"
    if not is_number(distance) or float(distance) < 0:
        raise InvalidArgumentError(f"'threshold' is {distance!r}. Give a distance such as 0.3.")
    similarity = 1 - (float(distance) if metric == "cosine" else float(distance) ** 2 / 2)
    if similarity <= 0:
        raise InvalidArgumentError(
            f"'threshold' is {distance!r}: at this distance all rows are one. Give less, such as 0.3."
        )
    return similarity


def _labels(
    table: Table, on: Columns, defaults: Job, cluster_type: str, cluster_params: Mapping[str, object] | None
) -> Integers:
    """The cluster of each row; clusters that are too small are split, but for rows of equal text."""
    method, threshold, size = settings_of(cluster_type, cluster_params)
    names = key_columns.of_one(table, on)
    model = model_plan.LEXICAL if defaults.model is None else defaults.model
    scores: Literal["probability", "similarity"] = "probability" if threshold == "auto" else "similarity"
    job = replace(defaults, model=model, k=K, threshold=threshold, scores=scores)
    neighbours = neighbours_of(table, names, job, Rules(method))
    label = clusters_of(table, neighbours, job, method).label
    text = records.read(table, names, Serializer()).text_of_row
    small = np.bincount(label)[label] < size if len(label) else np.zeros(0, dtype=bool)
    apart = np.where(text >= 0, text, text.max(initial=0) + 1 + np.arange(len(text)))
    return np.asarray(in_order(np.where(small, label.max(initial=0) + 1 + apart, label)), dtype=np.int64)


cluster_rows = accept_old(of_clusters, __name__, old_cluster_rows)(new_cluster_rows)
dedup_rows = accept_old(of_clusters, __name__, old_dedup_rows)(new_dedup_rows)
