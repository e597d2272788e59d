"""The trace counts files of the project, frames in a chain, and files entered again."""

from __future__ import annotations

import contextlib

from linktransformer import progress
from linktransformer.errors import InvalidArgumentError
from linktransformer.linking import options
from tools.trace_merge import traced


def test_files_are_entered_and_entered_again() -> None:
    with traced() as trace:
        options.Job()
        progress.clear()
        progress.clear()
    assert trace.entered["linktransformer/progress.py"] == 2
    assert trace.deepest[0] == "linktransformer/linking/options.py:__post_init__"
    assert len(trace.deepest) == 3 and not trace.stack


def test_a_frame_that_an_error_ends_is_left() -> None:
    with traced() as trace:
        with contextlib.suppress(InvalidArgumentError):
            options.Job(validate="2:2")
        progress.clear()
    assert len(trace.deepest) <= 3 and not trace.stack
