"""What a model of photographs makes of prints whose source pictures are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from clippings.arrays import Bools, Floats, Integers
from clippings.records.photo_inputs import normalised
from clippings.records.photo_model import PhotoModel
from linktransformer.metrics import score_clusters
from tools.recipes.photos.packing import Texts

BATCH, CUTS = 256, 60


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Unit rows of prints, (n, d) each: by picture, by caption and by both."""

    image: Floats
    text: Floats
    fused: Floats

    def some(self, rows: Bools) -> Encoded:
        """Those of some rows."""
        return Encoded(self.image[rows], self.text[rows], self.fused[rows])


@torch.no_grad()
def encode(model: PhotoModel, squares: np.ndarray, quality: Floats, texts: Texts | None = None) -> Encoded:
    """The vectors of prepared prints (n, side, side, 3), with hints (n, 2) and captions."""
    model.eval()
    device = model.scale.device
    parts = []
    for start in range(0, len(squares), BATCH):
        batch = torch.from_numpy(normalised(squares[start : start + BATCH])).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            features = model.features(batch)
        parts.append(functional.normalize(model.image_head(features.float()), dim=1))
    image = torch.cat(parts)
    place = np.full(len(squares), -1) if texts is None else texts.of_source[:, 0]
    spoken = torch.from_numpy(place >= 0).to(device)
    vectors = np.zeros((1, model.config.text_dim), np.float32) if texts is None else texts.vectors
    text = model.text(torch.from_numpy(vectors[np.maximum(place, 0)]).to(device)) * spoken[:, None]
    hints = torch.from_numpy(
        np.concatenate([np.full((len(quality), 1), np.nan, np.float32), quality], axis=1)
    )
    fused = model.fuse(image, text, torch.ones_like(spoken), spoken, hints.to(device))
    return Encoded(image.cpu().numpy(), text.cpu().numpy(), fused.cpu().numpy())


def scores(found: Encoded, source: Integers) -> dict[str, float]:
    """By kind: the share whose nearest print shows their picture, and the best adjusted Rand index."""
    values: dict[str, float] = {}
    for kind, rows in (("image", found.image), ("text", found.text), ("fused", found.fused)):
        cosines = rows @ rows.T
        values[f"{kind} ARI"] = round(best_index(cosines, source), 4)
        np.fill_diagonal(cosines, -2)
        values[f"{kind} top1"] = round(float((source[cosines.argmax(axis=1)] == source).mean()), 4)
    return values


def best_index(cosines: Floats, source: Integers) -> float:
    """The adjusted Rand index of average linkage at its best cut."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    distance = np.clip(1 - (cosines + cosines.T) / 2, 0, None).astype(np.float64)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average")
    cuts = np.unique(np.quantile(tree[:, 2], np.linspace(0, 1, CUTS)))
    truth = source.tolist()
    return max(float(score_clusters(truth, fcluster(tree, cut, "distance").tolist()).ari) for cut in cuts)
