"""Methods of results that a room above carries out: the name of each, looked up when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from linktransformer.review.answers import Answers

__all__ = ["review"]


def review(result: object, answers: object, **options: object) -> Answers:
    """Call `linktransformer.review`, which imports the results that call it."""
    function = import_module("linktransformer.review.serve").review
    return cast("Answers", function(result, answers, **options))
