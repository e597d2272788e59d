"""Run cases again from the lines that a long run printed: python -m tests.fuzz.replay FILE (- is stdin)."""

from __future__ import annotations

import ast
import logging
import re
import sys
import traceback
import warnings
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

from linktransformer.scoring.compare import Comparison
from tests.fuzz.cases import COPIES, NULLS, Case, tables
from tests.fuzz.contracts import check

__all__ = ["cases_of", "replayed"]

LINE = re.compile(
    r"(?P<verb>\w+) (?P<library>\w+) (?P<n_left>\d+)x(?P<n_right>\d+) "
    r"on=(?P<on>\[.*?\])/(?P<right_on>\[.*?\]) "
    r"kinds=(?P<kinds>\{.*?\}) index=(?P<index>\w+) seed=(?P<seed>\d+) (?:shares=(?P<shares>\(.*?\)) )?"
    r"twice=(?P<twice>\w+) (?P<options>\{.*\})"
)


def cases_of(line: str) -> Iterator[Case]:
    """The case of a printed line; several where the line does not have the shares of nulls and copies."""
    found = LINE.search(line)
    if found is None:
        return
    kinds, on = ast.literal_eval(found["kinds"]), ast.literal_eval(found["on"])
    right_on, seed = ast.literal_eval(found["right_on"]), int(found["seed"])
    options: dict[str, Any] = eval(found["options"], {"Comparison": Comparison})
    sizes = int(found["n_left"]), int(found["n_right"])
    shares = [ast.literal_eval(found["shares"])] if found["shares"] else product(NULLS, COPIES)
    for nulls, copies in shares:
        left, right = tables(kinds, sizes, nulls, copies, seed)
        right = right.renamed({a: b for a, b in zip(on, right_on, strict=True) if a != b})
        yield Case(
            *(found["verb"], found["library"], left, right, on, right_on, found["index"], seed),
            twice=found["twice"] == "True",
            options=options,
            shares=(nulls, copies),
        )


def replayed(line: str) -> list[str]:
    """What comes out of each case of a line: "done", an error of ours, or a fault and where it was raised."""
    outcomes = []
    for case in cases_of(line):
        try:
            outcomes.append(check(case)[:150])
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            name = Path(at.filename).name
            outcomes.append(f"FAULT shares={case.shares} {error!r:.300} at {name}:{at.lineno}")
    return outcomes


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    text = sys.stdin.read() if sys.argv[1] == "-" else Path(sys.argv[1]).read_text(encoding="utf-8")
    for line in filter(LINE.search, text.splitlines()):
        print(line[:200], *replayed(line), sep="\n    ")
