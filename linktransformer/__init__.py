"""Link the rows of two tables that name the same things differently.

import linktransformer as lt

firms = lt.datasets.load_firms()
linked = lt.merge(firms.left, firms.right, on=["name", "city"])
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linktransformer import datasets
    from linktransformer.charts.chart import Chart
    from linktransformer.charts.columns import column_chart
    from linktransformer.compat.functions import (
        aggregate_rows,
        all_pair_combos_evaluate,
        evaluate_pairs,
        merge_blocking,
        merge_knn,
        merge_range,
    )
    from linktransformer.compat.model import LinkTransformer
    from linktransformer.compat.old_clusters import cluster_rows, dedup_rows
    from linktransformer.compat.old_merge import merge
    from linktransformer.dedup.cluster import cluster
    from linktransformer.encoding.cache_settings import CacheSettings
    from linktransformer.errors import (
        ColumnNotFoundError,
        EngineError,
        InvalidArgumentError,
        LinkTransformerError,
        LinkWarning,
        MissingExtraError,
        ModelError,
        TableTypeError,
        UnknownArgumentError,
    )
    from linktransformer.estimators.deduplicator import Deduplicator
    from linktransformer.estimators.linker import Linker
    from linktransformer.linking.llm_judge import merge_k_judge, merge_knn_openai, merge_knn_with_llm
    from linktransformer.linking.llm_reader import llm_reader
    from linktransformer.linking.merge import link
    from linktransformer.linking.pair_judge import cross_encoder_reader
    from linktransformer.linking.reader_scale import calibrated_reader
    from linktransformer.linking.transform import transform_rows
    from linktransformer.partitions.link_files import link_files
    from linktransformer.results import metrics
    from linktransformer.results.clusters import Clusters
    from linktransformer.results.links import Links
    from linktransformer.review.serve import review
    from linktransformer.training.classes.classify import classify_rows
    from linktransformer.training.classes.classify_remote import Remote
    from linktransformer.training.classes.train_classifier import TrainedClassifier, train_clf_model
    from linktransformer.training.config_file import create_new_train_config
    from linktransformer.training.export_model import export_model
    from linktransformer.training.fit_decision import fit_decision
    from linktransformer.training.picture_training import train_pictures
    from linktransformer.training.train import TrainConfig, train_model
    from linktransformer.training.trained_model import TrainedModel

__version__ = "1.0.0rc1"
_HOME = {
    "CacheSettings": "encoding.cache_settings",
    "Chart": "charts.chart",
    "Clusters": "results.clusters",
    "ColumnNotFoundError": "errors",
    "Deduplicator": "estimators.deduplicator",
    "EngineError": "errors",
    "InvalidArgumentError": "errors",
    "LinkTransformer": "compat.model",
    "LinkTransformerError": "errors",
    "LinkWarning": "errors",
    "Linker": "estimators.linker",
    "Links": "results.links",
    "MissingExtraError": "errors",
    "ModelError": "errors",
    "Remote": "training.classes.classify_remote",
    "TableTypeError": "errors",
    "TrainConfig": "training.train_config",
    "TrainedClassifier": "training.classes.train_classifier",
    "TrainedModel": "training.trained_model",
    "UnknownArgumentError": "errors",
    "aggregate_rows": "compat.functions",
    "all_pair_combos_evaluate": "compat.functions",
    "calibrated_reader": "linking.reader_scale",
    "classify_rows": "training.classes.classify",
    "cluster": "dedup.cluster",
    "cluster_files": "partitions.cluster_files",
    "cluster_rows": "compat.old_clusters",
    "column_chart": "charts.columns",
    "create_new_train_config": "training.config_file",
    "cross_encoder_reader": "linking.pair_judge",
    "dedup_files": "partitions.cluster_files",
    "dedup_rows": "compat.old_clusters",
    "evaluate_pairs": "compat.functions",
    "export_model": "training.export_model",
    "fit_decision": "training.fit_decision",
    "link": "linking.merge",
    "link_files": "partitions.link_files",
    "llm_reader": "linking.llm_reader",
    "merge": "compat.old_merge",
    "merge_k_judge": "linking.llm_judge",
    "merge_knn_openai": "linking.llm_judge",
    "merge_knn_with_llm": "linking.llm_judge",
    "merge_blocking": "compat.functions",
    "merge_knn": "compat.functions",
    "merge_range": "compat.functions",
    "train_clf_model": "training.classes.train_classifier",
    "train_model": "training.train",
    "train_pictures": "training.picture_training",
    "transform_rows": "linking.transform",
}
__all__ = [
    "CacheSettings",
    "Chart",
    "Clusters",
    "ColumnNotFoundError",
    "Deduplicator",
    "EngineError",
    "InvalidArgumentError",
    "LinkTransformer",
    "LinkTransformerError",
    "LinkWarning",
    "Linker",
    "Links",
    "MissingExtraError",
    "ModelError",
    "Remote",
    "TableTypeError",
    "TrainConfig",
    "TrainedClassifier",
    "TrainedModel",
    "UnknownArgumentError",
    "aggregate_rows",
    "all_pair_combos_evaluate",
    "calibrated_reader",
    "classify_rows",
    "cluster",
    "cluster_files",
    "cluster_rows",
    "column_chart",
    "compare",
    "create_new_train_config",
    "cross_encoder_reader",
    "datasets",
    "dedup_files",
    "dedup_rows",
    "evaluate_pairs",
    "export_model",
    "fit_decision",
    "link",
    "link_files",
    "llm_reader",
    "merge",
    "merge_blocking",
    "merge_k_judge",
    "merge_knn",
    "merge_knn_openai",
    "merge_knn_with_llm",
    "merge_range",
    "metrics",
    "review",
    "train_clf_model",
    "train_model",
    "train_pictures",
    "transform_rows",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "metrics":
        return import_module("linktransformer.results.metrics")
    if name == "review":  # a package that can be called
        return import_module("linktransformer.review")
    if name == "datasets":
        return import_module("linktransformer.datasets")
    if name == "compare":
        return import_module("linktransformer.scoring.compare")
    if name not in _HOME:
        raise AttributeError(f"module 'linktransformer' has no attribute {name!r}")
    return getattr(import_module(f"linktransformer.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
