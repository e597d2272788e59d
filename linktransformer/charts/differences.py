"""Differences between two texts, marked in HTML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from rapidfuzz.distance import Levenshtein, Opcode

__all__ = ["LONGEST", "marked", "shortened"]

LONGEST = 200  # characters of a cell
CLOSE = 0.5  # similarity of two words of which letters are marked, not the whole words
_TOKENS = re.compile(r"\w+|\s+|[^\w\s]")


def shortened(text: str) -> str:
    """At most `LONGEST` characters, the last one an ellipsis where the text is longer."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def marked(left: str, right: str) -> tuple[str, str]:
    """Two texts as HTML, what differs between them in <mark> elements.

    Words are compared, and letters of two words that are much alike. Case counts.

    Example:
        >>> marked("Acme Steel <Co>", "Acme Steal <Co>")
        ('Acme Ste<mark>e</mark>l &lt;Co&gt;', 'Acme Ste<mark>a</mark>l &lt;Co&gt;')
        >>> marked("Acme", "")
        ('<mark>Acme</mark>', '')
    """
    left, right = shortened(left), shortened(right)
    one, other = _TOKENS.findall(left), _TOKENS.findall(right)
    parts: tuple[list[str], list[str]] = ([], [])
    for step in Levenshtein.opcodes(one, other):
        of_left, of_right = one[step.src_start : step.src_end], other[step.dest_start : step.dest_end]
        html = _changed(of_left, of_right, step)
        for side in (0, 1):
            parts[side].append(html[side])
    return "".join(parts[0]), "".join(parts[1])


def _changed(left: Sequence[str], right: Sequence[str], step: Opcode) -> tuple[str, str]:
    """HTML of one step of an edit of words."""
    a, b = "".join(left), "".join(right)
    if step.tag == "equal":
        return escape(a), escape(b)
    if step.tag != "replace" or Levenshtein.normalized_similarity(a, b) < CLOSE:
        return _mark(a), _mark(b)
    parts: tuple[list[str], list[str]] = ([], [])
    for inner in Levenshtein.opcodes(a, b):
        for side, text in enumerate(
            (a[inner.src_start : inner.src_end], b[inner.dest_start : inner.dest_end])
        ):
            parts[side].append(escape(text) if inner.tag == "equal" else _mark(text))
    return "".join(parts[0]), "".join(parts[1])


def _mark(text: str) -> str:
    return f"<mark>{escape(text)}</mark>" if text else ""
