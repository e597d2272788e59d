"""The estimators: fit once on a table, query often."""

from linktransformer.estimators.deduplicator import Deduplicator
from linktransformer.estimators.fitted import NotFittedError
from linktransformer.estimators.linker import Linker

__all__ = ["Deduplicator", "Linker", "NotFittedError"]
