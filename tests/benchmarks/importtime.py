"""How long `import linktransformer` takes, and which heavy packages it loads."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from statistics import median

from tools.data import ROOT
from tools.report import Report, Table

from .measure import environment

HEAVY = (
    "torch",
    "faiss",
    "pandas",
    "polars",
    "transformers",
    "sentence_transformers",
    "sklearn",
    "scipy",
    "onnxruntime",
    "narwhals",
    "numpy",
)
CODE = "import linktransformer, sys, json; print(json.dumps(sorted(sys.modules)))"
LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--repeat", type=int, default=5, help="how often it is imported")
    parser.add_argument("--slowest", type=int, default=10, help="how many modules to list")


def run(options: argparse.Namespace) -> Report:
    """Import it in fresh interpreters; the median is of the package and all that it imports."""
    runs = [once() for _ in range(options.repeat)]
    total = median(cumulative["linktransformer"] for cumulative, _, _ in runs)
    own = runs[-1][1]
    slowest = sorted(own, key=lambda name: -own[name])[: options.slowest]
    modules = runs[-1][2]
    row = {"median s": total / 1e6, "repeat": options.repeat, "modules": len(modules)}
    row |= {"loads " + name: name in modules for name in HEAVY}
    tables = [
        Table("slowest modules (own time)", [{"module": name, "ms": own[name] / 1e3} for name in slowest]),
        Table("importtime", [row]),
    ]
    return Report("importtime", tables, settings={"heavy": list(HEAVY)})


def once() -> tuple[dict[str, int], dict[str, int], frozenset[str]]:
    """Cumulative and own microseconds of each module, and all modules loaded, of one fresh import."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env=environment(ROOT),
    )
    found = [LINE.match(line) for line in done.stderr.splitlines()]
    times = [match for match in found if match]
    cumulative = {match[4]: int(match[2]) for match in times}
    own = {match[4]: int(match[1]) for match in times}
    return cumulative, own, frozenset(json.loads(done.stdout))
