"""Encoders of long records: the earlier path of `clippings.long.model`."""

from clippings.long.model import BasedBertConfig, BasedBertModel, register

__all__ = ["BasedBertConfig", "BasedBertModel", "register"]
