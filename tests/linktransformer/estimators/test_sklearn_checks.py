"""scikit-learn's checks of estimators, on tables that are made of its matrices."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import issparse
from sklearn.base import clone
from sklearn.utils import InputTags
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import check_is_fitted

import linktransformer as lt

EXCUSED = {"check_estimators_unfitted": "NotFittedError is our own: scikit-learn is not imported"}


def table(matrix: Any) -> pd.DataFrame:
    """The numbers of a matrix as text."""
    if issparse(matrix):
        raise TypeError("a sparse matrix is not a table")
    return pd.DataFrame({f"c{n}": map(str, column) for n, column in enumerate(np.asarray(matrix).T)})


class Matrices:
    """An estimator that takes matrices."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags = InputTags(two_d_array=True, string=True, allow_nan=True)
        return tags

    def fit_predict(self, X: Any, y: Any = None) -> Any:
        return self.fit(X).predict(X)  # type: ignore[attr-defined]


class Clusters(Matrices, lt.Deduplicator):
    def fit(self, X: Any, y: Any = None) -> Clusters:
        return super().fit(table(X))

    def predict(self, X: Any) -> Any:
        return super().predict(table(X))["cluster"].to_numpy()


class Register(Matrices, lt.Linker):
    def fit(self, X: Any, y: Any = None) -> Register:
        return super().fit(table(X))

    def predict(self, X: Any) -> Any:
        return super().predict(table(X))["reference"].to_numpy()


with warnings.catch_warnings():
    warnings.simplefilter("ignore", UserWarning)  # that they do not inherit from BaseEstimator
    CHECKS = parametrize_with_checks(
        [Clusters("lexical"), Register("lexical", threshold=None)],
        expected_failed_checks=lambda estimator: EXCUSED,
    )


@pytest.mark.filterwarnings("ignore::UserWarning")  # of random numbers as text: clusters that are too large
@CHECKS
def test_sklearn(estimator: Any, check: Any) -> None:
    check(estimator)


def test_the_page_lists_what_is_excused() -> None:
    page = (Path(__file__).parents[3] / "docs" / "linker.md").read_text(encoding="utf-8")
    assert all(f"`{check}`" in page for check in EXCUSED)


@pytest.mark.parametrize(
    "estimator", [lt.Linker("lexical", on="name"), lt.Deduplicator("lexical", on="name")]
)
def test_fitted_or_not(estimator: Any) -> None:
    firms = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Zeller Motors"]})
    assert not estimator.__sklearn_is_fitted__()
    fitted = clone(estimator).fit(firms)
    check_is_fitted(fitted)
    assert not clone(fitted).__sklearn_is_fitted__()
    assert not fitted.__sklearn_tags__().target_tags.required
