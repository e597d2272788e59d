"""The loop that trains a model of photographs: fresh prints in every batch, made on the device."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.record_training.press_augment import Printer
from clippings.records.photo_inputs import CENTRE, SPREAD
from clippings.records.photo_model import PhotoModel
from tools.report import say

SEVERITIES = 0.15, 1.75
TEMPERATURE = 0.05
SPREADING = (
    2.0  # weight of the loss that keeps pictures apart (A. Sablayrolles et al. 2019, arXiv 1806.03198)
)
SCALE, MARGIN = 24.0, 0.15  # of cosines with the vectors that stand for pictures
WRONG, NO_PICTURE, NO_TEXT = 0.1, 0.12, 0.2  # shares of the prints
NEIGHBOURS, GROUP = 24, 8  # pictures are drawn with some of their nearest ones
WARMUP, HARD_FROM = 0.04, 0.15  # shares of the time
LEARNING_RATE, HEADS, CENTRES, DECAY = 4e-4, 1.5e-3, 4e-3, 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """What is learned from, on the device.

    Attributes:
        pictures: Squares without their aspect, (n, 3, s, s) uint8.
        aspect: Width over height, (n,).
        vectors: Of captions, (t, d).
        captions: Captions of each picture, places among the vectors, (n, forms) int64; -1 for none.
        said: Which caption a picture has in some form, (n,) int64; pictures may share one.
    """

    pictures: Tensor
    aspect: Tensor
    vectors: Tensor
    captions: Tensor
    said: Tensor


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and in which batches.

    Attributes:
        seconds: Of training.
        sources: Pictures of a batch.
        prints: Of each picture.
        seed: Of all draws.
        compiled: Compile the network first.
    """

    seconds: float
    sources: int = 160
    prints: int = 5
    seed: int = 0
    compiled: bool = False


class Learner:
    """A model in training, and the vectors that stand for its pictures."""

    def __init__(self, model: PhotoModel, store: Store, plan: Plan) -> None:
        device = store.pictures.device
        self.model, self.store, self.plan = model.to(device, memory_format=torch.channels_last), store, plan
        self.draw = torch.Generator(device).manual_seed(plan.seed)
        self._severities = np.random.default_rng(plan.seed)
        self.printer = Printer(self.draw, model.config.side)
        self.backbone: nn.Module = model.backbone
        if plan.compiled:
            self.backbone = torch.compile(model.backbone, dynamic=False)  # type: ignore[assignment]
        self.centres = nn.Parameter(torch.randn(len(store.pictures), model.config.dim, device=device))
        self.near: Tensor | None = None

    def prints(self, rows: Tensor, severity: float) -> tuple[Tensor, Tensor]:
        """Normalised prints of pictures, and their hints."""
        shown, hints = self.printer(
            self.store.pictures[rows].float() / 255, self.store.aspect[rows], severity
        )
        return ((shown - float(CENTRE)) / float(SPREAD)).contiguous(memory_format=torch.channels_last), hints

    def features(self, pixels: Tensor) -> Tensor:
        """As `PhotoModel.features`, by the compiled network."""
        with torch.autocast(pixels.device.type, torch.bfloat16, enabled=pixels.is_cuda):
            maps = self.backbone(pixels)
        return self.model.pooled(maps)

    @torch.no_grad()
    def start(self, prints: int = 4) -> None:
        """Start heads by a discriminant analysis, and centres by the means of prints."""
        self.model.eval()
        parts, of = [], []
        for number in range(prints):
            for rows in torch.arange(len(self.store.pictures), device=self.draw.device).split(
                self.plan.sources
            ):
                pixels, _ = self.prints(rows, 0.3 + 0.3 * number)
                with torch.autocast(pixels.device.type, torch.bfloat16, enabled=pixels.is_cuda):
                    parts.append(self.model.features(pixels).float())
                of.append(rows)
        features, picture = torch.cat(parts), torch.cat(of)
        there = self.store.captions >= 0
        spoken = self.store.said[:, None].expand_as(self.store.captions)[there]
        self.model.start_from(features, picture, self.store.vectors[self.store.captions[there]], spoken)
        vectors = functional.normalize(self.model.image_head(features), dim=1)
        self.centres.data.zero_().index_add_(0, picture, vectors)
        self.centres.data = functional.normalize(self.centres.data, dim=1)

    def drawn(self, share: float) -> Tensor:
        """Pictures of a batch: later half of them are near each other."""
        n, count = len(self.store.pictures), self.plan.sources
        order = torch.randperm(n, device=self.draw.device, generator=self.draw)
        if share < HARD_FROM or n <= 2 * count:
            return order[:count]
        assert self.near is not None
        seeds = order[: count // (2 * GROUP)]
        some = torch.rand(len(seeds), NEIGHBOURS, device=self.draw.device, generator=self.draw)
        near = self.near[seeds].gather(1, some.argsort(dim=1)[:, : GROUP - 1])
        hard = torch.cat([seeds, near.flatten()]).unique()
        rest = order[~torch.isin(order, hard)]
        return torch.cat([hard, rest])[:count]

    def mine(self) -> None:
        """Find the nearest pictures of each by what stands for them."""
        with torch.no_grad():
            unit = functional.normalize(self.centres, dim=1)
            most = min(NEIGHBOURS + 1, len(unit))
            self.near = (unit @ unit.T).topk(most, dim=1).indices[:, 1:]

    def loss(self, rows: Tensor) -> Tensor:
        """The loss of some fresh prints of each picture."""
        shown, hints, of = [], [], []
        for severity in self._severities.uniform(*SEVERITIES, self.plan.prints).tolist():
            order = rows[torch.randperm(len(rows), device=self.draw.device, generator=self.draw)]
            pixels, quality = self.prints(order, severity)
            shown.append(pixels)
            hints.append(quality)
            of.append(order)
        picture = torch.cat(of)
        image = functional.normalize(self.model.image_head(self.features(torch.cat(shown))), dim=1)
        caption, said = self._captions(picture)
        has_text = caption >= 0
        text = self.model.text(self.store.vectors[caption.clamp(min=0)])
        return self._of_vectors(picture, image, text, has_text, said, torch.cat(hints))

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(shape, device=self.draw.device, generator=self.draw)

    def _captions(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """A form of the caption of each print, at times of another one's, and whose it is; -1 for none."""
        n = len(picture)
        wrong = (self._uniform(n) * len(self.store.pictures)).long()
        speaker = torch.where(self._uniform(n) < WRONG, wrong, picture)
        form = (self._uniform(n) * self.store.captions.shape[1]).long()
        return self.store.captions[speaker, form], self.store.said[speaker]

    def _of_vectors(
        self, picture: Tensor, image: Tensor, text: Tensor, has_text: Tensor, said: Tensor, hints: Tensor
    ) -> Tensor:
        lot = self._uniform(len(picture))
        keeps_image = (lot > NO_PICTURE) | ~has_text
        keeps_text = has_text & ((lot < 1 - NO_TEXT) | ~keeps_image)
        unknown = torch.full_like(hints[:, :1], float("nan"))
        fused = self.model.fuse(image, text, keeps_image, keeps_text, torch.cat([unknown, hints], dim=1))
        shared = (keeps_image[:, None] & keeps_image) | (keeps_text[:, None] & keeps_text)
        some = has_text.nonzero()[:, 0]
        total = contrast(image, picture) + spreading(image, picture) * SPREADING
        total = total + self._against_centres(image, picture) + contrast(fused, picture, shared)
        return total + 0.5 * contrast(text[some], said[some])

    def _against_centres(self, image: Tensor, picture: Tensor) -> Tensor:
        """Cross-entropy among what stands for all pictures, with a margin (H. Wang et al. 2018)."""
        cosines = image @ functional.normalize(self.centres, dim=1).T
        own = functional.one_hot(picture, cosines.shape[1]).to(cosines.dtype)
        return 0.5 * functional.cross_entropy(SCALE * (cosines - MARGIN * own), picture)

    def learn(self, watch: Callable[[float], None] | None = None) -> int:
        """Train until the time is over; `watch` is called at some shares of it.

        Returns:
            The number of steps.
        """
        self.model.train()
        self.model.backbone.train()  # prints are far from the statistics of ImageNet
        heads = [*self.model.image_head.parameters(), *self.model.text_head.parameters(),
                 *self.model.fuse.parameters()]  # fmt: skip
        groups = [
            {"params": list(self.model.backbone.parameters()), "top": LEARNING_RATE, "weight_decay": DECAY},
            {"params": heads, "top": HEADS, "weight_decay": DECAY},
            {"params": [self.centres], "top": CENTRES, "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98))
        self.loss(self.drawn(0)).backward()  # compiles before the clock starts
        optimizer.zero_grad(set_to_none=True)
        began, steps, mean, seen = time.perf_counter(), 0, 0.0, 0
        while (share := (time.perf_counter() - began) / self.plan.seconds) < 1:
            for group in optimizer.param_groups:
                group["lr"] = group["top"] * _rate(share)
            if steps % 50 == 0:
                self.mine()
            loss = self.loss(self.drawn(share))
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            steps += 1
            if steps % 100 == 0:
                mean = float(loss.detach())
                say(f"{share:.3f}: step {steps}, loss {mean:.3f}", note=True)
            if watch is not None and share * 4 > seen + 1:
                seen += 1
                watch(share)
                self.model.train()
                self.model.backbone.train()
        return steps


def contrast(vectors: Tensor, entity: Tensor, comparable: Tensor | None = None) -> Tensor:
    """Supervised contrastive loss; positives that are not `comparable`, (n, n), are left out."""
    itself = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    same = entity[:, None] == entity[None, :]
    out = itself if comparable is None else itself | (same & ~comparable)
    score = (vectors @ vectors.T / TEMPERATURE).masked_fill(out, -1e4)
    term = score.logsumexp(dim=1, keepdim=True) - score
    positive = same & ~out
    count = positive.sum(dim=1)
    each = (term * positive).sum(dim=1) / count.clamp(min=1)
    return each.sum() / (count > 0).sum().clamp(min=1)


def spreading(vectors: Tensor, entity: Tensor) -> Tensor:
    """Minus the logarithm of the distance to the nearest vector of another picture.

    Cosines become comparable between regions, so that one cut fits all (E. Pizzi et al. 2022, arXiv
    2202.10261).
    """
    cosines = vectors @ vectors.T
    cosines = cosines.masked_fill(entity[:, None] == entity[None, :], -2.0)
    nearest = cosines.amax(dim=1)
    return -((2 - 2 * nearest).clamp(min=1e-4).log() / 2).mean()


def _rate(share: float) -> float:
    if share < WARMUP:
        return share / WARMUP
    return 0.5 * (1 + math.cos(math.pi * (share - WARMUP) / (1 - WARMUP)))
