"""Rows that are longer than a model reads: counted for the report, and logged once."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from linktransformer.encoding.cached_encoder import ModelUse, uncached
from linktransformer.tables.records import Records

__all__ = ["of_model"]

logger = logging.getLogger(__name__)
LOGGED_SHARE = 0.01  # of the rows: fewer are in the report only


def of_model(encoder: object, texts: Sequence[Records], written: Sequence[Sequence[str]]) -> ModelUse:
    """The report's entry on rows that a model truncates; `written` are the texts as the model reads them.

    {"rows_cut_by_model": {"rows": n, "of": rows with a text, "share_of_text_lost": of these n rows,
    "share_of_all_text_lost": of all}}; empty where it is not known, or no row is truncated.
    """
    model = uncached(encoder)
    share_lost = getattr(model, "share_lost", None)
    if share_lost is None:
        return {}
    shares, lengths = [], []
    for records, side in zip(texts, written, strict=True):
        text_of_row = records.text_of_row[records.text_of_row >= 0]
        shares.append(np.asarray(share_lost(side), dtype=np.float64)[text_of_row])
        lengths.append(np.fromiter(map(len, side), np.float64, len(side))[text_of_row])
    share, length = np.concatenate(shares), np.concatenate(lengths)
    rows, cut = len(share), int((share > 0).sum())
    if not cut:
        return {}
    lost = float((share * length).sum())
    counts = {
        "rows": cut,
        "of": rows,
        "share_of_text_lost": round(lost / float(length[share > 0].sum()), 4),
        "share_of_all_text_lost": round(lost / float(length.sum()), 4),
    }
    if cut > LOGGED_SHARE * rows:
        logger.warning(
            "%s reads only the beginning of %d of %d rows: %.0f %% of their text is not in its vectors (all "
            "of it is in those of n-grams). docs/long-records.md says what to do",
            getattr(model, "name", type(model).__name__), cut, rows, 100 * counts["share_of_text_lost"],
        )  # fmt: skip
    return {"rows_cut_by_model": counts}
