"""A classifier of rows: an encoder's vectors and character n-grams, weighed for each class.

It is a regularised logistic regression over the vector of a text, over its hashed character n-grams, or
over both, whichever did best on validation. It is written as JSON and safetensors, so that nothing has to be
unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer.arrays import Doubles, Floats, Integers
from linktransformer.errors import ModelError

__all__ = ["FILE", "WEIGHTS", "Head", "features", "fit", "frequencies", "probabilities", "read", "write"]

FILE, WEIGHTS = "classifier.json", "classifier.safetensors"
FORMAT = 1
VIEWS = (("dense",), ("lexical",), ("dense", "lexical"))
BUCKETS = 2**15  # of hashed n-grams

Label = str | int | float | bool


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """What turns features into classes.

    Args:
        labels: The classes as the caller wrote them, in the order of the columns.
        views: "dense", "lexical" or both, in that order.
        coefficients: (n_labels, n_features) float32.
        intercepts: (n_labels,) float32.
        idf: Inverse document frequencies of the n-grams, (BUCKETS,) float32; empty without "lexical".
        on: The columns that the texts were made of.
    """

    labels: tuple[Label, ...]
    views: tuple[str, ...]
    coefficients: Floats
    intercepts: Floats
    idf: Floats
    on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole = (
            len(set(self.labels)) == len(self.labels) > 1
            and self.views in VIEWS
            and self.coefficients.ndim == 2
            and self.intercepts.shape == (len(self.labels),)
            and len(self.coefficients) == len(self.labels)
            and len(self.idf) in (0, BUCKETS)
            and bool(np.isfinite(self.coefficients).all() and np.isfinite(self.intercepts).all())
        )
        if not whole:
            raise ModelError(
                f"The classifier's parts do not fit together. Given: {len(self.labels)} labels, "
                f"{self.coefficients.shape} coefficients. Get the model anew."
            )


def frequencies(texts: Sequence[str]) -> Floats:
    """How rare each hashed n-gram is among texts.

    Args:
        texts: Texts of the training.

    Returns:
        Smoothed inverse document frequencies, (BUCKETS,) float32.
    """
    counts = _counts(texts)
    having = np.bincount(counts.indices, minlength=BUCKETS)
    found: Floats = (np.log((1 + len(texts)) / (1 + having)) + 1).astype(np.float32)
    return found


def features(views: Sequence[str], vectors: Floats, texts: Sequence[str], idf: Floats) -> Any:
    """What the classifier looks at.

    Args:
        views: "dense", "lexical" or both.
        vectors: (n, dim) float32; unused without "dense".
        texts: The n texts; unused without "lexical".
        idf: Of `frequencies`.

    Returns:
        (n, n_features) CSR matrix, float32.
    """
    import scipy.sparse as sp
    from sklearn.preprocessing import normalize

    parts: list[Any] = []
    if "dense" in views:
        parts.append(sp.csr_matrix(vectors))
    if "lexical" in views:
        counts = _counts(texts).astype(np.float32)
        counts.data = (1 + np.log(counts.data)) * idf[counts.indices]
        parts.append(normalize(counts))
    return sp.hstack(parts, format="csr", dtype=np.float32)


def _counts(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    way: Any = HashingVectorizer(
        analyzer="char_wb", ngram_range=(2, 4), n_features=BUCKETS, alternate_sign=False, norm=None
    )
    return way.transform([text.encode("utf-8", "replace").decode() for text in texts])


def fit(
    labels: tuple[Label, ...],
    views: tuple[str, ...],
    table: Any,
    code: Integers,
    idf: Floats,
    strength: float,
    weights: Mapping[int, float] | str | None,
) -> Head:
    """Fit a regularised logistic regression, multinomial where there are more than two classes.

    Args:
        labels: The classes.
        views: What `table` was made of.
        table: Of `features`.
        code: The class of each row, (n,) int64.
        idf: Of `frequencies`; kept only with "lexical".
        strength: Larger fits closer; scikit-learn's C.
        weights: A weight a class, "balanced", or None.

    Returns:
        The head.
    """
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(C=strength, max_iter=3000, class_weight=weights)
    model.fit(table, code)
    rows, shift = model.coef_, model.intercept_
    if len(labels) == 2:  # scikit-learn writes one row for two classes
        rows, shift = np.vstack([0 * rows, rows]), np.append(0.0, shift)
    kept = idf if "lexical" in views else np.empty(0, dtype=np.float32)
    return Head(labels, views, rows.astype(np.float32), shift.astype(np.float32), kept)


def probabilities(head: Head, vectors: Floats, texts: Sequence[str]) -> Doubles:
    """How likely each class is.

    Args:
        head: The classifier's head.
        vectors: (n, dim) float32 of the encoder that it was made for.
        texts: The n texts.

    Returns:
        (n, n_labels) float64, rows add up to 1.

    Raises:
        ModelError: The vectors are of another length.
    """
    table = features(head.views, vectors, texts, head.idf)
    if table.shape[1] != head.coefficients.shape[1]:
        raise ModelError(
            f"The classifier was made for other vectors. Given: {table.shape[1]} features, it looks at "
            f"{head.coefficients.shape[1]}. Get the model anew."
        )
    logit = np.asarray(table @ head.coefficients.T.astype(np.float64)) + head.intercepts
    odds = np.exp(logit - logit.max(axis=1, keepdims=True))
    found: Doubles = odds / odds.sum(axis=1, keepdims=True)
    return found


def write(head: Head, folder: Path) -> None:
    """Write a head beside its encoder.

    Args:
        head: The head.
        folder: The model's folder; it gets `classifier.json` and `classifier.safetensors`.
    """
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
    """Read a head.

    Args:
        path: The `classifier.json`; the arrays lie beside it.

    Returns:
        The head.

    Raises:
        ModelError: It is none, or of a newer format.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        values = json.loads(path.read_bytes())
        arrays = load_file(path.with_name(WEIGHTS))
        if values["format"] != FORMAT or values["buckets"] != BUCKETS:
            raise ValueError(f"format {values['format']} with {values['buckets']} buckets")
        return Head(
            tuple(values["labels"]),
            tuple(values["views"]),
            arrays["coefficients"],
            arrays["intercepts"],
            arrays["idf"],
            tuple(values["on"]),
        )
    except ModelError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, SafetensorError) as error:
        raise ModelError(
            f"The classifier cannot be read. Given: {path.name} ({error}). Get the model anew, or update "
            "this package."
        ) from error
