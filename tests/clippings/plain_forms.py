"""Losses, mining and fusion as their formulas are, with loops: tests compare the fast forms with these."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clippings.arrays import Bools, Integers
from clippings.record_training.losses import RecordLabels
from clippings.record_training.mining import SPARE
from clippings.records.fusion import Fusion
from clippings.training.hard_negatives import Near


def info_nce_plain(
    vectors: Tensor, entity: Tensor, left: Tensor, right: Tensor, temperature: float = 0.05
) -> Tensor:
    """As `info_nce`, pair by pair.

    Shapes: vectors (n, d), entity (n,), left (p,), right (p,).
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


def supcon_plain(vectors: Tensor, entity: Tensor, temperature: float = 0.07) -> Tensor:
    """As `supcon`, text by text.

    Shapes: vectors (n, d), entity (n,).
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


def online_contrastive_plain(
    vectors: Tensor, left: Tensor, right: Tensor, label: Tensor, margin: float = 0.5
) -> Tensor:
    """As `online_contrastive`, pair by pair.

    Shapes: vectors (n, d), left (p,), right (p,), label (p,).
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


def clip_loss_plain(image: Tensor, text: Tensor, known: RecordLabels, scale: Tensor | float) -> Tensor:
    """As `clip_loss`, record by record.

    Shapes: image (n, d), text (n, d).
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


def sigmoid_loss_plain(
    vectors: Sequence[Tensor],
    known: RecordLabels,
    scale: Tensor,
    bias: Tensor,
    weights: Sequence[float] = (1.0, 1.0, 1.0, 1.0),
) -> Tensor:
    """As `sigmoid_loss`, pair by pair.

    Shapes: vectors (n, d), scale (4,), bias (4,).
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


def _pairs(kind: int, known: RecordLabels) -> Iterator[tuple[int, int, bool]]:
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


def _same(known: RecordLabels, i: int, j: int) -> bool:
    by_entity = bool(known.entity[i] == known.entity[j]) and bool(known.entity[i] >= 0)
    return by_entity or bool(known.record[i] == known.record[j])


def _alike(known: RecordLabels, i: int, j: int) -> bool:
    by_text = bool(known.text[i] == known.text[j]) and bool(known.text[i] >= 0)
    return by_text or (bool(known.picture[i] == known.picture[j]) and bool(known.picture[i] >= 0))


def taken_for_plain(
    group: Integers,
    text: Integers,
    ways: Sequence[Near],
    wanted: int,
    *,
    equal_texts: bool = False,
    has_entity: Bools | None = None,
) -> Integers:
    """As `taken_for`, record by record.

    Shapes: group (n,), text (n,), has_entity (n,) bool.
    """
    every = np.arange(len(group))
    lists = [way(every, every, min(len(group), 2 * wanted + SPARE)) for way in ways if wanted]
    made = np.full((len(group), wanted if lists else 0), -1, np.int64)
    for row in range(len(group)):
        taken: list[int] = []
        for depth in range(max((one.shape[1] for one in lists), default=0)):
            for one in lists:
                other = int(one[row, depth])
                equal = not equal_texts and text[row] >= 0 and text[other] == text[row]
                new = group[other] not in [group[row], *group[taken]]
                sure = has_entity is None or bool(has_entity[row]) or bool(has_entity[other])
                if other >= 0 and new and sure and not equal and len(taken) < wanted:
                    taken.append(other)
        made[row, : len(taken)] = taken
    return made


def fuse_plain(
    fusion: Fusion, image: Tensor, text: Tensor, has_image: Tensor, has_text: Tensor, hints: Tensor
) -> Tensor:
    """As a `Fusion` does it, record by record.

    Shapes: image (n, dim), text (n, dim), has_image (n,) bool, has_text (n,) bool, hints (n, number of
    hints); returns (n, dim).
    """
    rows = []
    for row in range(len(image)):
        one, other = image[row], text[row]
        if fusion.kind == "centred":
            one, other = one - fusion.image_mean, other - fusion.text_mean
            one, other = one / one.norm(), other / other.norm()
        if has_image[row] and has_text[row]:
            share = torch.tensor(fusion.image_weight)
            if fusion.kind == "gate":
                told = [0.0 if math.isnan(hint) else hint for hint in hints[row].tolist()]
                flags = [0.0 if math.isnan(hint) else 1.0 for hint in hints[row].tolist()]
                seen = torch.cat([one, other, one * other, torch.tensor(told + flags)])
                share = 1 / (1 + (-fusion.gate(seen)[0]).exp())
            mixed = share * one + (1 - share) * other
            rows.append(mixed / mixed.norm())
        else:
            rows.append(one if has_image[row] else other if has_text[row] else torch.zeros_like(one))
    return torch.stack(rows)
