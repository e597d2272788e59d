"""F1 of the default link, no label and no threshold, on every two-table set.

Beside it: character TF-IDF in its better form, the rules that decided before, and Splink on request. Labels
are for scoring only.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tools import data
from tools.report import Report, Table, say

from . import decision_files, known_pairs, ours, peer, probes, splink_links
from .score import mean, score_pairs

BASELINE = ("hit@1", "best F1", "mutual F1", "oracle F1")
HARD = "febrl4_hard"
BEFORE = (
    "abt_buy", "amazon_google", "dblp_acm", "dblp_scholar_partial", "dm_abt_buy", "dm_amazon_google",
    "dm_dblp_acm", "edinet_ja_en_companies", "febrl4_hard", "febrl4_persons", "geonames_cities_altnames",
    "google_taxonomy_en_de", "icdar2019_ocr_documents", "japanese_firms_1950s", "mexican_tariff_1947_1948",
    "autofj",
)  # fmt: skip
# F1 of the rules with the default model, by set; with "lexical" for essnet_census_register
RULES = Path(__file__).with_name("rules.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", default=[], help="only these data sets")
    parser.add_argument("--tasks", action="store_true", help="a row for each task of a group too")
    parser.add_argument(
        "--model", default=None, help="the model argument of merge; 'prefix:FOLDER' as for probes"
    )
    parser.add_argument(
        "--cache-baseline", type=Path, default=None, metavar="DIR", help="keep the baseline here"
    )
    parser.add_argument("--no-pairs", action="store_true", help="leave the published test pairs out")
    parser.add_argument("--splink", action="store_true", help="Splink too, on sets of several columns (slow)")
    parser.add_argument("--peer-venv", type=Path, default=None, help="the environment of Splink")
    parser.add_argument("--timeout", type=float, default=1_800, help="seconds that Splink may take on a set")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Measure every data set: those of before, the new ones, the test pairs, each with a summary."""
    gone = data.missing("data", "baseline.py")
    if gone:
        return Report("zero_label", skipped=[gone])
    decision_files.check(data.names(options.names), options)
    python, why = peer.find_dedup(options.peer_venv) if options.splink else (None, "")
    rules = json.loads(RULES.read_text(encoding="utf-8"))
    rows: list[dict[str, Any]] = []
    task_rows: list[dict[str, Any]] = []
    wanted = data.whole(options.names)
    settings = {"model": options.model, "decision": decision_files.described(options)}
    if wanted:
        smallest = min((folder for name in wanted for folder in data.tasks(name)), key=data.size)
        settings["check"] = same_as_merge(smallest, options)
    for name in wanted:
        folders = data.tasks(name)
        measured = [measure(folder, options, python) for folder in folders]
        rows.append(measured[0] if len(folders) == 1 else averaged(name, measured))
        rows[-1] |= beside_rules(rows[-1], rules)
        if len(folders) > 1:
            task_rows += measured
        say(progress_line(rows[-1]), note=True)
    tables = [Table("tasks", task_rows)] if options.tasks else []
    for title, part in parts(rows).items():
        tables += [Table(title, part), Table(f"{title}, summary", [summary(part)])] if part else []
    if not options.no_pairs:
        given = chosen(options)
        pairs = [
            known_pairs.measure(name, options, given, rules, python)
            for name in known_pairs.names(options.names)
        ]
        tables += (
            [Table("pairs", pairs), Table("pairs, summary", [known_pairs.summary(pairs)])] if pairs else []
        )
    say(f"decision: {settings['decision']}")
    return Report("zero_label", tables, [why] if why else [], settings)


def parts(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The sets that were measured from the start, and those that came later."""
    return {
        "zero_label": [row for row in rows if row["data set"] in BEFORE],
        "new sets": [row for row in rows if row["data set"] not in BEFORE],
    }


def beside_rules(row: dict[str, Any], rules: dict[str, float]) -> dict[str, Any]:
    """The rules' F1 on a set and the difference to it."""
    before = rules.get(row["data set"])
    return {"rules": before, "F1 - rules": None if before is None else row["F1"] - before}


def measure(folder: Path, options: argparse.Namespace, python: Path | None = None) -> dict[str, Any]:
    """One folder: our links and the baseline in the same run; Splink where its Python is given."""
    tables = data.load(folder)
    with decision_files.deciding(tables.name, options):
        outcome = ours.link(tables, **chosen(options))
    score = score_pairs(outcome.pairs, tables.truth)
    reference = data.baseline_scores(folder, options.cache_baseline)
    floor = max(reference["best F1"], reference["mutual F1"])
    row = {
        "data set": tables.name,
        "F1": score.f1,
        "precision": score.precision,
        "recall": score.recall,
        "estimated precision": outcome.precision,
        "TF-IDF": floor,
        "F1 - TF-IDF": score.f1 - floor,
        **{name: reference[name] for name in BASELINE},
        "dense weight": dense_weight(outcome),
        "seconds": outcome.seconds,
        "CPU s": outcome.cpu_seconds,
    }
    if python is not None and splink_links.comparable(tables):
        pairs = splink_links.scored(python, tables, options.timeout)
        if pairs is not None:
            row["Splink"] = score_pairs(splink_links.best_of_each_left(pairs), tables.truth).f1
    return row


def chosen(options: argparse.Namespace) -> dict[str, Any]:
    """The arguments of merge that the command line sets; everything else stays the default."""
    if options.model is not None and options.model.startswith("prefix:"):
        return {"model": Prefixed(options.model)}
    return {} if options.model is None else {"model": options.model}


class Prefixed:
    """A model of e5's kind as merge takes any object that encodes.

    Args:
        model: "prefix:" and its folder.
    """

    def __init__(self, model: str) -> None:
        self.name, self._encode = probes.called(model), probes.encoder(model)

    def encode(self, texts: list[str]) -> Any:
        """Unit rows."""
        return self._encode(texts)


def dense_weight(outcome: ours.Outcome) -> float | None:
    """The weight of the dense view as the report names it."""
    value = ours.find(outcome.report, "dense_weight", "weights.dense", "weight.dense", "weight")
    return float(value) if isinstance(value, int | float) else None


def averaged(name: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The mean of the tasks of a group; the difference is that of the means, seconds are summed."""
    first = rows[0]
    row: dict[str, Any] = {"data set": name}
    for column in list(first)[1:]:
        values = [item[column] for item in rows if item[column] is not None]
        row[column] = mean(values) if values else None
    row["TF-IDF"] = max(row["best F1"], row["mutual F1"])
    row["F1 - TF-IDF"] = row["F1"] - row["TF-IDF"]
    for column in ("seconds", "CPU s"):
        row[column] = sum(item[column] for item in rows)
    return row


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Means over the data sets, the worst difference, and the set with half its rows unmatched."""
    worst = min(rows, key=lambda row: float(row["F1 - TF-IDF"]))
    hard = next((row["F1"] for row in rows if row["data set"] == HARD), None)
    return {
        "data sets": len(rows),
        "mean F1": mean(row["F1"] for row in rows),
        "mean TF-IDF": mean(row["TF-IDF"] for row in rows),
        "mean oracle": mean(row["oracle F1"] for row in rows),
        "difference": mean(row["F1 - TF-IDF"] for row in rows),
        "worst difference": worst["F1 - TF-IDF"],
        "worst set": worst["data set"],
        **against_rules(rows),
        HARD: hard,
    }


def against_rules(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean F1 of the rules on the sets of which it is known, the mean difference, and where it is worst."""
    known = [row for row in rows if row.get("rules") is not None]
    if not known:
        return {}
    worst = min(known, key=lambda row: float(row["F1 - rules"]))
    return {
        "mean rules": mean(row["rules"] for row in known),
        "to rules": mean(row["F1 - rules"] for row in known),
        "worst to rules": worst["F1 - rules"],
        "set worst to rules": worst["data set"],
    }


def same_as_merge(folder: Path, options: argparse.Namespace) -> str:
    """Check on one data set that merge holds the pairs of link, which is what is scored."""
    tables = data.load(folder)
    with decision_files.deciding(tables.name, options):
        linked = ours.link(tables, **chosen(options)).pairs
        merged = ours.merged_pairs(tables, **chosen(options))
    if linked != merged:
        raise SystemExit(
            f"merge and link differ on {tables.name}: {len(linked ^ merged)} pairs; nothing is reported"
        )
    return f"merge gives the pairs of link on {tables.name}"


def progress_line(row: dict[str, Any]) -> str:
    """What is said while the run goes on."""
    floor = f"best {row['best F1']:.3f}, mutual {row['mutual F1']:.3f}"
    return f"{row['data set']}: F1 {row['F1']:.3f} ({floor}) {row['seconds']:.1f} s"
