"""Long texts that Debian packages hold: three translations of the Bible, manual pages in five languages.

They are fetched by `apt-get download` and unpacked into a cache folder; `mod2imp` of libsword-utils reads the
Bibles. The texts are then kept in one file there, which is all that another machine needs. Nothing is
installed, and no text is in the repository.
"""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

VARIABLE = "LINKTRANSFORMER_LONG_TEXT"  # the cache folder
BIBLES = {"kjv": "engKJV2006eb", "web": "engWEB2015eb", "es": "spaRV1909eb"}
LANGUAGES = ("de", "fr", "ja", "pl")
PACKAGES = (
    *("sword-text-kjv", "sword-text-web", "sword-text-sparv"),
    *("manpages", "manpages-dev", "coreutils"),
    *(f"manpages-{language}{more}" for language in LANGUAGES for more in ("", "-dev")),
)
FILE = "texts.json.gz"  # in the cache folder
CHARS = 4  # characters of a token, for the length of records
KEY = re.compile(r"(.+) (\d+):(\d+)")


Manual = tuple[str, str, str]  # name, English text, translation


@dataclass(frozen=True, slots=True)
class Parallel:
    """Texts that say the same thing, aligned: a list of passages of each book, by version."""

    books: tuple[str, ...]
    passages: Mapping[str, Sequence[Sequence[str]]]


def folder() -> Path:
    """Where the packages are unpacked."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache" / "linktransformer-long-text")


def missing() -> str | None:
    """None where the texts are there or could be fetched, else the line that says what is missing."""
    if not (folder() / FILE).exists():
        for name, package in (("apt-get", "apt"), ("dpkg", "dpkg"), ("mod2imp", "libsword-utils")):
            if shutil.which(name) is None:
                return (
                    f"{folder() / FILE} is not there and {name} neither (package {package}); set {VARIABLE}"
                )
        fetch()
        keep()
    return None


def keep() -> None:
    """Write the texts of the packages into one file."""
    texts = {"bibles": read_bibles(), "manuals": {language: read_manuals(language) for language in LANGUAGES}}
    with gzip.open(folder() / FILE, "wt", encoding="utf-8") as file:
        json.dump(texts, file, ensure_ascii=False)


@cache
def kept() -> Any:
    """The texts of that file."""
    with gzip.open(folder() / FILE, "rt", encoding="utf-8") as file:
        return json.load(file)


def bibles() -> Parallel:
    """The verses that all three translations have, book by book."""
    texts = kept()["bibles"]
    return Parallel(tuple(texts["books"]), texts["passages"])


def manuals(language: str) -> list[Manual]:
    """The manual pages that are in English and that language, by name."""
    return [(name, english, other) for name, english, other in kept()["manuals"][language]]


def fetch() -> None:
    """Download and unpack the packages; they are not installed."""
    to = folder()
    to.mkdir(parents=True, exist_ok=True)
    subprocess.run(["apt-get", "download", *PACKAGES], cwd=to, check=True, capture_output=True)
    for archive in sorted(to.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(archive), str(to)], check=True, capture_output=True)


def read_bibles() -> dict[str, Any]:
    """The verses that all three translations have, as mod2imp reads them."""
    env = {**os.environ, "SWORD_PATH": str(folder() / "usr/share/sword")}
    verses: dict[str, dict[tuple[str, int, int], str]] = {}
    for version, module in BIBLES.items():
        done = subprocess.run(["mod2imp", module, "-s"], env=env, capture_output=True, check=True)
        own = verses[version] = {}
        for entry in done.stdout.decode("utf-8", "replace").split("$$$")[1:]:
            key, _, text = entry.partition("\n")
            if (match := KEY.fullmatch(key.strip())) and int(match[3]) and (text := " ".join(text.split())):
                own[match[1], int(match[2]), int(match[3])] = text
    shared = [key for key in verses["kjv"] if all(key in own for own in verses.values())]
    books = tuple(dict.fromkeys(book for book, _, _ in shared))
    passages = {
        version: [[own[key] for key in shared if key[0] == book] for book in books]
        for version, own in verses.items()
    }
    return {"books": books, "passages": passages}


def read_manuals(language: str) -> list[Manual]:
    """The manual pages that are in both, as their packages have them."""
    pages = [
        {path.name: path for path in sorted((folder() / "usr/share/man" / own).glob("man*/*.gz"))}
        for own in ("", language)
    ]
    both = [
        (
            name,
            *(_plain(gzip.decompress(side[name].read_bytes()).decode("utf-8", "replace")) for side in pages),
        )
        for name in sorted(pages[0].keys() & pages[1].keys())
        if not pages[0][name].is_symlink() and not pages[1][name].is_symlink()
    ]
    return [(name, english, other) for name, english, other in both if min(len(english), len(other)) > 500]


def _plain(page: str) -> str:
    """A manual page without its markup, and without what is the same in all languages at its start."""
    page = re.sub(r"\\f.|\\f\[\w*\]|\\[,/&|%:]|\\s[-+]?\d", "", page)
    page = re.sub(r"\\\(\w\w|\\\[\w+\]|\\e", " ", page).replace("\\-", "-")
    lines = []
    for line in page.splitlines():
        if line.startswith(('.\\"', "'\\\"", ".TH", ".so", ".ds", ".nr", ".if", ".ie", ".el", ".de", "..")):
            continue
        lines.append(re.sub(r"^[.'][A-Za-z]+\s*", "", line).replace('"', ""))
    return " ".join(" ".join(lines).split())


def records(parallel: Parallel, version: str, tokens: int, test: bool | None = True) -> list[list[str]]:
    """Consecutive verses of about so many tokens of the first version, as lists of verses of another one.

    Every second book is for tests, the others are for training; None for all.
    """
    found: list[list[str]] = []
    books = np.arange(len(parallel.books))
    for number in books if test is None else books[0 if test else 1 :: 2]:
        first, own = parallel.passages["kjv"][number], parallel.passages[version][number]
        end = np.cumsum([len(verse) + 1 for verse in first]) // (tokens * CHARS)
        for part in range(int(end[-1])):  # the rest of a book is too short
            found.append([verse for verse, at in zip(own, end.tolist(), strict=True) if at == part])
    return found


def misread(text: str, rate: float, draw: np.random.Generator) -> str:
    """A text in which a share of the characters is replaced, dropped or doubled, as OCR misreads."""
    letters = np.array(list(text))
    wrong = np.flatnonzero(draw.random(len(letters)) < rate)
    kind = draw.integers(0, 4, len(wrong))  # two in four are replaced
    other = draw.choice(np.array(list("abcdefghijklmnopqrstuvwxyz.,:;1il|")), len(wrong))
    written = letters.astype(object)
    written[wrong] = np.where(kind < 2, other, np.where(kind == 2, "", letters[wrong].astype(object) + other))
    return "".join(written.tolist())


def abridged(passages: Sequence[str], share: float, draw: np.random.Generator) -> list[str]:
    """A random share of the passages, in order."""
    kept = np.sort(draw.choice(len(passages), max(1, round(share * len(passages))), replace=False))
    return [passages[at] for at in kept.tolist()]


def reordered(passages: Sequence[str], draw: np.random.Generator, parts: int = 8) -> list[str]:
    """The passages in so many runs, and these in random order."""
    runs = [
        run.tolist() for run in np.array_split(np.array(passages, dtype=object), min(parts, len(passages)))
    ]
    return [passage for at in draw.permutation(len(runs)).tolist() for passage in runs[at]]
