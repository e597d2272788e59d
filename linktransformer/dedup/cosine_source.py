"""One table against itself by the cosine of one view: the distances of linktransformer 0.1.18."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from linktransformer.arrays import Floats
from linktransformer.decision.fused import BELOW_ONE, Fused
from linktransformer.encoding import cached_encoder, model_plan, truncation
from linktransformer.encoding.model_plan import Plan
from linktransformer.linking.compare_tables import TableRecords
from linktransformer.linking.options import Job
from linktransformer.results.report import PairsReport
from linktransformer.search import candidate_search, lexical
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates
from linktransformer.tables import records

__all__ = ["CosineSource"]


@dataclass(frozen=True, slots=True, eq=False)
class CosineSource:
    """The nearest neighbours of each node by n-grams, or by a model where there is one."""

    side: TableRecords
    nodes: tuple[Nodes, Nodes]
    plan: Plan
    job: Job

    @property
    def view(self) -> str:
        """The view whose cosine is the score."""
        return "lexical" if self.plan.encoder is None else "dense"

    def _written(self) -> list[str]:
        """The texts as the model reads them."""
        texts, plan = self.side.texts, self.plan
        if plan.serializer == plan.reading:
            return [str(text) for text in texts.texts.tolist()]
        return records.texts_of(texts, records.read(self.side.table, self.side.on, plan.serializer))

    def candidates(self) -> Candidates:
        """The k nearest neighbours of each node."""
        if self.plan.encoder is None:
            matrix: Floats | csr_matrix = lexical.fit(self.side.texts.texts.tolist(), []).left
        else:
            written = self._written()
            matrix = model_plan.embed(self.plan.encoder, written, batch_size=self.job.batch_size)
        return candidate_search.search(
            {self.view: (matrix, matrix)},
            *self.nodes,
            self.job.k,
            memory_limit=self.job.memory_limit,
            device=self.job.device,
            same=True,
        )

    def probabilities(self, pairs: Candidates) -> Fused:
        """Cosines in place of match probabilities."""
        return Fused(pairs, np.minimum(pairs.views[self.view], BELOW_ONE))

    def refined(self, pairs: Candidates, fused: Fused) -> tuple[Candidates, Fused]:
        """The pairs as they are."""
        return pairs, fused

    def report(self, pairs: Candidates | None, fused: Fused) -> PairsReport:
        """How neighbours were found."""
        report = PairsReport(model=self.plan.name, rows_cut=self.side.texts.n_cut)
        if pairs is None:
            return report
        use = cached_encoder.of_report(self.plan.encoder)
        if self.plan.encoder is not None:
            use |= truncation.of_model(self.plan.encoder, [self.side.texts], [self._written()])
        return replace(report, search=dict(pairs.report), **use)
