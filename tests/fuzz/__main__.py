"""Run many random jobs and count what breaks: python -m tests.fuzz --cases 20000 --seed 1."""

from __future__ import annotations

import argparse
import json
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.cases import Case, cases
from tests.fuzz.contracts import Broken, check


def main() -> None:
    """Run, print each new kind of fault with its smallest case, and write the counts."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=1000, help="how many (default 1000)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    parser.add_argument("--json", type=Path, help="write counts to this file")
    args = parser.parse_args()
    outcomes: Counter[str] = Counter()
    faults: dict[str, tuple[int, str]] = {}
    begin = time.perf_counter()

    @seed(args.seed)
    @settings(
        max_examples=args.cases,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(cases())
    def run(case: Case) -> None:
        try:
            outcomes[f"{case.verb}: {check(case)}"[:150]] += 1
        except Exception as error:  # a fault is counted, and the run goes on
            frames = [f for f in traceback.extract_tb(error.__traceback__) if "/tests/" not in f.filename]
            place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
            where = next(
                (
                    f"{Path(f.filename).name}:{f.lineno}"
                    for f in reversed(frames)
                    if "linktransformer" in f.filename
                ),
                place,
            )
            said = str(error).partition(":")[0] if isinstance(error, Broken) else str(error)[:60]
            kind = f"{type(error).__name__} {said} at {where}" if frames else f"{case.verb} {error}"[:110]
            outcomes[f"{case.verb}: FAULT"] += 1
            size = case.left.n_rows + case.right.n_rows
            if kind not in faults or size < faults[kind][0]:
                if kind not in faults:
                    print(f"fault: {kind}\n  {error!s:.300}\n  {case}", flush=True)
                faults[kind] = (size, f"{case}\n    {error!s:.300}")

    warnings.simplefilter("ignore")
    run()
    print(f"{sum(outcomes.values())} cases, {time.perf_counter() - begin:.0f} s")
    for name, number in sorted(outcomes.items()):
        print(f"{number:7d}  {name}")
    for kind, (_, smallest) in sorted(faults.items()):
        print(f"{kind}\n    {smallest}")
    if args.json:
        args.json.write_text(
            json.dumps({"cases": sum(outcomes.values()), "outcomes": outcomes, "faults": faults}, indent=1)
        )


if __name__ == "__main__":
    main()
