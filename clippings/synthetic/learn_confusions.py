"""Learn a model of an OCR engine's errors from readings of known print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from clippings.arrays import Doubles
from clippings.errors import EncoderError
from clippings.synthetic.alignment import Step, align
from clippings.synthetic.confusions import GAP, SHARES, Confusions, Seen, alike, kind_of

MOST_SPREAD = 8.0
QUANTILES = 11  # of the confidence
LONGEST = 6  # characters made up in one place that are kept as one piece


def learn_confusions(
    pairs: Sequence[tuple[str, str]], confidence: Sequence[float] | None = None
) -> Confusions:
    """Learn how an engine misreads from readings of print that is known.

    Characters that were seen seldom are helped out by their class (kanji, katakana, capital letters...).

    Args:
        pairs: (printed, read); best a few thousand of them.
        confidence: The engine's confidence in each reading, from 0 to 1; None: unknown.

    Returns:
        The model.

    Raises:
        EncoderError: There is no pair with something printed, or another number of confidences.

    Example:
        >>> seen = learn_confusions([("oil mill", "oil mill"), ("oil mill", "oll mil")])
        >>> seen.characters["i"].taken_for, seen.characters["l"].lost
        ({'l': 1}, 1)
    """
    sure = [float("nan")] * len(pairs) if confidence is None else [float(one) for one in confidence]
    if len(sure) != len(pairs) or not any(printed for printed, _ in pairs):
        raise EncoderError(
            f"Confusions cannot be learned. Given: {len(pairs)} pairs and {len(sure)} confidences. Give "
            "pairs (printed, read) with something printed, and a confidence for each pair or None."
        )
    paths = [align(printed, read) for printed, read in pairs if printed and read]
    named = sum(bool(printed) for printed, _ in pairs)
    characters = _count(paths)
    wrong = np.array([sum(a != b for a, b in path) for path in paths], dtype=np.float64)
    long = np.array([max(1, sum(a != "" for a, _ in path)) for path in paths], dtype=np.float64)
    return Confusions(
        characters,
        empty=round(1 - len(paths) / named, 6),
        spread=_spread(paths, characters),
        confidence=_quantiles(
            wrong / long, np.array([s for s, (p, r) in zip(sure, pairs, strict=True) if p and r])
        ),
    )


def _count(paths: Iterable[list[Step]]) -> dict[str, Seen]:
    """Counts of every character, every class and the gaps; a run of what is made up is one piece."""
    n: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    taken: dict[str, Counter[str]] = {}
    for path in paths:
        pieces = [""]
        for printed, read in path:
            if not printed:
                pieces[-1] += read
                continue
            pieces.append("")
            for key in (printed, kind_of(printed)):
                n[key] += 1
                lost[key] += not read
                if read and read != printed:
                    taken.setdefault(key, Counter())[read] += 1
        n[GAP] += len(pieces)
        taken.setdefault(GAP, Counter()).update(piece[:LONGEST] for piece in pieces if piece)
    return {
        key: Seen(n[key], lost[key], dict(sorted(taken.get(key, Counter()).items()))) for key in sorted(n)
    }


def _spread(paths: Sequence[list[Step]], characters: Mapping[str, Seen]) -> float:
    """The variance of crops' luck, 0 to 8, that explains how many names are read without any error.

    A crop of luck g is read right with probability exp(-g odds), the odds summed over the name; over all luck
    that is (1 + spread odds) ** (-1 / spread). It grows with the spread, which bisection finds.
    """
    if not paths:
        return 0.0
    exact = float(np.mean([all(a == b for a, b in path) for path in paths]))
    printed = [[a for a, _ in path if a] for path in paths]
    table = Confusions(characters)
    chances = [np.array([table.error(a) for a in (*name, *[GAP] * (len(name) + 1))]) for name in printed]

    def share(v: float) -> float:
        odds = [float(((1 - chance) ** -v - 1).sum()) for chance in chances]
        return float(np.mean([(1 + one) ** (-1 / v) for one in odds]))

    low, high = 1e-3, MOST_SPREAD
    if share(low) >= exact:
        return 0.0
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if share(middle) < exact else (low, middle)
    return round((low + high) / 2, 4)


def _quantiles(share: Doubles, sure: Doubles) -> tuple[tuple[float, ...], ...]:
    """Of the confidence, for readings with about as many wrong characters; of all where there are none."""
    if not len(sure) or np.isnan(sure).all():
        return ()
    bins = np.array([alike(float(one)) for one in share])
    marks = np.linspace(0, 1, QUANTILES)
    groups = [sure[(bins == number) & ~np.isnan(sure)] for number in range(len(SHARES) + 1)]
    groups = [group if len(group) else sure[~np.isnan(sure)] for group in groups]
    return tuple(tuple(round(float(q), 4) for q in np.quantile(group, marks)) for group in groups)
