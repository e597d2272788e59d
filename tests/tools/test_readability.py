"""The pages use the terms of the field, in short sentences."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tools.imports import ROOT, modules
from tools.public_api import public_functions
from tools.readability import AVOIDED, main, pages, prose, read, sentences, wrong


@pytest.mark.parametrize("path", pages(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_page_is_readable(path: Path) -> None:
    assert wrong(read(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "text",
    [
        "Its partner is near.",
        "The view\nalone is used.",
        "As for rows, no.",
        "A card is used.",
        "The Processor",
    ],
)
def test_an_avoided_term_is_found_in_text(text: str) -> None:
    assert len(read(text).avoided) == 1
    assert read(f"```\n{text}\n```\n").avoided == ()


def test_terms_that_may_stand() -> None:
    assert read("The model card. `partner` and [x](as-for.md). A loan, standalone.").avoided == ()
    assert len(AVOIDED) > 10


def test_docstrings_of_the_api_use_the_terms_too() -> None:
    sources = modules(ROOT)
    of_functions = public_functions(ROOT, sources)
    found = []
    for module in sorted({module for module, _ in of_functions}):
        for node in ast.walk(ast.parse(sources[module])):
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                text = re.sub("^ +", "", ast.get_docstring(node) or "", flags=re.M)
                found += [f"{module}.{node.name}: {term}" for term in read(text).avoided]
    assert len(of_functions) > 100 and found == []


def test_long_sentences_fail() -> None:
    long = " ".join(["word"] * 60) + "."
    assert wrong(read(long)) == [
        "60.0 words a sentence, more than 20",
        "100% of the sentences have more than 45 words",
    ]
    assert wrong(read("A short one. " * 60 + long)) == []


def test_what_is_prose() -> None:
    page = "# Head\n\nOne `a.b` two. [Three](x.md) is\nhere; four comes.\n\n- five is.\n- six is.\n\n"
    page += "| t | u |\n\n    code is\n"
    assert prose(page) == ["One a.b two. Three is here; four comes.", "five is.", "six is."]
    assert sentences(page) == ["One a.b two.", "Three is here", "four comes.", "five is.", "six is."]


def test_the_command_lists_every_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.count("\n") == len(pages()) + 1
