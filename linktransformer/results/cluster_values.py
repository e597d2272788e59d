"""The values of clusters, without the methods that explain, show or evaluate them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from linktransformer.arrays import Floats, Integers
from linktransformer.decision.job_evidence import JobEvidence
from linktransformer.results.agglomerate import Apart
from linktransformer.tables.frames import Table

if TYPE_CHECKING:
    from clippings.pictures.read import Picture

__all__ = ["ClusterValues"]


@dataclass(frozen=True, slots=True, eq=False)
class ClusterValues:
    """The fields of `linktransformer.Clusters`, which describes them."""

    table: Table
    label: Integers
    length: Integers
    left_rows: Integers
    right_rows: Integers
    score: Floats
    cosine: Floats
    next_score: Floats
    next_cluster: Integers
    details: Mapping[str, Any]
    pictures: Sequence[Picture] | None = None
    evidence: JobEvidence | None = None
    apart: Apart | None = None

    def __len__(self) -> int:
        return int(self.label.max(initial=-1)) + 1

    @property
    def sizes(self) -> Integers:
        """How many rows each cluster has, (n_clusters,) int64."""
        return np.bincount(self.label, minlength=len(self))
