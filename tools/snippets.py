"""Run the Python blocks of pages and compare, or write, what they print.

    python tools/snippets.py PAGE ...          fails where code fails or the output differs
    python tools/snippets.py --write PAGE ...  writes the outputs into the pages

A block of ```text directly below a block of ```python is its output. Blocks of a page run in order, in one
namespace and in an empty folder; `EXAMPLES` there is the folder examples/ of the repository. Decimal numbers
may differ by `TOLERANCE`; white space at the end of a line does not count. It imports nothing of this
repository, so that it can test an installed package.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TOLERANCE = 0.021  # two decimals, rounded, of another CPU or version of a library
_BLOCK = re.compile(r"^```python\n(?P<code>.*?)^```\n(?:\n?^```text\n(?P<output>.*?)^```\n)?", re.M | re.S)
_DECIMAL = re.compile(r"(?<![\w.])-?\d*\.\d+")


@dataclass(frozen=True, slots=True)
class Snippet:
    """A block of code of a page, and the output that the page shows below it.

    Args:
        code: The code.
        shown: The output on the page, None for none.
        span: Where code and output stand in the text of the page.
    """

    code: str
    shown: str | None
    span: tuple[int, int]


def snippets(page: str) -> list[Snippet]:
    """The Python blocks of a page."""
    return [Snippet(m["code"], m["output"], m.span()) for m in _BLOCK.finditer(page)]


def outputs(code: Sequence[str], name: str = "page") -> Iterator[str]:
    """Run blocks one after the other in an empty folder, and give what each prints."""
    names: dict[str, object] = {"__name__": "__main__", "EXAMPLES": ROOT / "examples"}
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            for number, block in enumerate(code):
                printed = io.StringIO()
                with contextlib.redirect_stdout(printed), warnings.catch_warnings():
                    warnings.simplefilter("error")
                    exec(compile(block, f"{name}, block {number + 1}", "exec"), names)
                yield "".join(line.rstrip() + "\n" for line in printed.getvalue().splitlines())
        finally:
            os.chdir(before)


def same(shown: str, printed: str) -> bool:
    """Whether two outputs are the same but for small differences of decimal numbers.

    Example:
        >>> same("0.98  Acme  5", "0.97  Acme  5"), same("0.98  Acme  5", "0.98  Acme  6")
        (True, False)
    """
    parts = [[" ".join(text.split()) for text in _DECIMAL.split(output)] for output in (shown, printed)]
    numbers = [[float(text) for text in _DECIMAL.findall(output)] for output in (shown, printed)]
    return parts[0] == parts[1] and all(abs(a - b) <= TOLERANCE for a, b in zip(*numbers, strict=True))


def differences(page: str, name: str = "page") -> list[str]:
    """What a page shows otherwise than it is printed; an output that is printed and not shown counts."""
    found = snippets(page)
    texts = []
    for number, (snippet, printed) in enumerate(
        zip(found, outputs([s.code for s in found], name), strict=True)
    ):
        if not same(snippet.shown or "", printed):
            texts.append(
                f"{name}, block {number + 1}:\n--- shown\n{snippet.shown or ''}--- printed\n{printed}"
            )
    return texts


def rewritten(page: str, name: str = "page") -> str:
    """The page with the outputs as they are printed."""
    found = snippets(page)
    printed = list(outputs([snippet.code for snippet in found], name))
    for snippet, output in reversed(list(zip(found, printed, strict=True))):
        if same(snippet.shown or "", output):
            continue
        start, end = snippet.span
        code = f"```python\n{snippet.code}```\n"
        below = f"\n```text\n{output}```\n" if output else ""
        page = page[:start] + code + below + page[end:]
    return page


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write pages."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="write the outputs into the pages")
    options = parser.parse_args(arguments)
    wrong: list[str] = []
    for path in options.pages:
        page, start = path.read_text(encoding="utf-8"), time.perf_counter()
        if options.write:
            path.write_text(rewritten(page, path.name), encoding="utf-8")
        else:
            wrong += differences(page, path.name)
        sys.stdout.write(f"{path.name}: {time.perf_counter() - start:.1f} s\n")
    sys.stdout.write("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
