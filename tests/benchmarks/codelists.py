"""Values linked to a short list of codes by default: how many rows are linked, and how many of them rightly.

The lists are official town names, country names in many languages (all, and those in Latin script), and a
made list of 12 departments with 600 messy values, of which some belong to none. Labels are for scoring only.
"""

from __future__ import annotations

import argparse
import random
import unicodedata
from typing import Any

from tools import data
from tools.data import TwoTables
from tools.report import Report, Table, say

from . import decision_files, ours
from .score import mean, score_pairs
from .zero_label import chosen

TOWNS, COUNTRIES, LATIN, MADE = "town_names", "country_names", "country_names, Latin script", "made list"
LISTS = (TOWNS, COUNTRIES, LATIN, MADE)
VALUES = 600
NO_CATEGORY = 0.05  # share of the made values that belong to none
SEED = 3
CATEGORIES = {  # with the short forms that are in use
    "Human Resources": ("HR", "Hum. Res.", "Human Res"),
    "Information Technology": ("IT", "Info Tech", "Information Tech."),
    "Finance and Accounting": ("Fin. & Acc.", "Finance", "Accounting"),
    "Customer Service": ("Cust. Serv.", "Customer Svc"),
    "Marketing": ("Mktg", "Market."),
    "Sales": ("Sales Dept", "sale"),
    "Legal Affairs": ("Legal", "Leg. Aff."),
    "Research and Development": ("R&D", "Research & Dev", "Research"),
    "Purchasing": ("Purch.", "Purchase"),
    "Production": ("Prod.", "Production Line"),
    "Quality Assurance": ("QA", "Quality", "Qual. Assur."),
    "Warehouse and Logistics": ("Logistics", "Whse & Log.", "Warehouse"),
}
NOTHING = ("n/a", "unknown", "-", "other", "see notes", "none", "misc", "to be filled in")
BEFORE = ("", "", "", "Dept. of ", "Dept ", "the ", "Department: ", "01 ", "* ")
AFTER = ("", "", "", " dept", " (Berlin)", " team", ".", " 2", " - head office", " section")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this benchmark."""
    parser.add_argument("--names", nargs="*", choices=LISTS, default=list(LISTS), help="only these lists")
    parser.add_argument("--model", default=None, help="the model argument of link")
    parser.add_argument("--rows", type=int, default=None, help="only so many left rows, the first ones")
    parser.add_argument("--seed", type=int, default=SEED, help="of the made list")
    decision_files.add_arguments(parser)


def run(options: argparse.Namespace) -> Report:
    """Link every list by default."""
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    decision_files.check((TOWNS if name == MADE else name.split(",")[0] for name in options.names), options)
    for name in options.names:
        gone = None if name == MADE else data.missing("data", name.split(",")[0])
        if gone:
            skipped.append(gone)
            continue
        rows.append(measure(name, load(name, options), options))
        say(f"{name}: {rows[-1]['linked']:.3f} linked, {rows[-1]['linked right']:.3f} right", note=True)
    say(f"decision: {decision_files.described(options)}")
    settings = {"model": options.model, "decision": decision_files.described(options), "seed": options.seed}
    tables = [Table("codelists", rows), Table("summary", [summary(rows)])] if rows else []
    return Report("codelists", tables, skipped, settings)


def load(name: str, options: argparse.Namespace) -> TwoTables:
    """A list by its name, cut to the wanted rows."""
    folder = data.shared() / "data" / name.split(",")[0]
    tables = made(options.seed) if name == MADE else data.load(folder)
    left = tables.left
    if name == LATIN:
        left = left[left["name"].map(is_latin)]
    left = left.head(options.rows or len(left)).reset_index(drop=True)
    kept = set(left["id"])
    return TwoTables(
        tables.name, left, tables.right, frozenset(pair for pair in tables.truth if pair[0] in kept)
    )


def is_latin(text: str) -> bool:
    """Whether all letters of a text are Latin, and there is one.

    Example:
        >>> [is_latin(text) for text in ("Österreich", "Österreich 奥地利", "12")]
        [True, False, False]
    """
    letters = [character for character in text if character.isalpha()]
    return bool(letters) and all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)


def made(seed: int = SEED) -> TwoTables:
    """600 messy values beside the 12 departments that they name, or that they do not name."""
    import pandas as pd

    draw = random.Random(seed)
    categories = list(CATEGORIES)
    right = pd.DataFrame({"id": [f"c{number}" for number in range(len(categories))], "category": categories})
    values: list[str] = []
    truth: set[tuple[str, str]] = set()
    for number in range(VALUES):
        if draw.random() < NO_CATEGORY:
            values.append(draw.choice(NOTHING))
            continue
        which = draw.randrange(len(categories))
        values.append(messy(categories[which], draw))
        truth.add((f"v{number}", f"c{which}"))
    left = pd.DataFrame({"id": [f"v{number}" for number in range(VALUES)], "value": values})
    return TwoTables(MADE, left, right, frozenset(truth))


def messy(category: str, draw: random.Random) -> str:
    """A category as people type it: in short, with words around it, with slips of the finger."""
    text = draw.choice(CATEGORIES[category]) if draw.random() < 0.35 else category
    text = draw.choice(BEFORE) + text + draw.choice(AFTER)
    for _ in range(draw.choice((0, 0, 1, 1, 2))):
        place = draw.randrange(len(text))
        letter = draw.choice("abcdefghijklmnopqrstuvwxyz")
        text = draw.choice(
            (
                text[:place] + letter + text[place + 1 :],
                text[:place] + text[place + 1 :],
                text[:place] + letter + text[place:],
                text[: place - 1] + text[place - 1 : place + 1][::-1] + text[place + 1 :] if place else text,
            )
        )
    return draw.choice((text, text, text.lower(), text.upper()))


def measure(name: str, tables: TwoTables, options: argparse.Namespace) -> dict[str, Any]:
    """One list: shares of the left rows, and the precision as it is and as it is reported.

    The made list is decided by the model that has not seen the town names.
    """
    with decision_files.deciding(TOWNS if name == MADE else tables.name, options):
        outcome = ours.link(tables, **chosen(options))
    score = score_pairs(outcome.pairs, tables.truth)
    rows, linked = len(tables.left), len({left for left, _ in outcome.pairs})
    interval = outcome.interval
    true = score.precision if score.links else None
    return {
        "list": name,
        "rows": rows,
        "codes": len(tables.right),
        "with a code": len({left for left, _ in tables.truth}) / rows,
        "linked": linked / rows,
        "linked right": score.correct / rows,
        "F1": score.f1,
        "precision": true,
        "reported": outcome.precision,
        "from": interval[0] if interval else None,
        "to": interval[1] if interval else None,
        "covered": None if interval is None or true is None else interval[0] <= true <= interval[1],
        "seconds": outcome.seconds,
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over the lists."""
    known = [row for row in rows if row["reported"] is not None and row["precision"] is not None]
    return {
        "lists": len(rows),
        "linked": mean(row["linked"] for row in rows),
        "linked right": mean(row["linked right"] for row in rows),
        "F1": mean(row["F1"] for row in rows),
        "mean absolute error of the report": mean(abs(row["reported"] - row["precision"]) for row in known),
    }
