"""A review that runs in a process of its own, and requests to it as a browser sends them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = """
import runpy, sys
made = runpy.run_path(sys.argv[1])["result"]()
made.review(sys.argv[2], reviewer="ann", browser=False, port=int(sys.argv[3]))
"""
LINKS = """
import pandas as pd
import linktransformer as lt

STREETS = ["Ash", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Gum", "Hazel", "Ivy", "Juniper"]
KINDS = ["Mill", "Bakery", "Foundry", "Press", "Garage", "Dairy"]
NAMES = [f"{street} Street {kind}" for street in STREETS for kind in KINDS]
SHORT = [name.replace("Street", "St.").upper() for name in NAMES]
OTHER = [SHORT[place] if place % 3 else name + " & Sons" for place, name in enumerate(NAMES)]


def result():
    left = pd.DataFrame({"name": NAMES, "city": ["Boston"] * 60, "year": range(1900, 1960)})
    right = pd.DataFrame({"name": OTHER, "city": ["Boston"] * 60, "owner": ["Jo <b>Ann</b>"] * 60})
    return lt.link(left, right, on=["name", "city"], model="lexical")
"""


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *arguments: object) -> None:
        return None


@dataclass
class Reply:
    status: int
    text: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Browser:
    """Requests with the cookies that the server gave."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, path: str, form: dict[str, object] | None = None, **headers: str) -> Reply:
        """One request; no redirect is followed."""
        body = None if form is None else urllib.parse.urlencode(form, doseq=True).encode()
        request = urllib.request.Request(self.base + path, body)
        if self.cookies:
            request.add_header("cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if form is not None:
            request.add_header("origin", self.base)
        for name, value in headers.items():
            request.add_header(name, value)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), Stay)
        try:
            reply = opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            reply = error
        with reply:
            content = reply.read()
            for line in reply.headers.get_all("set-cookie") or []:
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return Reply(reply.status, content.decode("utf-8", "replace"), dict(reply.headers), content)

    def pair(self) -> int | None:
        """The number of the next pair."""
        reply = self.ask("/")
        found = re.search(r"/pair/(\d+)", reply.headers.get("location", ""))
        return int(found.group(1)) if found else None

    def answer(self, pair: int, answer: str) -> Reply:
        return self.ask("/answer", {"pair": pair, "answer": answer})


class Server:
    """A review in a process; `url` is what it printed."""

    def __init__(self, folder: Path, source: str = LINKS, port: int = 0) -> None:
        made, answers = folder / "made.py", folder / "answers.sqlite"
        made.write_text(source)
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(made), str(answers), str(port)],
            cwd=folder,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.url, lines = "", []
        for line in self.process.stderr or []:
            lines.append(line)
            if found := re.search(r"http://127\.0\.0\.1:(\d+)/enter\S+", line):
                self.url, self.port = found.group(0), int(found.group(1))
                break
        if not self.url:
            raise RuntimeError("".join(lines))
        self.base = f"http://127.0.0.1:{self.port}"

    def browser(self, name: str | None = None) -> Browser:
        """A browser that was let in, perhaps with a reviewer's name."""
        browser = Browser(self.base)
        assert browser.ask(self.url.removeprefix(self.base)).status == 200
        if name is not None:
            assert browser.ask("/reviewer", {"name": name}).status == 303
        return browser

    def kill(self) -> None:
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(30)
        if self.process.stderr:
            self.process.stderr.close()

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
