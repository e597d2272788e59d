"""Losses on texts: InfoNCE, supervised contrastive, online contrastive.

A loss takes the unit vectors of a batch's different texts, (n, d), and their labels, and returns a scalar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("infonce", "supcon", "onlinecontrastive")


def info_nce(
    vectors: Tensor, entity: Tensor, left: Tensor, right: Tensor, temperature: float = 0.05
) -> Tensor:
    """Cross-entropy of each left text's right text among all texts of the batch, and the reverse.

    Other texts of the same entity, equal texts among them, are left out of the negatives. Mined negatives are
    further texts of the batch. (A. van den Oord et al., 2018.) `entity` is (n,); `left` and `right`, (p,),
    are rows of the positive pairs.
    """
    import torch

    places = torch.arange(len(left), device=vectors.device)
    total = vectors.new_zeros(())
    for query, item in ((left, right), (right, left)):
        score = vectors[query] @ vectors.T / temperature
        wrong = entity[query][:, None] != entity[None, :]
        wrong[places, item] = True  # the one right answer stays
        score = score.masked_fill(~wrong, float("-inf"))
        total = total + torch.nn.functional.cross_entropy(score, item)
    mean: Tensor = total / 2
    return mean


def supcon(vectors: Tensor, entity: Tensor, temperature: float = 0.07) -> Tensor:
    """Supervised contrastive loss: all texts of an entity against the texts of other entities.

    (P. Khosla et al., NeurIPS 2020, the loss with the sum outside of the logarithm.) Texts without a second
    text of their entity in the batch are negatives of others and have no term. `entity` is (n,).
    """
    import torch

    score = vectors @ vectors.T / temperature
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    score = score.masked_fill(itself, float("-inf"))
    log_share = score - score.logsumexp(dim=1, keepdim=True)
    positive = (entity[:, None] == entity[None, :]) & ~itself
    count = positive.sum(dim=1)
    # -inf times 0 is not a number: the diagonal is blanked before the sum
    term = -log_share.masked_fill(~positive, 0.0).sum(dim=1) / count.clamp(min=1)
    some = count > 0
    return term[some].mean() if bool(some.any()) else (vectors * 0).sum()


def online_contrastive(
    vectors: Tensor, left: Tensor, right: Tensor, label: Tensor, margin: float = 0.5
) -> Tensor:
    """Squared distance of matches, and squared margin violation of non-matches; hard pairs only.

    Hard are matches farther apart than the nearest non-match, and non-matches nearer than the farthest match;
    where one kind is missing in the batch, all of the other kind count. The distance is 1 minus the cosine.
    `left`, `right` (rows) and `label` (1 or 0) are (p,).
    """
    import torch

    distance = 1 - (vectors[left] * vectors[right]).sum(dim=1)
    good, bad = distance[label == 1], distance[label == 0]
    hard_good = good[good > bad.min()] if len(bad) else good
    hard_bad = bad[bad < good.max()] if len(good) else bad
    terms = torch.cat([hard_good.square(), (margin - hard_bad).clamp(min=0).square()])
    return terms.mean() if len(terms) else (vectors * 0).sum()
