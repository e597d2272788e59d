"""Articles of four newspapers, which print the stories of one news wire."""

from __future__ import annotations

from tools.recipes.datasets import words
from tools.recipes.datasets.table import Made, Row, clustered
from tools.recipes.decision.domains.draw import Draw
from tools.recipes.decision.domains.noise import OCR

STORIES, SENTENCES = 26, 30
PAPERS = ("Courier", "Herald", "Bee", "Sentinel")
MISREAD = 0.05  # share of letters that print can be misread in


def make(draw: Draw) -> Made:
    """Each story in one to four papers: whole, cut to a half or to two fifths, read by OCR."""
    rows: list[tuple[int, Row]] = []
    for number in range(STORIES):
        story = _story(draw)
        for paper in draw.some(PAPERS, draw.whole(1, len(PAPERS))):
            text = _printed(draw, story, draw.pick((1.0, 0.5, 0.4)))
            rows.append((number, {"paper": paper, "text": text}))
    return clustered(draw, rows, "t")


def _story(draw: Draw) -> list[str]:
    """The sentences of a story, some 2,000 characters."""
    name, other = draw.some(words.SURNAMES, 2)
    town, elsewhere = draw.some(words.TOWNS, 2)
    fixed = {"name": name, "other": other, "town": town, "elsewhere": elsewhere}
    fixed |= {"event": draw.pick(words.EVENTS), "work": draw.pick(words.WORKS)}
    later = words.SENTENCES[1:]
    lines = [words.SENTENCES[0], *draw.mixed(later), *draw.some(later, SENTENCES - len(words.SENTENCES))]
    return [
        line.format(
            **fixed,
            day=draw.pick(words.DAYS),
            n=draw.whole(100, 9999),
            m=draw.whole(11, 79),
            h=draw.whole(1, 11),
        )
        for line in lines
    ]


def _printed(draw: Draw, sentences: list[str], share: float) -> str:
    """A share of the sentences in their order, with letters misread."""
    kept = sorted(draw.some(range(len(sentences)), round(share * len(sentences))))
    text = " ".join(sentences[at] for at in kept)
    return "".join(draw.pick(OCR[c]) if c in OCR and draw.chance(MISREAD) else c for c in text)
