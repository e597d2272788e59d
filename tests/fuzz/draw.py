"""Draws random cases, runs them, and counts what comes out: the work of one process."""

from __future__ import annotations

import logging
import time
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.cases import LIBRARIES, Case, cases
from tests.fuzz.contracts import check

__all__ = ["Run", "drawn"]


@dataclass(frozen=True)
class Run:
    """What came out: how often each outcome, and each kind of fault with its number and its smallest case."""

    outcomes: Counter[str] = field(default_factory=Counter)
    faults: dict[str, tuple[int, int, str]] = field(default_factory=dict)

    def with_fault(self, kind: str, number: int, size: int, shown: str) -> None:
        """Count a fault and keep its smallest case."""
        known = self.faults.get(kind, (0, size + 1, ""))
        smaller = (size, shown) if size < known[1] else known[1:]
        self.faults[kind] = (known[0] + number, *smaller)


def drawn(n: int, number: int, seconds: float, libraries: tuple[str, ...] = LIBRARIES) -> Run:
    """Run n random cases, or those that fit into the time."""
    result, end = Run(), time.monotonic() + seconds

    @seed(number)
    @settings(
        max_examples=n,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases(libraries))
    def run(case: Case) -> None:
        if time.monotonic() > end:
            return
        try:
            result.outcomes[f"{case.verb}: {check(case)}"[:150]] += 1
        except Exception as error:  # a fault is counted, and the run goes on
            kind = _kind(case, error)
            result.outcomes[f"{case.verb}: FAULT"] += 1
            if kind not in result.faults:
                print(f"fault: {kind}\n  {error!s:.600}\n  {case}", flush=True)
            result.with_fault(kind, 1, case.left.n_rows + case.right.n_rows, f"{case}\n    {error!s:.600}")

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    run()
    return result


def _kind(case: Case, error: Exception) -> str:
    """What broke, and where: the line of ours, or the last one."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/tests/" not in frame.filename]
    if not frames:
        return f"{case.verb} {str(error).partition(':')[0]}"[:110]
    ours = [frame for frame in frames if "linktransformer" in frame.filename]
    at = (ours or frames)[-1]
    return f"{type(error).__name__} {str(error)[:60]} at {Path(at.filename).name}:{at.lineno}"
