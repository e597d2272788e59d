"""The rows without a link as a table."""

from __future__ import annotations

import numpy as np

from linktransformer.arrays import Column
from linktransformer.results.link_values import REASONS, LinkValues
from linktransformer.tables import frames
from linktransformer.tables.frames import IntoDataFrame
from linktransformer.tables.row_labels import Label

__all__ = ["unlinked_rows"]


def unlinked_rows(links: LinkValues) -> IntoDataFrame:
    """As `Links.unlinked`."""
    sides, labels, reasons, nearest, scores = [], [], [], [], []
    both = (
        (links.left, links.left_reason, links.left_nearest),
        (links.right, links.right_reason, links.right_nearest),
    )
    for (table, codes, near), other in zip(both, (links.right, links.left), strict=True):
        rows = np.flatnonzero(codes > 0)
        sides += [table.name] * len(rows)
        labels += frames.index_labels(table, rows).tolist()
        reasons += [REASONS[code] for code in codes[rows].tolist()]
        has = near.row[rows] >= 0
        near_labels = np.full(len(rows), None, dtype=object)
        near_labels[has] = frames.index_labels(other, near.row[rows][has])
        nearest += near_labels.tolist()
        scores.append(near.score[rows])
    columns = {
        "side": np.array(sides, dtype=object),
        "row": _labels(labels),
        "reason": np.array(reasons, dtype=object),
        "nearest": _labels(nearest),
        "score": np.concatenate(scores),
    }
    return frames.new_frame(links.left, columns)


def _labels(values: list[Label]) -> Column:
    """Labels as integers where they are; None is masked."""
    if all(value is None or (isinstance(value, int) and abs(value) < 2**63) for value in values):
        return np.ma.masked_array(
            np.array([value or 0 for value in values], dtype=np.int64),
            mask=np.array([value is None for value in values], dtype=bool),
        )
    return np.fromiter(values, dtype=object, count=len(values))
