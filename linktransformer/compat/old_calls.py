"""merge, cluster_rows and dedup_rows as `linktransformer` has them: calls of 0.1.18 are accepted too."""

from __future__ import annotations

from linktransformer.compat.old_arguments import accept_old, of_clusters, of_merge
from linktransformer.compat.old_clusters import old_cluster_rows, old_dedup_rows
from linktransformer.dedup import dedup
from linktransformer.linking import merge as linking

__all__ = ["cluster_rows", "dedup_rows", "merge"]

merge = accept_old(of_merge)(linking.merge)
cluster_rows = accept_old(of_clusters, old_cluster_rows)(dedup.cluster_rows)
dedup_rows = accept_old(of_clusters, old_dedup_rows)(dedup.dedup_rows)
for function in (merge, cluster_rows, dedup_rows):  # pickle finds a function by its module
    function.__module__ = __name__
