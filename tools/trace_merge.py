"""Trace one `merge` of two small tables through the files of the project.

python -m tools.trace_merge           # files entered, the deepest chain of frames, files entered again
python -m tools.trace_merge --chain   # the deepest chain, frame by frame
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = tuple(str(ROOT / package) for package in ("linktransformer", "clippings", "model_hub"))
MOST_FILES, MOST_FRAMES = 25, 9  # goals
BODIES = (
    "<lambda>",
    "<genexpr>",
    "<listcomp>",
    "<dictcomp>",
    "<setcomp>",
)  # no functions that a reader opens


@dataclass(slots=True)
class Trace:
    """Calls of functions of the project, in the thread that asks.

    A file is entered where one of its functions is called by a function of another file. Bodies of
    comprehensions count as part of their function, and code that runs at import is left out.
    """

    entered: Counter[str] = field(default_factory=Counter)
    deepest: tuple[str, ...] = ()
    stack: list[tuple[FrameType, str, str]] = field(default_factory=list)

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        """Note a call or a return; the function that `sys.setprofile` takes."""
        if event == "return" and self.stack and self.stack[-1][0] is frame:
            self.stack.pop()
        code = frame.f_code
        if (
            event != "call"
            or not code.co_filename.startswith(PACKAGES)
            or code.co_name in (*BODIES, "<module>")
        ):
            return
        path = str(Path(code.co_filename).relative_to(ROOT))
        if not self.stack or self.stack[-1][1] != path:
            self.entered[path] += 1
        self.stack.append((frame, path, code.co_name))
        if len(self.stack) > len(self.deepest):
            self.deepest = tuple(f"{path}:{name}" for _, path, name in self.stack)


@contextmanager
def traced() -> Iterator[Trace]:
    """Trace what is called in a block."""
    trace = Trace()
    sys.setprofile(trace)
    try:
        yield trace
    finally:
        sys.setprofile(None)


def main() -> None:
    """Print the trace of a merge; the first merge, which imports modules, is not traced."""
    import pandas as pd

    import linktransformer as lt

    left = pd.DataFrame({"name": ["Acme Steel Corp.", "Baxter Dairy", "Quincy Glass Works"]})
    right = pd.DataFrame({"name": ["ACME STEEL CORPORATION", "Zeller Motors", "Quincy Glasworks"]})
    lt.merge(left, right, on="name", model="lexical")
    with traced() as trace:
        lt.merge(left, right, on="name", model="lexical")
    rooms = Counter(str(Path(path).parent) for path in trace.entered)
    frames = Counter(str(Path(frame).parent) for frame in trace.deepest)
    again = {path: n - 1 for path, n in trace.entered.most_common() if n > 1}
    lines = [
        f"files entered: {len(trace.entered)} (goal: {MOST_FILES} at most)",
        f"deepest chain: {len(trace.deepest)} frames (goal: {MOST_FRAMES} at most)",
        "by room, files and frames of the deepest chain:",
        *(f"  {n:4} {frames[room]:4} {room}" for room, n in rooms.most_common()),
        f"entered again: {sum(again.values())} times, {len(again)} files",
        *(f"  {n:4} {path}" for path, n in again.items()),
    ]
    if "--chain" in sys.argv[1:]:
        lines += ["", *trace.deepest]
    print("\n".join(lines))  # noqa: T201


if __name__ == "__main__":
    main()
