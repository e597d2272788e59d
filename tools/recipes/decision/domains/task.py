"""Tasks by family and seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

from .build import build
from .citations import citations
from .codes import codes, nomenclatures
from .column import Domain
from .combinations import combinations
from .draw import Draw
from .events import events, payments
from .goods import offers, products
from .numbered import numbered
from .organisations import firms, institutions, restaurants
from .pages import pages
from .people import contacts, persons
from .places import addresses, gazetteers
from .scripts import scripts
from .software import medicines, software
from .titles import titles
from .translations import phrases, provinces, translations
from .works import books, films, music

FAMILIES: Mapping[str, Callable[[Draw], Domain]] = {
    each.__name__: each
    for each in (
        persons, contacts, addresses, firms, institutions, restaurants, products, offers, software, medicines,
        books, music, films, citations, gazetteers, events, payments, scripts, codes, nomenclatures, titles,
        numbered, combinations,
    )
}  # fmt: skip

TABLES: Mapping[str, Callable[[np.random.Generator], tuple[pd.DataFrame, pd.DataFrame, np.ndarray]]] = {
    each.__name__: each for each in (pages, translations, provinces, phrases)
}  # families that make their own two tables

LEAST = 10  # rows of a table


@dataclass(frozen=True)
class Task:
    """A task of record linkage with its truth.

    Args:
        name: The family and the seed, as in "persons/17".
        family: One of `FAMILIES` or `TABLES`; tasks of a family are left out together.
        left: A table of strings, None where missing, without ids.
        right: The other table. None: rows of `left` that are the same entity are looked for.
        truth: Row positions (left, right) of the pairs; of one table all pairs of each cluster,
            the lower first.
    """

    name: str
    family: str
    left: pd.DataFrame
    right: pd.DataFrame | None
    truth: np.ndarray


def make(family: str, seed: int, *, one: bool = False) -> Task:
    """A task, the same at every call.

    Args:
        family: One of `FAMILIES` or `TABLES`.
        seed: Which task of the family.
        one: A task of one table, of `FAMILIES` alone.
    """
    if family in TABLES:
        for again in range(9):
            left, right, truth = TABLES[family](np.random.default_rng([crc32(family.encode()), seed, again]))
            if min(len(left), len(right)) >= LEAST:
                break
        return Task(f"{family}/{seed}", family, left, right, truth)
    for again in range(9):  # a domain of few words may have too few entities for a table
        draw = Draw(np.random.default_rng([crc32(family.encode()), seed, again, *([1] if one else [])]))
        built = build(draw, FAMILIES[family](draw), one=one)
        if len(built.left) >= LEAST and (built.right is None or len(built.right) >= LEAST):
            break
    name = f"{family}/{seed}" + ("@one" if one else "")
    return Task(name, family, built.left, built.right, built.truth)
