"""Cases that broke a promise once, as a long run printed them."""

from __future__ import annotations

import pytest

from tests.fuzz.replay import cases_of, replayed

LINES = {
    "block of lists": "Deduplicator pyarrow 1x0 on=['c0', 'c1']/['c0', 'c1'] kinds={'c0': 'numbered', "
    "'c1': 'lists'} index=texts seed=0 shares=(0.0, 0.0) twice=False {'model': 'lexical', "
    "'block_on': 'c1'}",
    "block of dicts in queries": "Linker pandas_nullable 9x1 on=['c0', 'c1']/['c0', 'c1'] kinds={'c0': "
    "'few', 'c1': 'structs'} index=moments seed=32259 shares=(0.6, 0.0) twice=False {'model': "
    "'lexical', 'block_on': 'c1'}",
    "block of arrays": "Linker pandas 1x4 on=['c0']/['c0'] kinds={'c0': 'lists', 'c1': 'tuples'} "
    "index=levels seed=1921825198 shares=(0.0, 0.0) twice=False {'model': 'lexical', 'block_on': "
    "'c1'}",
    "labels of moments": "Linker pandas_arrow 3x3 on=['c0', 'c1']/['their c0', 'their c1'] kinds={'c0': "
    "'dates', 'c1': 'dates'} index=moments seed=4294967295 shares=(0.0, 0.0) twice=False "
    "{'model': 'lexical'}",
    "large integers among None": "Linker pandas_object 214x40 on=['c0', 'c1', 'c2']/['c0', 'c1', 'c2'] "
    "kinds={'c0': 'same', 'c1': 'large', 'c2': 'nothing'} index=levels seed=25066193 "
    "shares=(0.1, 0.0) twice=False {'model': 'lexical', 'k': 35}",
    "7 and 7.0": "link pandas 40x40 on=['c0']/['c0'] kinds={'c0': 'mixed'} index=range seed=0 shares=(0.0, "
    "0.0) twice=False {'model': 'lexical', 'block_on': 'c0', 'validate': '1:1'}",
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_cases_that_broke_once(line: str) -> None:
    (outcome,) = replayed(line)
    assert "FAULT" not in outcome, outcome


def test_a_printed_case_is_read_again() -> None:
    line = LINES["labels of moments"]
    (case,) = cases_of(line)
    assert str(case) == line
