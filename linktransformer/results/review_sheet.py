"""Links and the best candidates of unlinked rows, given to the Excel file for review."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from linktransformer.errors import InvalidArgumentError
from linktransformer.results.link_charts import best_unlinked, estimates_text
from linktransformer.results.link_values import REASONS
from linktransformer.results.page_parts import over_bands
from linktransformer.tables import frames, key_columns
from linktransformer.tables.review_workbook import ANSWER, ReviewPair, check_path, write_workbook

if TYPE_CHECKING:
    from linktransformer.results.link_values import LinkValues

__all__ = ["write_review"]

MOST = 1_048_575  # rows of a sheet below its head


def write_review(links: LinkValues, path: str | os.PathLike[str], limit: int, *, has_rows: bool) -> None:
    """Write the file; `has_rows` is false for links of files.

    Raises:
        InvalidArgumentError: Another suffix, no such number, or the rows are not in memory.
    """
    check_path(path)
    if isinstance(limit, bool) or limit not in range(1, MOST + 1):
        raise InvalidArgumentError(f"limit={limit!r} is not a number of pairs. Give 1 to {MOST:,}.")
    if not has_rows:
        raise InvalidArgumentError(
            "These links are of files, whose rows are not in memory. Read rows to review and `link` them."
        )
    unlinked = best_unlinked(links)
    left = np.append(links.left_rows, unlinked)
    right = np.append(links.right_rows, links.left_nearest.row[unlinked])
    score = np.append(links.score, links.left_nearest.score[unlinked])
    reason = np.append(np.zeros(len(links), dtype=np.int8), links.left_reason[unlinked])
    some = over_bands(score, int(limit))
    some = some[np.argsort(-score[some], kind="stable")]
    columns = key_columns.paired(links.details["left_on"], links.details["right_on"])
    sides = [
        (table.rows(rows[some]), frames.index_labels(table, rows[some]).tolist())
        for table, rows in ((links.left, left), (links.right, right))
    ]
    cells = [
        tuple(
            frames.joined(table, [name], " ", False).tolist()
            for (table, _), name in zip(sides, names, strict=True)
        )
        for names in columns
    ]
    pairs = (
        ReviewPair(
            float(score[at]),
            REASONS[int(reason[at])],
            (sides[0][1][place], sides[1][1][place]),
            [(str(a[place]), str(b[place])) for a, b in cells],
        )
        for place, at in enumerate(some.tolist())
    )
    write_workbook(path, columns, pairs, _about(links, len(some), len(score)))


def _about(links: LinkValues, shown: int, total: int) -> list[tuple[str, str]]:
    """What the second sheet says."""
    all_of = "all" if shown == total else f"{shown:,}, spread over all probabilities, of"
    return [
        ("pairs", f"{all_of} {total:,}: the links, and the best candidate of each left row without a link"),
        ("links", f"{len(links):,}, by the rule: {links.details['rule']}"),
        ("how sure", estimates_text(links.details) or "no estimate"),
        ("what to do", f'Write yes or no into the column "{ANSWER}"; leave it empty where you do not know.'),
        (
            "what it is for",
            'fit_decision(left, right, labels="this file.xlsx", on=...) learns from the answers.',
        ),
        (
            "texts",
            "Cells are texts, also those that look like numbers or formulas, cut at 32,000 characters.",
        ),
    ]
