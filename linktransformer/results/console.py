"""Lines that show links and clusters on a console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from linktransformer.arrays import Floats
from linktransformer.tables import frames

__all__ = ["SHOWN", "clustered", "estimates", "keys", "linked", "more"]

SHOWN = 5  # links or clusters
WIDTH = 48  # characters of a row


def keys(rows: frames.Table, on: Sequence[str]) -> list[str]:
    """The key of each row in one line, cut to `WIDTH` characters."""
    texts = frames.joined(rows, list(on), ", ", False).tolist() if on else [""] * rows.n_rows
    folded = [" ".join(text.split()) for text in texts]
    return [text if len(text) <= WIDTH else text[: WIDTH - 1] + "…" for text in folded]


def estimates(figures: Mapping[str, object]) -> list[str]:
    """One line with the estimates that are known, or none."""
    known = [f"{name} {value:.2f}" for name, value in figures.items() if isinstance(value, float)]
    return [f"estimated {', '.join(known)}"] if known else []


def linked(score: Floats, left: Sequence[str], right: Sequence[str]) -> list[str]:
    """A line for each link, in columns."""
    width = max(map(len, left), default=0)
    triples = zip(score.tolist(), left, right, strict=True)
    return [f"  {of:.2f}  {a:<{width}}  =  {b}" for of, a, b in triples]


def clustered(clusters: Sequence[tuple[int, Sequence[str]]]) -> list[str]:
    """A line for each cluster, with its first rows."""
    return [
        f"  {number:>4}  {'  =  '.join(rows[:3])}{f' and {len(rows) - 3} more' if len(rows) > 3 else ''}"
        for number, rows in clusters
    ]


def more(total: int) -> list[str]:
    """What is not shown."""
    return [f"  ... and {total - SHOWN} more"] if total > SHOWN else []
