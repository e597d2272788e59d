"""The decision, learned: what of all that is seen of a pair speaks for a match, and how strongly.

A logistic regression over the views, over each column, and over how far a pair stands above its rivals.
Its score is a probability. It is written as numbers in JSON, so that nothing has to be unpickled.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.decision.model import Probabilities
from linktransformer.errors import ModelError
from linktransformer.fused import Fused
from linktransformer.pair_evidence import Evidence

__all__ = ["FILE", "Judgement", "bent", "from_dict", "judge", "probability", "read", "unbent", "write"]

logger = logging.getLogger(__name__)
FILE = "decision.json"
FORMAT = 1
SUREST = 8.0  # the largest logit

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A learned decision.

    Args:
        features: What it looks at, in order.
        coefficients: The weight of each, after centring and scaling.
        means: What is taken from each.
        scales: What each is divided by.
        intercept: Added to the sum.
        threshold: The probability from which a pair is a link.
        format: Number of the file's format.
        alone: The decision that was learned beside it for rows that are asked by themselves, None for none.

    Raises:
        ModelError: The parts do not fit together.
    """

    features: tuple[str, ...]
    coefficients: tuple[float, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    intercept: float
    threshold: float
    format: int = FORMAT
    alone: Judgement | None = None

    def __post_init__(self) -> None:
        numbers = [*self.coefficients, *self.means, *self.scales, self.intercept, self.threshold]
        sizes = {len(self.features), len(self.coefficients), len(self.means), len(self.scales)}
        real = all(type(n) in (int, float) and math.isfinite(n) for n in numbers)
        alone: object = self.alone  # out of a file it may be anything
        nested = alone is None or (isinstance(alone, Judgement) and alone.alone is None)
        if self.format != FORMAT or len(sizes) != 1 or not real or not all(self.scales) or not nested:
            raise ModelError(
                f"The model's decision cannot be used. Given: format {self.format}, parts of lengths "
                f"{sorted(sizes)}. Get the model anew, or update this package."
            )


def write(judgement: Judgement, path: Path) -> None:
    """Write a decision as JSON.

    Args:
        judgement: The decision.
        path: The file.
    """
    path.write_text(json.dumps(asdict(judgement), indent=1) + "\n", encoding="utf-8")


def read(path: Path) -> Judgement:
    """Read a decision.

    Args:
        path: The file.

    Returns:
        The decision.

    Raises:
        ModelError: It is none.
    """
    try:
        return from_dict(json.loads(path.read_bytes()))
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The model's decision cannot be read. Given: {path.name} ({error}). Get the model anew."
        ) from error


def from_dict(values: Mapping[str, Any]) -> Judgement:
    """Make a decision of what JSON holds of it.

    Args:
        values: As `dataclasses.asdict` gives them.

    Returns:
        The decision.

    Raises:
        ModelError: Its parts do not fit together.
        TypeError: It has parts that a decision has not.
    """
    found: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    if isinstance(found.get("alone"), dict):
        found["alone"] = from_dict(found["alone"])
    return Judgement(**found)


def probability(judgement: Judgement, values: Floats) -> Floats:
    """How likely each pair is a match.

    Args:
        judgement: The decision.
        values: (n, n_features), in its order.

    Returns:
        (n,) float64 between 0 and 1.
    """
    scaled = (values - np.array(judgement.means)) / np.array(judgement.scales)
    logit = scaled @ np.array(judgement.coefficients) + judgement.intercept
    return bent(logit)


def bent(logit: Floats) -> Floats:
    """A probability of log-odds, bent so that float32 still tells two sure pairs apart and none is 1.

    Args:
        logit: (n,) float64.

    Returns:
        (n,) float64 between 0 and 1.
    """
    found: Floats = 1 / (1 + np.exp(-SUREST * np.tanh(logit / SUREST)))
    return found


def unbent(chance: Floats) -> Floats:
    """The log-odds of which `bent` makes a probability.

    Args:
        chance: (n,) float64 between 0 and 1.

    Returns:
        (n,) float64.
    """
    logit = np.log(np.maximum(chance, 1e-9) / np.maximum(1 - chance, 1e-9))
    found: Floats = SUREST * np.arctanh(np.clip(logit / SUREST, -0.999999, 0.999999))
    return found


def judge(judgement: Judgement, seen: Evidence, fused: Fused) -> Fused | None:
    """Score candidates by a learned decision.

    Args:
        judgement: The decision.
        seen: What is seen of them.
        fused: The candidates.

    Returns:
        The same candidates with probabilities as scores; None, with a line in the log, where the
        tables do not have what the decision looks at.
    """
    missing = sorted(set(judgement.features) ^ set(seen.names))
    if missing:
        logger.info(
            "the decision that was learned with the model does not fit these key columns (%s): links are "
            "decided without labels",
            ", ".join(missing[:6]),
        )
        return None
    place = {name: number for number, name in enumerate(seen.names)}
    values = seen.values[:, [place[name] for name in judgement.features]]
    p = probability(judgement, values)
    decided = Probabilities(np.arange(len(p)), np.log(p / (1 - p)).astype(np.float32))
    return replace(fused, score=p.astype(np.float32), decided=decided)
