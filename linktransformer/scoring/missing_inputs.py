"""Candidates one of whose records has no text or no picture: their similarity is unknown or estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from linktransformer.arrays import Bools, Floats
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

__all__ = ["line_of", "without_gaps"]


def without_gaps(
    candidates: Candidates, nodes: tuple[Nodes, Nodes], comparable: Mapping[str, tuple[Bools, Bools]]
) -> Candidates:
    """The candidates with NaN for unknown similarities.

    A missing text is no evidence for or against a pair: its n-gram similarity is unknown. Where a picture is
    missing the cosine of the fused vectors, of picture and text or of what there is, stands for that of the
    pictures, on the line that both follow where both records have a picture. Where no candidate has two
    pictures it stands for it unchanged.

    `comparable` is, by view, which left and which right units have what it compares; a view that is not there
    knows all. Candidates with "dense", the pictures, have "fused".
    """
    views = dict(candidates.views)
    for name, (left, right) in comparable.items():
        if name not in views:
            continue
        is_known = left[nodes[0].text[candidates.left]] & right[nodes[1].text[candidates.right]]
        if is_known.all():
            continue
        other = np.full(len(candidates), np.nan, dtype=np.float32)
        if name == "dense":
            other = candidates.views["fused"]
            if is_known.any():
                slope, level = line_of(other[is_known], views[name][is_known])
                other = np.clip(np.float32(level) + np.float32(slope) * other, -1, 1)
        views[name] = np.where(is_known, views[name], other).astype(np.float32)
    return replace(candidates, views=views)


def line_of(x: Floats, y: Floats) -> tuple[float, float]:
    """The least-squares line through points; flat where they have one x."""
    spread = float(x.var())
    slope = float(((x - x.mean()) * (y - y.mean())).mean()) / spread if spread > 1e-12 else 0.0
    return slope, float(y.mean()) - slope * float(x.mean())
