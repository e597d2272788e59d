"""The shipped decision: pair features to match probabilities, calibrated in the job."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Bools, Doubles, Floats, Integers
from linktransformer.decision.context import FLOOR, Context, JobContext, in_context, job_context
from linktransformer.decision.correction import Correction
from linktransformer.decision.trees import Trees, read_trees
from linktransformer.errors import ModelError
from linktransformer.parallel import chunks, mapped
from linktransformer.scoring.features import PairFeatures
from linktransformer.scoring.ranks import Places, places
from linktransformer.scoring.rivals import places_among_others

__all__ = ["Decision", "Probabilities", "decision", "ranked", "read_decision"]

SHIPPED = Path(__file__).with_name("decision.npz")
OF_PICTURES = Path(__file__).with_name("pictures.npz")
VARIABLE = "LINKTRANSFORMER_DECISION"  # another file, for those who measure families left out
STEP = 2**14  # pairs at a time; it changes the memory, not the result
SUREST = 10.0  # log-odds up to which float32 tells probabilities apart that differ by .05 in log-odds


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """Match probabilities of pairs.

    Args:
        at: Positions among the candidates that were searched, rising, (n,) int64.
        log_odds: Calibrated log-odds of a match, (n,) float32.
        uncertainty: The standard deviation of the error that the log-odds of all pairs have in common.
        caution: Subtracted from the log-odds where a precision is asked for.
        equal: Which pairs are of equal texts, (n,) bool; None where it is not known.
        shift: The addition of the expected overlap to the log-odds of all pairs.
    """

    at: Integers
    log_odds: Floats
    uncertainty: float = 0.0
    caution: float = 0.0
    equal: Bools | None = None
    shift: float = 0.0

    @property
    def probability(self) -> Floats:
        """The match probabilities, (n,) float32."""
        return sigmoid(self.log_odds)


def sigmoid(log_odds: Floats | Doubles) -> Floats:
    """Probabilities of log-odds, below 1 in float32."""
    p = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -SUREST, SUREST)))
    return p.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Two sums of trees: of a pair by its own features, and of a pair in its job.

    Args:
        pair: From pair features to log-odds.
        job: From `context.context` to log-odds.
        uncertainty: As of `Probabilities`, trained.
        caution: As of `Probabilities`, trained.
        correction: Learned from labels, for the key columns of the job; None without labels.
    """

    pair: Trees
    job: Trees
    uncertainty: float = 1.0
    caution: float = 0.0
    correction: Correction | None = None

    def corrected_by(self, correction: Correction | None, columns: Sequence[str]) -> Decision:
        """The decision with a correction, where it fits these (left) key columns."""
        return self.corrected(None if correction is None else correction.on_columns(columns))

    def corrected(self, correction: Correction | None) -> Decision:
        """The decision with a correction of `Correction.on_columns`."""
        if correction is None:
            return self
        uncertainty = min(self.uncertainty, correction.uncertainty)
        caution = self.caution * uncertainty / max(self.uncertainty, 1e-9)
        return replace(self, uncertainty=uncertainty, caution=caution, correction=correction)

    def log_odds(self, seen: Context, names: Sequence[str], values: Floats, bits: Floats) -> Floats:
        """Log-odds of pairs in their job, (n_pairs,) float32.

        Args:
            seen: Features of the pairs in the job.
            names: Of the pair features.
            values: (n_pairs, n_features) float32.
            bits: The match weight of each column, (n_pairs, n_columns) float32.
        """
        return self.of_context(seen, self.offset(names, values, bits))

    def of_context(self, seen: Context, offset: Floats | None = None) -> Floats:
        """Log-odds of pairs in their job, (n_pairs,) float32, with the offset of a correction."""
        return self._corrected(self.job.predict(seen.values, seen.names), offset)

    def _corrected(self, log_odds: Floats, offset: Floats | None) -> Floats:
        if self.correction is None or offset is None:
            return log_odds
        return self.correction.corrected(log_odds, offset)

    def own_log_odds(self, features: PairFeatures) -> tuple[Floats, Floats | None]:
        """Log-odds of pairs by their own features and the offset of a correction, (n_pairs,) float32."""
        own = np.zeros(len(features.at), dtype=np.float32)
        offset = None if self.correction is None else np.zeros(len(features.at), dtype=np.float32)
        names = features.names
        with progress.stage("features", len(own)) as tick:

            def judge(part: slice) -> int:
                values = features.of_part(part)
                own[part] = self.pair.predict(values, names)
                if self.correction is not None and offset is not None:
                    offset[part] = self.correction.offset(names, values, features.weights.bits[part])
                return len(values)

            for n_done in mapped(judge, features.parts()):
                tick(n_done)
        return own, offset

    def offset(self, names: Sequence[str], values: Floats, bits: Floats) -> Floats | None:
        """`Correction.offset` of pairs; None without a correction."""
        return None if self.correction is None else self.correction.offset(names, values, bits)

    def in_job(
        self,
        own: Floats,
        at: Integers,
        left: Integers,
        right: Integers,
        sizes: tuple[int, int],
        *,
        same: bool = False,
        expected_overlap: float | None = None,
        offset: Floats | None = None,
        entity: Integers | None = None,
    ) -> Probabilities:
        """Calibrate the log-odds of all pairs of a job.

        Args:
            own: Of each pair by its own features, (n_pairs,) float32.
            at: As of `Probabilities`.
            left: Left record of each pair, (n_pairs,) int64.
            right: Right record.
            sizes: Records of the left and of the right table.
            same: Both sides are one table.
            expected_overlap: The share of left records that the user expects to match, None for unknown.
            offset: From `offset`.
            entity: As of `ranked`.
        """
        with progress.stage("decision", len(own)) as tick:
            ranks, job = ranked(own, left, right, sizes, same=same, entity=entity)
            log_odds = np.zeros(len(own), dtype=np.float32)

            def judge(part: slice) -> int:
                seen = in_context(own[part], ranks.some(part), job)
                log_odds[part] = self.job.predict(seen.values, seen.names)
                return len(seen.values)

            for n_done in mapped(judge, chunks(len(own), STEP)):  # features take hundreds of bytes a pair
                tick(n_done)
        log_odds = self._corrected(log_odds, offset)
        uncertainty, shift = self.uncertainty, 0.0
        if expected_overlap is not None and len(log_odds):
            shift = _shift(log_odds, left, sizes[0], float(expected_overlap), uncertainty)
            uncertainty = min(uncertainty, np.log(2))
        caution = self.caution * (1.0 if expected_overlap is None else 0.5)
        return Probabilities(at, log_odds + np.float32(shift), uncertainty, caution, shift=shift)

    def of_pairs(self, log_odds: Floats, equal: Bools) -> Probabilities:
        """The probabilities of pairs with these log-odds in their job, of which some have equal texts."""
        return Probabilities(np.arange(len(log_odds)), log_odds, self.uncertainty, self.caution, equal)


def ranked(
    own: Floats,
    left: Integers,
    right: Integers,
    sizes: tuple[int, int],
    *,
    same: bool = False,
    entity: Integers | None = None,
) -> tuple[Places, JobContext]:
    """The ranks and gaps of pairs by their log-odds, and how the log-odds of the job are distributed.

    `entity` has a number for each record of one table, equal for records that are taken as one entity: other
    records of the entity are no rivals of such a pair. Other arguments as of `Decision.in_job`.
    """
    ranks = places(left, right, own, FLOOR, same=same)
    if entity is not None:
        inside = np.flatnonzero(entity[left] == entity[right])
        others = places_among_others(left, right, {"own": (own, FLOOR)}, entity, inside)
        ranks = ranks.replaced(inside, others["own"])
    return ranks, job_context(own, left, right, ranks, sizes, same=same)


def _shift(log_odds: Floats, left: Integers, n_left: int, expected: float, spread: float) -> float:
    """The most probable shift of all log-odds, given the expected share of left records that have a match.

    The common error of the log-odds has the standard deviation `spread`, the logarithm of the user's share
    one of log 2.
    """
    order = np.lexsort((-log_odds, left))
    best = log_odds[order[np.flatnonzero(np.diff(left[order], prepend=-1))]].astype(np.float64)
    shifts = np.linspace(-8, 8, 321)
    count = (1 / (1 + np.exp(-(best[:, None] + shifts[None])))).sum(axis=0)
    share = np.log(np.maximum(count / max(1, n_left), 1e-6))
    expected_share = np.log(min(max(expected, 0.5 / max(1, n_left)), 1.0))
    cost = (shifts / max(spread, 1e-3)) ** 2 + ((share - expected_share) / np.log(2)) ** 2
    return float(shifts[int(cost.argmin())])


def decision(*, pictures: bool = False) -> Decision:
    """The shipped decision, for texts or for rows with pictures, or the file that the environment names.

    The one for pictures was fitted on texts that were misread or are missing, and on vectors of print.
    """
    shipped = OF_PICTURES if pictures else SHIPPED
    return read_decision(os.environ.get(VARIABLE) or str(shipped))


@lru_cache(maxsize=4)
def read_decision(path: str) -> Decision:
    """Read a decision from a file of arrays, without pickle; .pair.onnx and .job.onnx beside it are run.

    Raises:
        ModelError: The file is missing or is not a decision.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            graphs = [Path(path).with_suffix(f".{part}.onnx") for part in ("pair", "job")]
            pair, job = (
                read_trees(arrays, f"{part} ", graph if graph.exists() else None)
                for part, graph in zip(("pair", "job"), graphs, strict=True)
            )
            numbers = dict(zip(arrays["numbers"].tolist(), arrays["number values"].tolist(), strict=True))
            return Decision(pair, job, numbers.get("uncertainty", 1.0), numbers.get("caution", 0.0))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The decision cannot be read. Given: {path} ({error}). Install the package again."
        ) from error
