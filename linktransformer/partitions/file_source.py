"""Two files as a source of candidates: searched partition by partition, decided together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.arrays import Floats
from linktransformer.decision.equal_texts import raised
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision
from linktransformer.encoding import cached_encoder
from linktransformer.engines.engine import Engine
from linktransformer.engines.local_engine import LocalEngine
from linktransformer.linking.options import ReaderUse
from linktransformer.linking.reread import reread
from linktransformer.partitions.file_cells import FileCells
from linktransformer.partitions.file_job import FileJob
from linktransformer.partitions.file_statistics import statistics_of
from linktransformer.partitions.file_survey import Counted, Survey, count, survey
from linktransformer.partitions.naming import may_name, naming_of
from linktransformer.partitions.partition_features import described
from linktransformer.partitions.partition_search import searched
from linktransformer.results.report import ABSENT, Absent, PairsReport
from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

C = TypeVar("C")
R = TypeVar("R")

__all__ = ["FilePairs", "FileSource", "file_source"]

# A model that nobody named is run on all rows or on none: `linking.selective_encoding` chooses records by
# similarities, ranks and texts of all of them at once, which a partition does not hold.
TRIAL_FROM = 4000  # texts: below, the model is always run
SETTLED = 0.9  # of the records are expected to have their match as best candidate: the model is not run


@dataclass(frozen=True, slots=True, eq=False)
class FilePairs:
    """The described pairs of all partitions, sorted by left and right record.

    Args:
        candidates: The pairs, numbered as if the files had been read as one.
        log_odds: Of a match, by a pair's own features, (n_pairs,) float32.
        offset: What a correction adds in the job, (n_pairs,) float32.
        same: How equal the texts are, as `equal_texts.alike` has it, (n_pairs,) int8.
        tables: The match weights of the key column.
        views_left_out: Why the model was not run.
        read: Which pairs were read.
    """

    candidates: Candidates
    log_odds: Floats
    offset: Floats
    same: NDArray[np.int8]
    tables: Tables
    views_left_out: Mapping[str, str] | Absent = ABSENT
    read: Mapping[str, object] | Absent = ABSENT


@dataclass(frozen=True, eq=False)
class FileSource:
    """Two files with their records numbered as nodes; the texts of the nodes are on disk.

    `reader` reads pairs in doubt in this process, whatever the engine.
    """

    files: FileJob
    counted: Counted
    nodes: tuple[Nodes, Nodes]
    engine: Engine = field(default_factory=LocalEngine)
    reader: ReaderUse = False

    @cached_property
    def survey(self) -> Survey:
        """Samples, and how the key column is compared: before the search."""
        return survey(self.files, self.counted)

    @property
    def _model(self) -> Decision:
        names = [column.name for column in self.survey.columns]
        return decision().corrected_by(self.files.plan.correction, names)

    @property
    def _on_trial(self) -> bool:
        """Whether n-grams are tried before the model is run."""
        plan, n_texts = self.files.plan, self.files.partitions.counts.n_texts
        return plan.encoder is not None and not plan.chosen and n_texts >= TRIAL_FROM

    def candidates(self) -> FilePairs:
        """Search and describe pairs, without the model where it is on trial.

        All partitions are read twice: for the search, from which come the statistics that are the same for
        all pairs; and for the features of the pairs, which need these.
        """
        files = self.files
        return self._pairs(
            replace(files, plan=replace(files.plan, encoder=None)) if self._on_trial else files
        )

    def probabilities(self, pairs: FilePairs) -> Fused:
        """Match probabilities of the pairs of all partitions together."""
        candidates = pairs.candidates
        decided = self._model.in_job(
            pairs.log_odds,
            np.arange(len(candidates)),
            candidates.left,
            candidates.right,
            self.counted.sizes,
            same=self.files.partitions.same,
            expected_overlap=self.files.job.expected_overlap,
            offset=pairs.offset,
        )
        fused = Fused(candidates, decided.probability, decided)
        return raised(fused, pairs.same, one_table=self.files.partitions.same)

    def refined(self, pairs: FilePairs, fused: Fused) -> tuple[FilePairs, Fused]:
        """The pairs with the model's view where n-grams leave much open, and with what a reader adds."""
        return self._read(*self._with_model(pairs, fused))

    def _with_model(self, pairs: FilePairs, fused: Fused) -> tuple[FilePairs, Fused]:
        """The pairs with the model's view, where it was on trial and n-grams leave much open."""
        if not self._on_trial:
            return pairs, fused
        share = _settled(fused, self.files.job.validate)
        if share >= SETTLED:
            why = f"a match of {share:.2f} of the records is expected without it ({SETTLED} is enough)"
            return replace(pairs, views_left_out={"dense": f"left out: {why}"}), fused
        pairs = self._pairs(self.files)
        return pairs, self.probabilities(pairs)

    def _read(self, pairs: FilePairs, fused: Fused) -> tuple[FilePairs, Fused]:
        """The pairs with what a reader adds to those in doubt."""
        if self.reader is False:
            return pairs, fused
        cells, folder = FileCells(self.files, self.counted), self.files.plan.reader
        own, read = reread(pairs.log_odds, fused, cells, self.reader, folder=folder)
        pairs = replace(pairs, log_odds=own, read=read)
        return pairs, fused if not read.get("pairs_read") else self.probabilities(pairs)

    def report(self, pairs: FilePairs | None, fused: Fused) -> PairsReport:
        """How pairs were found and compared."""
        plan, partitions = self.files.plan, self.files.partitions
        report = PairsReport(
            model=plan.name,
            rows_cut=partitions.rows_cut,
            search=self._search_report(0) if pairs is None else dict(fused.candidates.report),
            **cached_encoder.of_report(plan.encoder),
        )
        if pairs is None:
            return report
        columns, key = self.survey.columns, self._key
        reads = "all columns" if key is None or not plan.reads_key_column else "the key column"
        if not partitions.several:
            reads = "all columns"
        return replace(
            report,
            views_left_out=pairs.views_left_out,
            read=pairs.read,
            model_reads=reads if "dense" in fused.candidates.views else ABSENT,
            key_column=key,
            comparisons={column.name: column.statistics.comparison.kind for column in columns},
            match_weights=fellegi_sunter.shown([column.name for column in columns], pairs.tables),
        )

    @property
    def _key(self) -> str | None:
        """The name of the column that names the records."""
        partitions, naming = self.files.partitions, self.files.naming
        if naming is None:
            return partitions.on[0][0] if may_name(partitions, 0, self.counted.sizes) else None
        return None if naming.key is None else self.survey.columns[naming.key].name

    def _search_report(self, n_candidates: int) -> dict[str, object]:
        partitions, job = self.files.partitions, self.files.job
        report: dict[str, object] = {
            "k": int(job.k),
            "pieces": partitions.n,
            "rows_of_largest_piece": partitions.largest,
        }
        if job.block_on is not None:
            report |= {"blocks": partitions.n_blocks, "blocks_without_partner": partitions.n_unshared}
        skipped = [text for table in partitions.tables for text in table.skipped]
        if skipped:
            report["files_left_out"] = skipped
        return report | {"candidates": n_candidates}

    def _pairs(self, files: FileJob) -> FilePairs:
        """Search every partition, then describe the nearest pairs of each."""
        seen, sizes = self.survey, self.counted.sizes
        found = self._of_pieces("pieces", searched, (files, seen))
        statistics = statistics_of(files, seen, found)
        n_candidates = sum(part.n_candidates for part in found)
        found.clear()
        self._of_pieces("describe", described, (files, seen, statistics))
        parts: list[tuple[NDArray[np.generic], ...]] = []
        for number in range(files.partitions.n):
            stored, odds = files.stored(number), files.stored(number, "describe").result() or {}
            at = stored.integers("at")
            left, right = self.counted.of_pairs(stored)
            views = [np.clip(stored.floats(f"view {name}")[at], -1, 1) for name in files.views]
            code = left * max(1, sizes[1]) + right
            parts.append((code, left, right, odds["log_odds"], odds["offset"], stored.array("same"), *views))
        code, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        parts.clear()
        order = np.argsort(code)
        left, right, log_odds, offset, same, *views = (column[order] for column in columns)
        by_view = dict(zip(files.views, views, strict=True))
        candidates = Candidates(left, right, by_view, *sizes, self._search_report(n_candidates))
        return FilePairs(candidates, log_odds, offset, same, statistics.job.tables)

    def _of_pieces(self, name: str, function: Callable[[C, int], R], context: C) -> list[R]:
        """A stage of all pieces, on the engine."""
        n, results = self.files.partitions.n, []
        with progress.stage(name, n) as tick:
            for result in self.engine.map(function, context, range(n)):
                results.append(result)
                tick(1)
        return results


def file_source(files: FileJob, engine: Engine | None = None, reader: ReaderUse = False) -> FileSource:
    """Count the records of both files, and number them as if each file had been read at once."""
    counted = count(files)
    if files.partitions.several:
        files = replace(files, naming=naming_of(files.partitions, counted.values, counted.sizes))
    left = _nodes(files, counted, 0)
    right = left if files.partitions.same else _nodes(files, counted, 1)
    return FileSource(files, counted, (left, right), engine or LocalEngine(), reader)


def _settled(fused: Fused, validate: str) -> float:
    """The expected share of records whose best candidate is a match, on the side that is to be linked."""
    candidates = fused.candidates
    sides = [(candidates.left, candidates.n_left), (candidates.right, candidates.n_right)]
    shares = []
    for group, n in sides[:1] if validate == "m:1" else sides[1:] if validate == "1:m" else sides:
        best = np.zeros(n, dtype=np.float32)
        np.maximum.at(best, group, fused.score)
        shares.append(float(best.mean()))
    return max(shares)


def _nodes(files: FileJob, counted: Counted, side: int) -> Nodes:
    """All records of a side, without their texts."""
    total = counted.sizes[side]
    block = np.zeros(total, dtype=np.int64)
    of_row = np.full(files.partitions.tables[side].n_rows, -1, dtype=np.int64)
    for number, numbers in enumerate(counted.numbers[side]):
        stored = files.stored(number, "count")
        block[numbers] = stored.integers(f"block {side}")
        of_row[stored.integers(f"row {side}")] = numbers[stored.integers(f"node {side}")]
    return Nodes(np.broadcast_to(np.int64(0), total), block, of_row)
