"""The vectors in a reply of an embedding server, in the order of the texts."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

import numpy as np

from linktransformer.arrays import Floats

__all__ = ["vectors_in"]


def vectors_in(value: Mapping[str, object], n_texts: int) -> list[Floats]:
    """One vector for each of n texts: lists of numbers, base64 of float32, or matrices of one row.

    Raises:
        ValueError: Their number or their shape is wrong.

    Example:
        >>> vectors_in({"data": [{"index": 1, "embedding": [3]}, {"index": 0, "embedding": [2]}]}, 2)
        [array([2.], dtype=float32), array([3.], dtype=float32)]
    """
    data = value.get("data")
    if not isinstance(data, list) or len(data) != n_texts:
        n = len(data) if isinstance(data, list) else 0
        raise ValueError(f"the reply to {n_texts} texts has {n} vectors")
    if not all(isinstance(item, Mapping) for item in data):
        raise ValueError("the reply's vectors are not objects with 'embedding'")
    indexes = [item.get("index") for item in data]
    for order in (
        [0 if index is None else index for index in indexes],  # Google's servers leave a zero out
        [place if index is None else index for place, index in enumerate(indexes)],
    ):
        if all(type(index) is int for index in order) and sorted(order) == list(range(n_texts)):
            vectors = [_vector(item.get("embedding")) for item in data]
            return [vectors[place] for place in np.argsort(order).tolist()]
    raise ValueError("the reply's vectors have indexes that are not those of the texts")


def _vector(given: object) -> Floats:
    """One vector, (d,) float32."""
    try:
        if isinstance(given, str):
            vector = np.frombuffer(base64.b64decode(given, validate=True), "<f4").astype(np.float32)
        else:
            vector = np.asarray(given, dtype=np.float32)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("the reply has vectors that are not numbers") from None
    if vector.ndim == 2 and len(vector) == 1:
        vector = vector[0]
    if vector.ndim == 2:
        raise ValueError(
            f"the reply has a matrix of {len(vector)} rows for one text, and not one vector: "
            "the server does not pool tokens"
        )
    if vector.ndim != 1 or not len(vector):
        raise ValueError("the reply has vectors of no length")
    if not np.isfinite(vector).all():
        raise ValueError("the reply has vectors that are not finite")
    return vector
