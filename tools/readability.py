"""Terms that the pages do without, and how long their sentences are.

python -m tools.readability        a table of the pages, and what fails
python -m tools.readability -v     the longest sentences of each page too
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.report import say

ROOT = Path(__file__).resolve().parents[1]
LONGEST_MEAN = 20.0  # words of a sentence, in the mean of a page
LONG = 45  # words of a sentence that should be two
MOST_LONG = 0.05  # share of them
# what is written, and what the field says; a pattern of the term as it must not stand on a page
AVOIDED = {
    r"partners?": "match, candidate",
    r"asked rows?": "query row",
    r"alone": "unmatched; by itself, only",
    r"(?<!model )(?<!model_)(?<!graphics )cards?": "GPU; model card",
    r"(?:the|a) processor": "CPU",
    r"likeness(?:es)?": "similarity",
    r"equal but for capitals": "case-insensitive match",
    r"what (?:unrelated|random) pairs have": "null distribution, chance level",
    r"(?:take|takes|taken|taking|took) apart": "split",
    r"thaw(?:s|ed)?": "load",
    r"anew": "again",
    r"hears?|heard": "uses",
    r"knows": "uses, has",
    r"wants": "requires",
    r"as for": "about; or a sentence that stands by itself",
    r"for the eye": "for orientation",
    r"nothing is lost in silence": "no row is dropped silently",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What was counted of a page.

    Args:
        words: Words of its prose.
        lengths: Words of each sentence.
        longest: The longest sentences, longest first.
        avoided: Each avoided term that it has, with its line.
    """

    words: int
    lengths: tuple[int, ...]
    longest: tuple[str, ...]
    avoided: tuple[str, ...]

    @property
    def mean(self) -> float:
        """The mean length of a sentence in words."""
        return self.words / max(len(self.lengths), 1)

    @property
    def share_long(self) -> float:
        """The share of sentences of more than `LONG` words."""
        return sum(n > LONG for n in self.lengths) / max(len(self.lengths), 1)


def prose(page: str) -> list[str]:
    r"""The paragraphs and list items of a page, without code, tables, headings and markup.

    Example:
        >>> prose("# Title\n\nOne [link](a.md)\nof `two`.\n\n- an item\n\n| a | b |\n")
        ['One link of two.', 'an item']
    """
    page = re.sub(r"^---\n.*?^---\n", "", page, flags=re.S)
    page = re.sub(r"```.*?```|<!--.*?-->", "", page, flags=re.S)
    page = re.sub(r"^(?: {4,}| {0,3}\||#|:::|!\[).*$", "", page, flags=re.M)
    page = re.sub(r"^\s*(?:[-*]|\d+\.)\s", "\n\n", page, flags=re.M)
    page = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", page)
    page = re.sub(r"[`*]", "", page)
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", page) if part.strip()]


def sentences(page: str) -> list[str]:
    """The sentences of the prose of a page; a colon before a list or code, and a semicolon, end one too."""
    parts = [re.split(r"(?<=[.!?;])\s+(?=[A-Z\"(\[\d])|;\s+|:$", text) for text in prose(page)]
    return [part for some in parts for part in some if re.search(r"[a-z]{2}", part)]


def read(page: str) -> Reading:
    """Count a page."""
    found = sentences(page)
    lengths = tuple(len(re.findall(r"[\w'./=\"-]+", text)) for text in found)
    longest = sorted(found, key=lambda text: -len(text.split()))[:3]
    avoided = []
    text = re.sub(
        r"```.*?```|`[^`\n]*`|\]\([^)]*\)|^ {4,}.*?$",
        lambda m: "\n" * m[0].count("\n"),
        page,
        flags=re.S | re.M,
    )
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, instead in AVOIDED.items():
            for term in re.findall(rf"\b(?:{pattern})\b", line, flags=re.I):
                avoided.append(f"line {number}: {term!r} (say: {instead})")
    return Reading(sum(lengths), lengths, tuple(longest), tuple(avoided))


def wrong(reading: Reading) -> list[str]:
    """What fails on a page."""
    texts = list(reading.avoided)
    if reading.mean > LONGEST_MEAN:
        texts.append(f"{reading.mean:.1f} words a sentence, more than {LONGEST_MEAN:g}")
    if reading.share_long > MOST_LONG:
        texts.append(f"{reading.share_long:.0%} of the sentences have more than {LONG} words")
    return texts


def pages(root: Path = ROOT) -> list[Path]:
    """The pages that people read first to last."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table and what fails."""
    verbose = "-v" in (sys.argv[1:] if arguments is None else arguments)
    failures = 0
    say(f"{'page':<36} {'words':>6} {'mean':>5} {'long':>5}")
    for path in pages():
        reading = read(path.read_text(encoding="utf-8"))
        name = path.relative_to(ROOT).as_posix()
        say(f"{name:<36} {reading.words:>6} {reading.mean:>5.1f} {reading.share_long:>5.0%}")
        failures += len(wrong(reading))
        for text in (*wrong(reading), *(reading.longest if verbose else ())):
            say(f"    {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
