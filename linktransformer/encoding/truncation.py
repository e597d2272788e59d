"""What a model did not read of long rows: counted, logged once, and in the report."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from linktransformer.encoding.cached_encoder import CachedEncoder
from linktransformer.tables.records import Records

__all__ = ["of_model"]

logger = logging.getLogger(__name__)
WORTH_SAYING = 0.01  # of the rows: fewer are counted in the report and not logged


def of_model(encoder: Any, texts: Sequence[Records], written: Sequence[Sequence[str]]) -> dict[str, Any]:
    """Which rows a model reads in part only.

    Args:
        encoder: Of a plan; None for none.
        texts: The texts of each table.
        written: The same texts as the model is given them.

    Returns:
        {"rows_cut_by_model": {"rows": n, "of": rows with a text, "share_of_text_lost": of these n rows,
        "share_of_all_text_lost": of all}}; empty where it is not known, or no row is cut.
    """
    inner = encoder.inner if isinstance(encoder, CachedEncoder) else encoder
    measure = getattr(inner, "share_lost", None)
    if measure is None:
        return {}
    rows = cut = 0
    lost = of_cut = of_all = 0.0
    for records, side in zip(texts, written, strict=True):
        share = np.asarray(measure(side), dtype=np.float64)
        length = np.fromiter(map(len, side), np.float64, len(side))
        row = records.text_of_row[records.text_of_row >= 0]
        share, length = share[row], length[row]
        rows, cut = rows + len(row), cut + int((share > 0).sum())
        lost += float((share * length).sum())
        of_cut, of_all = of_cut + float(length[share > 0].sum()), of_all + float(length.sum())
    if not cut:
        return {}
    found = {
        "rows": cut,
        "of": rows,
        "share_of_text_lost": round(lost / of_cut, 4),
        "share_of_all_text_lost": round(lost / of_all, 4),
    }
    if cut > WORTH_SAYING * rows:
        logger.warning(
            "%s reads only the beginning of %d of %d rows: %.0f %% of their text has no say in its vectors "
            "(all of it has in those of n-grams). docs/long-records.md says what to do",
            getattr(inner, "name", type(inner).__name__), cut, rows, 100 * lost / of_cut,
        )  # fmt: skip
    return {"rows_cut_by_model": found}
