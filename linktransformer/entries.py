"""What a room above carries out for one below: the name of each function, looked up when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from linktransformer.results.links import Links
    from linktransformer.review.answers import Answers

__all__ = ["link_files", "review"]


def link_files(left: object, right: object, **options: object) -> Links:
    """Call `linktransformer.link_files`, which imports the decision of `link`."""
    function = import_module("linktransformer.partitions.link_files").link_files
    return cast("Links", function(left, right, None, **options))


def review(result: object, answers: object, **options: object) -> Answers:
    """Call `linktransformer.review`, which imports the results that call it."""
    function = import_module("linktransformer.review.serve").review
    return cast("Answers", function(result, answers, **options))
