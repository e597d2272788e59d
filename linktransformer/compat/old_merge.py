"""merge as `linktransformer` has it: calls of 0.1.18 are accepted too."""

from __future__ import annotations

from linktransformer.compat.old_arguments import accept_old, of_merge
from linktransformer.linking import merge as linking

__all__ = ["merge"]

merge = accept_old(of_merge, __name__)(linking.merge)
