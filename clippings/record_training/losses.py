"""Losses on pictures and texts: CLIP's, SupCon, and a sigmoid loss with many positives.

A loss takes the unit vectors of the records of a batch, (n, d) each, and what identifies the records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clippings.training.losses import supcon

if TYPE_CHECKING:
    from torch import Tensor

RECORD_LOSSES = ("clip", "supcon", "sigmoid")
PAIRS = ("image-image", "text-text", "image-text", "fused-fused")


@dataclass(frozen=True, slots=True, eq=False)
class RecordLabels:
    """Identities of the records of a batch: which pairs are positive, and which may be.

    Attributes:
        entity: Equal numbers name one entity, (n,) int64; negative where it is not known.
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
        """Pairs of records known to be of one entity, (n, n) bool, the diagonal included."""
        by_entity = _equal(self.entity) & (self.entity >= 0)[:, None]
        return by_entity | _equal(self.record)

    def alike(self) -> Tensor:
        """Pairs of records with the same text or the same picture, (n, n) bool."""
        by_text = _equal(self.text) & self.has_text[:, None]
        return by_text | (_equal(self.picture) & self.has_image[:, None])


def _equal(values: Tensor) -> Tensor:
    return values[:, None] == values[None, :]


def clip_loss(image: Tensor, text: Tensor, records: RecordLabels, scale: Tensor | float) -> Tensor:
    """Cross-entropy of each picture's own text among the texts of the batch, and the reverse; a scalar.

    (A. Radford et al., Learning transferable visual models from natural language supervision, ICML 2021.)
    Records of the same entity, with the same text or the same picture are not negatives. A record without a
    picture or without a text has no term, but is still a negative of others. `image` and `text` are unit
    rows, (n, d).
    """
    import torch

    n = len(image)
    itself = torch.eye(n, dtype=torch.bool, device=image.device)
    wrong = ~(records.same() | records.alike())
    both = (records.has_image & records.has_text).to(image.dtype)
    score = scale * (image @ text.T)
    total = image.new_zeros(())
    for rows, there in ((score, records.has_text), (score.T, records.has_image)):
        # the diagonal stays: a masked row would otherwise be -inf throughout, and its loss NaN
        seen = rows.masked_fill(~((wrong & there[None, :]) | itself), float("-inf"))
        term = seen.logsumexp(dim=1) - seen.diagonal()
        total = total + (term * both).sum()
    return total / (2 * both.sum().clamp(min=1))


def fused_supcon(fused: Tensor, records: RecordLabels, temperature: float = 0.07) -> Tensor:
    """Supervised contrastive loss on fused vectors, (n, d); a record of unknown entity is its own entity."""
    import torch

    entity = torch.where(records.entity >= 0, records.entity, -2 - records.record)
    there = records.has_image | records.has_text
    return supcon(fused[there], entity[there], temperature)


def sigmoid_loss(
    vectors: Sequence[Tensor],
    records: RecordLabels,
    scale: Tensor,
    bias: Tensor,
    weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """Binary cross-entropy of every pair, with any number of positives; the mean over kinds, a scalar.

    (X. Zhai et al., Sigmoid loss for language image pre-training, arXiv 2303.15343, with many positives.) The
    pairs are of four kinds, `PAIRS`, weighted by `weights`. Positive are pairs of one entity and pairs of one
    record. A pair with the same text or picture is left out where one of the two entities is unknown, as it
    may be either. So is a record with itself, except its picture with its text.

    The positives of a row weigh 1 together, and so do those of a column (half each); negatives are summed, as
    in the paper, and the sum is divided by the number of rows. So an easy negative costs nothing, a hard one
    as much as a positive, and the learned bias absorbs their number.

    `vectors` are unit rows of pictures, texts and fused records, (n, d) each; `scale` and `bias` are (4,).
    """
    import torch

    image, text, fused = vectors
    same = records.same()
    unknown = records.entity < 0
    ambiguous = records.alike() & (unknown[:, None] | unknown[None, :]) & ~same
    itself = torch.eye(len(image), dtype=torch.bool, device=image.device)
    some = records.has_image | records.has_text
    kinds = (
        (image, image, records.has_image, records.has_image, ~itself),
        (text, text, records.has_text, records.has_text, ~itself),
        (image, text, records.has_image, records.has_text, torch.ones_like(itself)),
        (fused, fused, some, some, ~itself),
    )
    total = image.new_zeros(())
    for kind, (rows, columns, of_row, of_column, counted) in enumerate(kinds):
        if weights[kind]:
            counted_pairs = counted & of_row[:, None] & of_column[None, :] & ~ambiguous
            logit = scale[kind] * (rows @ columns.T) + bias[kind]
            total = total + weights[kind] * _balanced(logit, counted_pairs & same, counted_pairs & ~same)
    return total / sum(weights)


def _balanced(logit: Tensor, positive_pairs: Tensor, negative_pairs: Tensor) -> Tensor:
    """The loss of one kind of pair from logits and the positive and negative pairs, (n, n) each."""
    import torch

    positive, pairs = positive_pairs.to(logit.dtype), positive_pairs | negative_pairs
    share = positive / positive.sum(dim=1, keepdim=True).clamp(min=1)
    share = (share + positive / positive.sum(dim=0, keepdim=True).clamp(min=1)) / 2
    softplus = torch.nn.functional.softplus
    cost = (share * softplus(-logit)).sum() + (softplus(logit) * negative_pairs).sum()
    return cost / ((pairs.any(dim=0).sum() + pairs.any(dim=1).sum()) / 2).clamp(min=1)
