"""A model of the errors of an OCR engine, learned from readings of known print.

It costs microseconds a name where the engine costs milliseconds, and needs no picture.
"""

from __future__ import annotations

import json
import math
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from clippings.errors import EncoderError
from clippings.pictures.ocr_reading import Reading

Ways = tuple[tuple[str, ...], tuple[int, ...]]  # what is read, and cumulative counts
FORMAT = 1
BACK_OFF = 20.0  # how many characters of its class speak beside a character's own count
OWN_WORD = 2.0  # and how many mistakes of its class beside its own mistakes
SHARES = (0.0, 0.1, 0.25, 0.5)  # of wrong characters; readings between two of them are alike in confidence
SHIPPED = ("jpn-lines", "jpn-columns", "eng-modern", "eng-old")
KANJI_MARKS = frozenset("々〆〇")  # unlike other kanji they have names of their own
GAP = ""  # the place between two characters, in the table


@dataclass(frozen=True, slots=True)
class Seen:
    """Counts of the readings of one character, or of a class of characters.

    Args:
        n: How often it was printed.
        lost: How often nothing was read for it.
        taken_for: What it was mistaken for, and how often.
    """

    n: int = 0
    lost: int = 0
    taken_for: Mapping[str, int] = field(default_factory=dict)

    @property
    def wrong(self) -> int:
        """How often it was not read as itself."""
        return self.lost + sum(self.taken_for.values())


@dataclass(frozen=True, slots=True)
class Confusions:
    """A model of an OCR engine: `learn_confusions` makes it, `read` draws from it.

    Args:
        characters: How each character was read; "class:kanji" and the like for the classes, "" for the
            places between characters where something can be made up.
        empty: Share of the names of which nothing was read.
        spread: How unequal crops are: the variance of a crop's error rate over the square of its mean.
        confidence: For each share of wrong characters, quantiles of the engine's confidence; empty where
            it is not known.
    """

    characters: Mapping[str, Seen]
    empty: float = 0.0
    spread: float = 0.0
    confidence: tuple[tuple[float, ...], ...] = ()
    _rates: dict[str, float] = field(default_factory=dict, init=False, repr=False, compare=False)
    _outcomes: dict[str, Ways] = field(default_factory=dict, init=False, repr=False, compare=False)

    def read(self, text: str, draw: np.random.Generator, *, rate: float = 1.0) -> Reading:
        """Read a text as the engine would.

        Args:
            text: What is printed.
            draw: Where the draws come from.
            rate: Errors are so many times as likely; 0 reads everything right.

        Returns:
            A reading with the errors and the confidence of the engine.

        Example:
            >>> from clippings.synthetic.learn_confusions import learn_confusions
            >>> seen = learn_confusions([("oil", "oil"), ("oil", "oll")] * 50)
            >>> seen.read("oil", np.random.default_rng(4)).text
            'oll'
        """
        if draw.random() < self.empty * rate:
            return Reading("", 0.0)
        luck = float(draw.gamma(1 / self.spread, self.spread)) if self.spread > 0 else 1.0
        luck *= rate
        characters: list[str] = []
        wrong = 0
        for char, (gap, piece, error, choice) in zip(
            (*text, ""), draw.random((len(text) + 1, 4)), strict=True
        ):
            if gap < chance_of(self.odds(GAP), luck):
                characters.append(_pick(self._ways(GAP), piece))
                wrong += len(characters[-1])
            if char and error < chance_of(self.odds(char), luck):
                characters.append(self._mistake(char, choice))
                wrong += 1
            else:
                characters.append(char)
        return Reading("".join(characters), self._sureness(wrong / max(1, len(text)), draw))

    def read_crops(
        self, images: Sequence[bytes], printed: Sequence[str], seeds: Sequence[int]
    ) -> list[Reading]:
        """A reading of what is printed on each crop; the picture is not looked at. See `Reader`.

        Args:
            images: The stored crops.
            printed: What is printed on each.
            seeds: A seed for each reading.

        Returns:
            Text and confidence of each crop.
        """
        return [
            self.read(text, np.random.default_rng(seed)) for text, seed in zip(printed, seeds, strict=True)
        ]

    def odds(self, char: str) -> float:
        """How likely an error is, as the rate that a crop's luck is multiplied with.

        Args:
            char: A character, or "" for a place between two.

        Returns:
            The rate: an error happens with 1 - exp(-rate luck), and luck is 1 in the mean.
        """
        key = f"odds {char}"
        if key not in self._rates:
            error, v = self.error(char), self.spread
            # such that the mean of 1 - exp(-odds luck) over a gamma distribution of luck is that error
            self._rates[key] = ((1 - error) ** -v - 1) / v if v > 1e-6 else -math.log(1 - error)
        return self._rates[key]

    def error(self, char: str) -> float:
        """How likely an error is over all crops: a character's own share, helped out by its class.

        Args:
            char: A character, or "" for a place between two.

        Returns:
            The probability, at most .98.
        """
        own = self.characters.get(char, Seen())
        if char == GAP:
            return min(0.98, own.wrong / max(1, own.n))
        return min(0.98, (own.wrong + BACK_OFF * self._rare(kind_of(char))) / (own.n + BACK_OFF))

    def _rare(self, kind: str) -> float:
        """The error rate of a class, dominated by its rare characters.

        With this rate the smoothed errors of the class's characters sum to the counted ones: rare characters
        are misread more often than frequent ones. A class without counts has the rate of all classes.
        """
        key = f"rare {kind}"
        if key not in self._rates:
            single = [(char, one) for char, one in self.characters.items() if len(char) == 1]
            class_counts = [one for char, one in single if kind_of(char) == kind] or [
                one for _, one in single
            ]
            n = sum(one.n / (one.n + BACK_OFF) for one in class_counts)
            self._rates[key] = sum(one.wrong / (one.n + BACK_OFF) for one in class_counts) / n if n else 0.0
        return self._rates[key]

    def _ways(self, char: str) -> Ways:
        """The wrong readings of a character, with cumulative counts."""
        if char not in self._outcomes:
            counts = self.characters.get(char, Seen())
            outcomes = {**counts.taken_for, **({"": counts.lost} if counts.lost else {})}
            self._outcomes[char] = (tuple(outcomes), tuple(accumulate(outcomes.values())))
        return self._outcomes[char]

    def _mistake(self, char: str, choice: float) -> str:
        """Draw a wrong reading: one of the character's own, or of its class."""
        own, kind = self._ways(char), self._ways(kind_of(char))
        own_count = float(own[1][-1]) if own[0] else 0.0
        share = own_count / (own_count + OWN_WORD) if kind[0] else 1.0
        if choice < share:
            return _pick(own, choice / share)
        character = _pick(kind, (choice - share) / (1 - share)) if kind[0] else ""
        return "" if character == char else character

    def _sureness(self, share: float, draw: np.random.Generator) -> float:
        """Draw a confidence of readings with a similar share of wrong characters."""
        if not self.confidence:
            return float("nan")
        quantiles = self.confidence[alike(share)]
        return round(float(np.interp(draw.random(), np.linspace(0, 1, len(quantiles)), quantiles)), 4)

    def to_dict(self) -> dict[str, object]:
        """The model as plain values, ready for JSON; of a character [printed, lost, {taken for: times}].

        Returns:
            The format, the parameters and the table of characters.
        """
        table = {char: [s.n, s.lost, dict(s.taken_for)] for char, s in sorted(self.characters.items())}
        return {
            "format": FORMAT, "empty": self.empty, "spread": self.spread,
            "confidence": [list(one) for one in self.confidence], "characters": table,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Confusions:
        """Make a model of plain values.

        Args:
            values: What `to_dict` gave.

        Returns:
            The model.

        Raises:
            EncoderError: Names are missing or not known, or it is of another format.
        """
        keys = {"format", "empty", "spread", "confidence", "characters"}
        if set(values) != keys or values["format"] != FORMAT:
            raise EncoderError(
                f"Not a table of confusions. Given: {sorted(values)}, format {values.get('format')!r}. Give "
                f"what `Confusions.save` wrote, with {sorted(keys)} and format {FORMAT}."
            )
        characters = {
            char: Seen(n, lost, dict(taken)) for char, (n, lost, taken) in values["characters"].items()
        }
        confidence = tuple(tuple(map(float, one)) for one in values["confidence"])
        return cls(characters, float(values["empty"]), float(values["spread"]), confidence)

    def save(self, path: str | Path) -> None:
        """Write the model as JSON.

        Args:
            path: The file.
        """
        text = json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))
        Path(path).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Confusions:
        """Read a model that `save` wrote.

        Args:
            path: The file.

        Returns:
            The model.

        Raises:
            EncoderError: The file is something else.
        """
        try:
            values = json.loads(Path(path).read_text("utf-8"))
        except ValueError as problem:
            raise EncoderError(
                f"Not a table of confusions. Given: {str(path)!r} ({problem}). Give a file that `save` wrote."
            ) from None
        return cls.from_dict(values if isinstance(values, dict) else {})


def shipped_confusions(name: str) -> Confusions:
    """A table that comes with the package: how tesseract 5.3 reads scans of middling quality.

    Learned from 2,000 made-up firms each, printed with free fonts, damaged by `scan_damage` and read; their
    error rates stand in the docs. For other print or another engine learn one of your own.

    Args:
        name: "jpn-lines", "jpn-columns" (old print, read from top to bottom), "eng-modern", or "eng-old"
            (old-style and black-letter print).

    Returns:
        The model.

    Raises:
        EncoderError: There is no such table.

    Example:
        >>> shipped_confusions("eng-old").read("Harrow Woolen Mills", np.random.default_rng(1)).text
        'jarrow Woolen Mills'
    """
    if name not in SHIPPED:
        raise EncoderError(f"Unknown table of confusions. Given: {name!r}. Give one of {SHIPPED}.")
    return Confusions.load(Path(__file__).with_name("confusion_tables") / f"{name}.json")


def kind_of(char: str) -> str:
    """The class of a character, as a key of a table of confusions.

    Example:
        >>> [kind_of(char)[6:] for char in "山カかAa1 &"]
        ['kanji', 'katakana', 'hiragana', 'capital', 'small', 'digit', 'blank', 'mark']
    """
    name = unicodedata.name(char, "") if char != GAP else ""
    for start, kind in (("CJK", "kanji"), ("KATAKANA", "katakana"), ("HIRAGANA", "hiragana")):
        if name.startswith(start):
            return f"class:{kind}"
    if char in KANJI_MARKS:
        return "class:kanji"
    if char.isspace():
        return "class:blank"
    if char.isdigit():
        return "class:digit"
    if char.isalpha():
        return "class:capital" if char.isupper() else "class:small"
    return "class:mark"


def alike(share: float) -> int:
    """The group of a share of wrong characters: none, up to a tenth, a quarter, a half, or more."""
    return bisect_left(SHARES, share)


def chance_of(odds: float, luck: float) -> float:
    """The probability of an error with expected count `odds` on a crop of that luck."""
    return -math.expm1(-odds * luck)


def _pick(ways: Ways, where: float) -> str:
    outcomes, counts = ways
    return outcomes[min(bisect_right(counts, where * counts[-1]), len(outcomes) - 1)] if outcomes else ""
