"""One form for texts that a reader takes for the same: keys, blocks, and the caller's cells as they were."""

from __future__ import annotations

import unicodedata

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import linktransformer as lt
from linktransformer.tables.normalize import IGNORABLE, folded, normalize, normalized
from tests.conftest import make, to_pandas

NAMES = [
    "Čerňanská Příbor",  # Czech
    "Göttlich Fährverein",  # German
    "Việt Đường Gốm",  # Vietnamese
    "Ηλιόπουλος Ναυτική",  # Greek
    "Йодобромный край",  # Russian
    "한빛 조선소",  # Korean
    "ガラス工房ギンザ",  # Japanese
    "Ærøskøbing Værft",  # Danish
    "Conceição Açúcar",  # Portuguese
    "Zəfər Süd Məhsulları",  # Azerbaijani
]
LETTERS = st.text(
    alphabet=st.one_of(
        st.characters(exclude_categories=["Cs"]),
        st.sampled_from(
            "aé\u0301\u0327\u00ad\u200b\u200c\u200d\ufeff\u00a0\u3000 \t\0ﬁＡİßΣς\u0345각\u1100\u1161\u11a8"
        ),
    ),
    max_size=12,
)


def frame(library: str, names: list[str], **more: list[object]) -> object:
    return make(library, {"name": names, **more})


def decomposed(texts: list[str]) -> list[str]:
    return [unicodedata.normalize("NFD", text) for text in texts]


@given(LETTERS)
def test_normalising_again_changes_nothing(text: str) -> None:
    once = normalize(text)
    assert normalize(once) == once
    assert once == " ".join(once.split())
    again = folded([text])
    assert folded(again).tolist() == again.tolist()


@given(LETTERS)
def test_canonically_equal_texts_are_one(text: str) -> None:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    assert {normalize(form) for form in (text, *forms)} == {normalize(text)}
    assert set(folded([text, *forms])) == set(folded([text]))


@given(st.lists(LETTERS, max_size=8))
def test_many_at_once_are_the_same_as_one_by_one(texts: list[str]) -> None:
    assert normalized(texts).tolist() == [normalize(text) for text in texts]
    assert normalized(np.array(texts, dtype=object)).dtype == object


def test_every_ignorable_character_goes_and_no_other_that_is_seen() -> None:
    ignorable = [chr(code) for low, high in IGNORABLE for code in range(low, high + 1)]
    assert len(ignorable) == 4174  # as DerivedCoreProperties.txt counts them
    assert set(normalized([f"a{character}b" for character in ignorable])) == {"ab"}
    others = [chr(code) for code in range(0x300, 0x3000) if chr(code) not in set(ignorable)]
    letters = [character for character in others if unicodedata.category(character)[0] in "LNP"]
    assert "" not in set(normalized(letters))


def test_folding_makes_texts_one_that_differ_in_case() -> None:
    assert set(folded(["STRASSE", "straße", "Strasse "])) == {"strasse"}
    # folding takes the first letter apart, and marks of two classes then stand in another order
    assert len(set(folded(["\u01f0\u0323", "J\u030c\u0323", "j\u0323\u030c"]))) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Hafen\u00adamt", "Hafenamt"),
        ("Hafen\u200bamt", "Hafenamt"),
        ("\ufeffHafenamt", "Hafenamt"),
        ("Hafen\u2060amt", "Hafenamt"),
        ("Hafen\u00a0Amt", "Hafen Amt"),
        ("Ｈａｆｅｎ１２", "Hafen12"),
        ("\u202eHafen\u202c", "Hafen"),
        ("می\u200cروم", "میروم"),
        ("क\u094d\u200dष", "क\u094dष"),
        ("邉\U000e0100", "邉"),
        ("ﬂuid", "fluid"),
        ("ｶﾞﾗｽ", "ガラス"),
    ],
)
def test_a_text_and_its_variant_are_linked_as_equal_texts(one: str, other: str) -> None:
    left, right = pd.DataFrame({"name": [one, "Moor Press"]}), pd.DataFrame({"name": ["Quay Works", other]})
    links = lt.link(left, right, on="name", model="lexical", threshold=None)
    assert (links.left_rows[0], links.right_rows[0]) == (0, 1)
    assert links.views["lexical"][0] == pytest.approx(1)
    plain = pd.DataFrame({"name": [other, "Moor Press"]})
    wanted = lt.link(plain, right, on="name", model="lexical", threshold=None)
    assert 0.5 < links.score[0] == wanted.score[0] < 1


def test_composed_and_decomposed_names_link_and_one_of_each_stays(library: str) -> None:
    nfd = decomposed(NAMES)
    links = lt.link(frame(library, NAMES), frame(library, nfd[::-1]), on="name", model="lexical")
    assert links.left_rows.tolist() == list(range(len(NAMES)))
    assert links.right_rows.tolist() == list(range(len(NAMES)))[::-1]
    plain = lt.link(frame(library, NAMES), frame(library, NAMES[::-1]), on="name", model="lexical")
    assert links.score.tolist() == plain.score.tolist() and links.score.min() > 0.5
    kept = to_pandas(lt.dedup_rows(frame(library, NAMES + nfd), on="name", model="lexical"))
    assert kept["name"].tolist() == NAMES


def test_the_cells_come_back_as_they_were(library: str) -> None:
    left = ["\ufeffHafen\u00adamt  Süd ", *decomposed(NAMES[:2])]
    right = ["Ｈａｆｅｎａｍｔ Süd", *NAMES[:2]]
    states = ["oh ", "PA", "NY"], ["OH", "pa", "\u200bny"]
    one, other = frame(library, left, state=states[0]), frame(library, right, state=states[1])
    merged = to_pandas(lt.merge(one, other, on="name", model="lexical", block_on="state"))
    assert merged["name_x"].tolist() == left and merged["name_y"].tolist() == right
    assert (merged["state_x"].tolist(), merged["state_y"].tolist()) == states
    assert merged["score"].min() > 0.5 and merged["score"].max() < 1
    assert to_pandas(one)["name"].tolist() == left
    marked = to_pandas(lt.cluster_rows(frame(library, left + right), on="name", model="lexical"))
    assert marked["name"].tolist() == left + right


def test_a_cell_of_which_nothing_is_seen_is_no_key(library: str) -> None:
    table = frame(library, ["\u200b", "\ufeff\u00ad ", "Hafenamt"])
    links = lt.link(table, table, on="name", model="lexical")
    assert links.left_rows.tolist() == [2]
    assert to_pandas(links.unlinked)["reason"].tolist() == ["no key"] * 4
    two = frame(library, ["Hafenamt", "Hafenamt"], town=["\u200b", None])
    assert len(to_pandas(lt.dedup_rows(two, on=["name", "town"], model="lexical"))) == 1


def test_capitals_keep_a_text_from_its_own_spelling_no_more_than_before() -> None:
    left = pd.DataFrame({"name": ["ÉCOLE DU LAC", "École du Lac"]})
    right = pd.DataFrame({"name": decomposed(["École du Lac", "ÉCOLE DU LAC"])})
    links = lt.link(left, right, on="name", model="lexical", validate="1:1")
    assert links.right_rows.tolist() == [1, 0]
    every = lt.link(left, right, on="name", model="lexical", validate="m:m", threshold=None)
    score = np.zeros((2, 2))
    score[every.left_rows, every.right_rows] = every.score
    assert min(score[0, 1], score[1, 0]) > max(score[0, 0], score[1, 1]) > 0


def test_the_linker_and_the_deduplicator_read_keys_alike() -> None:
    known = pd.DataFrame({"name": NAMES, "part": ["Nord ", "süd"] * 5})
    asked = pd.DataFrame({"name": decomposed(NAMES), "part": decomposed(["nord", "SÜD"] * 5)})
    linker = lt.Linker("lexical", on="name", block_on="part", threshold=0.5).fit(known)
    links = linker.link(asked)
    assert links.right_rows.tolist() == list(range(len(NAMES))) and links.score.min() > 0.9
    groups = lt.Deduplicator("lexical", on="name", block_on="part").fit(known)
    found = groups.predict(asked)
    assert found["cluster"].tolist() == groups.labels_.tolist() and set(found["score"]) == {1.0}


def test_old_functions_and_a_model_read_the_normalised_text() -> None:
    seen: list[str] = []

    class Encoder:
        def encode(self, texts: list[str]) -> np.ndarray:
            seen.extend(texts)
            return np.array([[float(sum(map(ord, text)) % 97), len(text), 1] for text in texts], dtype="f4")

    left, right = pd.DataFrame({"name": decomposed(NAMES)}), pd.DataFrame({"name": NAMES})
    merged = lt.merge_knn(left, right, on="name", model=Encoder(), k=1)
    assert merged["name_x"].tolist() == decomposed(NAMES) and merged["name_y"].tolist() == NAMES
    assert set(seen) == set(map(normalize, NAMES))
    blocks = lt.merge_blocking(
        left.assign(b=["x "] * 10), right.assign(b=["X"] * 10), on="name", model="lexical", blocking_vars="b"
    )
    assert blocks["name_y"].tolist() == NAMES
    plain = lt.merge_blocking(
        right.assign(b="X"), right.assign(b="X"), on="name", model="lexical", blocking_vars="b"
    )
    assert blocks["score"].tolist() == plain["score"].tolist() and blocks["score"].min() > 0.5


def test_parquet_files_are_read_alike(tmp_path) -> None:  # type: ignore[no-untyped-def]
    left, right, out = (tmp_path / f"{name}.parquet" for name in ("left", "right", "out"))
    cells = decomposed(NAMES)
    pd.DataFrame({"name": cells, "part": ["a ", "Ö"] * 5}).to_parquet(left)
    pd.DataFrame({"name": NAMES, "part": decomposed(["A", "ö"] * 5)}).to_parquet(right)
    links = lt.link_files(left, right, out, "name", block_on="part")
    tables = pd.read_parquet(left), pd.read_parquet(right)
    wanted = lt.link(*tables, "name", block_on="part", model="lexical")
    assert links.right_rows.tolist() == list(range(10)) and min(links.score) > 0.9
    assert links.score.tolist() == wanted.score.tolist()
    assert pd.read_parquet(out)["name_x"].tolist() == cells


def test_what_explains_a_link_compares_as_the_link_did() -> None:
    left, right = pd.DataFrame({"name": decomposed(NAMES[:1])}), pd.DataFrame({"name": NAMES[:1]})
    lines = lt.link(left, right, on="name", model="lexical").explain(0)
    assert lines["score"].tolist()[1] == pytest.approx(1)
    assert lines["left"].tolist()[1] == left["name"][0]


@pytest.mark.parametrize("texts", [["Acme Co", "b"], ["ACME", "ß x"], ["a\tb", ""], ["İ", "ﬁn"], []])
def test_folded_texts_are_those_one_by_one(texts: list[str]) -> None:
    plain = [normalize(normalize(text).casefold()) for text in texts]
    assert folded(texts).tolist() == plain
