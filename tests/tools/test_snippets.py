"""Blocks of a page are run, and their outputs compared and written."""

from __future__ import annotations

import pytest

from tools.snippets import differences, main, rewritten, same, snippets

PAGE = """# A page

```python
x = 2
```

Text.

```python
print(f"{x / 3:.2f} of {x}")
```

```text
0.66 of 2
```
"""


def test_blocks_and_their_outputs() -> None:
    assert [snippet.shown for snippet in snippets(PAGE)] == [None, "0.66 of 2\n"]
    assert differences(PAGE) == []


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [("0.60 of 2", "a number"), ("0.66 of 3", "a count"), ("0.66 from 2", "a word"), ("0.66", "a line")],
)
def test_another_output_is_found_and_written(wrong: str, reason: str) -> None:
    page = PAGE.replace("0.66 of 2", wrong)
    (found,) = differences(page)
    assert "0.67 of 2" in found and wrong in found
    assert differences(rewritten(page)) == []


def test_an_output_that_is_missing_or_too_many() -> None:
    silent = PAGE[: PAGE.index("\n```text")]
    assert len(differences(silent)) == 1
    assert rewritten(silent).endswith("\n```text\n0.67 of 2\n```\n")
    spoken = PAGE.replace("x = 2\n```\n", "x = 2\n```\n\n```text\nhello\n```\n")
    assert len(differences(spoken)) == 1 and "hello" not in rewritten(spoken)


def test_what_is_right_is_not_written_again() -> None:
    assert rewritten(PAGE) == PAGE


def test_code_that_fails_or_warns_fails() -> None:
    with pytest.raises(NameError):
        differences(PAGE.replace("x = 2", "y = 2"))
    with pytest.raises(UserWarning, match="old"):
        differences(PAGE.replace("x = 2", "import warnings\nx = 2\nwarnings.warn('old')"))


def test_the_command(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("0.66", "0.5"), encoding="utf-8")
    assert main([str(page)]) == 1 and "--- printed\n0.67 of 2" in capsys.readouterr().out
    assert main(["--write", str(page)]) == 0 and main([str(page)]) == 0


def test_numbers_of_words_and_versions_are_no_decimals() -> None:
    assert not same("v1.10", "v1.11") and same("-.50 x", "-.51  x") and not same("5", "6")
