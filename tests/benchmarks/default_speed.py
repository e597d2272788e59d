"""CPU and wall seconds, memory and F1 of the default link, beside full encoding, n-grams and three peers.

Each call is in a fresh process, the sides in turn; the tables show medians. The seconds are those of the call
with all that it loads, such as a model; the import of the package is timed apart, pandas is loaded before it.
Memory is the most that the process held. The sides:

default                `lt.link` with nothing but the keys
full                   the same with `model="full"`: every row encoded
lexical                the same with `model="lexical"`: character n-grams
linktransformer 0.1.18 `merge` with all-MiniLM-L6-v2 on all key columns: the best match of every left row. It
                       has no threshold by default, and none is set for F1
Splink                 on sets of three comparable columns or more, the best match of each left row of those
                       with a probability of at least .5; set up by one rule, see splink_tables.py
TF-IDF                 mutual best by character trigrams, all columns as one text

Generated firms: "firms_4_columns" are `speed_tables.records` (firm, person, street, town), "firms_name" the
same rows with the column "firm" only, "synthetic_firms" the names of peers/synthetic_firms.py, "large" the
names of `speed_tables.names`. With `--folds` they are decided by the model that leaves out generated firms.
With two rows, "first" is the import and the first merge, "second" the next merge.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from tools import data
from tools.data import TwoTables
from tools.report import Report, Row, Table, destination, markdown, say, write

from . import decision_files, ours, peer, speed_tables, splink_links
from .cpu import FIRMS
from .measure import JobError, Measured, environment, run_job
from .score import score_pairs

DEFAULT, FULL, LEXICAL = "default", "full", "lexical"
OLD, SPLINK, TFIDF = "linktransformer 0.1.18", "Splink", "TF-IDF"
CODES = {DEFAULT: "default", FULL: "full", LEXICAL: "lexical", OLD: "old", SPLINK: "splink", TFIDF: "tfidf"}
SIDES = tuple(CODES)
OURS = (DEFAULT, FULL, LEXICAL)
SCRIPT = Path(__file__).with_name("link_job.py")
NUMBERS = ("CPU s", "wall s", "peak MB", "F1", "precision", "links", "import CPU s", "import s")
STARTS = ("import CPU s", "import s", "first CPU s", "first s", "second CPU s", "second s", "peak MB")


@dataclass(frozen=True, slots=True)
class Job:
    """Two tables to link.

    Args:
        name: A set of the data folder, or what to call generated tables.
        kind: "set", or how the tables are made.
        rows: Of each table, where they are made.
        group: "usual", "crosslingual" or "large".
        sides: Who links them.
        fold: What `folds.json` calls them, "" for their name.
    """

    name: str
    kind: str = "set"
    rows: int = 0
    group: str = "usual"
    sides: tuple[str, ...] = SIDES
    fold: str = ""


GENERATED = "firms/0"  # the family of generated firms that the decision learns from
JOBS = (
    Job("dblp_acm"),
    Job("abt_buy"),
    Job("amazon_google"),
    Job("febrl4_hard"),
    Job("japanese_firms_1950s"),
    Job("mexican_tariff_1947_1948"),
    Job("autofj/Song"),
    Job("firms_4_columns", "records", 3_000, fold=GENERATED),
    Job("firms_name", "record names", 3_000, fold=GENERATED),
    Job("synthetic_firms", "synthetic", 5_000, fold=GENERATED),
    Job("edinet_ja_en_companies", group="crosslingual"),
    Job("google_taxonomy_en_de", group="crosslingual"),
    Job("geonames_cities_altnames", group="crosslingual"),
    Job("large", "names", 100_000, "large", (DEFAULT, LEXICAL), GENERATED),
)

Commands = Mapping[str, tuple[str, ...]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    names = [job.name for job in JOBS]
    parser.add_argument("--jobs", nargs="*", choices=names, default=None, help="only these, of any group")
    parser.add_argument(
        "--crosslingual", action="store_true", help="three sets in two languages or scripts too"
    )
    parser.add_argument("--large", action="store_true", help="100,000 x 100,000 names too, our two sides")
    parser.add_argument("--two-rows", action="store_true", help="import and first merge of two rows too")
    parser.add_argument("--sides", nargs="*", choices=SIDES, default=list(SIDES), help="who links")
    parser.add_argument("--repeats", type=int, default=5, help="processes for each side and job")
    parser.add_argument("--old-repeats", type=int, default=None, help="fewer for 0.1.18, which is slow")
    parser.add_argument("--rows", type=int, default=None, help="rows of generated tables, for a trial")
    parser.add_argument("--old-venv", type=Path, default=None, help="the environment of 0.1.18")
    parser.add_argument("--peer-venv", type=Path, default=None, help="the environment of Splink")
    parser.add_argument("--threads", type=int, default=None, help="threads of BLAS and OpenMP, every side")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds that one process may take")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Every side of a job in turn, one job after another; what is known is said and written after each."""
    jobs = [job for job in JOBS if wanted(job, options)]
    decision_files.check((job.fold or job.name for job in jobs), options)
    commands, skipped = commands_of(options)
    starts: list[Row] = []
    if options.two_rows:
        starts, failed = two_rows(commands, options)
        skipped += failed
        write(report_of([], starts, skipped, options), destination("default_speed", options))
    runs: list[dict[str, Any]] = []
    for job in jobs:
        measured, failed = runs_of(job, commands, options)
        runs += measured
        skipped += failed
        say("\n" + markdown(Table(job.name, medians(measured))), note=True)
        write(report_of(runs, starts, skipped, options), destination("default_speed", options))
    return report_of(runs, starts, skipped, options)


def wanted(job: Job, options: argparse.Namespace) -> bool:
    """Whether a job was chosen by name or by its group."""
    if options.jobs is not None:
        return job.name in options.jobs
    return job.group == "usual" or bool(getattr(options, job.group))


def report_of(
    runs: Sequence[dict[str, Any]], starts: Sequence[Row], skipped: Sequence[str], options: argparse.Namespace
) -> Report:
    """The tables of what was measured so far."""
    middle = medians(runs)
    tables = [
        Table("runs", runs),
        Table("two rows, medians", starts),
        Table("medians", middle),
        Table("ratios, default to others", ratios(middle)),
        Table("verdicts", verdicts(middle)),
    ]
    settings = {
        "repeats": options.repeats,
        "repeats of 0.1.18": options.old_repeats or options.repeats,
        "threads": options.threads,
        "rows": options.rows,
        "decision": decision_files.described(options),
    }
    return Report("default_speed", tables, list(skipped), settings)


def commands_of(options: argparse.Namespace) -> tuple[Commands, list[str]]:
    """How each chosen side is started, and a line for each whose environment is not there."""
    found: dict[str, tuple[str, ...]] = {}
    skipped: list[str] = []
    for side in options.sides:
        python: Path | None = Path(sys.executable)
        model: tuple[str, ...] = ()
        if side == OLD:
            python, why = peer.find(options.old_venv, "--old-venv")
            model = () if python is None else ("--model", str(peer.minilm(python)))
        elif side == SPLINK:
            python, why = peer.find_dedup(options.peer_venv)
        if python is None:
            skipped.append(why)
        else:
            found[side] = (str(python), str(SCRIPT), CODES[side], *model)
    return found, skipped


def tables_of(job: Job, rows: int | None) -> TwoTables:
    """The tables of a job; `id` of generated ones is the number of the row."""
    if job.kind == "set":
        return data.load(data.shared() / "data" / job.name)
    import pandas as pd

    count = rows or job.rows
    if job.kind == "synthetic":
        left, right = data.module(*FIRMS).two_tables(count, count)
        truth = zip(range(count), left["gid"].tolist(), strict=True)
        frames = [table[["name"]] for table in (left, right)]
    else:
        make = speed_tables.names if job.kind == "names" else speed_tables.records
        one, two, pairs = make(count)
        truth = zip(pairs["left"], pairs["right"], strict=True)
        kept = ["firm"] if job.kind == "record names" else list(one)
        frames = [pd.DataFrame(table)[kept] for table in (one, two)]
    ids = [str(number) for number in range(count)]
    with_ids = [table.assign(id=ids) for table in frames]
    return TwoTables(job.name, with_ids[0], with_ids[1], frozenset((str(a), str(b)) for a, b in truth))


def runs_of(
    job: Job, commands: Commands, options: argparse.Namespace
) -> tuple[list[dict[str, Any]], list[str]]:
    """Every run of a job, and a line for each side that failed; a side that failed is not run again."""
    parts = {"set": ("data", job.name), "synthetic": FIRMS}.get(job.kind)
    gone = data.missing(*parts) if parts else None
    if gone:
        return [], [f"{job.name}: {gone}"]
    tables = tables_of(job, options.rows)
    sides = [side for side in commands if side in job.sides]
    if not splink_links.comparable(tables):
        sides = [side for side in sides if side != SPLINK]
    runs: list[dict[str, Any]] = []
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        files = splink_links.write(tables, Path(folder))
        for repeat in range(options.repeats):
            for side in sides:
                if side in failed or (side == OLD and repeat >= (options.old_repeats or options.repeats)):
                    continue
                given = [*commands[side], "--left", str(files[0]), "--right", str(files[1])]
                try:
                    measured = once(given, side, job.fold or job.name, options)
                except JobError as error:
                    failed[side] = f"{job.name}, {side}, run {repeat + 1}: {last_line(error)}"
                    say(f"skipped: {failed[side]}", note=True)
                    continue
                runs.append(row_of(tables, side, measured))
                say(progress_line(runs[-1]), note=True)
    return runs, list(failed.values())


def once(command: Sequence[str], side: str, fold: str, options: argparse.Namespace) -> Measured:
    """One process; our sides decide by the model of that fold."""
    own = side in (*OURS, TFIDF)
    env = environment(*([data.ROOT] if own else []), threads=options.threads)
    chosen = decision_files.file_of(fold, options) if side in OURS else None
    if chosen is not None:
        env[decision_files.VARIABLE] = str(chosen)
    return run_job(command, env, options.timeout)


def last_line(error: JobError) -> str:
    """How the output of a process that failed ends."""
    return str(error).strip().splitlines()[-1]


def row_of(tables: TwoTables, side: str, measured: Measured) -> dict[str, Any]:
    """A line of the table of runs."""
    values = measured.result
    ids = tables.left["id"].tolist(), tables.right["id"].tolist()
    pairs = [(ids[0][pair[0]], ids[1][pair[1]]) for pair in values["pairs"]]
    if side == SPLINK:
        chances = [pair[2] for pair in values["pairs"]]
        pairs = list(splink_links.best_of_each_left(dict(zip(pairs, chances, strict=True))))
    score = score_pairs(pairs, tables.truth)
    return {
        "job": tables.name,
        "rows": f"{len(ids[0]):,} x {len(ids[1]):,}",
        "side": side,
        "CPU s": values["call CPU s"],
        "wall s": values["call s"],
        "peak MB": measured.peak_mb,
        "F1": score.f1,
        "precision": score.precision,
        "links": score.links,
        "import CPU s": values["import CPU s"],
        "import s": values["import s"],
        **ours.encoding_of(values),
    }


def progress_line(row: Row) -> str:
    """What is said after a run."""
    return (
        f"{row['job']}, {row['side']}: {row['CPU s']:.2f} CPU s, {row['wall s']:.2f} s, "
        f"{row['peak MB']:.0f} MB, F1 {row['F1']:.3f}, {row['texts encoded']:,} texts encoded"
    )


def medians(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The median of each number by job and side; what was encoded is that of the last run."""
    found = []
    for job, side in dict.fromkeys((run["job"], run["side"]) for run in runs):
        of_side = [run for run in runs if (run["job"], run["side"]) == (job, side)]
        numbers = {name: float(median(run[name] for run in of_side)) for name in NUMBERS}
        numbers["links"] = round(numbers["links"])
        found.append({**of_side[-1], **numbers, "runs": len(of_side)})
    return found


def ratios(middle: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The default beside each other side: below 1 it takes less; F1 as a difference."""
    ours_of = {row["job"]: row for row in middle if row["side"] == DEFAULT}
    return [
        {
            "job": row["job"],
            "other": row["side"],
            **{
                f"{name}, default / other": ours_of[row["job"]][name] / row[name]
                for name in ("CPU s", "wall s", "peak MB")
            },
            "F1, default - other": ours_of[row["job"]]["F1"] - row["F1"],
        }
        for row in middle
        if row["side"] != DEFAULT and row["job"] in ours_of
    ]


def verdicts(middle: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The bars that apply to what was measured, and whether they are met."""
    of = {(row["job"], row["side"]): row for row in middle}
    found = []
    for default in (row for row in middle if row["side"] == DEFAULT):
        job, cpu = default["job"], default["CPU s"]
        full, old, splink = (of.get((job, side)) for side in (FULL, OLD, SPLINK))
        if full is not None:
            lost = default["F1"] - full["F1"]
            found.append(verdict(job, "F1(default) - F1(full)", lost, ">=", -0.005))
        if old is not None:
            found.append(verdict(job, "CPU s(default), CPU s(0.1.18) / 4", cpu, "<=", old["CPU s"] / 4))
        if splink is not None:
            found.append(
                verdict(job, "CPU s(default), 2.5 x CPU s(Splink)", cpu, "<=", 2.5 * splink["CPU s"])
            )
        if job == "dblp_acm":
            found.append(verdict(job, "CPU s(default), 8", cpu, "<=", 8.0))
    return found


def verdict(job: str, bar: str, value: float, sign: str, bound: float) -> dict[str, Any]:
    """A line of the verdicts."""
    met = value >= bound if sign == ">=" else value <= bound
    return {"job": job, "bar": bar, "measured": value, "is to be": sign, "bound": bound, "met": met}


def two_rows(commands: Commands, options: argparse.Namespace) -> tuple[list[Row], list[str]]:
    """The medians of importing the package and merging two tables of two rows, and of doing it again."""
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in commands if side in (*OURS, OLD)}
    failed: dict[str, str] = {}
    for repeat in range(options.repeats):
        for side in [side for side in runs if side not in failed]:
            try:
                measured = once([*commands[side], "--two-rows"], side, GENERATED, options)
            except JobError as error:
                failed[side] = f"two rows, {side}, run {repeat + 1}: {last_line(error)}"
                continue
            runs[side].append({**measured.result, "peak MB": measured.peak_mb})
    rows = [
        {"side": side, **{name: float(median(one[name] for one in of)) for name in STARTS}, "runs": len(of)}
        for side, of in runs.items()
        if of
    ]
    say("\n" + markdown(Table("two rows", rows)), note=True)
    return list(rows), list(failed.values())
