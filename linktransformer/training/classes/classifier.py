"""A classifier of rows: multinomial logistic regression on an encoder's vectors and character n-grams.

It uses the vector of a text, its hashed character n-grams, or both, whichever does best on validation. It is
written as JSON and safetensors; nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix, hstack

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.errors import ModelError

__all__ = [
    "FILE", "WEIGHTS", "ClassWeights", "Head", "Label", "features", "fit", "frequencies", "probabilities",
    "read", "write",
]  # fmt: skip

FILE, WEIGHTS = "classifier.json", "classifier.safetensors"
FORMAT = 1
VIEWS = (("dense",), ("lexical",), ("dense", "lexical"))
BUCKETS = 2**15  # of hashed n-grams

Label = str | int | float | bool
ClassWeights = Mapping[int, float] | str | None  # a weight a class, "balanced", or none


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """The weights from features to classes.

    Args:
        labels: The classes as the caller wrote them, in the order of the rows of `coefficients`.
        views: "dense", "lexical" or both, in that order.
        coefficients: (n_labels, n_features) float32.
        intercepts: (n_labels,) float32.
        idf: Inverse document frequencies of the n-grams, (BUCKETS,) float32; empty without "lexical".
        on: The columns of the texts.
    """

    labels: tuple[Label, ...]
    views: tuple[str, ...]
    coefficients: Floats
    intercepts: Floats
    idf: Floats
    on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        consistent = (
            len(set(self.labels)) == len(self.labels) > 1
            and self.views in VIEWS
            and self.coefficients.ndim == 2
            and self.intercepts.shape == (len(self.labels),)
            and len(self.coefficients) == len(self.labels)
            and len(self.idf) in (0, BUCKETS)
            and bool(np.isfinite(self.coefficients).all() and np.isfinite(self.intercepts).all())
        )
        if not consistent:
            raise ModelError(
                f"The classifier's parts do not fit together. Given: {len(self.labels)} labels, "
                f"{self.coefficients.shape} coefficients. Get the model again."
            )


def frequencies(texts: Sequence[str]) -> Floats:
    """Smoothed inverse document frequencies of the hashed n-grams, (BUCKETS,) float32."""
    documents = np.bincount(_counts(texts).indices, minlength=BUCKETS)
    return np.asarray(np.log((1 + len(texts)) / (1 + documents)) + 1, dtype=np.float32)


def features(views: Sequence[str], vectors: Floats, texts: Sequence[str], idf: Floats) -> csr_matrix:
    """(n, n_features) float32 of n texts: vectors (n, dim) for "dense", n-grams for "lexical"."""
    from sklearn.preprocessing import normalize

    parts: list[csr_matrix] = []
    if "dense" in views:
        parts.append(csr_matrix(vectors))
    if "lexical" in views:
        counts = _counts(texts).astype(np.float32)
        counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
        parts.append(normalize(counts))
    return csr_matrix(hstack(parts, format="csr", dtype=np.float32))


def _counts(texts: Sequence[str]) -> csr_matrix:
    from sklearn.feature_extraction.text import HashingVectorizer

    vectorizer = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=BUCKETS, alternate_sign=False, norm=None
    )
    counts: csr_matrix = vectorizer.transform([text.encode("utf-8", "replace").decode() for text in texts])
    return counts


def fit(
    labels: tuple[Label, ...],
    views: tuple[str, ...],
    table: csr_matrix,
    code: Integers,
    idf: Floats,
    strength: float,
    weights: ClassWeights,
) -> Head:
    """Fit a logistic regression to `features` and class numbers; `strength` is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=3000, class_weight=weights)
    model.fit(table, code)
    rows, shift = model.coef_, model.intercept_
    if len(labels) == 2:  # scikit-learn writes one row for two classes
        rows, shift = np.vstack([0 * rows, rows]), np.append(0.0, shift)
    used_idf = idf if "lexical" in views else np.empty(0, dtype=np.float32)
    return Head(labels, views, rows.astype(np.float32), shift.astype(np.float32), used_idf)


def probabilities(head: Head, vectors: Floats, texts: Sequence[str]) -> Doubles:
    """(n, n_labels) float64 class probabilities of n texts and their vectors, (n, dim)."""
    table = features(head.views, vectors, texts, head.idf)
    if table.shape[1] != head.coefficients.shape[1]:
        raise ModelError(
            f"The classifier was made for other vectors. Given: {table.shape[1]} features, it has "
            f"{head.coefficients.shape[1]}. Get the model again."
        )
    logit = np.asarray(table @ head.coefficients.T.astype(np.float64)) + head.intercepts
    odds = np.exp(logit - logit.max(axis=1, keepdims=True))
    return np.asarray(odds / odds.sum(axis=1, keepdims=True))


def write(head: Head, folder: Path) -> None:
    """Write `classifier.json` and `classifier.safetensors` beside the encoder."""
    from safetensors.numpy import save_file

    arrays = {"coefficients": head.coefficients, "intercepts": head.intercepts, "idf": head.idf}
    save_file({name: np.ascontiguousarray(value) for name, value in arrays.items()}, folder / WEIGHTS)
    values = {
        "format": FORMAT,
        "labels": list(head.labels),
        "views": list(head.views),
        "buckets": BUCKETS,
        "on": list(head.on),
    }
    (folder / FILE).write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(path: Path) -> Head:
    """Read a head from its `classifier.json`; the arrays are beside it."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        values = json.loads(path.read_bytes())
        arrays = load_file(path.with_name(WEIGHTS))
        if values["format"] != FORMAT or values["buckets"] != BUCKETS:
            raise ValueError(f"format {values['format']} with {values['buckets']} buckets")
        return Head(tuple(values["labels"]), tuple(values["views"]), **arrays, on=tuple(values["on"]))
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise ModelError(
            f"The classifier cannot be read. Given: {path.name} ({error}). Get the model again, or update "
            "this package."
        ) from error
