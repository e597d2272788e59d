"""Encodings of files."""

from __future__ import annotations

import pytest

from linktransformer.errors import InvalidArgumentError
from linktransformer.tables.file_text import decoded

TEXT = "name\tcity\nMüller\tKöln\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_marks_and_utf8_are_certain(encoding: str) -> None:
    assert decoded(TEXT.encode(encoding), None, "t.csv") == (TEXT, None)
    assert decoded(TEXT.encode(encoding), encoding, "t.csv") == (TEXT, None)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "cp1252"])
def test_what_is_not_certain_is_told(encoding: str) -> None:
    text, note = decoded(TEXT.encode(encoding), None, "t.csv")
    assert text == TEXT and note is not None and encoding in note


WESTERN = [
    "Müller & Söhne, Straße 5\nCafé «Élan», São Tomé, Ærø\n",
    "„Hotel zur Post“ – 20 € – Škoda™ • Žižkov…\n",
    "it’s “quoted”\n",
]
OTHERS = [
    ("ООО Ромашка, Москва\nЗавод имени Лихачева\n", "cp1251"),
    ("ΑΒΓ Ελλάδα\nΑθήνα Τράπεζα\n", "cp1253"),
    ("Müller Söhne, Café Élan, façade\n", "cp850"),
    ("名古屋鉄道株式会社\nトヨタ自動車\n", "shift_jis"),
    ("北京大学出版社\n", "gb18030"),
    ("삼성전자 주식회사\n", "euc-kr"),
    ("שלום עולם\n", "cp1255"),
]


@pytest.mark.parametrize("text", WESTERN)
def test_western_texts_are_read_with_a_word_on_the_guess(text: str) -> None:
    read, note = decoded(text.encode("cp1252"), None, "t.csv")
    assert read == text and note is not None and "guess" in note


@pytest.mark.parametrize(("text", "encoding"), OTHERS)
def test_other_alphabets_are_not_read_as_western(text: str, encoding: str) -> None:
    data = text.encode(encoding)
    with pytest.raises(InvalidArgumentError, match="--encoding"):
        decoded(data, None, "t.csv")
    assert decoded(data, encoding, "t.csv")[0] == text


def test_marks_of_an_encoding_that_is_named_are_left_out() -> None:
    assert decoded("\ufeffa".encode(), "utf-8", "t.csv")[0] == "a"
    assert decoded("\ufeffa".encode("utf-16-le"), "utf-16-le", "t.csv")[0] == "a"


@pytest.mark.parametrize(
    ("data", "encoding", "words"),
    [
        (b"a\nb\xfcc\n", "utf-8", "line 2: the byte 0xfc is not a letter in utf-8"),
        (b"a\r\nb\r\n\x81\n", None, "line 3: the byte 0x81 is not valid UTF-8, and as cp1252"),
        (
            "Müller\nKöln\nZürich\n".encode() + b"\xfc\n",
            None,
            "line 4: the byte 0xfc is not valid UTF-8, although 3",
        ),
        (b"a", "utf-9", "--encoding utf-9 is not known"),
        (b"a", "hex", "--encoding hex is not known"),
        (b"PK\x03\x04rest", None, "looks like a workbook"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_to_do(data: bytes, encoding: str | None, words: str) -> None:
    with pytest.raises(InvalidArgumentError, match=words) as caught:
        decoded(data, encoding, "t.csv")
    assert str(caught.value).count(".") >= 1
