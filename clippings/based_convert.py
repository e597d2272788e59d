"""Encoders of long records out of short ones: the earlier path of `clippings.long.convert`."""

from clippings.long.convert import Plan, convert, pattern
from clippings.text.sentence_models import is_based, load_converted

__all__ = ["Plan", "convert", "is_based", "load_converted", "pattern"]
