"""Linking by strings alone: the baselines of ocr_firms, and the figures that its README gives for them."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from .ocr_firms import Corpus, Split

NOISE = 1e-4  # breaks ties, and is less than any difference of the string scores
STRINGS = ("lev", "lev_norm", "lev_affix", "jaro_w", "tfidf")
LEGAL_JA = re.compile(r"株式[会會]社|[(（]株[)）]|[。、.,・「」\-_|()（）]")
LEGAL_EN = frozenset(("the", "ltd", "co", "company", "inc"))

# (language, text, method): matched top-1, no-match accuracy, cutoff, as the README of ocr_firms prints them
README = {
    ("ja", "ocr_noisy", "lev"): (0.767, 0.681, -2.5),
    ("ja", "ocr_noisy", "lev_norm"): (0.794, 0.742, 0.523),
    ("ja", "ocr_noisy", "lev_affix"): (0.812, 0.760, 0.523),
    ("ja", "ocr_noisy", "jaro_w"): (0.805, 0.743, 0.726),
    ("ja", "ocr_noisy", "tfidf"): (0.756, 0.674, 0.365),
    ("ja", "ocr_clean", "lev"): (0.919, 0.886, -1.5),
    ("ja", "ocr_clean", "lev_norm"): (0.926, 0.856, 0.528),
    ("ja", "ocr_clean", "lev_affix"): (0.964, 0.897, 0.586),
    ("ja", "ocr_clean", "jaro_w"): (0.942, 0.885, 0.792),
    ("ja", "ocr_clean", "tfidf"): (0.910, 0.845, 0.488),
    ("ja", "true_text", "lev_norm*"): (0.969, 0.952, 0.829),
    ("en", "ocr_noisy", "lev"): (0.756, 0.639, -11.5),
    ("en", "ocr_noisy", "lev_norm"): (0.774, 0.650, 0.44),
    ("en", "ocr_noisy", "lev_affix"): (0.735, 0.644, 0.698),
    ("en", "ocr_noisy", "jaro_w"): (0.695, 0.608, 0.83),
    ("en", "ocr_noisy", "tfidf"): (0.662, 0.592, 0.461),
    ("en", "ocr_clean", "lev"): (0.840, 0.709, -7.5),
    ("en", "ocr_clean", "lev_norm"): (0.868, 0.710, 0.702),
    ("en", "ocr_clean", "lev_affix"): (0.822, 0.690, 0.559),
    ("en", "ocr_clean", "jaro_w"): (0.768, 0.684, 0.823),
    ("en", "ocr_clean", "tfidf"): (0.752, 0.664, 0.444),
    ("en", "true_text", "lev_norm*"): (0.988, 0.884, 0.78),
}


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """The best target of every source.

    Attributes:
        target: Its place among the targets of the split, (n_sources,) int64.
        score: Higher is surer, (n_sources,) float32.
    """

    target: np.ndarray
    score: np.ndarray


class System(Protocol):
    """What can be measured. A new system is made for each language and each seed.

    Attributes:
        name: As it stands in the tables.
        reads_text: Whether it uses the OCR text; one that does not is run once and stands under "none".
    """

    name: str
    reads_text: bool

    def fit(self, corpus: Corpus, ocr: str) -> None:
        """Learn from train, choose settings on valid; called once before the predictions of an OCR."""

    def predict(self, split: Split, ocr: str) -> Prediction:
        """The best target of each source of a split, which comes without labels."""


class StringSystem:
    """A baseline: scores of all pairs of strings."""

    reads_text = True

    def __init__(self, name: str, seed: int = 0) -> None:
        self.name, self._seed, self._language = name, seed, ""

    def fit(self, corpus: Corpus, ocr: str) -> None:
        """Nothing is learned."""
        self._language = corpus.language

    def predict(self, split: Split, ocr: str) -> Prediction:
        """The most similar target."""
        queries, targets = split.source.texts[ocr], split.target.texts[ocr]
        return choose(string_scores(self.name, queries, targets, self._language), self._seed)


def choose(scores: np.ndarray, seed: int = 0) -> Prediction:
    """The best target of each source; ties are broken at random, the same way for one seed.

    Args:
        scores: (n_sources, n_targets).
        seed: Of the draw.

    Returns:
        The targets and their scores, without the noise that broke the ties.
    """
    # RandomState is what the data set's own baselines draw from: equal draws give equal figures
    draw = np.random.RandomState(seed)
    best = (scores + draw.rand(*scores.shape) * NOISE).argmax(axis=1)
    return Prediction(best.astype(np.int64), scores[np.arange(len(scores)), best].astype(np.float32))


def without_legal_form(text: str, language: str) -> str:
    """The text without legal affixes and punctuation.

    Example:
        >>> without_legal_form("(株)三井", "ja"), without_legal_form("The Ash Paper Co.", "en")
        ('三井', 'ash paper')
    """
    if language == "ja":
        return LEGAL_JA.sub("", text)
    words = re.sub(r"[^a-z0-9 ]", "", text.lower()).split()
    return " ".join(word for word in words if word not in LEGAL_EN)


def string_scores(name: str, queries: Sequence[str], targets: Sequence[str], language: str) -> np.ndarray:
    """The similarity of every query and target.

    Args:
        name: One of STRINGS, or "lev_norm*".
        queries: Strings.
        targets: Strings.
        language: Which legal affixes are removed by "lev_affix".

    Returns:
        float32 (n_queries, n_targets), higher is more similar.
    """
    if name == "lev_affix":
        queries, targets = (
            [without_legal_form(text, language) for text in side] for side in (queries, targets)
        )
    if name == "tfidf":
        return tfidf(queries, targets)
    if not has_rapidfuzz() and name != "jaro_w":
        return edit_scores(name, queries, targets)
    from rapidfuzz import process
    from rapidfuzz.distance import JaroWinkler, Levenshtein

    scorers: dict[str, Any] = {"lev": Levenshtein.distance, "jaro_w": JaroWinkler.similarity}
    scorer = scorers.get(name, Levenshtein.normalized_similarity)
    found: np.ndarray = process.cdist(queries, targets, scorer=scorer, workers=-1, dtype=np.float32)
    return -found if name == "lev" else found


def tfidf(queries: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    """Cosine of character 2- and 3-grams, weighted by their rarity among the targets."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    weights = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), lowercase=False).fit(targets)
    product = weights.transform(queries) @ weights.transform(targets).T
    found: np.ndarray = product.toarray().astype(np.float32)
    return found


def edit_scores(name: str, queries: Sequence[str], targets: Sequence[str]) -> np.ndarray:
    """The scores of edit distance by the package's own form of it."""
    from linktransformer.search.edit_similarity import edit_similarity

    shape = len(queries), len(targets)
    a, b = (place.ravel() for place in np.indices(shape))
    found = edit_similarity(queries, targets, a, b, longest=None).reshape(shape)
    if name != "lev":
        return found
    length = np.maximum.outer([len(text) for text in queries], [len(text) for text in targets])
    return -np.rint((1 - found) * length).astype(np.float32)


def has_rapidfuzz() -> bool:
    """Whether the standard package for distances of strings is installed."""
    return importlib.util.find_spec("rapidfuzz") is not None


def available() -> tuple[list[str], list[str]]:
    """The baselines that can be run here, and a line for what cannot."""
    if has_rapidfuzz():
        return list(STRINGS), []
    note = "rapidfuzz is not installed: jaro_w was not run, and edit distances are our own"
    return [name for name in STRINGS if name != "jaro_w"], [note]
