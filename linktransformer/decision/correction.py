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

from linktransformer.arrays import Doubles, Floats
from linktransformer.errors import ModelError

__all__ = ["FEATURES", "FILE", "Correction", "from_dict", "matrix_of", "read", "scaled", "write"]

logger = logging.getLogger(__name__)

FILE = "decision.json"
FORMAT = 2
FURTHEST = 5.0  # standard deviations to which a feature is clipped

# one or a few of each family; beside them the match weight of every column
FEATURES = (
    "lexical similarity", "lexical gap min", "lexical gap max", "key column similarity", "dense similarity",
    "dense gap min", "dense gap max", "words cosine", "words contained min", "words contained max",
    "words only min", "words only max", "words rarest alike", "numbers cosine", "numbers contained min",
    "numbers only min", "numbers only max", "letters sorted", "letters set", "letters start",
    "length ratio", "length", "columns min", "columns mean", "columns different", "columns null", "bits",
    "bits gap min", "bits gap max",
)  # fmt: skip


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
        reader: Whether a cross-encoder read pairs in doubt when it was learned, as it then does in use.
        reader_name: Which one, where that was not the model's own; it has to be given again in use.
        reader_scale: Shift, slope and most of its evidence, learned from the labels; empty for none.

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
    reader: bool = False
    reader_name: str = ""
    reader_scale: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        numbers = [self.slope, self.intercept, self.uncertainty, *self.weights, *self.means, *self.scales]
        numbers += self.reader_scale
        sizes = {len(self.features), len(self.weights), len(self.means), len(self.scales)}
        real = all(type(number) in (int, float) and math.isfinite(number) for number in numbers)
        if (
            len(sizes) != 1
            or not real
            or not all(self.scales)
            or self.slope <= 0
            or self.uncertainty < 0
            or len(self.reader_scale) not in (0, 3)
        ):
            raise ModelError(
                f"The model's decision cannot be used. Given: parts of lengths {sorted(sizes)}. Learn it "
                "again by fit_decision."
            )

    def fits(self, columns: Sequence[str]) -> bool:
        """Whether these (left) key columns hold all of `self.columns`, or as many with other names only."""
        return set(self.columns) <= set(columns) or self._renamed(columns)

    def on_columns(self, columns: Sequence[str]) -> Correction | None:
        """The correction with match weights named by the position of these (left) key columns.

        As many columns, all with other names than those that were learned from, are taken in their order.
        Where the columns do not fit, the result is None and a warning is logged.
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
        """The intercept and the weighted sum of features, (n_pairs,) float32.

        Args:
            names: Of the pair features.
            values: (n_pairs, n_features) float32, NaN for unknown.
            bits: The match weight of each column, (n_pairs, n_columns) float32.
        """
        matrix = matrix_of(self.features, names, values, bits)
        total = np.full(len(values), self.intercept, dtype=np.float64)
        for number, column in enumerate(matrix.T):  # a product of matrices rounds by their shapes
            total += self.weights[number] * scaled(column, self.means[number], self.scales[number])
        return total.astype(np.float32)

    def corrected(self, log_odds: Floats, offset: Floats) -> Floats:
        """Correct the shipped decision's log-odds in the job, given `offset`; all (n_pairs,) float32."""
        return (np.float32(self.slope) * log_odds + offset).astype(np.float32)


def scaled(values: Floats | Doubles, mean: float | Doubles, scale: float | Doubles) -> Doubles:
    """Centred, scaled and clipped features, float64 of the same shape; an unknown one (NaN) is the mean."""
    standard = (values.astype(np.float64) - mean) / scale
    return np.clip(np.where(np.isnan(standard), 0.0, standard), -FURTHEST, FURTHEST)


def matrix_of(features: Sequence[str], names: Sequence[str], values: Floats, bits: Floats) -> Floats:
    """The columns of named features and of match weights, (n_pairs, n_features) float32, NaN for unknown.

    Args:
        features: Names, match weights by the position of their column.
        names: Of the pair features in `values`.
        values: (n_pairs, n_names) float32.
        bits: Match weights, (n_pairs, n_columns) float32.
    """
    columns = {_weight_at(number): bits[:, number] for number in range(bits.shape[1])}
    columns |= {name: values[:, number] for number, name in enumerate(names)}
    matrix = np.full((len(values), len(features)), np.nan, dtype=np.float32)
    for number, name in enumerate(features):
        if name in columns:
            matrix[:, number] = columns[name]
    return matrix


def named(columns: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """All features of a job: match weights by the position, and by the name, of their key column."""
    return (*FEATURES, *map(_weight_at, range(len(columns)))), (*FEATURES, *map(_weight_of, columns))


def _weight_of(column: str) -> str:
    return f"match weight of {column}"


def _weight_at(position: int) -> str:
    return f"match weight {position}"


def write(correction: Correction, path: Path, more: Mapping[str, object]) -> None:
    """Write a correction, and more entries, as JSON."""
    entries = {"format": FORMAT, **more, "correction": asdict(correction)}
    path.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> tuple[Correction, Mapping[str, Any]]:
    """Read a correction, and all entries of its file.

    Raises:
        ModelError: It is none, or it has the format of another version.
    """
    try:
        entries = json.loads(path.read_bytes())
        if entries.get("format") != FORMAT:
            raise ModelError(
                f"The model's decision has another format. Given: {path.name} of format "
                f"{entries.get('format')!r}; this version reads {FORMAT}. Learn it again by fit_decision."
            )
        return from_dict(entries["correction"]), entries
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, AttributeError, KeyError) as error:
        raise ModelError(
            f"The model's decision cannot be read. Given: {path.name} ({error}). Learn it again by "
            "fit_decision."
        ) from error


def from_dict(values: Mapping[str, Any]) -> Correction:
    """The correction that `dataclasses.asdict` and JSON made these values of.

    Raises:
        ModelError: Its parts do not fit together.
        TypeError: It has parts that a correction has not.
    """
    parts: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    return Correction(**parts)
