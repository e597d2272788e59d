"""How good clusters and candidates are: the public name of `linktransformer.results.metrics`."""

from linktransformer.results.metrics import ClusterScores, recall_at_k, score_clusters

__all__ = ["ClusterScores", "recall_at_k", "score_clusters"]
