"""The review in a real browser: forty pairs by keyboard, undo, reload, pictures, a cluster split."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from linktransformer.review.answers import Answers
from tests.review_server import LINKS, Server

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium (apt-get install chromium)")
SCREENSHOTS = os.environ.get("REVIEW_SCREENSHOTS")  # a folder for pictures of the pages

PICTURES = """
from pathlib import Path
import numpy as np
import pandas as pd
from PIL import Image, ImageDraw
import linktransformer as lt

LEFT = ["Acme Steel Corp., 12 Main St", "Baxter Dairy Co.", "مطبعة النور", "Quincy Glass Works"]
RIGHT = ["ACME STEEL CORPORATION, 12 Main Street", "Baxter Dairies", "مطبعه النور", "Quincey Glassworks"]


class Looking:
    def encode(self, records, **_):
        rows = [r.pictures[0].pixels if getattr(r, "pictures", None) else None for r in records]
        return np.eye(4, dtype="float32")[: len(rows)]


def printed(text, name, size=(700, 90)):
    image = Image.new("L", size, 245)
    ImageDraw.Draw(image).text((14, 14), text.encode("ascii", "replace").decode(), fill=20, font_size=44)
    image.save(name)
    return str(Path(name).absolute())


def result():
    left = pd.DataFrame({"name": LEFT, "note": ["word " * 200] * 4})
    right = pd.DataFrame({"name": RIGHT})
    left["crop"] = [printed(text, f"left{i}.png") for i, text in enumerate(LEFT)]
    right["crop"] = [printed(text, f"right{i}.png") for i, text in enumerate(RIGHT)]
    links = lt.link(left, right, on="name", model="lexical", threshold=None)
    return Shown(links)


class Shown:
    def __init__(self, links):
        self.links = links

    def review(self, *arguments, **options):
        return self.links.review(*arguments, pictures="crop", **options)
"""
CLUSTERS = """
import pandas as pd
import linktransformer as lt

NAMES = [
    "Acme Steel Corp.", "ACME STEEL CORPORATION", "Acme Steel Corp", "Acme Steel Works", "Baxter Dairy",
    "Baxter Dairies", "Quincy Glass", "Quincy Glass Works", "Zeller Motors", "Zeller Motor Co.",
]


def result():
    return lt.cluster(pd.DataFrame({"name": NAMES}), on="name", model="lexical", threshold=0.02)
"""


LONG = """
import pandas as pd
import linktransformer as lt

HEBREW, ARABIC = "בית הדפוס של ירושלים", "مطبعة النور في القاهرة"
PLAIN = ["Acme Steel Corp.", "Baxter Dairy Co.", "Quincy Glass Works", "Zeller Motors"]


def result():
    word = "x" * 5000
    names = [*PLAIN, HEBREW, ARABIC, "Long " + "history of a firm " * 400, word]
    other = [name.upper() for name in PLAIN]
    other += [HEBREW + " ltd", ARABIC, "Long " + "history of firms " * 400, word + "y"]
    notes = ["<b>bold</b> & more " * 50] * len(names)
    left, right = pd.DataFrame({"name": names, "note": notes}), pd.DataFrame({"name": other, "note": notes})
    return lt.link(left, right, on="name", model="lexical", threshold=None)
"""
# texts whose contrast with what is behind them is below that of WCAG 2.2, level AA; controls without a name
CONTRAST = """
() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const colour = parse(getComputedStyle(node).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim());
    if (!own || !node.checkVisibility()) continue;
    const style = getComputedStyle(node);
    const [one, other] = [light(parse(style.color)), light(behind(node))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    const least = parseFloat(style.fontSize) >= 24 ? 3 : 4.5;
    if (ratio < least) found.push([ratio, node.textContent.slice(0, 40)]);
  }
  return found;
}
"""
UNNAMED = """
() => [...document.querySelectorAll("button, input:not([type=hidden]), select, img, a, progress, table form")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.getAttribute("aria-label") || node.alt || node.innerText
    || (node.labels && node.labels.length && node.labels[0].innerText)))
  .map((node) => node.outerHTML.slice(0, 80))
"""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:
    context = chromium.new_context(viewport={"width": 1100, "height": 780})
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: page.problems.append(line.text) if line.type == "error" else None)
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()
    assert [text for text in page.problems if "favicon" not in text and "404" not in text] == []


def kept(page: Any, name: str) -> None:
    if SCREENSHOTS:
        page.screenshot(path=str(Path(SCREENSHOTS) / f"{name}.png"))


def press(page: Any, key: str) -> None:
    """Press a key, and wait for the page that it leads to."""
    with page.expect_navigation(wait_until="load"):
        page.keyboard.press(key)


def enter(page: Any, server: Server) -> None:
    page.goto(server.url)
    page.wait_for_url(re.compile("/pair/"))


def test_forty_pairs_by_keyboard(page: Any, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    with Server(tmp_path, LINKS) as server:
        enter(page, server)
        seen = []
        for number in range(40):
            seen.append(page.url)
            press(page, "ynu"[number % 3])
        assert len(set(seen)) == 40
        assert answers.count() == {"yes": 14, "no": 13, "unsure": 13}
        press(page, "z")
        assert page.url.startswith(seen[-1]) and answers.count()["yes"] == 13
        assert page.get_by_role("status").inner_text() == "The last answer was taken back."
        press(page, "n")
        assert answers.count() == {"yes": 13, "no": 14, "unsure": 13}
        now = page.url
        press(page, "ArrowRight")
        assert page.url != now
        press(page, "ArrowLeft")
        assert page.url == now
        page.reload()
        assert page.locator("#count").inner_text() == "40"
        assert page.evaluate("document.cookie") == ""
        page.locator("details.why summary").click()
        kept(page, "pair")
        page.get_by_label("Keyboard shortcuts").uncheck()
        page.keyboard.press("y")
        page.wait_for_timeout(300)
        assert page.url == now and answers.count()["yes"] == 13
        page.goto(server.base + "/table?state=all")
        row = page.locator("tbody tr").first
        row.get_by_role("button", name="unsure").click()
        sync_api.expect(row.get_by_role("button", name="unsure")).to_have_attribute("aria-pressed", "true")
        kept(page, "table")
        server.kill()
    assert answers.count()["unsure"] == 14
    assert {url.split("/")[2] for url in page.asked} == {f"127.0.0.1:{server.port}"}
    page.problems.clear()


def test_crops_are_shown_and_enlarged(page: Any, tmp_path: Path) -> None:
    with Server(tmp_path, PICTURES) as server:
        enter(page, server)
        page.goto(server.base + "/pair/0")
        pictures = page.locator("a.zoom img")
        assert pictures.count() == 2 and "left0.png" not in page.inner_text("main")
        assert pictures.evaluate_all("list => list.map(image => image.naturalWidth)") == [700, 700]
        kept(page, "crops")
        pictures.first.click()
        assert page.locator("#enlarged").is_visible()
        before = page.locator("#large").bounding_box()["width"]
        page.keyboard.press("+")
        page.keyboard.press("+")
        assert page.locator("#large").bounding_box()["width"] > before * 1.4
        kept(page, "enlarged")
        page.keyboard.press("Escape")
        assert not page.locator("#enlarged").is_visible()
        page.get_by_text("all of it").click()
        assert page.locator("details.long div").is_visible()
        page.goto(server.base + "/table?state=all")
        arabic = page.locator("td div", has_text="مطبع").first
        assert arabic.evaluate("cell => getComputedStyle(cell).direction") == "rtl"


def test_a_cluster_is_split(page: Any, tmp_path: Path) -> None:
    answers = Answers(tmp_path / "answers.sqlite")
    with Server(tmp_path, CLUSTERS) as server:
        enter(page, server)
        page.get_by_role("link", name="Clusters").click()
        kept(page, "clusters")
        page.locator("tbody tr", has_text="Acme").locator("a").first.click()
        page.get_by_label("Row 3 is another thing").check()
        kept(page, "cluster")
        page.get_by_role("button", name="Split off the marked rows").click()
        assert "apart from the others" in page.get_by_role("status").inner_text()
        given = answers.labels()
        assert set(given.match) == {False}
        assert all("3" in pair for pair in zip(given.left, given.right, strict=True))
        page.wait_for_load_state()
        press(page, "z")
        assert "taken back" in page.get_by_role("status").inner_text() and answers.count()["no"] == 0
        page.get_by_role("button", name="All are one").click()
        page.wait_for_load_state()
        assert set(answers.labels().match) == {True}
        page.get_by_role("button", name="Keep apart").click()
        page.wait_for_load_state()
        assert False in answers.labels().match


def test_a_page_of_another_site_gets_nothing(page: Any, tmp_path: Path) -> None:
    with Server(tmp_path, LINKS) as server:
        enter(page, server)
        form = f'<form method="post" action="{server.base}/answer"><input name="pair" value="1">'
        form += '<input name="answer" value="yes"><button>go</button></form>'
        page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
        page.goto("http://evil.example/")
        page.get_by_role("button").click()
        page.wait_for_url(re.compile("/answer"))
        assert "not sent by the review" in page.inner_text("body")
        page.problems.clear()
    assert Answers(tmp_path / "answers.sqlite").count()["yes"] == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_and_controls_names(page: Any, tmp_path: Path, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    addresses = {LINKS: ("/", "/table?state=all"), CLUSTERS: ("/clusters", "/cluster/0")}
    for number, (source, paths) in enumerate(addresses.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        with Server(folder, source) as server:
            enter(page, server)
            press(page, "y")
            for path in paths:
                page.goto(server.base + path)
                assert page.evaluate(CONTRAST) == [], path
                assert page.evaluate(UNNAMED) == [], path
                assert page.evaluate("document.documentElement.lang") == "en" and page.title()
    kept(page, f"cluster-{scheme}")


def test_long_texts_and_other_directions_stay_within_the_page(page: Any, tmp_path: Path) -> None:
    page.set_viewport_size({"width": 700, "height": 780})
    with Server(tmp_path, LONG) as server:
        enter(page, server)
        for path in [*(f"/pair/{pair}" for pair in range(8)), "/table?state=all"]:
            page.goto(server.base + path)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
            assert page.locator("main b").count() == 0  # markup of cells is text
        page.goto(server.base + "/table?state=all")
        for text in ("בית הדפוס", "مطبعة النور"):
            cell = page.locator("td div", has_text=text).first
            assert cell.evaluate("cell => getComputedStyle(cell).direction") == "rtl"
        buttons = page.locator("form.row button")
        assert buttons.evaluate_all("list => Math.max(...list.map(node => node.clientHeight))") < 45
        kept(page, "long")
