"""People answer whether two rows are one: a local web application, and the file of their answers.

`linktransformer.review(links, "answers.sqlite")` calls `linktransformer.review.serve.review`: this package
can be called, since its name is also that of the function.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *arguments: Any, **named: Any) -> object:
        from linktransformer.review.serve import review

        return review(*arguments, **named)


sys.modules[__name__].__class__ = _Callable
