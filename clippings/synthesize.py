"""Labelled records made of names: the earlier path of `clippings.synthetic.synthesize`."""

from clippings.synthetic.synthesize import synthesize

__all__ = ["synthesize"]
