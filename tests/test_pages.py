"""Pages for readers: links lead somewhere, and files that are named exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
FOLDERS = (ROOT, ROOT / "linktransformer", ROOT / "clippings", ROOT / "model_hub")


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+\s+(.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or target.suffix != ".md" or anchor in anchors(target), link


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_files_that_are_named_exist(name: str) -> None:
    named = re.findall(r"`((?:\w+/)+\w+\.py)`", (ROOT / name).read_text(encoding="utf-8"))
    assert named
    missing = [path for path in named if not any((folder / path).exists() for folder in FOLDERS)]
    assert missing == []


def test_messages_that_the_questions_explain_are_in_the_code() -> None:
    table = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8").partition("| message")[2]
    messages = re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)[1:]
    code = " ".join(path.read_text(encoding="utf-8") for path in (ROOT / "linktransformer").rglob("*.py"))
    assert len(messages) > 4
    assert [text for text in messages if text.rstrip(".") not in code and text not in code] == []


def test_every_page_is_in_the_navigation_of_the_site() -> None:
    named = re.findall(r"([\w-]+(?:/[\w-]+)*\.md)", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    pages = {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert sorted(named) == sorted(pages)
