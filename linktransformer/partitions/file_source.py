"""Two files as a source of candidates: searched partition by partition, decided together."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.arrays import Floats
from linktransformer.decision.equal_texts import raised
from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Decision, decision
from linktransformer.encoding import cached_encoder
from linktransformer.partitions.file_job import FileJob, Partition
from linktransformer.partitions.file_statistics import statistics_of
from linktransformer.partitions.file_survey import Counted, Survey, count, survey
from linktransformer.partitions.partition_features import log_odds_of
from linktransformer.partitions.partition_search import search_partition
from linktransformer.results.report import ABSENT, Absent, PairsReport
from linktransformer.scoring import fellegi_sunter
from linktransformer.scoring.fellegi_sunter import Tables
from linktransformer.search.blocking import Nodes
from linktransformer.search.candidate_search import Candidates

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
    """

    candidates: Candidates
    log_odds: Floats
    offset: Floats
    same: NDArray[np.int8]
    tables: Tables
    views_left_out: Mapping[str, str] | Absent = ABSENT


@dataclass(frozen=True, eq=False)
class FileSource:
    """Two files with their records numbered as nodes; the texts of the nodes are not there."""

    files: FileJob
    counted: Counted
    nodes: tuple[Nodes, Nodes]

    @cached_property
    def survey(self) -> Survey:
        """Samples, and how the key column is compared: before the search."""
        return survey(self.files, self.counted)

    @property
    def _model(self) -> Decision:
        return decision().corrected_by(self.files.plan.correction, [self.survey.column.name])

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
            expected_overlap=self.files.job.expected_overlap,
            offset=pairs.offset,
        )
        return raised(Fused(candidates, decided.probability, decided), pairs.same)

    def refined(self, pairs: FilePairs, fused: Fused) -> tuple[FilePairs, Fused]:
        """The pairs with the model's view, where it was on trial and n-grams leave much open."""
        if not self._on_trial:
            return pairs, fused
        share = _settled(fused, self.files.job.validate)
        if share >= SETTLED:
            why = f"a match of {share:.2f} of the records is expected without it ({SETTLED} is enough)"
            return replace(pairs, views_left_out={"dense": f"left out: {why}"}), fused
        pairs = self._pairs(self.files)
        return pairs, self.probabilities(pairs)

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
        column = self.survey.column
        return replace(
            report,
            views_left_out=pairs.views_left_out,
            model_reads="all columns" if "dense" in fused.candidates.views else ABSENT,
            key_column=column.name if column.names else None,
            comparisons={column.name: column.statistics.comparison.kind},
            match_weights=fellegi_sunter.shown([column.name], pairs.tables),
        )

    def _search_report(self, n_candidates: int) -> dict[str, object]:
        partitions, job = self.files.partitions, self.files.job
        report: dict[str, object] = {
            "k": int(job.k),
            "pieces": partitions.n,
            "rows_of_largest_piece": partitions.largest,
        }
        if job.block_on is not None:
            report |= {"blocks": partitions.n_blocks, "blocks_without_partner": partitions.n_unshared}
        return report | {"candidates": n_candidates}

    def _pairs(self, files: FileJob) -> FilePairs:
        """Search every partition, then describe the nearest pairs of each."""
        seen, sizes, model = self.survey, self.counted.sizes, self._model
        searched = [search_partition(files, seen, partition) for partition in _read_ahead(files)]
        statistics = statistics_of(files, seen, searched)
        n_candidates = sum(part.n_candidates for part in searched)
        searched.clear()
        parts: list[tuple[NDArray[np.generic], ...]] = []
        with progress.stage("describe", files.partitions.n) as tick:
            for number in range(files.partitions.n):
                log_odds, offset = log_odds_of(files, seen, statistics, number, model)
                stored = files.stored(number)
                at = stored.integers("at")
                left, right = self.counted.of_pairs(stored)
                views = [np.clip(stored.floats(f"view {name}")[at], -1, 1) for name in files.views]
                parts.append((left * max(1, sizes[1]) + right, left, right, log_odds, offset,
                              stored.array("same"), *views))  # fmt: skip
                tick(1)
        code, *columns = (np.concatenate(column) for column in zip(*parts, strict=True))
        parts.clear()
        order = np.argsort(code)
        left, right, log_odds, offset, same, *views = (column[order] for column in columns)
        by_view = dict(zip(files.views, views, strict=True))
        candidates = Candidates(left, right, by_view, *sizes, self._search_report(n_candidates))
        return FilePairs(candidates, log_odds, offset, same, statistics.job.tables)


def file_source(files: FileJob) -> FileSource:
    """Count the records of both files, and number them as if each file had been read at once."""
    counted = count(files)
    return FileSource(files, counted, (_nodes(files, counted, 0), _nodes(files, counted, 1)))


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


def _read_ahead(files: FileJob) -> Iterator[Partition]:
    """The partitions one by one; the next one is read and encoded while the one before it is searched."""
    n = files.partitions.n
    with ThreadPoolExecutor(1) as pool, progress.stage("pieces", n) as tick:
        coming = [pool.submit(copy_context().run, files.read, number) for number in range(n)[:1]]
        for number in range(n):
            partition = coming.pop().result()
            if number + 1 < n:
                coming.append(pool.submit(copy_context().run, files.read, number + 1))
            yield partition
            for vectors in files.partitions.folder.glob(f"vectors-{number}-*.npy"):
                with contextlib.suppress(OSError):  # where it is still mapped, on Windows
                    vectors.unlink()
            tick(1)


def _nodes(files: FileJob, counted: Counted, side: int) -> Nodes:
    """All records of a side, without their texts."""
    total = counted.sizes[side]
    block = np.zeros(total, dtype=np.int64)
    of_row = np.full(files.partitions.tables[side].n_rows, -1, dtype=np.int64)
    for number, numbers in enumerate(counted.numbers[side]):
        stored = files.stored(number)
        block[numbers] = stored.integers(f"block {side}")
        of_row[stored.integers(f"row {side}")] = numbers[stored.integers(f"node {side}")]
    return Nodes(np.broadcast_to(np.int64(0), total), block, of_row)
