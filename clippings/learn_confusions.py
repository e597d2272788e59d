"""Learn from readings of known print how an OCR engine misreads: the counts behind `Confusions`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from clippings.alignment import Step, align
from clippings.confusions import GAP, SHARES, Confusions, Seen, alike, kind_of
from clippings.errors import EncoderError

QUANTILES = 11  # of the confidence
LONGEST = 6  # characters made up in one place that are kept as one piece


def learn_confusions(
    pairs: Sequence[tuple[str, str]], confidence: Sequence[float] | None = None
) -> Confusions:
    """Learn how an engine misreads from readings of print that is known.

    Characters that were seen seldom are helped out by their class (kanji, katakana, capital letters...).

    Args:
        pairs: (printed, read); best a few thousand of them.
        confidence: What the engine said of each reading, from 0 to 1; None: not known.

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
        spread=_spread(paths, wrong, characters),
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
        piece = ""
        for printed, read in (*path, (GAP, GAP)):
            if not printed:
                piece += read
                continue
            n[GAP] += 1
            if piece:
                taken.setdefault(GAP, Counter())[piece[:LONGEST]] += 1
                piece = ""
            for key in (printed, kind_of(printed)) if printed != GAP else ():
                n[key] += 1
                lost[key] += not read
                if read and read != printed:
                    taken.setdefault(key, Counter())[read] += 1
    return {
        key: Seen(n[key], lost[key], dict(sorted(taken.get(key, Counter()).items()))) for key in sorted(n)
    }


def _spread(
    paths: Sequence[list[Step]], wrong: npt.NDArray[np.float64], characters: Mapping[str, Seen]
) -> float:
    """The variance of crops' luck that explains how unequally errors fall on them, by moments."""
    plain = Confusions(characters)
    share = {
        key: 1 - math.exp(-plain.odds(key)) for key in {a or GAP for path in paths for a, _ in path} | {GAP}
    }
    terms = [np.array([share[a] for a, _ in path if a] + [share[GAP]] * len(path)) for path in paths]
    mean = np.array([term.sum() for term in terms])
    chance = np.array([(term * (1 - term)).sum() for term in terms])
    if not (mean**2).sum():
        return 0.0
    return round(float(np.clip((((wrong - mean) ** 2 - chance).sum()) / (mean**2).sum(), 0, 4)), 4)


def _quantiles(
    share: npt.NDArray[np.float64], sure: npt.NDArray[np.float64]
) -> tuple[tuple[float, ...], ...]:
    """Of the confidence, for readings with about as many wrong characters; of all where there are none."""
    if not len(sure) or np.isnan(sure).all():
        return ()
    bins = np.array([alike(float(one)) for one in share])
    marks = np.linspace(0, 1, QUANTILES)
    groups = [sure[(bins == number) & ~np.isnan(sure)] for number in range(len(SHARES) + 1)]
    groups = [group if len(group) else sure[~np.isnan(sure)] for group in groups]
    return tuple(tuple(round(float(q), 4) for q in np.quantile(group, marks)) for group in groups)
