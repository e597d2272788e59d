"""Links decided again after answers."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from linktransformer.decision.fused import Fused
from linktransformer.decision.model import Probabilities
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.resolve_links import decided
from linktransformer.results.links import Links
from linktransformer.review.answers import Answers as AnswerFile
from linktransformer.review.pairs import pairs_of
from linktransformer.review.refit import Answers, pool_of, refit
from linktransformer.search.candidate_search import Candidates

__all__ = ["links_after"]


def links_after(links: Links, answers: str | os.PathLike[str] | AnswerFile) -> Links:
    """Decide the same candidates again after the answers of a review; nothing is searched.

    Answers move the pairs that they are about, and the probabilities of all others as far as these are like
    them. The evidence of the links is that of before: `explain` speaks of the decision without answers.

    Args:
        links: Of `linktransformer.link`, with match probabilities.
        answers: The file that `links.review` wrote.

    Returns:
        The new links, with every unlinked row and its reason.

    Raises:
        InvalidArgumentError: The links kept no candidates, or it is not a file of answers.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import pandas as pd
        >>> import linktransformer as lt
        >>> from linktransformer.review.answers import Answer
        >>> left, right = pd.DataFrame({"name": ["Acme Ltd"]}), pd.DataFrame({"name": ["ACME Ltd."]})
        >>> links = lt.link(left, right, on="name", model="lexical")
        >>> answers = AnswerFile(Path(tempfile.mkdtemp()) / "answers.sqlite")
        >>> answers.add(Answer("0", "0", "no"))
        >>> len(links), len(links_after(links, answers))
        (1, 0)
    """
    kept, pairs = links.evidence, pairs_of(links)
    if kept is None:
        raise InvalidArgumentError(
            "These links kept no candidate pairs. Link the tables by link(left, right) with match "
            'probabilities (not scores="similarity").'
        )
    clear = (answers if isinstance(answers, AnswerFile) else AnswerFile(answers)).labels()
    at = pairs.of_labels(list(zip(map(str, clear.left), map(str, clear.right), strict=True)))
    pool = pool_of(pairs)
    now = refit(pool, Answers(at[at >= 0], np.array(clear.match, dtype=bool)[at >= 0]))
    log_odds = kept.log_odds.copy()
    known = pairs.position >= 0
    log_odds[pairs.position[known]] = now.log_odds[known]
    views = {name: np.clip(score[kept.at], -1, 1) for name, score in kept.searched.views.items()}
    ends = kept.left.astype(np.int64), kept.right.astype(np.int64)
    candidates = Candidates(*ends, views, len(kept.nodes[0]), len(kept.nodes[1]))
    level = now.posterior.covariance[0, 0] ** 0.5 * pool.prior.level
    probabilities = Probabilities(kept.at.astype(np.int64), log_odds, float(level))
    fused = Fused(candidates, probabilities.probability, probabilities)
    details = {**links.details, "decision": "learned from labels"}
    tables = links.left, links.right
    new = decided(tables, kept.nodes, fused, pool.validate, pool.threshold, details)
    return replace(new, pictures=links.pictures, evidence=kept)
