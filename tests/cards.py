"""The Python snippet of a model card."""

from __future__ import annotations

import re


def snippet(text: str) -> str:
    """The first Python snippet of a card."""
    match = re.search(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    assert match is not None
    return match.group(1)
