"""How far scores and estimates of precision are true: cells, reliability by bins of the score, summaries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .ours import Outcome
from .score import IdPair, mean, score_pairs

SLACK = 0.05
FEWEST_LINKS = 20  # of a cell that counts
BINS = 10
SUMS = ("weight", "score", "right")


def cell(
    name: str, overlap: float, asked: Any, told: str, outcome: Outcome, truth: frozenset[IdPair]
) -> dict[str, Any]:
    """One call: what was asked for, what the links are in truth, what is reported of them.

    Args:
        name: The data set.
        overlap: The true share of left rows with a match.
        asked: The precision asked for, or the threshold by name.
        told: What `expected_overlap` was: "nothing", "truth", "twice" or "half".
        outcome: The links.
        truth: The true pairs.
    """
    score = score_pairs(outcome.pairs, truth)
    return row(
        name,
        overlap,
        asked,
        told,
        score.correct,
        score.links,
        score.matches,
        outcome.precision,
        outcome.interval,
    )


def row(
    name: str,
    overlap: float,
    asked: Any,
    told: str,
    correct: int,
    links: int,
    matches: int,
    reported: float | None,
    interval: tuple[float, float] | None,
) -> dict[str, Any]:
    """A cell from its counts."""
    true = correct / links if links else None
    counted = links >= FEWEST_LINKS
    covered = None if interval is None or true is None else interval[0] <= true <= interval[1]
    met = true is not None and isinstance(asked, float) and true >= asked - SLACK
    return {
        "data set": name,
        "overlap": overlap,
        "asked": asked,
        "told": told,
        "precision": true,
        "reported": reported,
        "from": interval[0] if interval else None,
        "to": interval[1] if interval else None,
        "covered": covered,
        "links": links,
        "recall": correct / matches if matches else None,
        "right": correct,
        "met (- .05)": met if counted and isinstance(asked, float) else None,
    }


def together(name: str, cells: Sequence[Mapping[str, Any]], matches: Sequence[int]) -> dict[str, Any]:
    """The cells of the tasks of a group as one: counts summed, the reported precision weighted by links."""
    links = sum(part["links"] for part in cells)
    known = [part for part in cells if part["reported"] is not None and part["links"]]
    weight = sum(part["links"] for part in known)
    reported = sum(part["reported"] * part["links"] for part in known) / weight if weight else None
    first = cells[0]
    return row(
        name,
        mean(part["overlap"] for part in cells),
        first["asked"],
        first["told"],
        sum(part["right"] for part in cells),
        links,
        sum(matches),
        reported,
        None,
    )


def summary(over: str, cells: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Share of the counted cells that are met, share of the intervals that hold the truth, and the errors.

    Cells with fewer than 20 links do not count, but for the second share of intervals.
    """
    every = list(cells)
    counted = [one for one in every if one["links"] >= FEWEST_LINKS]
    asked = [one for one in counted if one["met (- .05)"] is not None]
    covered = [one["covered"] for one in counted if one["covered"] is not None]
    any_links = [one["covered"] for one in every if one["covered"] is not None]
    errors = [one["reported"] - one["precision"] for one in counted if one["reported"] is not None]
    return {
        "over": over,
        "cells": len(every),
        "counted": len(counted),
        "share met": mean(float(one["met (- .05)"]) for one in asked),
        "mean gap": mean(one["precision"] - one["asked"] for one in asked),
        "intervals": len(covered),
        "share covering": mean(map(float, covered)),
        "share covering, any links": mean(map(float, any_links)),
        "mean width": mean(
            one["to"] - one["from"] for one in counted if one["from"] is not None and one["to"] is not None
        ),
        "mean error of the report": mean(errors),
        "mean absolute error": mean(map(abs, errors)),
        "mean recall": mean(one["recall"] for one in counted if one["recall"] is not None),
    }


def bins_of(scores: Mapping[IdPair, float], truth: frozenset[IdPair]) -> list[dict[str, float]]:
    """For each bin of the score: links, and sums with every set weighing one."""
    found = [{"links": 0.0, **dict.fromkeys(SUMS, 0.0)} for _ in range(BINS)]
    for pair, score in scores.items():
        bin_ = found[min(BINS - 1, max(0, int(score * BINS)))]
        bin_["links"] += 1
        bin_["weight"] += 1 / len(scores)
        bin_["score"] += score / len(scores)
        bin_["right"] += (pair in truth) / len(scores)
    return found


def reliability(of_sets: Sequence[Sequence[Mapping[str, float]]]) -> list[dict[str, Any]]:
    """The bins of all sets together: links, mean score, share right; empty bins are left out."""
    rows = []
    for number, parts in enumerate(zip(*of_sets, strict=True)):
        total = {name: sum(part[name] for part in parts) for name in ("links", *SUMS)}
        if total["links"]:
            rows.append(
                {
                    "score": f"{number / BINS:.1f} to {(number + 1) / BINS:.1f}",
                    "links": int(total["links"]),
                    "weight": total["weight"] / len(of_sets),
                    "mean score": total["score"] / total["weight"],
                    "share right": total["right"] / total["weight"],
                }
            )
    return rows


def calibration_error(rows: Sequence[Mapping[str, Any]]) -> float:
    """The expected calibration error: the mean distance of mean score and share right, by weight.

    Example:
        >>> calibration_error([{"weight": 0.5, "mean score": 0.9, "share right": 0.7},
        ...                    {"weight": 0.5, "mean score": 0.2, "share right": 0.2}])
        0.1
    """
    weight = sum(row["weight"] for row in rows)
    if not weight:
        return float("nan")
    error = sum(row["weight"] * abs(row["mean score"] - row["share right"]) for row in rows) / weight
    return float(round(error, 12))
