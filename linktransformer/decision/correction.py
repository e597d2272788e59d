"""A correction of the shipped decision, learned from labels: linear in its log-odds and in pair features."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Doubles, Floats
from linktransformer.errors import ModelError

__all__ = ["FEATURES", "FILE", "Correction", "from_dict", "matrix_of", "read", "scaled", "write"]

logger = logging.getLogger(__name__)

FILE = "decision.json"
FORMAT = 2
FURTHEST = 5.0  # standard deviations to which a feature is clipped

FEATURES = (
    "lexical similarity",
    "lexical gap min",
    "lexical gap max",
    "key column similarity",
    "dense similarity",
    "dense gap min",
    "dense gap max",
    "words cosine",
    "words contained min",
    "words contained max",
    "words only min",
    "words only max",
    "words rarest alike",
    "numbers cosine",
    "numbers contained min",
    "numbers only min",
    "numbers only max",
    "letters sorted",
    "letters set",
    "letters start",
    "length ratio",
    "length",
    "columns min",
    "columns mean",
    "columns different",
    "columns null",
    "bits",
    "bits gap min",
    "bits gap max",
)  # one or a few of each family; beside them the match weight of every column


@dataclass(frozen=True, slots=True)
class Correction:
    """The log-odds of a pair become slope * log-odds + intercept + the weighted sum of its features.

    Args:
        slope: What the log-odds of the shipped decision are multiplied by.
        intercept: What is added to all.
        uncertainty: The standard deviation of the intercept, given the labels.
        features: Names of pair features, and "match weight of C" for a key column C.
        weights: Of the features, after centring and scaling.
        means: What is taken from each.
        scales: What each is divided by.
        columns: The (left) key columns that were learned from.

    Raises:
        ModelError: The parts do not fit together.
    """

    slope: float
    intercept: float
    uncertainty: float
    features: tuple[str, ...]
    weights: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        numbers = [self.slope, self.intercept, self.uncertainty, *self.weights, *self.means, *self.scales]
        sizes = {len(self.features), len(self.weights), len(self.means), len(self.scales)}
        real = all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        if len(sizes) != 1 or not real or not all(self.scales) or self.slope <= 0 or self.uncertainty < 0:
            raise ModelError(
                f"The model's decision cannot be used. Given: parts of lengths {sorted(sizes)}. Learn it "
                "again by fit_decision."
            )

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether tables with these key columns have what was learned from.

        Args:
            columns: Names of the (left) key columns.

        Returns:
            Whether all columns are there, or as many under other names only.
        """
        return set(self.columns) <= set(columns) or self._renamed(columns)

    def on_columns(self, columns: Sequence[str]) -> Correction | None:
        """The same for tables with these key columns, which it then knows by their place.

        Args:
            columns: Names of the (left) key columns, in the order of the match weights. As many columns, all
                with other names than those that were learned from, are taken in their order.

        Returns:
            The correction; None, with a line in the log, where it does not fit.
        """
        if not self.fits(columns):
            missing = [name for name in self.columns if name not in columns]
            logger.warning(
                "the decision learned from labels uses key columns that are not given here (%s): links are "
                "decided without labels",
                ", ".join(missing),
            )
            return None
        names = self.columns if self._renamed(columns) else columns
        place = {_weight_of(name): _weight_at(number) for number, name in enumerate(names)}
        return replace(self, features=tuple(place.get(name, name) for name in self.features))

    def _renamed(self, columns: Sequence[str]) -> bool:
        return len(self.columns) == len(columns) and not set(self.columns) & set(columns)

    def offset(self, names: Sequence[str], values: Floats, bits: Floats) -> Floats:
        """The intercept and the weighted sum of features.

        Args:
            names: Of the pair features.
            values: (n_pairs, n_features) float32, NaN for unknown.
            bits: The match weight of each column, (n_pairs, n_columns) float32.

        Returns:
            (n_pairs,) float32. What a pair gets does not depend on the pairs beside it.
        """
        matrix = matrix_of(self.features, names, values, bits)
        found = np.full(len(values), self.intercept, dtype=np.float64)
        for number, column in enumerate(matrix.T):  # a product of matrices rounds by their shapes
            found += self.weights[number] * scaled(column, self.means[number], self.scales[number])
        return found.astype(np.float32)

    def corrected(self, log_odds: Floats, offset: Floats) -> Floats:
        """Correct log-odds.

        Args:
            log_odds: Of the shipped decision, in the job, (n_pairs,) float32.
            offset: From `offset`.

        Returns:
            (n_pairs,) float32.
        """
        return (np.float32(self.slope) * log_odds + offset).astype(np.float32)


def scaled(values: NDArray[Any], mean: Any, scale: Any) -> Doubles:
    """Centre, scale and clip features; an unknown one is as the mean.

    Args:
        values: NaN for unknown.
        mean: Of them.
        scale: Their standard deviation.

    Returns:
        float64 of the same shape.
    """
    found = (values.astype(np.float64) - mean) / scale
    return np.clip(np.where(np.isnan(found), 0.0, found), -FURTHEST, FURTHEST)


def matrix_of(features: Sequence[str], names: Sequence[str], values: Floats, bits: Floats) -> Floats:
    """The values of named features and match weights.

    Args:
        features: Names, match weights by the place of their column.
        names: Of the pair features that there are.
        values: (n_pairs, n_names) float32.
        bits: (n_pairs, n_columns) float32.

    Returns:
        (n_pairs, n_features) float32, NaN for unknown.
    """
    place = {name: number for number, name in enumerate(names)}
    weight = {_weight_at(number): number for number in range(bits.shape[1])}
    found = np.full((len(values), len(features)), np.nan, dtype=np.float32)
    for number, name in enumerate(features):
        if name in place:
            found[:, number] = values[:, place[name]]
        elif name in weight:
            found[:, number] = bits[:, weight[name]]
    return found


def named(columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All features of a job with these key columns: match weights by the place, and by the name, of a column.

    Args:
        columns: Names of the (left) key columns.

    Returns:
        The names of the features twice.
    """
    places = tuple(_weight_at(number) for number in range(len(columns)))
    return (*FEATURES, *places), (*FEATURES, *map(_weight_of, columns))


def _weight_of(column: str) -> str:
    return f"match weight of {column}"


def _weight_at(place: int) -> str:
    return f"match weight {place}"


def write(correction: Correction, path: Path, more: Mapping[str, Any]) -> None:
    """Write a correction as JSON.

    Args:
        correction: The correction.
        path: The file.
        more: What else the file says.
    """
    said = {"format": FORMAT, **more, "correction": asdict(correction)}
    path.write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[Correction, Mapping[str, Any]]:
    """Read a correction.

    Args:
        path: The file.

    Returns:
        The correction, and all that the file says.

    Raises:
        ModelError: It is none, or it has the format of another version.
    """
    try:
        said = json.loads(path.read_bytes())
        if said.get("format") != FORMAT:
            raise ModelError(
                f"The model's decision has another format. Given: {path.name} of format "
                f"{said.get('format')!r}; this version reads {FORMAT}. Learn it again by fit_decision."
            )
        return from_dict(said["correction"]), said
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"The model's decision cannot be read. Given: {path.name} ({error}). Learn it again by "
            "fit_decision."
        ) from error


def from_dict(values: Mapping[str, Any]) -> Correction:
    """Make a correction of what JSON holds of it.

    Args:
        values: As `dataclasses.asdict` gives them.

    Returns:
        The correction.

    Raises:
        ModelError: Its parts do not fit together.
        TypeError: It has parts that a correction has not.
    """
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    return Correction(**given)
