"""The shipped decision: pair features to match probabilities, calibrated in the job."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.context import FLOOR, Context, in_context, job_context
from linktransformer.decision.correction import Correction
from linktransformer.decision.trees import Trees, read_trees
from linktransformer.errors import ModelError
from linktransformer.scoring.features import PairFeatures
from linktransformer.scoring.ranks import places

__all__ = ["Decision", "Probabilities", "decision", "read_decision"]

SHIPPED = Path(__file__).with_name("decision.npz")
OF_PICTURES = Path(__file__).with_name("pictures.npz")
VARIABLE = "LINKTRANSFORMER_DECISION"  # another file, for those who measure families left out
STEP = 2**17  # pairs at a time; it changes the memory, not the result
SUREST = 10.0  # log-odds up to which float32 tells probabilities apart that differ by .05 in log-odds


@dataclass(frozen=True, slots=True, eq=False)
class Probabilities:
    """Match probabilities of pairs.

    Args:
        at: Which candidates, positions in those that were searched, rising, (n,) int64.
        log_odds: Calibrated log-odds of a match, (n,) float32.
        uncertainty: The standard deviation of what the log-odds of all pairs are off by together.
        caution: What is taken from the log-odds where a precision is asked for.
        equal: Which pairs are of equal texts, (n,) bool; None where it is not known.
        shift: What the expected overlap added to the log-odds of all pairs.
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


def sigmoid(log_odds: NDArray[Any]) -> Floats:
    """Probabilities of log-odds, below 1 in float32.

    Args:
        log_odds: (n,).

    Returns:
        (n,) float32.
    """
    p = 1 / (1 + np.exp(-np.clip(log_odds.astype(np.float64), -SUREST, SUREST)))
    return p.astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """Two sums of trees: of a pair by its own features, and of a pair in its job.

    Args:
        pair: From pair features to log-odds.
        job: From `context.context` to log-odds.
        numbers: Trained numbers: "uncertainty" and "caution", see `Probabilities`.
        correction: What was learned from labels, for the key columns of the job; None for nothing.
    """

    pair: Trees
    job: Trees
    numbers: Mapping[str, float] = field(default_factory=dict)
    correction: Correction | None = None

    def corrected_by(self, correction: Correction | None, columns: Sequence[str]) -> Decision:
        """The decision with what was learned from labels.

        Args:
            correction: As learned, None for nothing.
            columns: Names of the (left) key columns, in the order of their match weights.

        Returns:
            The decision; the same one where the columns are not those that were learned from.
        """
        here = None if correction is None else correction.on_columns(columns)
        return self if here is None else self.corrected(here)

    def corrected(self, correction: Correction | None) -> Decision:
        """The decision with a correction for the key columns of the job.

        Args:
            correction: The correction, from `Correction.on_columns`; None for none.

        Returns:
            The decision.
        """
        if correction is None:
            return self
        before = self.numbers.get("uncertainty", 1.0)
        after = min(before, correction.uncertainty)
        caution = self.numbers.get("caution", 0.0) * after / max(before, 1e-9)
        return replace(
            self,
            numbers={**self.numbers, "uncertainty": after, "caution": caution},
            correction=correction,
        )

    def log_odds(self, seen: Context, names: Sequence[str], values: Floats, bits: Floats) -> Floats:
        """Log-odds of pairs in their job.

        Args:
            seen: The pairs beside those of the job.
            names: Of the pair features.
            values: (n_pairs, n_features) float32.
            bits: The match weight of each column, (n_pairs, n_columns) float32.

        Returns:
            (n_pairs,) float32.
        """
        found = self.job.predict(seen.values, seen.names)
        offset = self.offset(names, values, bits)
        return (
            found if self.correction is None or offset is None else self.correction.corrected(found, offset)
        )

    def alone(self, features: PairFeatures) -> tuple[Floats, Floats | None]:
        """Judge pairs by their own features, part by part.

        Args:
            features: Of the pairs.

        Returns:
            Their log-odds, (n_pairs,) float32, and what a correction adds to those in the job, None without
            one.
        """
        own = np.zeros(len(features.at), dtype=np.float32)
        offset = None if self.correction is None else np.zeros(len(features.at), dtype=np.float32)
        names = features.names
        with progress.stage("features", len(own)) as tick:
            for part, values in features.parts():
                own[part] = self.pair.predict(values, names)
                if self.correction is not None and offset is not None:
                    offset[part] = self.correction.offset(names, values, features.weights.bits[part])
                tick(len(values))
        return own, offset

    def probabilities(
        self,
        features: PairFeatures,
        left: Integers,
        right: Integers,
        sizes: tuple[int, int],
        *,
        same: bool = False,
        expected_overlap: float | None = None,
    ) -> Probabilities:
        """Give every described pair the probability that it is a match.

        Args:
            features: Of the pairs.
            left: Left record of each pair, (n_pairs,) int64.
            right: Right record.
            sizes: Records of the left and of the right table.
            same: Both sides are one table.
            expected_overlap: The share of left records that the user expects to have a match, None where
                the user did not say.

        Returns:
            The probabilities.
        """
        own, offset = self.alone(features)
        return self.in_job(
            own,
            features.at,
            left,
            right,
            sizes,
            same=same,
            expected_overlap=expected_overlap,
            offset=offset,
        )

    def offset(self, names: Sequence[str], values: Floats, bits: Floats) -> Floats | None:
        """What a correction adds to the log-odds of pairs; None without one.

        Args:
            names: Of the pair features.
            values: (n_pairs, n_features) float32.
            bits: The match weight of each column, (n_pairs, n_columns) float32.

        Returns:
            (n_pairs,) float32.
        """
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

        Returns:
            The probabilities.
        """
        with progress.stage("decision", len(own)) as tick:
            of = places(left, right, own, FLOOR, same=same)
            job = job_context(own, left, right, of, sizes, same=same)
            found = np.zeros(len(own), dtype=np.float32)
            for start in range(0, len(own), STEP):  # the features of all pairs take hundreds of bytes each
                here = slice(start, start + STEP)
                seen = in_context(own[here], of.some(here), job)
                found[here] = self.job.predict(seen.values, seen.names)
                tick(len(seen.values))
        if self.correction is not None and offset is not None:
            found = self.correction.corrected(found, offset)
        spread = self.numbers.get("uncertainty", 1.0)
        shift = 0.0
        if expected_overlap is not None and len(found):
            shift = _shift(found, left, sizes[0], float(expected_overlap), spread)
            spread = min(spread, np.log(2))
        caution = self.numbers.get("caution", 0.0) * (1.0 if expected_overlap is None else 0.5)
        return Probabilities(at, found + np.float32(shift), spread, caution, shift=shift)

    def of_pairs(self, log_odds: Floats, equal: Bools) -> Probabilities:
        """The probabilities of pairs whose log-odds in their job are known.

        Args:
            log_odds: (n_pairs,) float32.
            equal: Which pairs are of equal texts, (n_pairs,) bool.

        Returns:
            The probabilities.
        """
        spread, caution = self.numbers.get("uncertainty", 1.0), self.numbers.get("caution", 0.0)
        return Probabilities(np.arange(len(log_odds)), log_odds, spread, caution, equal)


def _shift(log_odds: Floats, left: Integers, n_left: int, expected: float, spread: float) -> float:
    """What to add to all log-odds, given how many left records are expected to have a match.

    The log-odds are off by a number with this standard deviation, and the user's share by a factor of two
    (one standard deviation of its logarithm): the most probable shift of both.
    """
    order = np.lexsort((-log_odds, left))
    best = log_odds[order[np.flatnonzero(np.diff(left[order], prepend=-1))]].astype(np.float64)
    tried = np.linspace(-8, 8, 321)
    count = (1 / (1 + np.exp(-(best[:, None] + tried[None])))).sum(axis=0)
    share = np.log(np.maximum(count / max(1, n_left), 1e-6))
    wanted = np.log(min(max(expected, 0.5 / max(1, n_left)), 1.0))
    cost = (tried / max(spread, 1e-3)) ** 2 + ((share - wanted) / np.log(2)) ** 2
    return float(tried[int(cost.argmin())])


def decision(*, pictures: bool = False) -> Decision:
    """The decision that comes with the package, or the one whose file the environment names.

    Args:
        pictures: The one for rows that have pictures, which is fitted on texts that were misread or are
            missing, and on vectors of what was printed.

    Returns:
        The decision.

    Raises:
        ModelError: The file is missing or is not a decision.
    """
    shipped = OF_PICTURES if pictures else SHIPPED
    return read_decision(os.environ.get(VARIABLE) or str(shipped))


@lru_cache(maxsize=4)
def read_decision(path: str) -> Decision:
    """Read a decision from a file of arrays; nothing is unpickled.

    Args:
        path: The file; graphs of the same name that end in .pair.onnx and .job.onnx are run in its place.

    Returns:
        The decision.

    Raises:
        ModelError: The file is missing or is not a decision.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            graphs = [Path(path).with_suffix(f".{part}.onnx") for part in ("pair", "job")]
            trees = [
                read_trees(arrays, f"{part} ", graph if graph.exists() else None)
                for part, graph in zip(("pair", "job"), graphs, strict=True)
            ]
            numbers = dict(zip(arrays["numbers"].tolist(), arrays["number values"].tolist(), strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"The decision cannot be read. Given: {path} ({error}). Install the package again."
        ) from error
    return Decision(trees[0], trees[1], numbers)
