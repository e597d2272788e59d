"""The estimators: fit once on a table, query often."""

from linktransformer.deduplicator import Deduplicator
from linktransformer.fitted import NotFittedError
from linktransformer.linker import Linker

__all__ = ["Deduplicator", "Linker", "NotFittedError"]
