"""The code of tutorials and how-to pages runs, and prints what the pages show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.snippets import differences, snippets

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [path for folder in ("tutorials", "how-to") for path in sorted((DOCS / folder).glob("*.md"))]
WITHOUT_CODE = {"gpu.md", "privacy.md"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_prints_what_it_shows(path: Path) -> None:
    if path.name == "pictures.md":
        pytest.importorskip("PIL")
    page = path.read_text(encoding="utf-8")
    assert bool(snippets(page)) == (path.name not in WITHOUT_CODE)
    assert differences(page, path.name) == []


def test_the_index_begins_as_readme_does() -> None:
    shown = [
        snippets((folder / name).read_text(encoding="utf-8"))[0]
        for folder, name in ((DOCS, "index.md"), (DOCS.parent, "README.md"))
    ]
    assert shown[0].code == shown[1].code and shown[0].shown == shown[1].shown
