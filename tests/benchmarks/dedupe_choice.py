"""Which pairs dedupe's active learner asks about, run with the Python of its own environment.

Input: a .npz file with `features` (n_pairs, n_features), float, `match` (n_pairs,), bool, the answers that
it gets, and `sizes`, numbers of answers. Output: `order`, the pairs in the order of its questions, and
`scores`, its probabilities of all pairs after so many answers. It starts, as dedupe does, from four pairs
of equal records and a random pair, all known. Its learner of blocks
needs records; here every candidate counts as covered by blocks.
"""

from __future__ import annotations

import argparse
import importlib
import random
from typing import Any

import numpy as np


def main() -> None:
    """Ask and answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("given")
    parser.add_argument("out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    labeler: Any = importlib.import_module("dedupe.labeler")
    given = np.load(options.given)
    features, match, sizes = given["features"], given["match"], given["sizes"].tolist()
    random.seed(options.seed)
    n = len(features)
    equal = np.nanmax(features, axis=0)[None]
    every = np.concatenate([features, equal])

    class Covered:
        """In place of dedupe's learner of blocks: every candidate is covered."""

        left = n

        def fit(self, pairs: Any, y: Any) -> None:
            """Nothing to learn."""

        def candidate_scores(self) -> Any:
            """1 for every candidate."""
            return np.ones((self.left, 1))

        def remove(self, index: int) -> None:
            """One candidate fewer."""
            self.left -= 1

    class Matcher(labeler.DisagreementLearner):  # type: ignore[misc, name-defined]
        """dedupe's learner of matches alone."""

        def __init__(self) -> None:
            super().__init__()
            self._candidates = list(range(n))
            self.matcher = labeler.MatchLearner(
                lambda pairs: every[np.array(pairs, dtype=np.int64)], self._candidates
            )
            self.blocker = Covered()
            self.mark([n] * 4 + [random.randrange(n)], [1] * 4 + [0])

    learner = Matcher()
    order: list[int] = []
    scores: list[Any] = []
    for size in sizes:
        while len(order) < size and learner.candidates:
            pair = learner.pop()
            order.append(pair)
            learner.mark([pair], [int(match[pair])])
        scores.append(learner.matcher._classifier.predict_proba(features)[:, 1])
    np.savez(options.out, order=np.array(order), scores=np.array(scores))


if __name__ == "__main__":
    main()
