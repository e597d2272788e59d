"""The estimators: fit once on a table, query often."""

from linktransformer.estimators.deduplicator import Deduplicator
from linktransformer.estimators.linker import Linker
from linktransformer.estimators.reference_estimator import NotFittedError

__all__ = ["Deduplicator", "Linker", "NotFittedError"]
