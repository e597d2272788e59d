"""The cross-encoder of pairs: how two records become one text, and that its answer depends on them alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clippings import EncoderError
from clippings.text.pair_reader import (
    ABSENT,
    CLS,
    ELSEWHERE,
    GRAPH,
    PAD,
    SAME_COLUMN,
    SEP,
    CellTokens,
    PairReader,
    cut_lengths,
    has_reader,
    joined,
)
from model_hub import bundled

# cells of names, codes, dates and texts; some columns are empty
RECORDS = [
    ["Deutsche Bank AG", "Frankfurt am Main"],
    ["German bank", "Frankfurt"],
    ["Dresdner Bank AG", ""],
    ["KDL-40V2500 40in LCD", "Sony"],
    ["Sony KDL-46V2500", "46 in LCD"],
    ["東京電力株式会社", "Tokyo"],
    ["Tokyo Electric Power", ""],
    ["", "1956-03-01"],
    ["", ""],
    ["a b", "c"],
    ["a", "b c"],  # the same tokens in other columns
]


@pytest.fixture(scope="module")
def reader() -> PairReader:
    return PairReader(bundled(), threads=1)


@pytest.fixture(scope="module")
def tokens(reader: PairReader) -> CellTokens:
    return reader.tokens(RECORDS)


def every_pair() -> tuple[np.ndarray, np.ndarray]:
    n = len(RECORDS)
    return np.repeat(np.arange(n), n), np.tile(np.arange(n), n)


def plainly(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> list[tuple[int, int, int, int]]:
    """The tokens of a pair, written out: of each its number, mark, record and column."""
    first, second = sorted((one, other), key=lambda of: ([token for token, _ in of], [c for _, c in of]))
    found = [(CLS, 0, 0, 0)]
    for side, (own, opposite) in enumerate(((first, second), (second, first)), start=1):
        for token, column in own:
            if (token, column) in opposite:
                mark = SAME_COLUMN
            elif token in [number for number, _ in opposite]:
                mark = ELSEWHERE
            else:
                mark = ABSENT
            found.append((token, mark, side, column))
        found.append((SEP, 0, 0, 0))
    return found


record = st.lists(st.tuples(st.integers(3, 9), st.integers(0, 2)), min_size=1, max_size=5)


def packed(records: list[list[tuple[int, int]]]) -> CellTokens:
    width = max(map(len, records))
    ids, column = np.full((len(records), width), PAD, np.int32), np.full((len(records), width), 255, np.uint8)
    for row, of in enumerate(records):
        ids[row, : len(of)], column[row, : len(of)] = [n for n, _ in of], [c for _, c in of]
    return CellTokens(ids, column, np.ones(len(records), bool))


@given(st.lists(record, min_size=1, max_size=4), st.lists(record, min_size=1, max_size=4))
def test_a_pair_is_put_together_as_written_out(left, right) -> None:
    sides = packed(left), packed(right)
    pairs = [(a, b) for a in range(len(left)) for b in range(len(right))]
    lengths = [len(left[a]) + len(right[b]) for a, b in pairs]
    for length in set(lengths):  # pairs of one length share a batch
        rows = np.array([pair for pair, of in zip(pairs, lengths, strict=True) if of == length])
        made = np.stack(joined(*sides, rows[:, 0], rows[:, 1]), axis=2)
        for (a, b), found in zip(rows, made, strict=True):
            assert [tuple(token) for token in found.tolist()] == plainly(left[a], right[b])


def test_log_odds_do_not_depend_on_which_table_a_record_is_from(
    reader: PairReader, tokens: CellTokens
) -> None:
    one, other = every_pair()
    there, back = reader.log_odds(tokens, tokens, one, other), reader.log_odds(tokens, tokens, other, one)
    assert np.isfinite(there).all()
    assert there.tolist() == back.tolist()


def test_log_odds_do_not_depend_on_other_pairs(reader: PairReader, tokens: CellTokens) -> None:
    one, other = every_pair()
    together = reader.log_odds(tokens, tokens, one, other)
    alone = [
        reader.log_odds(tokens, tokens, one[at : at + 1], other[at : at + 1])[0] for at in range(len(one))
    ]
    assert np.allclose(together, alone, atol=1e-3)
    # nor on the longest record of its table
    longer = reader.tokens([*RECORDS, ["word " * 30, "more " * 30]])
    assert reader.log_odds(longer, tokens, one, other).tolist() == together.tolist()
    called: list[int] = []
    assert len(reader.log_odds(tokens, tokens, one[:0], other[:0], progress=called.append)) == 0
    reader.log_odds(tokens, tokens, one, other, progress=called.append)
    assert sum(called) == len(one)


lengths = st.integers(1, 8).flatmap(
    lambda width: st.lists(
        st.lists(st.integers(0, 90), min_size=width, max_size=width), min_size=1, max_size=5
    )
)


@given(lengths, st.integers(1, 60))
def test_short_cells_are_kept_whole_and_long_ones_cut_to_one_length(rows, most: int) -> None:
    given_lengths = np.array(rows)
    kept = cut_lengths(given_lengths, most)
    assert kept.shape == given_lengths.shape and (kept >= 0).all() and (kept <= given_lengths).all()
    total = given_lengths.sum(axis=1)
    assert (kept.sum(axis=1) <= most).all()
    assert (kept[total <= most] == given_lengths[total <= most]).all()
    for had, has in zip(given_lengths, kept, strict=True):
        cut = has < had
        if cut.any() and len(had) <= most:
            assert len(set(has[cut])) == 1 and (has[~cut] <= has[cut][0]).all()
            assert has.sum() > most - cut.sum()  # no cell could have one token more
        # each row by itself
        assert cut_lengths(had[None], most)[0].tolist() == has.tolist()


def test_records_say_whether_they_were_cut(reader: PairReader) -> None:
    found = reader.tokens([["Acme", "Boston"], ["word " * 100, "Boston"], ["", ""], ["x" * 100_000, ""]])
    assert found.whole.tolist() == [True, False, True, False]
    assert found.lengths[1] == reader.most and found.lengths[2] == 0 and found.lengths.max() <= reader.most
    assert found.column[1][found.ids[1] != PAD][-1] == 1  # the short cell is whole
    assert reader.tokens([["\ud800 lone"]]).lengths[0] > 0


def test_what_names_one_thing_is_nearer(reader: PairReader) -> None:
    cases = [
        ("TU Munich", "Technical University of Munich", "LMU Munich"),
        ("東京電力", "Tokyo Electric Power", "Kansai Electric Power"),
        ("Couchtisch", "coffee table", "dining table"),
        ("Deutschland", "Germany", "Denmark"),
        ("Smith, John A.", "John A. Smith", "John B. Smith"),
        ("Acme Steel Corp.", "ACME STEEL CORPORATION", "Acme Dairy Corp."),
    ]
    left = reader.tokens([[case[0]] for case in cases])
    right = reader.tokens([[name] for case in cases for name in case[1:]])
    at = np.arange(len(cases))
    same, other = (reader.log_odds(left, right, at, 2 * at + k) for k in (0, 1))
    assert (same > other).all(), list(zip(cases, same - other, strict=True))


def test_mixing_changes_little_where_the_reader_is_even(reader: PairReader) -> None:
    own = np.array([-3.0, 0.0, 3.0], np.float32)
    assert (np.diff(reader.mixed(own, np.zeros(3, np.float32))) > 0).all()
    rising = reader.mixed(np.zeros(4, np.float32), np.array([-9.0, -1, 1, 9], np.float32))
    assert (np.diff(rising) > 0).all()
    beyond = reader.mixed(np.zeros(2, np.float32), np.array([8.0, 80], np.float32))
    assert beyond[0] == beyond[1]


def test_a_folder_without_reader_is_refused() -> None:
    names = bundled("names")
    assert has_reader(bundled()) and not has_reader(names)
    with pytest.raises(EncoderError, match=f"no reader.*'names' without {GRAPH}.*Give the bundled"):
        PairReader(names)


def test_the_graph_has_no_positions_that_cannot_occur(reader: PairReader) -> None:
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    graph = onnx.load(str(bundled().file(GRAPH))).graph
    widths = [tuple(item.dims) for item in graph.initializer]
    assert (2 * reader.most + 3, 384) in widths
    assert not any(dims[:1] == (512,) for dims in widths)
    assert Path(bundled().file(GRAPH)).stat().st_size < 11_000_000
