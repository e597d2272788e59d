"""Progress of long calls: a bar on a terminal, lines elsewhere, nothing for short calls."""

from __future__ import annotations

import inspect
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

import linktransformer as lt
from linktransformer import progress
from linktransformer.progress_view import Bar, Stage, line, view_of


class Terminal(StringIO):
    """A stream that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


class Slow:
    """An encoder that takes its time with each text."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def encode(self, texts: Any) -> Any:
        time.sleep(self.seconds * len(texts))
        return [[float(len(text)), 1.0] for text in texts]


FIRMS = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Zeller Motors", "Quincy Glass"]})


@pytest.fixture(autouse=True)
def watch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A watch of this test's own, with a thread that looks and ends soon."""
    monkeypatch.setattr(progress, "STEP", 0.005)
    monkeypatch.setattr(progress, "LINGER", 0.01)
    monkeypatch.setattr(progress, "_watch", lru_cache(maxsize=1)(lambda process: progress._Watch()))
    return progress._watch(os.getpid())


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """All delays in hundredths of a second."""
    monkeypatch.setattr(progress, "DELAY", 0.02)
    monkeypatch.setattr(progress, "INTERVAL", 0.02)


def stderr_is(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error for the package alone: pytest puts its own one in the place of all others."""
    monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=stream))


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Standard error, as a file."""
    stream = StringIO()
    stderr_is(stream, monkeypatch)
    return stream


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Standard error, as a terminal."""
    stream = Terminal()
    stderr_is(stream, monkeypatch)
    return stream


def until(holds: Any, seconds: float = 2.0) -> bool:
    """Wait for something that is expected at once; on a busy machine it takes longer."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.002)
    return bool(holds())


# what is shown


def test_a_line_says_stage_count_share_and_time_left() -> None:
    encode = Stage("encode", 48_000, 100.0)
    encode.tick(12_000)
    assert line("merge", [encode], 95.0, 110.0) == (
        "linktransformer: encode 12,000 of 48,000 (25 %), 30 s left"
    )


@pytest.mark.parametrize(
    ("total", "done", "age", "end"),
    [
        (10, 0, 20.0, "read 0 of 10 (0 %), 25 s so far"),  # nothing to reckon with yet
        (None, 0, 20.0, "read, 25 s so far"),
        (None, 1500, 20.0, "read 1,500, 25 s so far"),
        (4, 1, 100.0, "read 1 of 4 (25 %), 5 min left"),
        (4, 1, 4000.0, "read 1 of 4 (25 %), 3.3 h left"),
        (4, 9, 20.0, "read 4 of 4 (100 %), 0 s left"),  # more than was expected
        (0, 0, 20.0, "read 0 of 0, 25 s so far"),
    ],
)
def test_a_line_of_a_stage(total: int | None, done: int, age: float, end: str) -> None:
    stage = Stage("read", total, 5.0)
    stage.tick(done)
    assert line("merge", [stage], 0.0, 5.0 + age) == f"linktransformer: {end}"


def test_a_line_names_the_outer_stages_and_reckons_with_the_innermost_count() -> None:
    pieces, encode, search = Stage("pieces", 4, 0.0), Stage("encode", 100, 10.0), Stage("search", None, 0.0)
    pieces.tick(1)
    encode.tick(50)
    assert line("link", [pieces, encode], 0.0, 20.0) == (
        "linktransformer: pieces 1 of 4, encode 50 of 100 (50 %), 10 s left"
    )
    assert line("link", [pieces, search], 0.0, 20.0) == (
        "linktransformer: pieces 1 of 4 (25 %), search, 60 s left"
    )
    assert line("link", [], 0.0, 20.0) == "linktransformer: link, 20 s so far"


def test_a_bar_says_at_which_stage_it_is() -> None:
    stream = Terminal()
    bar = Bar(stream)
    encode = Stage("encode", 200, 0.0)
    encode.tick(50)
    bar.show("merge", [Stage("pieces", None, 0.0), encode], 0.0, 10.0)
    assert "pieces, encode:  25%" in stream.getvalue() and "50/200 [00:10<00:30" in stream.getvalue()
    bar.show("merge", [Stage("search", None, 0.0)], 0.0, 12.0)
    assert stream.getvalue().rstrip().endswith("search [00:12]")
    bar.show("merge", [], 0.0, 15.0)
    assert stream.getvalue().rstrip().endswith("merge [00:15]")
    bar.close()
    assert not stream.getvalue().split("\r")[-1].strip() and "\n" not in stream.getvalue()


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo-terminals")
def test_a_terminal_of_unknown_size_has_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    import pty

    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream, os.fdopen(ours, "rb", buffering=0) as screen:
        monkeypatch.setattr(sys, "stderr", stream)
        view, redrawn = view_of(stream)
        assert isinstance(view, Bar) and redrawn
        view.show("merge", [Stage("encode", 10, 0.0)], 0.0, 1.0)
        assert select.select([screen], [], [], 1.0)[0] and b"encode:   0%" in screen.read(4096)
        view.close()


# when it is shown


@pytest.mark.usefixtures("quick")
def test_a_bar_comes_after_a_while_even_if_nothing_is_counted(terminal: Terminal) -> None:
    with progress.display(None, "merge"), progress.stage("search"):
        assert until(lambda: "search [" in terminal.getvalue())
    assert not terminal.getvalue().split("\r")[-1].strip()  # gone


@pytest.mark.usefixtures("quick")
def test_the_bar_goes_from_stage_to_stage(terminal: Terminal) -> None:
    with progress.display(None, "merge"):
        with progress.stage("search"):
            assert until(lambda: "search" in terminal.getvalue())
        with progress.stage("encode", 10) as tick:
            tick(7)
            assert until(lambda: "encode:  70%" in terminal.getvalue())


@pytest.mark.parametrize("stream", [StringIO, Terminal])
def test_a_short_call_shows_nothing(stream: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = stream()
    stderr_is(shown, monkeypatch)
    assert len(lt.merge(FIRMS, FIRMS, on="name", model="lexical")) == 4
    assert shown.getvalue() == ""


@pytest.mark.usefixtures("quick")
def test_lines_come_again_and_again(said: StringIO) -> None:
    with progress.display(None, "merge"), progress.stage("encode", 10) as tick:
        tick(5)
        assert until(lambda: said.getvalue().count("linktransformer: encode 5 of 10 (50 %), ") >= 2)
    n = len(said.getvalue())
    time.sleep(0.04)
    assert len(said.getvalue()) == n


def test_lines_that_could_not_come_in_time_do_not_come_all_at_once(
    said: StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress, "_now", lambda: now[0])
    shown = progress._Display(None, "merge")
    for now[0] in (9.0, 35.0, 36.0, 39.0, 40.0, 41.0):
        shown.look(now[0])
    assert said.getvalue().splitlines() == [
        "linktransformer: merge, 35 s so far",
        "linktransformer: merge, 40 s so far",
    ]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stream", [StringIO, Terminal])
def test_false_shows_nothing_of_what_is_inside_either(
    stream: Any, watch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = stream()
    stderr_is(shown, monkeypatch)
    with progress.display(False, "merge"), progress.display(True, "link"), progress.stage("search"):
        time.sleep(0.05)
    lt.merge(FIRMS, FIRMS, on="name", model=Slow(0.01), progress=False)
    assert shown.getvalue() == "" and watch._thread is None


def test_true_shows_the_first_line_at_once(said: StringIO) -> None:
    lt.merge(FIRMS, FIRMS, on="name", model="lexical", progress=True)
    assert said.getvalue() == "linktransformer: merge\n"


def test_true_shows_the_bar_at_once(terminal: Terminal) -> None:
    lt.cluster_rows(FIRMS, on="name", progress=True)
    assert "cluster_rows [00:00]" in terminal.getvalue()


@pytest.mark.usefixtures("quick")
def test_a_call_inside_another_one_shares_its_display(said: StringIO) -> None:
    with progress.display(True, "judge"), progress.stage("labels"):
        lt.merge(FIRMS, FIRMS, on="name", model=Slow(0.01), progress=True)
    assert said.getvalue().startswith("linktransformer: judge\n")
    assert "linktransformer: labels, encode " in said.getvalue() and ": merge" not in said.getvalue()


@pytest.mark.usefixtures("quick")
def test_a_silent_call_inside_a_shown_one_is_silent(said: StringIO) -> None:
    with progress.display(None, "judge"), progress.display(False, "merge"), progress.stage("encode"):
        assert until(lambda: "linktransformer: judge" in said.getvalue())
    assert "encode" not in said.getvalue()


def test_a_stage_in_one_of_its_name_is_part_of_it(said: StringIO) -> None:
    with progress.display(None, "merge"), progress.stage("encode", 10) as whole:
        with progress.stage("encode", 4) as part:
            part(4)
        with progress.stage("encode", 6) as part:
            part(3)
        shown = progress._current.get()
        assert shown is not None and [(of.name, of.total, of.done) for of in shown.stages] == [
            ("encode", 10, 7)
        ]
        whole(3)
    assert said.getvalue() == ""


def test_without_a_display_stages_do_nothing(said: StringIO) -> None:
    with progress.stage("encode", 3) as tick:
        tick(3)
    progress.clear()
    assert said.getvalue() == "" and progress._current.get() is None


def test_a_process_without_standard_error_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr_is(None, monkeypatch)
    assert view_of(None) == (None, False)
    assert len(lt.merge(FIRMS, FIRMS, on="name", model="lexical", progress=True)) == 4


@pytest.mark.usefixtures("quick")
def test_a_broken_stream_does_not_stop_the_call(said: StringIO) -> None:
    said.close()
    merged = lt.merge(FIRMS, FIRMS, on="name", model=Slow(0.01), progress=True)
    assert len(merged) == 4


# how it ends


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_ends_the_display(kind: type[BaseException], terminal: Terminal, watch: Any) -> None:
    class Broken(Slow):
        def encode(self, texts: Any) -> Any:
            assert until(lambda: "encode" in terminal.getvalue())
            raise kind("no more")

    with pytest.raises((kind, lt.LinkTransformerError)):
        lt.merge(FIRMS, FIRMS, on="name", model=Broken())
    assert progress._current.get() is None and not terminal.getvalue().split("\r")[-1].strip()
    assert until(lambda: watch._thread is None)


@pytest.mark.usefixtures("quick", "said")
def test_the_thread_ends_with_the_last_call_and_comes_back(watch: Any) -> None:
    for _ in range(2):
        with progress.display(None, "merge"):
            assert watch._thread.is_alive()
        assert until(lambda: watch._thread is None)


@pytest.mark.usefixtures("said")
def test_a_loop_of_short_calls_has_one_thread(watch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINGER", 0.5)
    begun = set()
    for _ in range(50):
        with progress.display(None, "merge"):
            begun.add(watch._thread)
    monkeypatch.setattr(progress, "LINGER", 0.0)
    assert len(begun) == 1 and until(lambda: watch._thread is None)


@pytest.mark.usefixtures("quick")
def test_parallel_calls_have_displays_of_their_own(said: StringIO, watch: Any) -> None:
    def merged(name: str) -> int:
        with progress.display(None, name):
            return len(lt.merge(FIRMS, FIRMS, on="name", model=Slow(0.01)))

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(merged, ["one", "two"])) == [4, 4]
    lines = said.getvalue().splitlines()
    assert lines and all(of.startswith("linktransformer: ") for of in lines)
    assert until(lambda: watch._thread is None)


@pytest.mark.usefixtures("terminal")
def test_parallel_bars_do_not_disturb_each_other(watch: Any) -> None:
    def merged(_: int) -> int:
        return len(lt.merge(FIRMS, FIRMS, on="name", model=Slow(), progress=True))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(merged, range(6))) == [4] * 6
    assert watch._open == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.usefixtures("quick")
def test_a_forked_process_has_a_display_of_its_own(said: StringIO) -> None:
    with progress.display(None, "merge"):
        assert until(lambda: said.getvalue() != "")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                with progress.display(None, "link"), progress.stage("encode"):
                    code = 0 if until(lambda: "encode" in said.getvalue()) else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


# as a whole process

SCRIPT = """
import time, pandas as pd, linktransformer as lt
from linktransformer import progress
progress.INTERVAL, progress.STEP = 0.1, 0.02

class Slow:
    def encode(self, texts):
        time.sleep(0.3)
        return [[float(len(text)), 1.0] for text in texts]

firms = pd.DataFrame({"name": ["Acme Steel", "Baxter Dairy", "Zeller Motors"]})
linked = lt.merge(firms, firms, on="name", model=Slow(), progress=PROGRESS)
print(len(linked))
"""


@pytest.mark.parametrize("enabled", [None, False])
def test_a_pipe_gets_whole_lines_on_time(enabled: bool | None) -> None:
    script = textwrap.dedent(SCRIPT).replace("PROGRESS", repr(enabled))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "3\n")
    if enabled is False:
        assert done.stderr == ""
    else:
        assert any(of.startswith("linktransformer: encode ") for of in done.stderr.splitlines())
        assert "\r" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_an_interrupted_process_ends() -> None:
    script = textwrap.dedent(SCRIPT).replace("time.sleep(0.3)", "print('on', flush=True); time.sleep(60)")
    started = subprocess.Popen(
        [sys.executable, "-c", script.replace("PROGRESS", "None")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None and started.stdout.readline() == "on\n"
    started.send_signal(signal.SIGINT)
    _, err = started.communicate(timeout=30)
    assert started.returncode != 0 and err.rstrip().endswith("KeyboardInterrupt")


# where it is


def _functions() -> list[tuple[str, Any]]:
    found = []
    for name in lt.__all__:
        of = getattr(lt, name)
        if inspect.isfunction(of) and {"progress", "progress_bar"} & set(inspect.signature(of).parameters):
            found.append((name, of))
    for of in (lt.Linker, lt.Deduplicator):
        found += [(f"{of.__name__}.{method}", getattr(of, method)) for method in ("fit", "predict", "add")]
    return found


@pytest.mark.parametrize(("name", "function"), _functions())
def test_every_public_function_with_progress_has_a_display(name: str, function: Any) -> None:
    while function.__code__.co_filename != progress.__file__:
        assert hasattr(function, "__wrapped__"), f"{name} opens no display"
        function = function.__wrapped__


def test_an_argument_by_position_or_under_its_old_name_counts(said: StringIO) -> None:
    @progress.displayed
    def old(table: int, progress_bar: bool | None = None, *, progress: bool | None = None) -> int:
        return table

    assert old(1, True) == old(1, progress_bar=True) == old(1, progress=True) == old(1) == old(1, False) == 1
    assert said.getvalue() == "linktransformer: old\n" * 3


def test_an_estimator_shows_by_its_attribute(said: StringIO) -> None:
    linker = lt.Linker(model="lexical", on="name", threshold=0.5, progress=True).fit(FIRMS)
    linker.predict(FIRMS)
    assert said.getvalue() == "linktransformer: fit\nlinktransformer: predict\n"
    linker.set_params(progress=False).predict(FIRMS)
    assert said.getvalue().count("\n") == 2


def test_stages_of_a_merge(monkeypatch: pytest.MonkeyPatch, said: StringIO) -> None:
    names: list[str] = []
    began = Stage.__init__

    def kept(self: Stage, name: str, total: int | None, at: float) -> None:
        names.append(name)
        began(self, name, total, at)

    monkeypatch.setattr(Stage, "__init__", kept)
    lt.merge(FIRMS, FIRMS, on="name", model=Slow())
    wanted = ["read", "n-grams", "encode", "search", "features", "decision", "links", "table"]
    assert [name for name in dict.fromkeys(names) if name in wanted] == wanted
    names.clear()
    lt.cluster_rows(FIRMS, on="name")
    wanted = ["read", "n-grams", "search", "features", "decision", "clusters"]
    assert [name for name in dict.fromkeys(names) if name in wanted] == wanted
