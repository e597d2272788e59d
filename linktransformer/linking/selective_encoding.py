"""Which records a model encodes: those in doubt by n-grams, or all where n-grams carry no information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from linktransformer.arrays import Bools, Floats, Integers
from linktransformer.decision.correction import Correction
from linktransformer.decision.fused import Fused
from linktransformer.decision.pair_probabilities import Judged, judge
from linktransformer.scoring import partial_view
from linktransformer.scoring.describe import Described, Embed, Options, Views, searched
from linktransformer.scoring.ranks import places
from linktransformer.scoring.sampling import drawn
from linktransformer.search.candidate_search import Candidates

__all__ = ["NOT_ASKED", "Selection", "adapted", "best_of", "doubtful", "in_doubt", "select", "trial"]


# The usual 5 % either way: a pair below is taken for no match, a record with a candidate above is taken as
# matched. Both were set before any score was looked at.
IMPROBABLE, CERTAIN = 0.05, 0.95
# Characters that a model may read, at .04 ms each on one core: as many as take about half as long as the
# n-grams of a record take (.3 ms), and at least as many as take four seconds. The other half is the reader's.
PER_RECORD, AT_LEAST = 4, 100_000
SMALL = 500  # texts of both tables: encoded in half a second, and of fewer no distribution is known
NOT_ASKED = {"records": [0, 0], "rule": "records in doubt by n-grams: none"}
# A trial encodes so many records without candidates, of the side that has fewer of them, and of the other as
# many as take two seconds: so many characters, and the cost of a text counted as so many more.
TRIAL, TRIAL_COST, OF_TEXT = 200, 50_000, 20
TRIAL_LONG = 50  # records whose passages are encoded: a share of one in ten has a standard error of .04


class Reader(Protocol):
    """What reads both records of a pair together."""

    def mixed(self, views: Views, pairs: tuple[Integers, Integers], log_odds: Floats) -> Floats:
        """Log-odds of pairs of records with the reader's, (n_pairs,) float32."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The records that a model encodes.

    Args:
        records: Which left and which right records, (n_left,) and (n_right,) bool.
        searched: Whether candidates are searched by the model too.
        report: How it was chosen.
    """

    records: tuple[Bools, Bools]
    searched: bool
    report: dict[str, object]

    @property
    def any(self) -> bool:
        """Whether records of both sides are encoded."""
        return bool(self.records[0].any() and self.records[1].any())


def adapted(
    judged: Judged,
    fused: Fused,
    embed: Embed,
    options: Options,
    correction: Correction | None,
    reader: Reader | None = None,
) -> tuple[Judged, dict[str, object]]:
    """Judge pairs again with a model's view where it can change the answer; and a report of its use."""
    described = judged.described
    selection = select(described, fused.candidates, fused.score, embed, options, correction, reader)
    sides = selection.records
    report = {
        "records": [int(side.sum()) for side in sides],
        "of": [len(side) for side in sides],
        **selection.report,
    }
    if not selection.any:
        return judged, report
    encoded = partial_view.encode(described.views, embed, sides)
    if selection.searched:
        return judge(partial_view.with_search(described, encoded, options), correction), report
    described = partial_view.with_view(described, encoded)
    return judged.update(described, ~np.isnan(described.features.pairs.scores[partial_view.NAME])), report


def select(
    described: Described,
    candidates: Candidates,
    p: Floats,
    embed: Embed,
    options: Options,
    correction: Correction | None = None,
    reader: Reader | None = None,
) -> Selection:
    """Choose the records that a model encodes.

    n-grams decide first. Of small tables all records are encoded and searched: of a few similarities no
    distribution is known, and a rival that is not encoded would be missed. Else a pair is in doubt where its
    match probability is above .05 and one of its records has no candidate above .95. The records of such
    pairs are encoded, the most doubtful pairs first, within a budget. Where more than a twentieth of the
    records of the smaller side have no candidate above .05, a sample of those is encoded and searched: if
    n-grams miss more than a twentieth of the matches by it, all records without a candidate above .95 are
    encoded and searched. A reader reads the matches of the sample first.
    """
    sizes = candidates.n_left, candidates.n_right
    best = best_of(candidates, p)
    report: dict[str, object] = {"rule": "records in doubt by n-grams"}
    texts = [text for readable in described.views.readable for text in readable]
    budget = max(AT_LEAST, PER_RECORD * sum(sizes))
    quick = not options.passages_encoded or sum(map(len, texts)) <= budget
    if len(texts) <= SMALL and quick:
        report["rule"] = "all records of small tables"
        return Selection((best[0] >= 0, best[1] >= 0), True, report)
    drawing = described.views.drawing
    empty = [order[p_best[order] <= IMPROBABLE] for order, p_best in zip(drawing.ordered, best, strict=True)]
    smaller = int(len(best[1]) < len(best[0]))
    if min(map(len, empty)) and len(empty[smaller]) > IMPROBABLE * len(best[smaller]):
        fewer = drawing.first if len(empty[0]) == len(empty[1]) else int(len(empty[1]) < len(empty[0]))
        sample = _sample(described, empty, fewer, options.passages_encoded)
        matches = trial(described, sample, embed, options, correction, reader)
        lower = matches - np.sqrt(matches)  # one standard error less
        missed = lower * len(empty[0]) / len(sample[0]) * len(empty[1]) / len(sample[1])
        expected = min(float(side.sum()) for side in best)
        report["trial"] = {
            "records": [len(side) for side in sample],
            "of": [len(side) for side in empty],
            "matches": matches,
            "share_missed_by_n_grams": round(float(missed / max(1.0, missed + expected)), 4),
        }
        if missed > IMPROBABLE * (missed + expected):
            report["rule"] = "all records but those matched with certainty: n-grams miss matches in a sample"
            return Selection((best[0] < CERTAIN, best[1] < CERTAIN), True, report)
    of_pairs = described.nodes[0].text[candidates.left], described.nodes[1].text[candidates.right]
    lengths = tuple(
        np.fromiter(map(len, readable), np.int64, len(readable)) for readable in described.views.readable
    )
    pairs = doubtful(candidates, p, best)
    allowed, spent = _within(pairs, p, of_pairs, (lengths[0], lengths[1]), budget)
    report |= {"pairs_in_doubt": int(pairs.sum()), "characters": spent, "budget": budget}
    nodes = described.nodes
    return Selection((allowed[0][nodes[0].text], allowed[1][nodes[1].text]), False, report)


def doubtful(candidates: Candidates, p: Floats, best: tuple[Floats, Floats]) -> Bools:
    """Pairs that may match, and one of whose records is not matched with certainty. (n_pairs,) bool."""
    matched = (best[0] >= CERTAIN)[candidates.left] & (best[1] >= CERTAIN)[candidates.right]
    return np.asarray((p > IMPROBABLE) & ~matched)


def in_doubt(fused: Fused) -> bool:
    """Whether n-grams leave a pair in doubt, or the records of both sides without a candidate."""
    candidates, p = fused.candidates, fused.score
    best = best_of(candidates, p)
    empty = min(int((side <= IMPROBABLE).sum()) for side in best)
    smaller = best[int(len(best[1]) < len(best[0]))]
    return bool(doubtful(candidates, p, best).any()) or empty > IMPROBABLE * len(smaller)


def trial(
    described: Described,
    sample: tuple[Integers, Integers],
    embed: Embed,
    options: Options,
    correction: Correction | None,
    reader: Reader | None = None,
) -> int:
    """How many of some records that have no candidate by n-grams a model matches.

    Counted are pairs that are each other's best and that the decision takes for matches, by their own
    features or in their job, whichever are more; with a reader those that are matches with its log-odds too:
    of pairs that are in no n-gram's reach, a model finds some by chance.
    """
    views = described.views.some(sample)
    both = np.ones(len(sample[0]), dtype=bool), np.ones(len(sample[1]), dtype=bool)
    encoded = partial_view.encode(views, embed, both)
    sampled = partial_view.with_search(searched(views, options), encoded, options)
    judged = judge(sampled, correction)
    at, candidates = sampled.features.at, sampled.candidates
    left, right, sizes = candidates.left[at], candidates.right[at], (candidates.n_left, candidates.n_right)
    place = places(left, right, judged.own)
    best = (place.rank_left == 0) & (place.rank_right == 0)
    # a sample has few matches, by which the job looks worse than it is: what either calls a match is one
    decided = judged.trees.in_job(judged.own, at, left, right, sizes, offset=judged.offset)
    by_own, in_job = best & (judged.own > 0), best & (decided.probability >= 0.5)
    if reader is None:
        return int(max(by_own.sum(), in_job.sum()))
    chosen = np.flatnonzero(by_own | in_job)
    surest = np.maximum(judged.own, decided.log_odds)[chosen]
    return int((reader.mixed(views, (left[chosen], right[chosen]), surest) > 0).sum())


def _sample(
    described: Described, empty: list[Integers], fewer: int, passages: bool
) -> tuple[Integers, Integers]:
    """Records for a trial, rising: few of one side, and as many of the other as the model may read.

    With `passages`, of which long records have many, as many of either side.
    """
    readable, nodes = described.views.readable[1 - fewer], described.nodes[1 - fewer]
    length = np.fromiter((len(readable[text]) for text in nodes.text[empty[1 - fewer]].tolist()), np.int64)
    most = int(TRIAL_COST / (length.mean() + OF_TEXT))
    least = TRIAL if not passages else max(TRIAL_LONG, most)
    sides = drawn(empty[fewer], least), drawn(empty[1 - fewer], max(least, most))
    return sides if fewer == 0 else sides[::-1]


def best_of(candidates: Candidates, p: Floats) -> tuple[Floats, Floats]:
    """The highest probability of each left and of each right record."""
    best = np.zeros(candidates.n_left, dtype=np.float32), np.zeros(candidates.n_right, dtype=np.float32)
    np.maximum.at(best[0], candidates.left, p)
    np.maximum.at(best[1], candidates.right, p)
    return best


def _within(
    pairs: Bools,
    p: Floats,
    texts: tuple[Integers, Integers],
    lengths: tuple[Integers, Integers],
    budget: int,
) -> tuple[tuple[Bools, Bools], int]:
    """The texts of the pairs nearest to even, and their characters; whole pairs as long as they fit."""
    at = np.flatnonzero(pairs)
    rank = np.empty(len(at), dtype=np.int64)
    a, b = texts[0][at], texts[1][at]
    doubt = np.abs(p[at] - np.float32(0.5))
    order = np.argsort(doubt, kind="stable")  # equal doubt: all or none, whatever the order of the pairs
    falling = doubt[order]
    rank[order] = np.cumsum(np.append(0, falling[1:] != falling[:-1])[: len(order)])
    first = [np.full(len(side), len(at), dtype=np.int64) for side in lengths]
    np.minimum.at(first[0], a, rank)
    np.minimum.at(first[1], b, rank)
    cost = np.bincount(np.concatenate(first), np.concatenate(lengths), len(at) + 1)[: len(at)]
    last = int(np.searchsorted(np.cumsum(cost), budget, side="right"))  # ranks below are within the budget
    allowed = first[0] < last, first[1] < last
    return allowed, int(sum(side[has].sum() for side, has in zip(lengths, allowed, strict=True)))
