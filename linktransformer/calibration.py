"""Learn a decision from labels, and keep it only where it does better on rows that it has not seen."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer.judgement import Judgement, bent, probability, unbent
from linktransformer.pair_evidence import Evidence

__all__ = ["Calibrated", "Sample", "best_f1", "calibrate", "fit_logistic"]

logger = logging.getLogger(__name__)
STRENGTHS = (0.003, 0.03, 0.3, 3.0)  # of the coefficients; scikit-learn's C
FEW = 30  # matches in the validation: below, the training rows are cross-validated with it
FOLDS = 5
LEAST_GAIN = 2  # links more that must be right on validation, so that a chance hit does not decide

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Candidates with known answers.

    Args:
        left: The left node of each, (n,) int64.
        right: The right node.
        correct: Whether the two name one thing, (n,).
        train: Whether a candidate is for fitting, (n,).
        val: Whether it is for choosing.
        matches: How many left nodes of the validation have a right answer.
        test: Whether it is for the one look at the end.
        test_matches: How many left nodes of the test have a right answer.
        entity: The entity of the left node, (n,) int64.
        train_matches: How many left nodes of the training have a right answer.
    """

    left: Integers
    right: Integers
    correct: Truths
    train: Truths
    val: Truths
    matches: int
    test: Truths
    test_matches: int
    entity: Integers
    train_matches: int


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What came of it.

    Args:
        judgement: The learned decision, None where the one without labels is as good.
        f1: Of the learned one on validation.
        f1_without_labels: Of the other one there.
        test_f1: Of the one that was chosen, on the test; None where there is no test.
    """

    judgement: Judgement | None
    f1: float
    f1_without_labels: float
    test_f1: float | None = None


def calibrate(seen: Evidence, sample: Sample, without_labels: Integers) -> Calibrated:
    """Fit on training rows, choose strength and threshold on validation, compare with no labels.

    Where the validation is too small to choose by, it is cross-validated together with the training rows,
    by entity.

    Args:
        seen: What is seen of each candidate.
        sample: What is known of each.
        without_labels: The candidates that are links by the rule without labels.

    Returns:
        The decision, or None in its place, and both scores.
    """
    few = sample.matches < FEW
    held = sample.val | sample.train if few else sample.val
    matches = sample.matches + sample.train_matches if few else sample.matches
    plain = _f1(without_labels, held, sample.correct, matches)
    best, best_score = _best(seen, sample, held, matches)
    gain = (best_score - plain) * matches
    keep = best is not None and gain >= LEAST_GAIN
    logger.info(
        "decision on validation: F1 %.3f learned, %.3f without labels; kept: %s",
        max(0.0, best_score),
        plain,
        "learned" if keep else "without labels",
    )
    if best is not None and keep:
        links = _links(seen, sample, best)
        alone, of_alone = _best(seen.of_a_row_alone(), sample, held, matches)
        logger.info("for rows that are asked by themselves: F1 %.3f learned", of_alone)
        best = replace(best, alone=alone)
    else:
        links, best = without_labels, None
    on_test = _f1(links, sample.test, sample.correct, sample.test_matches) if sample.test_matches else None
    return Calibrated(best, max(0.0, best_score), plain, on_test)


def _best(seen: Evidence, sample: Sample, held: Truths, matches: int) -> tuple[Judgement | None, float]:
    """The strength and threshold with the best F1 on the held rows, and that F1."""
    few = sample.matches < FEW
    best: Judgement | None = None
    best_score = -1.0
    for strength in STRENGTHS if sample.matches else ():
        found = _cross_validated(seen, sample, held, strength) if few else _fitted(seen, sample, strength)
        if found is None:
            continue
        fitted, chance = found
        score, threshold = best_f1(
            sample.left[held], sample.right[held], chance, sample.correct[held], matches
        )
        if score > best_score:
            best, best_score = (
                _in_scale(replace(fitted, threshold=threshold), chance, sample.correct[held]),
                score,
            )
    return best, best_score


def _fitted(seen: Evidence, sample: Sample, strength: float) -> tuple[Judgement, Floats] | None:
    """Fitted on the training rows, with the probabilities of the validation; None without both labels."""
    if not _both(sample.correct[sample.train]):
        return None
    fitted = fit_logistic(seen, sample.correct, sample.train, strength)
    return fitted, probability(fitted, seen.values[sample.val])


def _cross_validated(
    seen: Evidence, sample: Sample, rows: Truths, strength: float
) -> tuple[Judgement, Floats] | None:
    """Fitted on all rows, with the probability of each by a fit that has not seen its entity."""
    chance = np.zeros(len(rows))
    fold = sample.entity % FOLDS
    for number in range(FOLDS):
        inside, outside = rows & (fold != number), rows & (fold == number)
        if not _both(sample.correct[inside]):
            return None
        fitted = fit_logistic(seen, sample.correct, inside, strength)
        chance[outside] = probability(fitted, seen.values[outside])
    return fit_logistic(seen, sample.correct, rows, strength), chance[rows]


def _in_scale(fitted: Judgement, chance: Floats, correct: Truths) -> Judgement:
    """Scale and shift log-odds to what held-out pairs are, since strong regularisation shrinks them.

    After J. Platt, Probabilistic outputs for support vector machines, 1999. The threshold moves with them, so
    that the links are the same.
    """
    if not _both(correct):
        return fitted
    from sklearn.linear_model import LogisticRegression

    model: Any = LogisticRegression(max_iter=2000)
    model.fit(unbent(chance)[:, None], correct)
    slope, level = float(model.coef_[0, 0]), float(model.intercept_[0])
    if slope <= 0:
        return fitted
    at = float(bent(slope * unbent(np.array([fitted.threshold])) + level)[0])
    coefficients = tuple(slope * value for value in fitted.coefficients)
    intercept = slope * fitted.intercept + level
    return replace(fitted, coefficients=coefficients, intercept=intercept, threshold=round(at, 9))


def _both(labels: Truths) -> bool:
    return bool(labels.any() and not labels.all())


def _f1(links: Integers, rows: Truths, correct: Truths, matches: int) -> float:
    """F1 of links among these rows."""
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[links] = True
    chosen &= rows
    return 2 * int((chosen & correct).sum()) / max(1, int(chosen.sum()) + int(matches))


def _links(seen: Evidence, sample: Sample, judgement: Judgement) -> Integers:
    """The candidates that a decision links: the best of each left node, at or above the threshold."""
    chance = probability(judgement, seen.values).astype(np.float32)
    order = np.lexsort((sample.right, -chance, sample.left))
    best = order[np.flatnonzero(np.diff(sample.left[order], prepend=-1))]
    return np.asarray(best[chance[best] >= np.float32(judgement.threshold)], dtype=np.int64)


def fit_logistic(seen: Evidence, correct: Truths, rows: Truths, strength: float = 0.03) -> Judgement:
    """Fit a regularised logistic regression.

    Args:
        seen: What is seen of each pair.
        correct: The labels, (n,).
        rows: Which pairs to fit on, (n,); both labels are among them.
        strength: Of the coefficients: smaller shrinks them more.

    Returns:
        The decision, with a threshold of one half.
    """
    from sklearn.linear_model import LogisticRegression

    values, labels = seen.values[rows], correct[rows]
    means, scales = values.mean(axis=0), values.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    model: Any = LogisticRegression(C=strength, max_iter=2000)
    model.fit((values - means) / scales, labels)
    return Judgement(
        seen.names,
        tuple(model.coef_[0].tolist()),
        tuple(means.tolist()),
        tuple(scales.tolist()),
        float(model.intercept_[0]),
        0.5,
    )


def best_f1(
    left: Integers, right: Integers, chance: Floats, correct: Truths, matches: int
) -> tuple[float, float]:
    """The threshold with the best F1, where each left node takes its best right node.

    Args:
        left: Left node of each candidate.
        right: Right node.
        chance: Its probability.
        correct: Whether it is right.
        matches: How many left nodes have a right answer.

    Returns:
        The F1 and the threshold.

    Example:
        >>> left, right = np.array([0, 0, 1]), np.array([0, 1, 0])
        >>> f1, threshold = best_f1(left, right, np.array([0.9, 0.2, 0.4]), np.array([True, False, False]), 1)
        >>> f1, round(threshold, 4)
        (1.0, 0.65)
    """
    from clippings.evaluation import best_threshold

    # as in a merge, which sees float32
    rounded = chance.astype(np.float32)
    order = np.lexsort((right, -rounded, left))
    best = order[np.flatnonzero(np.diff(left[order], prepend=-1))]
    f1, threshold = best_threshold(rounded[best].astype(np.float64), correct[best], matches)
    return f1, round(threshold, 9)
