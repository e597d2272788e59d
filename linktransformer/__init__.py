"""Link the rows of two tables that name the same things differently.

import pandas as pd
import linktransformer as lt

firms, register = pd.read_csv("firms.csv"), pd.read_csv("register.csv")
linked = lt.merge(firms, register, on="name")
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from linktransformer import metrics
    from linktransformer.cache import CacheSettings
    from linktransformer.classify import classify_rows
    from linktransformer.classify_remote import Remote
    from linktransformer.clusters import Clusters
    from linktransformer.compat import (
        aggregate_rows,
        all_pair_combos_evaluate,
        evaluate_pairs,
        merge_blocking,
        merge_knn,
        merge_range,
    )
    from linktransformer.dedup import cluster, cluster_rows, dedup_rows
    from linktransformer.errors import (
        ColumnNotFoundError,
        InvalidArgumentError,
        LinkTransformerError,
        LinkWarning,
        MissingExtraError,
        ModelError,
        TableTypeError,
        UnknownArgumentError,
    )
    from linktransformer.estimators import Deduplicator, Linker
    from linktransformer.exporting import export_model
    from linktransformer.file_linking import link_files
    from linktransformer.fitting import fit_decision
    from linktransformer.judge import merge_k_judge, merge_knn_openai, merge_knn_with_llm
    from linktransformer.linking import link, merge
    from linktransformer.links import Links
    from linktransformer.old_model import LinkTransformer
    from linktransformer.old_settings import create_new_train_config
    from linktransformer.picture_training import train_pictures
    from linktransformer.train import TrainConfig, train_model
    from linktransformer.train_classifier import TrainedClassifier, train_clf_model
    from linktransformer.trained import TrainedModel
    from linktransformer.transform import transform_rows

__version__ = "1.0.0.dev0"
_HOME = {
    "CacheSettings": "cache",
    "Clusters": "clusters",
    "ColumnNotFoundError": "errors",
    "Deduplicator": "estimators",
    "InvalidArgumentError": "errors",
    "LinkTransformer": "old_model",
    "LinkTransformerError": "errors",
    "LinkWarning": "errors",
    "Linker": "estimators",
    "Links": "links",
    "MissingExtraError": "errors",
    "ModelError": "errors",
    "Remote": "classify_remote",
    "TableTypeError": "errors",
    "TrainConfig": "train_config",
    "TrainedClassifier": "train_classifier",
    "TrainedModel": "trained",
    "UnknownArgumentError": "errors",
    "aggregate_rows": "compat",
    "all_pair_combos_evaluate": "compat",
    "classify_rows": "classify",
    "cluster": "dedup",
    "cluster_rows": "dedup",
    "create_new_train_config": "old_settings",
    "dedup_rows": "dedup",
    "evaluate_pairs": "compat",
    "export_model": "exporting",
    "fit_decision": "fitting",
    "link": "linking",
    "link_files": "file_linking",
    "merge": "linking",
    "merge_k_judge": "judge",
    "merge_knn_openai": "judge",
    "merge_knn_with_llm": "judge",
    "merge_blocking": "compat",
    "merge_knn": "compat",
    "merge_range": "compat",
    "train_clf_model": "train_classifier",
    "train_model": "train",
    "train_pictures": "picture_training",
    "transform_rows": "transform",
}
__all__ = [
    "CacheSettings",
    "Clusters",
    "ColumnNotFoundError",
    "Deduplicator",
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
    "classify_rows",
    "cluster",
    "cluster_rows",
    "compare",
    "create_new_train_config",
    "dedup_rows",
    "evaluate_pairs",
    "export_model",
    "fit_decision",
    "link",
    "link_files",
    "merge",
    "merge_blocking",
    "merge_k_judge",
    "merge_knn",
    "merge_knn_openai",
    "merge_knn_with_llm",
    "merge_range",
    "metrics",
    "train_clf_model",
    "train_model",
    "train_pictures",
    "transform_rows",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name == "metrics":
        return import_module("linktransformer.metrics")
    if name == "compare":
        return import_module("linktransformer.scoring.compare")
    if name not in _HOME:
        raise AttributeError(f"module 'linktransformer' has no attribute {name!r}")
    return getattr(import_module(f"linktransformer.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
