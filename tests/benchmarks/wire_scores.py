"""How well similarities tell which clippings show one picture: clusters, and links with no-match."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clippings.record_training.evaluation import best_cutoff, no_match
from clippings.training.evaluation import Nearest
from linktransformer.metrics import score_clusters

Matrix = npt.NDArray[np.float32]
STEPS = 80  # thresholds that are tried on valid
UNMATCHED = 0.2  # share of the source pictures whose other clippings are taken out of the corpus


@dataclass(frozen=True, slots=True)
class Chosen:
    """What valid chose: the distance at which clusters are cut, and the cutoff of links."""

    cut: float
    cutoff: float


def tree(similarity: Matrix) -> npt.NDArray[np.float64]:
    """Average linkage of clippings by 1 - similarity, (n, n)."""
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distance = 1 - similarity.astype(np.float64)
    distance = np.clip((distance + distance.T) / 2, 0, None)
    np.fill_diagonal(distance, 0)
    return np.asarray(linkage(squareform(distance, checks=False), "average"))


def clusters(linked: npt.NDArray[np.float64], cut: float) -> npt.NDArray[np.int64]:
    """The clusters below a distance."""
    from scipy.cluster.hierarchy import fcluster

    return np.asarray(fcluster(linked, cut, "distance"), np.int64)


def nearest(similarity: Matrix, source: npt.NDArray[np.int64], seed: int = 0) -> Nearest:
    """The first clipping of each picture linked to the others; those of some pictures are taken out."""
    first = np.unique(source, return_index=True)[1]
    out = np.random.default_rng(seed).random(len(first)) < UNMATCHED
    corpus = np.setdiff1d(np.arange(len(source)), first)
    corpus = corpus[~np.isin(source[corpus], source[first[out]])]
    score = similarity[np.ix_(first, corpus)]
    best = score.argmax(axis=1)
    has = np.isin(source[first], source[corpus])
    value = score[np.arange(len(first)), best]
    right = (source[corpus][best] == source[first]) & has & (value > 0)
    return Nearest(value, right, has)


def chosen(similarity: Matrix, source: npt.NDArray[np.int64]) -> Chosen:
    """The cut with the best adjusted Rand index, and the cutoff with most clippings treated rightly."""
    linked, truth = tree(similarity), source.tolist()
    cuts = np.unique(np.quantile(linked[:, 2], np.linspace(0, 1, STEPS)))
    cuts = np.concatenate([[0.0], (cuts[1:] + cuts[:-1]) / 2, cuts[-1:] + 1e-6])
    scores = [score_clusters(truth, clusters(linked, cut).tolist()).ari for cut in cuts]
    return Chosen(float(cuts[int(np.argmax(scores))]), best_cutoff(nearest(similarity, source)))


def measured(similarity: Matrix, source: npt.NDArray[np.int64], by: Chosen) -> Mapping[str, float]:
    """Adjusted Rand index, pairwise F1, hit@1 of those with a counterpart, share treated rightly."""
    found = nearest(similarity, source)
    return {
        **of_clusters(clusters(tree(similarity), by.cut), source),
        "hit@1": float(found.correct[found.has].mean()) if found.has.any() else float("nan"),
        "treated rightly": no_match(found, by.cutoff),
    }


def of_clusters(labels: npt.NDArray[np.int64], source: npt.NDArray[np.int64]) -> dict[str, float]:
    """Adjusted Rand index and pairwise F1 of clusters."""
    scores = score_clusters(source.tolist(), labels.tolist())
    return {"ARI": scores.ari, "pairwise F1": scores.f1}
