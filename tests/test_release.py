"""One version in every file that has it, and a changelog in the form of Keep a Changelog."""

from __future__ import annotations

import re
from pathlib import Path

import linktransformer

ROOT = Path(__file__).parents[1]
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def field(name: str, pattern: str) -> str:
    found = re.search(pattern, (ROOT / name).read_text("utf-8"), flags=re.M)
    assert found is not None, name
    return found[1]


def test_every_file_has_the_version_of_the_package() -> None:
    assert {
        "pyproject.toml": field("pyproject.toml", r'^version = "(.+)"$'),
        "CITATION.cff": field("CITATION.cff", r"^version: (.+)$"),
        "CHANGELOG.md": field("CHANGELOG.md", r"^## \[(\d.+?)\]"),
    } == dict.fromkeys(("pyproject.toml", "CITATION.cff", "CHANGELOG.md"), linktransformer.__version__)


def test_the_changelog_has_versions_newest_first_and_known_kinds() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, flags=re.M)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\w*(\.dev\d+)?\]( - \d{4}-\d\d-\d\d)?", h) for h in headings[1:])
    assert len(set(headings)) == len(headings)
    for section in re.split(r"^## .+$", text, flags=re.M)[1:]:
        kinds = re.findall(r"^### (.+)$", section, flags=re.M)
        assert set(kinds) <= KINDS and len(set(kinds)) == len(kinds)
