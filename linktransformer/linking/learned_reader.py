"""A decision that was learned with a reader is used with the same one, and with its scale."""

from __future__ import annotations

from dataclasses import astuple, replace

from linktransformer.decision.correction import Correction
from linktransformer.encoding.model_plan import Plan
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking.options import AUTO, OWN, ReaderUse, is_budget
from linktransformer.linking.pair_judge import is_judge, name_of
from linktransformer.linking.reader_scale import CalibratedJudge, Scale

__all__ = ["learned_with", "reader_for"]


def learned_with(correction: Correction, reader: ReaderUse) -> Correction:
    """A correction that says with which reader it was learned."""
    if is_budget(reader):
        return replace(correction, reader=reader is not False)
    scale = astuple(reader.scale) if isinstance(reader, CalibratedJudge) else ()
    return replace(correction, reader=True, reader_name=name_of(reader), reader_scale=scale)


def reader_for(plan: Plan, reader: ReaderUse) -> ReaderUse:
    """The reader of a job by its model: the scale that a decision was learned with is taken.

    Raises:
        InvalidArgumentError: It is another reader than the decision was learned with.
    """
    correction = plan.correction
    if isinstance(reader, str) and reader == OWN:
        reads = bool(plan.reader) and (
            correction is None or (correction.reader and not correction.reader_name)
        )
        return AUTO if reads else False
    if correction is None or reader is False:
        return reader
    given = name_of(reader) if is_judge(reader) else repr(reader)
    if not correction.reader:
        raise InvalidArgumentError(
            f"reader={given} is not possible with this decision: it was learned from labels without "
            "the reader. Leave reader= out."
        )
    if correction.reader_name != (given if is_judge(reader) else ""):
        learned = correction.reader_name or "that of the model"
        raise InvalidArgumentError(
            f"reader={given} is not the one that this decision was learned with, {learned}. "
            + ("Give that one as reader=." if correction.reader_name else "Leave reader= out.")
        )
    if correction.reader_scale and is_judge(reader) and not isinstance(reader, CalibratedJudge):
        return CalibratedJudge(reader, Scale(*correction.reader_scale))
    return reader
