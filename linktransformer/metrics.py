"""The public name of `linktransformer.results.metrics`: scores of clusters and candidates."""

from linktransformer.results.metrics import ClusterScores, recall_at_k, score_clusters

__all__ = ["ClusterScores", "recall_at_k", "score_clusters"]
