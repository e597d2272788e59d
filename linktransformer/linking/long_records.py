"""How records longer than a model reads are read: cut, in passages, or by an encoder of long records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats, Integers
from linktransformer.encoding import model_plan
from linktransformer.encoding.cached_encoder import uncached
from linktransformer.encoding.model_plan import Encoder, Plan
from linktransformer.encoding.passage_encoding import encode_passages, splits
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import LONG_CHARS
from linktransformer.search import lexical
from linktransformer.search.ngram_passages import LENGTH
from linktransformer.search.passages import Passages, interactions
from linktransformer.tables.serialize import Serializer

__all__ = ["Encoding", "Reading", "check_model", "chosen", "of_records", "serializer_of"]

Texts = tuple[Sequence[str], Sequence[str]]
# A sample of so many long records of the smaller side, and for each so many of the nearest of the other side;
# as many as have so many characters, three queries at least: what `selective_encoding` reads in four seconds
QUERIES, EACH, CHARACTERS = 16, 3, 100_000
LEAST = 3
ITEMS = 1000  # records of the other side among which n-grams find these
CUT_SHARE = 0.01  # of the rows: fewer that a model cuts are not worth a sample


@dataclass(frozen=True, slots=True)
class Encoding:
    """A model that encodes texts, so many at a time: each as one vector, or by its passages."""

    encoder: Encoder | None
    batch_size: int | None = None
    passages: bool = False

    def __call__(self, texts: list[str]) -> Floats | Passages:
        """Unit vectors of unique texts, (n_texts, d) float32, or of their passages."""
        if self.passages and self.encoder is not None:
            return encode_passages(self.encoder, texts, batch_size=self.batch_size)
        return model_plan.embed(self.encoder, texts, batch_size=self.batch_size)


@dataclass(frozen=True, slots=True)
class Reading:
    """How the records of a job are read.

    Args:
        long: The argument.
        ngrams: Whether n-grams are compared passage by passage.
        model: "cut", "pieces" or "based"; None where it is chosen when the model is asked.
        report: For the report; empty where no record is long.
    """

    long: str
    ngrams: bool
    model: str | None
    report: dict[str, object] = field(default_factory=dict)


def check_model(long: str, plan: Plan, argument: object) -> None:
    """Refuse a model that cannot read long records as `long=` says; `argument` is the caller's `model=`.

    Raises:
        InvalidArgumentError: The model cannot split texts, or is not an encoder of long records.
    """
    if long == "pieces" and plan.encoder is not None and splits(plan.encoder) is None:
        raise InvalidArgumentError(
            "long='pieces' splits texts by the model's tokenizer, and the model shows none. Given: "
            f"model={argument!r:.80}. Give long='cut', or a model of a folder or of a hub."
        )
    if long == "based" and not is_based(plan.encoder):
        raise InvalidArgumentError(
            "long='based' needs an encoder of long records, and the model is none. Given: "
            f"model={argument!r:.80}. Give model='based:FOLDER' or a model trained from base='based' "
            "(docs/long-records.md); or long='pieces', which needs no training."
        )


def is_based(encoder: object) -> bool:
    """Whether a model encodes long records as one vector (`clippings.long`)."""
    model = getattr(uncached(encoder), "model", None)
    try:
        config = model[0].auto_model.config  # type: ignore[index]
    except (TypeError, KeyError, IndexError, AttributeError):
        return False
    return str(getattr(config, "model_type", "")) == "based_bert"


def serializer_of(plan: Plan, long: str) -> Serializer:
    """How rows are written for n-grams: long ones are cut later than by default where passages are read."""
    reading = plan.reading
    return reading if long == "cut" else replace(reading, max_chars=max(reading.max_chars, LONG_CHARS))


def of_records(texts: Texts, plan: Plan, long: str) -> Reading:
    """How the records of two tables are read; with "auto" passages where the usual record has several.

    A usual record is the median of each table; it has several passages where it has more than two times 512
    characters. A table without them is read as with "cut".
    """
    length = [np.fromiter(map(len, side), np.int64, len(side)) for side in texts]
    longest = max((int(side.max(initial=0)) for side in length), default=0)
    usual = [float(np.median(side)) if len(side) else 0.0 for side in length]
    if long == "cut" or longest <= LENGTH or (long == "auto" and max(usual) <= 2 * LENGTH):
        return Reading(long, False, "based" if long == "based" else "cut")
    report: dict[str, object] = {
        "usual_characters": [round(value) for value in usual],
        "n_grams": "by passage",
    }
    if plan.encoder is None:
        return Reading(long, True, "cut", report)
    able = splits(plan.encoder) is not None
    model = None if long == "auto" and able else "cut" if long == "auto" else long
    if is_based(plan.encoder):
        model = "based" if long == "auto" else model
    return Reading(long, True, model, report)


def chosen(reading: Reading, encoding: Encoding, texts: Texts) -> tuple[Encoding, dict[str, object]]:
    """The encoding of long records, on a sample where it is not given; and the entry of the report.

    For long records of the smaller table, and those of the other one that n-grams find near, both ways are
    tried: the one is taken by which the nearest record stands further above the others, in their standard
    deviations.
    """
    if not reading.report:
        return replace(encoding, passages=reading.model == "pieces"), {}
    if reading.model is not None:
        entry = {**reading.report, "model": reading.model}
        return replace(encoding, passages=reading.model == "pieces"), entry
    split = splits(encoding.encoder)
    sample = None if split is None else _sample(texts)
    if split is None or sample is None:
        return encoding, {**reading.report, "model": "cut"}
    flat = [*sample[0], *sample[1]]
    cut_share = float(np.mean([len(passages) > 1 for passages in split(flat)]))
    if cut_share <= CUT_SHARE:
        return encoding, {**reading.report, "model": "cut", "share_cut_in_sample": round(cut_share, 4)}
    with progress.stage("choose how long records are read"):
        gaps = {
            name: _gap(replace(encoding, passages=name == "pieces"), sample) for name in ("cut", "pieces")
        }
    best = "cut" if gaps["cut"] > gaps["pieces"] else "pieces"
    trial = {name: round(gap, 3) for name, gap in gaps.items()}
    entry = {**reading.report, "model": best, "trial": {"records": [len(side) for side in sample], **trial}}
    return replace(encoding, passages=best == "pieces"), entry


def _sample(texts: Texts) -> tuple[list[str], list[str]] | None:
    """Long records of the smaller side and their nearest of the other one; None where there are few."""
    few, many = sorted((list(side) for side in texts), key=len)
    long = [text for text in few if len(text) > LENGTH]
    if len(long) < 2 or len(many) < 2:
        return None
    queries = _spread(long, QUERIES)
    items = _spread([text for text in many if text], ITEMS)
    view = lexical.fit(queries, items)
    query, item, _ = lexical.sparse_top_k(view.left, view.right, EACH)
    kept: Integers = np.unique(item)
    used, n = 0, 0
    for n, number in enumerate(range(len(queries)), 1):  # at most QUERIES
        used += len(queries[number]) + sum(len(items[at]) for at in item[query == number].tolist())
        if used > CHARACTERS and n >= LEAST:
            break
    kept = np.unique(item[query < n])
    return (queries[:n], [items[at] for at in kept.tolist()]) if len(kept) > 2 else None


def _spread(texts: list[str], n: int) -> list[str]:
    """At most n of the texts in their order, at even distances."""
    if len(texts) <= n:
        return texts
    return [texts[at] for at in np.linspace(0, len(texts) - 1, n).round().astype(int).tolist()]


def _gap(encoding: Encoding, sample: tuple[list[str], list[str]]) -> float:
    """How far the nearest item of a query is above the others, in their standard deviations; the mean."""
    left, right = (encoding(list(dict.fromkeys(side))) for side in sample)
    if isinstance(left, Passages) and isinstance(right, Passages):
        score = interactions(left, right)
    else:
        score = np.asarray(left) @ np.asarray(right).T
    score = np.sort(score.astype(np.float64), axis=1)
    others = score[:, :-1]
    return float(((score[:, -1] - others.mean(axis=1)) / np.maximum(others.std(axis=1), 1e-6)).mean())
