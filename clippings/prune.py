"""Smaller text models: the earlier path of `clippings.export.prune`."""

from clippings.export.prune import prune

__all__ = ["prune"]
