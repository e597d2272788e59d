"""What training makes small: InfoNCE, supervised contrastive, online contrastive, and plain references.

A loss takes the unit vectors of a batch's different texts, (n, d), and what is known of them. The
`*_plain` functions are written as the formulas are, with loops, and are there to be compared with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

LOSSES = ("infonce", "supcon", "onlinecontrastive")


def info_nce(
    vectors: Tensor, entity: Tensor, left: Tensor, right: Tensor, temperature: float = 0.05
) -> Tensor:
    """Each left text shall be nearer to its right text than to any other text of the batch, and back.

    Other texts of the same entity, equal texts among them, are taken out of the negatives: they are not
    wrong. Mined negatives are simply further texts of the batch. (A. van den Oord et al., 2018.)

    Args:
        vectors: Unit rows, (n, d).
        entity: The entity of each row, (n,).
        left: Row of the left text of each positive pair, (p,).
        right: Row of its right text, (p,).
        temperature: Cosines are divided by it.

    Returns:
        The mean over pairs and both directions, a scalar.
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


def info_nce_plain(
    vectors: Tensor, entity: Tensor, left: Tensor, right: Tensor, temperature: float = 0.05
) -> Tensor:
    """As `info_nce`, pair by pair.

    Args:
        vectors: Unit rows, (n, d).
        entity: The entity of each row, (n,).
        left: Row of the left text of each positive pair, (p,).
        right: Row of its right text, (p,).
        temperature: Cosines are divided by it.

    Returns:
        The same scalar.
    """
    terms: list[Any] = []
    for a, b in zip(left.tolist(), right.tolist(), strict=True):
        for query, item in ((a, b), (b, a)):
            good = (vectors[query] @ vectors[item] / temperature).exp()
            every = good
            for other in range(len(vectors)):
                if entity[other] != entity[query]:
                    every = every + (vectors[query] @ vectors[other] / temperature).exp()
            terms.append(-(good / every).log())
    mean: Tensor = sum(terms[1:], terms[0]) / len(terms)
    return mean


def supcon(vectors: Tensor, entity: Tensor, temperature: float = 0.07) -> Tensor:
    """All texts of an entity shall be nearer to each other than to the texts of others.

    (P. Khosla et al., NeurIPS 2020, the loss with the sum outside of the logarithm.) Texts without a partner
    in the batch are negatives of others and give no term of their own.

    Args:
        vectors: Unit rows, (n, d).
        entity: The entity of each row, (n,).
        temperature: Cosines are divided by it.

    Returns:
        The mean over the texts that have a partner, a scalar; 0 where none has.
    """
    import torch

    score = vectors @ vectors.T / temperature
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    score = score.masked_fill(itself, float("-inf"))
    log_share = score - score.logsumexp(dim=1, keepdim=True)
    partner = (entity[:, None] == entity[None, :]) & ~itself
    count = partner.sum(dim=1)
    # -inf times 0 is no number: the diagonal is blanked before the sum
    term = -log_share.masked_fill(~partner, 0.0).sum(dim=1) / count.clamp(min=1)
    some = count > 0
    return term[some].mean() if bool(some.any()) else (vectors * 0).sum()


def supcon_plain(vectors: Tensor, entity: Tensor, temperature: float = 0.07) -> Tensor:
    """As `supcon`, text by text.

    Args:
        vectors: Unit rows, (n, d).
        entity: The entity of each row, (n,).
        temperature: Cosines are divided by it.

    Returns:
        The same scalar.
    """
    terms: list[Any] = []
    n = len(vectors)
    for i in range(n):
        partners = [j for j in range(n) if j != i and entity[j] == entity[i]]
        if partners:
            every = sum((vectors[i] @ vectors[j] / temperature).exp() for j in range(n) if j != i)
            logs = [((vectors[i] @ vectors[j] / temperature).exp() / every).log() for j in partners]
            terms.append(-sum(logs[1:], logs[0]) / len(logs))
    return sum(terms[1:], terms[0]) / len(terms) if terms else (vectors * 0).sum()


def online_contrastive(
    vectors: Tensor, left: Tensor, right: Tensor, label: Tensor, margin: float = 0.5
) -> Tensor:
    """Pairs with label 1 shall lie near each other, the others a margin apart; only the hard ones count.

    Hard are positives that lie farther apart than the nearest negative, and negatives nearer than the
    farthest positive; where one kind is missing in the batch, all of the other kind count. The distance is
    1 minus the cosine.

    Args:
        vectors: Unit rows, (n, d).
        left: Row of the left text of each pair, (p,).
        right: Row of its right text, (p,).
        label: 1 or 0 of each pair, (p,).
        margin: Distance at which a negative pair costs nothing.

    Returns:
        The mean over the hard pairs, a scalar; 0 where there is none.
    """
    import torch

    distance = 1 - (vectors[left] * vectors[right]).sum(dim=1)
    good, bad = distance[label == 1], distance[label == 0]
    hard_good = good[good > bad.min()] if len(bad) else good
    hard_bad = bad[bad < good.max()] if len(good) else bad
    terms = torch.cat([hard_good.square(), (margin - hard_bad).clamp(min=0).square()])
    return terms.mean() if len(terms) else (vectors * 0).sum()


def online_contrastive_plain(
    vectors: Tensor, left: Tensor, right: Tensor, label: Tensor, margin: float = 0.5
) -> Tensor:
    """As `online_contrastive`, pair by pair.

    Args:
        vectors: Unit rows, (n, d).
        left: Row of the left text of each pair, (p,).
        right: Row of its right text, (p,).
        label: 1 or 0 of each pair, (p,).
        margin: Distance at which a negative pair costs nothing.

    Returns:
        The same scalar.
    """
    pairs = [
        (1 - vectors[a] @ vectors[b], int(y))
        for a, b, y in zip(left.tolist(), right.tolist(), label.tolist(), strict=True)
    ]
    nearest_bad = min((d.item() for d, y in pairs if not y), default=float("-inf"))
    farthest_good = max((d.item() for d, y in pairs if y), default=float("inf"))
    terms: list[Any] = []
    for distance, y in pairs:
        if y and distance.item() > nearest_bad:
            terms.append(distance**2)
        if not y and distance.item() < farthest_good:
            terms.append((margin - distance) ** 2 if distance.item() < margin else distance * 0)
    return sum(terms[1:], terms[0]) / len(terms) if terms else (vectors * 0).sum()
