"""`python -m tests.benchmarks NAME [options]`: one entry for every benchmark."""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.data import ROOT
from tools.report import destination, publish, say

BENCHMARKS = {
    "zero_label": "F1 by default on every labelled two-table set, beside TF-IDF, the rules of before, Splink",
    "precision": "the precision asked for and the one reported against the true one, at any overlap",
    "unseen": "links and clusters of lists from public packages that nothing was trained on",
    "codelists": "values linked to a short list of codes: the share linked, and linked rightly",
    "speed": "CPU seconds and memory of linking by n-grams, beside TF-IDF and sparse_dot_topn",
    "default_speed": "CPU, memory and F1 of the default link, beside full, lexical, 0.1.18, Splink, TF-IDF",
    "finetune": "pair F1 after fine-tuning on published splits, beside merge without labels",
    "dedup": "clusters without labels on every one-table set, beside TF-IDF at its best threshold",
    "tables": "one population in three tables clustered at once, beside one table, pairwise merges, Splink",
    "dedup_made": "clusters of tables that are made: persons, contacts, addresses, firms, products, places",
    "growth": "time and memory a row of dedup_rows, from 10,000 to 300,000 rows",
    "query": "latency of single rows against a Linker that is fitted once",
    "resume": "a merge killed at three points and run again; a cache shared, and damaged",
    "labels": "links and clusters by a decision that is learned from 1 to all labels, beside none",
    "questions": "F1 and precision by the number of answers, for our choice of pairs and others",
    "answer_prior": "the prior of what answers tell, fitted on labelled sets, and without each fold",
    "coverage": "how often intervals of precision and recall from a reviewed sample hold the truth",
    "tuned_reader": "test F1 of training on pairs, with and without a reader that is tuned on them",
    "labelled_training": "F1 of linking after training on 50, 200 and all labels of half the entities",
    "clippings": "firm names of two scanned books: string baselines, pictures, both",
    "names_speed": "the bundled model of names: records a second, a book linked in one call",
    "wire": "which clippings show one photograph: captions, hashes, pictures, both, by kind of damage",
    "crosslingual": "hit@1 of text models alone on the three sets in two languages",
    "probes": "which of two texts names the same thing: the share right of any text models",
    "train_faithful": "CLIPPINGS as published, from the same start and records as names",
    "cpu": "CPU seconds, memory and top-1 beside linktransformer 0.1.18",
    "gpu": "exact search, encoding and a merge of a million rows on a GPU, beside FAISS and others",
    "scale": "seconds and memory of a merge from 10,000 to 1,000,000 rows, with a plot",
    "bounded": "seconds and memory of linking Parquet files piece by piece",
    "engine": "link_files in one process and on a Ray cluster: seconds by stage, memory, F1",
    "file_costs": "CPU seconds and memory of link_files by size, and the costs of a dry run fitted on them",
    "deepkey": "long records that match by one statement deep inside: kinds of attention at one budget",
    "dial": "recall against throughput of long encoders, by window and features, with a plot",
    "long_speed": "forward speed by length: full attention, windows, linear attention beside them",
    "mqar": "recall of many pairs in one record, in either direction, by kinds of attention",
    "documents": "pages read by OCR against corrected ones, whole and by their second half",
    "long_text": "long texts reworded, translated, misread, abridged: n-grams, passages, long encoders",
    "importtime": "how long the import takes and what it loads",
    "peer_venv": "build the environment of linktransformer 0.1.18 (no benchmark)",
}
MODULES = {"peer_venv": "peer"}
FLOWS = ROOT / "tests" / "flows"
NO_TESTS = 5  # pytest's exit status where it collected nothing


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the flow tests, run the benchmark, publish its report."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        list_names()
        return 0
    name = arguments[0]
    if name not in BENCHMARKS:
        say(f"no benchmark is called {name!r}")
        list_names()
        return 2
    module = importlib.import_module(f"{__package__}.{MODULES.get(name, name)}")
    parser = argparse.ArgumentParser(prog=f"python -m tests.benchmarks {name}", description=module.__doc__)
    parser.add_argument(
        "--out", type=Path, default=None, help="write the numbers as JSON: a file, or a folder for many runs"
    )
    parser.add_argument("--no-check", action="store_true", help="do not run the flow tests first")
    module.add_arguments(parser)
    options = parser.parse_args(arguments[1:])
    if name != "peer_venv" and not options.no_check and not flows_are_green():
        return 1
    publish(module.run(options), destination(name, options))
    return 0


def list_names() -> None:
    """Print what there is to run."""
    say("python -m tests.benchmarks NAME [--help] [--out FILE] [--no-check] ...")
    for name, what in BENCHMARKS.items():
        say(f"  {name:<12} {what}")


def flows_are_green() -> bool:
    """Run the quick flow tests; a number of a broken package is not reported."""
    if not FLOWS.is_dir():
        say("tests/flows is absent: nothing was checked", note=True)
        return True
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", str(FLOWS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode in (0, NO_TESTS):
        say(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "flow tests: none", note=True)
        return True
    say(done.stdout[-2000:])
    say("the flow tests are red: nothing is reported (--no-check to measure anyway)")
    return False


if __name__ == "__main__":
    sys.exit(main())
