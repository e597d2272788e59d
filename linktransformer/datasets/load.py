"""Functions that load the example tables, and what they return."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from linktransformer.tables.columns import Native
from linktransformer.tables.packaged_tables import packaged_table

__all__ = [
    "DedupData",
    "LinkData",
    "load_articles",
    "load_census",
    "load_contacts",
    "load_firms",
    "load_goods",
    "load_products",
]

PACKAGE = "linktransformer.datasets"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LinkData:
    """Two tables and the pairs of their rows that match; can be unpacked.

    Args:
        left: The left table, with a column `id`.
        right: The right table, with a column `id`.
        truth: The matches: `left_id`, `right_id`.
    """

    left: Native
    right: Native
    truth: Native

    def __iter__(self) -> Iterator[Native]:
        return iter((self.left, self.right, self.truth))

    def __repr__(self) -> str:
        return f"LinkData({_size(self.left)};\n         {_size(self.right)}; {len(self.truth)} matches)"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DedupData:
    """A table and the entity of each of its rows; can be unpacked.

    Args:
        table: The table, with a column `id`.
        truth: `id` and `cluster`, the number of the entity.
    """

    table: Native
    truth: Native

    def __iter__(self) -> Iterator[Native]:
        return iter((self.table, self.truth))

    def __repr__(self) -> str:
        return f"DedupData({_size(self.table)}; {len(set(self.truth['cluster']))} entities)"


def load_firms(library: str = "pandas") -> LinkData:
    """Load firms of a printed directory and of a later register.

    The left names are abbreviated and read by OCR. Some firms are in one table only, some share a name with
    another firm in another town or trade, and some have two lines in the directory.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        left: id, name, street, city. right: id, name, street, city, founded. Streets may be missing.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> load_firms()
        LinkData(230 rows of id, name, street, city;
                 230 rows of id, name, street, city, founded; 166 matches)
    """
    return _link_data("firms", library)


def load_contacts(library: str = "pandas") -> DedupData:
    """Load a contact list with duplicates.

    Entries of one person have short forms of the first name, typing errors, another street, no e-mail or
    phone. Couples and families share surname, street and town and are different persons.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        table: id, first_name, last_name, email, phone, street, city. E-mail, phone and street may be missing.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> contacts = load_contacts()
        >>> len(contacts.table), contacts.truth["cluster"].nunique()
        (376, 260)
    """
    return _dedup_data("contacts", library)


def load_census(library: str = "pandas") -> LinkData:
    """Load persons of one county in two censuses, 1850 (left) and 1860 (right).

    First names are short forms or initials at times, surnames are spelled by ear and misread, the year of
    birth is off by up to two years on either side, some women have married, and occupations change. Many
    persons are in one census only.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        left and right: id, first_name, last_name, sex, born, birthplace, occupation. The last two may be
        missing.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> left, right, truth = load_census()
        >>> len(left), len(right), len(truth)
        (280, 300, 190)
    """
    return _link_data("census", library)


def load_products(library: str = "pandas") -> LinkData:
    """Load articles of two shops.

    The right shop has other words, another order, another form of the model number or none, and other
    prices. Articles of one series differ in a number, a size or a color.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        left and right: id, title, brand, price. The right brand may be missing.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> left, right, truth = load_products()
        >>> len(left), len(right), len(truth)
        (200, 220, 140)
    """
    return _link_data("products", library)


def load_goods(library: str = "pandas") -> LinkData:
    """Load names of goods in German and Japanese (left), and codes with English names (right).

    Several left rows have one code, and some have none: many to one, across languages and scripts.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        left: id, name, language. right: id, name.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> left, right, truth = load_goods()
        >>> len(right), int(truth["right_id"].value_counts().max())
        (50, 2)
    """
    return _link_data("goods", library)


def load_articles(library: str = "pandas") -> DedupData:
    """Load articles of four newspapers that print the stories of one news wire.

    Each story is in one to four papers, whole or cut, and read by OCR: 800 to 2,300 characters.

    Args:
        library: "pandas", "polars" or "pyarrow".

    Returns:
        table: id, paper, text.

    Raises:
        InvalidArgumentError: Another library.
        MissingExtraError: The library is not installed.

    Example:
        >>> articles = load_articles()
        >>> articles.table["paper"].nunique(), articles.truth["cluster"].nunique()
        (4, 26)
    """
    return _dedup_data("articles", library)


def _link_data(name: str, library: str) -> LinkData:
    return LinkData(
        *(packaged_table(PACKAGE, f"{name}.{part}.csv", library) for part in ("left", "right", "truth"))
    )


def _dedup_data(name: str, library: str) -> DedupData:
    return DedupData(*(packaged_table(PACKAGE, f"{name}.{part}.csv", library) for part in ("table", "truth")))


def _size(table: Native) -> str:
    names = getattr(table, "column_names", None) or list(getattr(table, "columns", ()))
    return f"{len(table)} rows of {', '.join(names)}"
