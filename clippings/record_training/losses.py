"""What training on pictures and texts makes small: CLIP's loss, SupCon, a sigmoid with many positives.

A loss takes the unit vectors of the records of a batch, (n, d) each, and what is known of them. The
`*_plain` functions are written as the formulas are, with loops, and are there to be compared with.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from clippings.training.losses import supcon

if TYPE_CHECKING:
    from torch import Tensor

RECORD_LOSSES = ("clip", "supcon", "sigmoid")
PAIRS = ("image-image", "text-text", "image-text", "fused-fused")


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What is known of the records of a batch.

    Attributes:
        entity: Equal numbers name one thing, (n,) int64; negative where it is not known.
        record: The number of the record, (n,) int64; it is equal for two views of one record.
        text: Equal numbers for equal texts, (n,) int64; negative where there is no text.
        picture: Equal numbers for equal pictures, (n,) int64; negative where there is no picture.
    """

    entity: Tensor
    record: Tensor
    text: Tensor
    picture: Tensor

    @property
    def has_image(self) -> Tensor:
        """Which records have a picture, (n,) bool."""
        return self.picture >= 0

    @property
    def has_text(self) -> Tensor:
        """Which records have a text, (n,) bool."""
        return self.text >= 0

    def same(self) -> Tensor:
        """Which two records are known to be of one entity, (n, n) bool; a record is of its own.

        Returns:
            The mask.
        """
        by_entity = _equal(self.entity) & (self.entity >= 0)[:, None]
        return by_entity | _equal(self.record)

    def alike(self) -> Tensor:
        """Which two records have the same text or the same picture, (n, n) bool.

        Returns:
            The mask.
        """
        by_text = _equal(self.text) & self.has_text[:, None]
        return by_text | (_equal(self.picture) & self.has_image[:, None])


def _equal(values: Tensor) -> Tensor:
    return values[:, None] == values[None, :]


def clip_loss(image: Tensor, text: Tensor, known: Known, scale: Tensor | float) -> Tensor:
    """Each picture shall be nearer to its own text than to any other text of the batch, and back.

    (A. Radford et al., Learning transferable visual models from natural language supervision, ICML 2021.)
    Records of the same entity, and those with the same text or the same picture, are no negatives. A record
    without a picture or without a text has no term of its own; what it has is still a negative of others.

    Args:
        image: Unit rows, (n, d).
        text: Unit rows, (n, d).
        known: What is known of the records.
        scale: Cosines are multiplied by it; a learned scalar.

    Returns:
        The mean over the records with both and over the two directions, a scalar; 0 where there is none.
    """
    import torch

    n = len(image)
    itself = torch.eye(n, dtype=torch.bool, device=image.device)
    wrong = ~(known.same() | known.alike())
    both = (known.has_image & known.has_text).to(image.dtype)
    score = scale * (image @ text.T)
    total = image.new_zeros(())
    for rows, there in ((score, known.has_text), (score.T, known.has_image)):
        # the diagonal always stays, so that a row that does not count is no row of -inf either
        seen = rows.masked_fill(~((wrong & there[None, :]) | itself), float("-inf"))
        term = seen.logsumexp(dim=1) - seen.diagonal()
        total = total + (term * both).sum()
    return total / (2 * both.sum().clamp(min=1))


def clip_loss_plain(image: Tensor, text: Tensor, known: Known, scale: Tensor | float) -> Tensor:
    """As `clip_loss`, record by record.

    Args:
        image: Unit rows, (n, d).
        text: Unit rows, (n, d).
        known: What is known of the records.
        scale: Cosines are multiplied by it.

    Returns:
        The same scalar.
    """
    terms: list[Any] = []
    for rows, columns, there in ((image, text, known.text), (text, image, known.picture)):
        for i in range(len(image)):
            if known.text[i] >= 0 and known.picture[i] >= 0:
                good = (scale * (rows[i] @ columns[i])).exp()
                every = good
                for j in range(len(image)):
                    if there[j] >= 0 and not _same(known, i, j) and not _alike(known, i, j):
                        every = every + (scale * (rows[i] @ columns[j])).exp()
                terms.append(-(good / every).log())
    return sum(terms[1:], terms[0]) / len(terms) if terms else (image * 0).sum()


def fused_supcon(fused: Tensor, known: Known, temperature: float = 0.07) -> Tensor:
    """Supervised contrastive loss on fused vectors; a record whose entity is not known is one of its own.

    Args:
        fused: Unit rows, (n, d); those of records with neither picture nor text are left out.
        known: What is known of the records.
        temperature: Cosines are divided by it.

    Returns:
        The mean over the records that have a partner, a scalar; 0 where none has.
    """
    import torch

    entity = torch.where(known.entity >= 0, known.entity, -2 - known.record)
    there = known.has_image | known.has_text
    return supcon(fused[there], entity[there], temperature)


def sigmoid_loss(
    vectors: Sequence[Tensor],
    known: Known,
    scale: Tensor,
    bias: Tensor,
    weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """Every pair is asked for itself whether it is of one entity, with as many positives as there are.

    (X. Zhai et al., Sigmoid loss for language image pre-training, arXiv 2303.15343, with many positives.) The
    pairs are of four kinds, `PAIRS`. Positive are pairs of one entity and pairs of one record. A pair with
    the same text or picture is left out where one of the two entities is not known: it may be either. So is
    a record with itself, but for its picture with its text.

    The balance: the positives of a row weigh 1 together, however many there are, and so do those of a column
    (half each); negatives are summed, as in the paper, and the sum is divided by the number of rows. So an
    easy negative costs nothing, a hard one as much as a positive, and the learned bias takes up how many
    there are.

    Args:
        vectors: Unit rows of pictures, texts and fused records, (n, d) each.
        known: What is known of the records; rows of what a record lacks are left out.
        scale: Learned, one a kind of pair, (4,).
        bias: Learned, one a kind of pair, (4,).
        weights: Of the kinds; 0 leaves one out.

    Returns:
        The weighted mean over the kinds, a scalar.
    """
    import torch

    image, text, fused = vectors
    same = known.same()
    unknown = known.entity < 0
    unsure = known.alike() & (unknown[:, None] | unknown[None, :]) & ~same
    itself = torch.eye(len(image), dtype=torch.bool, device=image.device)
    some = known.has_image | known.has_text
    kinds = (
        (image, image, known.has_image, known.has_image, ~itself),
        (text, text, known.has_text, known.has_text, ~itself),
        (image, text, known.has_image, known.has_text, torch.ones_like(itself)),
        (fused, fused, some, some, ~itself),
    )
    total = image.new_zeros(())
    for kind, (rows, columns, of_row, of_column, counted) in enumerate(kinds):
        if weights[kind]:
            seen = counted & of_row[:, None] & of_column[None, :] & ~unsure
            logit = scale[kind] * (rows @ columns.T) + bias[kind]
            total = total + weights[kind] * _balanced(logit, seen & same, seen & ~same)
    return total / sum(weights)


def _balanced(logit: Tensor, good: Tensor, bad: Tensor) -> Tensor:
    """The loss of one kind of pair: logits, and which pairs are positive and negative, (n, n) each."""
    import torch

    positive, seen = good.to(logit.dtype), good | bad
    share = positive / positive.sum(dim=1, keepdim=True).clamp(min=1)
    share = (share + positive / positive.sum(dim=0, keepdim=True).clamp(min=1)) / 2
    softplus = torch.nn.functional.softplus
    cost = (share * softplus(-logit)).sum() + (softplus(logit) * bad).sum()
    return cost / ((seen.any(dim=0).sum() + seen.any(dim=1).sum()) / 2).clamp(min=1)


def sigmoid_loss_plain(
    vectors: Sequence[Tensor],
    known: Known,
    scale: Tensor,
    bias: Tensor,
    weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """As `sigmoid_loss`, pair by pair.

    Args:
        vectors: Unit rows of pictures, texts and fused records, (n, d) each.
        known: What is known of the records.
        scale: (4,).
        bias: (4,).
        weights: Of the kinds.

    Returns:
        The same scalar.
    """
    total = (vectors[0] * 0).sum()
    for kind, weight in enumerate(weights):
        seen = list(_pairs(kind, known))
        rows, columns = {i for i, _, _ in seen}, {j for _, j, _ in seen}
        cost = (vectors[0] * 0).sum()
        for i, j, good in seen:
            a, b = vectors[(0, 1, 0, 2)[kind]][i], vectors[(0, 1, 1, 2)[kind]][j]
            logit = scale[kind] * (a @ b) + bias[kind]
            if good:
                in_row = sum(1 for k, _, yes in seen if yes and k == i)
                in_column = sum(1 for _, k, yes in seen if yes and k == j)
                cost = cost - logit.sigmoid().log() * (1 / in_row + 1 / in_column) / 2
            else:
                cost = cost - (-logit).sigmoid().log()
        total = total + weight * cost / max(1, (len(rows) + len(columns)) / 2)
    return total / sum(weights)


def _pairs(kind: int, known: Known) -> Iterator[tuple[int, int, bool]]:
    """The pairs of one kind that count, and whether each is positive."""
    there = [(bool(p >= 0), bool(t >= 0)) for p, t in zip(known.picture, known.text, strict=True)]
    has = ((0, 0), (1, 1), (0, 1))[kind] if kind < 3 else None
    for i in range(len(there)):
        for j in range(len(there)):
            present = there[i][has[0]] and there[j][has[1]] if has else any(there[i]) and any(there[j])
            good = _same(known, i, j)
            unknown = bool(known.entity[i] < 0) or bool(known.entity[j] < 0)
            unsure = not good and unknown and _alike(known, i, j)
            if present and not unsure and (i != j or kind == 2):
                yield i, j, good


def _same(known: Known, i: int, j: int) -> bool:
    by_entity = bool(known.entity[i] == known.entity[j]) and bool(known.entity[i] >= 0)
    return by_entity or bool(known.record[i] == known.record[j])


def _alike(known: Known, i: int, j: int) -> bool:
    by_text = bool(known.text[i] == known.text[j]) and bool(known.text[i] >= 0)
    return by_text or (bool(known.picture[i] == known.picture[j]) and bool(known.picture[i] >= 0))
