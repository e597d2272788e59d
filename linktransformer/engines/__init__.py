"""Engines: a function over many pieces, in this process or on a Ray cluster."""
