"""Whether a model is worth its time: encoding is nearly all of it, and often there is nothing to gain."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import encode, lexical
from linktransformer.fuse import SELDOM, Fused
from linktransformer.ranking import rank
from linktransformer.records import Records
from linktransformer.sharing import Lead
from linktransformer.threshold import decide
from linktransformer.views import Views, in_text_order

__all__ = ["TRIAL_FROM", "large", "reason_to_skip"]

TRIAL_FROM = 4_000  # texts: with fewer, the model is simply run
SETTLED = 0.9  # of the left records linked without the model, which leaves it next to nothing to add,
SURE = 0.6  # provided that the estimated precision of those links is no less than this
ROWS = 200
WIDTH = 5
AGREEMENT = 0.6  # with sure lexical links; a model below would add noise


def large(records: tuple[Records, Records]) -> bool:
    """Whether there are so many texts that a trial is worth it."""
    return sum(len(side.texts) for side in records) >= TRIAL_FROM


def reason_to_skip(
    fused: Fused,
    lead: Lead | None,
    encoder: Any,
    views: Views,
    records: tuple[Records, Records],
    texts: tuple[list[str], list[str]],
) -> str | None:
    """Say why a model that nobody named need not be run on these tables.

    Args:
        fused: The candidates and score without the model.
        lead: Of left nodes, as `sharing_links` uses it.
        encoder: The model.
        views: The views without it.
        records: Texts of the left and of the right table.
        texts: The same as the model reads them.

    Returns:
        The reason in words, None where the model is to be run.
    """
    if not len(fused.candidates):
        return None
    found = fused.candidates
    decision = decide(found.left, found.right, fused.score, "auto", lead, fused.common())
    settled = len(decision.pairs) / found.n_left
    if settled >= SETTLED and (decision.precision or 0.0) >= SURE:
        return f"left out: {settled:.2f} of the left records have a link without it ({SETTLED} is enough)"
    if fused.rate * found.n_left < SELDOM * min(found.n_left, found.n_right):
        return None  # n-grams are sure of nothing here: to disagree with them is no fault
    agreement = _agreement(encoder, views.matrices["lexical"], records[0], *texts)
    if agreement is not None and agreement < AGREEMENT:
        return (
            f"left out: on a sample it agreed with {agreement:.2f} of the sure lexical links "
            f"(at least {AGREEMENT} wanted)"
        )
    return None


def _agreement(
    encoder: Any, view: tuple[Any, Any], records: Records, left: list[str], right: list[str]
) -> float | None:
    """How often the model puts the sure lexical partner first among the nearest lexical ones.

    Where a model ranks worse than n-grams do even the pairs about which n-grams are sure, it gets no weight
    in the end.
    """
    draw = np.random.default_rng(0)
    order = in_text_order(records, np.arange(len(left)))
    sample = np.sort(order[draw.choice(len(left), min(4 * ROWS, len(left)), replace=False)])
    query, item, score = lexical.sparse_top_k(view[0][sample], view[1], WIDTH)
    if not len(query):
        return None
    ranking = rank(query, item, score)
    several = ranking.second >= 0
    margin = score[ranking.best[several]] - score[ranking.second[several]]
    sure = ranking.nodes[several][np.argsort(-margin, kind="stable")][:ROWS]
    chosen = np.isin(query, sure)
    query, item, score = query[chosen], item[chosen], score[chosen]
    if not len(query):
        return None
    texts, place = np.unique(item, return_inverse=True)
    queries, row = np.unique(query, return_inverse=True)
    a = encode.embed(encoder, [left[sample[q]] for q in queries.tolist()], show=False)
    b = encode.embed(encoder, [right[t] for t in texts.tolist()], show=False)
    dense: NDArray[np.float32] = np.einsum("ij,ij->i", a[row], b[place])
    return float((item[rank(query, item, dense).best] == item[rank(query, item, score).best]).mean())
