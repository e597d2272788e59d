"""Draws of chance: one seeded source and the helpers that every domain needs."""

from __future__ import annotations

import itertools
import math
import random
from bisect import bisect
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """A seeded source of chance with short names for common draws.

    A scalar draw of the standard library is several times as fast as one of NumPy; a task needs a million.

    Args:
        rng: The generator that seeds it.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.source = random.Random(int(rng.integers(2**62)))
        self.unit = self.source.random

    def chance(self, share: float) -> bool:
        """Whether something of this probability happens."""
        return self.unit() < share

    def pick(self, things: Sequence[T]) -> T:
        """One of the things, all alike."""
        return things[int(self.unit() * len(things))]

    def whole(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.unit() * (high - low + 1))

    def span(self, low: float, high: float) -> float:
        """A number between low and high."""
        return low + self.unit() * (high - low)

    def log_span(self, low: float, high: float) -> float:
        """A number between low and high, even on a log scale."""
        return math.exp(self.span(math.log(low), math.log(high)))

    def choose(self, *weighted: tuple[float, T]) -> T:
        """One of the things, by weight."""
        at = self.unit() * sum(weight for weight, _ in weighted)
        for weight, thing in weighted:
            at -= weight
            if at < 0:
                return thing
        return weighted[-1][1]

    def some(self, things: Sequence[T], count: int) -> list[T]:
        """Some different things, in drawn order."""
        return self.source.sample(list(things), min(count, len(things)))

    def mixed(self, things: Sequence[T]) -> list[T]:
        """The things in drawn order."""
        return self.some(things, len(things))

    def digits(self, count: int) -> str:
        """A number of so many digits, the first not 0."""
        return str(self.whole(10 ** (count - 1), 10**count - 1))


class Pool:
    """Values with drawn frequencies: few are common and many rare, or all alike.

    Args:
        draw: The source of chance.
        values: The values.
        slope: How steep the frequencies fall with the rank; 0 is flat. None: drawn.
    """

    def __init__(self, draw: Draw, values: Sequence[str], slope: float | None = None) -> None:
        unique = list(dict.fromkeys(values))
        self.values = draw.mixed(unique)
        steep = draw.pick((0.0, 0.5, 0.8, 1.1)) if slope is None else slope
        self.sums = list(itertools.accumulate((rank + 2.0) ** -steep for rank in range(len(self.values))))
        self.draw = draw

    def __call__(self) -> str:
        """A value by its frequency."""
        return self.values[bisect(self.sums, self.draw.unit() * self.sums[-1])]

    def other(self, value: str) -> str:
        """A value that is not this one, if there is another."""
        for _ in range(20):
            new = self()
            if new != value:
                return new
        return next((new for new in self.values if new != value), value)


def pool(draw: Draw, listed: Sequence[str], maker: Callable[[], str], count: int | None = None) -> Pool:
    """A pool of listed values, of made ones or of both.

    Args:
        draw: The source of chance.
        listed: Real values.
        maker: Makes a value.
        count: How many to make. None: drawn, from few to many.
    """
    made = int(draw.log_span(15, 600)) if count is None else count
    kind = draw.choose((0.35, "listed"), (0.35, "made"), (0.3, "both"))
    if kind == "listed" and len(listed) >= 10:
        return Pool(draw, listed)
    values = [maker() for _ in range(made)]
    return Pool(draw, [*values, *listed] if kind == "both" else values)
