"""Names and phrases in two languages: few letters in common, or none.

Names of countries, languages and currencies are those of the Unicode CLDR, as the package babel carries them;
names of provinces, scripts and languages those of the Debian package iso-codes, as pycountry carries them;
phrases those of the user interface of Django. A package that is not installed has no tasks.
"""

from __future__ import annotations

import gettext
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["LOCALES", "phrases", "provinces", "translations"]

LOCALES = (
    "en",
    "de",
    "fr",
    "es",
    "it",
    "pt",
    "nl",
    "sv",
    "da",
    "nb",
    "fi",
    "pl",
    "cs",
    "sk",
    "hu",
    "ro",
    "hr",
    "sl",
    "sr",
    "bg",
    "mk",
    "uk",
    "ru",
    "be",
    "lt",
    "lv",
    "et",
    "el",
    "tr",
    "az",
    "kk",
    "hy",
    "ka",
    "he",
    "ar",
    "fa",
    "ur",
    "hi",
    "bn",
    "ta",
    "te",
    "th",
    "vi",
    "id",
    "ms",
    "sw",
    "ja",
    "ko",
    "zh",
    "zh_Hant",
    "ca",
    "eu",
    "ga",
    "cy",
    "is",
)


KINDS = {
    "babel": ("territories", "languages", "currencies"),
    "pycountry": ("iso3166-2", "iso639-3", "iso15924"),
    "django": (
        "conf",
        "contrib/admin",
        "contrib/auth",
        "contrib/gis",
        "contrib/humanize",
        "contrib/admindocs",
    ),
}
OTHERWISE = {"zh": ("zh_Hans", "zh_CN"), "zh_Hant": ("zh_TW",), "nb": ("nb_NO",)}
Tables = tuple[pd.DataFrame, pd.DataFrame, np.ndarray]


def translations(draw: np.random.Generator) -> Tables:
    """Two tables of names of countries, languages and currencies.

    Args:
        draw: The source of chance.

    Returns:
        Left and right table, and the true pairs.
    """
    return _tables(draw, "babel")


def provinces(draw: np.random.Generator) -> Tables:
    """As `translations`, of provinces, scripts and languages."""
    return _tables(draw, "pycountry")


def phrases(draw: np.random.Generator) -> Tables:
    """As `translations`, of phrases of a user interface."""
    return _tables(draw, "django")


def _tables(draw: np.random.Generator, source: str) -> Tables:
    if find_spec(source) is None:
        empty = pd.DataFrame({"name": []}, dtype=object)
        return empty, empty, np.zeros((0, 2), dtype=np.int64)
    one, other = draw.choice(LOCALES, 2, replace=False)
    every = KINDS[source]
    kinds = draw.choice(every, int(draw.integers(1, len(every) + 1)), replace=False)
    many = draw.random() < 0.3  # names in several languages against a code list
    locales = (
        list(draw.choice([name for name in LOCALES if name != other], 6, replace=False)) if many else [one]
    )
    entities = sorted(set.union(*(set(_names(source, str(other), str(kind))) for kind in kinds)))
    draw.shuffle(entities)
    entities = entities[: int(np.exp(draw.uniform(np.log(60), np.log(1500))))]
    overlap = 1.0 if draw.random() < 0.4 else float(draw.choice([0.0, 0.05, 0.1, 0.3, 0.5, 0.8]))

    def name_of(locale: str, entity: str) -> str | None:
        return next((name for kind in kinds if (name := _names(source, locale, str(kind)).get(entity))), None)

    left, right, pairs = [], [], []
    of_right: dict[str, int] = {}
    for entity in entities:
        both = draw.random() < overlap
        text = name_of(str(other), entity) or ""
        if text and (both or draw.random() < 0.5) and text not in of_right:
            of_right[text] = len(right)
            right.append((text, entity))
        else:
            both, text = False, "" if not both else text
        for locale in locales if both or text not in of_right else ():
            name = name_of(str(locale), entity)
            if name is not None and (len(locales) == 1 or draw.random() < 0.6):
                if both and text in of_right:
                    pairs.append((len(left), of_right[text]))
                left.append((name, entity))
    tables = [pd.DataFrame({"name": [name for name, _ in side]}, dtype=object) for side in (left, right)]
    if draw.random() < 0.3:
        _with_columns(tables, (left, right), draw)
    return _mixed(tables, pairs, draw)


def _with_columns(
    tables: list[pd.DataFrame], rows: tuple[list[tuple[str, str]], ...], draw: np.random.Generator
) -> None:
    """Add columns of codes or figures that an entity has in both tables, some of them wrong or missing."""
    for number in range(int(draw.integers(1, 3))):
        values = int(np.exp(draw.uniform(np.log(4), np.log(5000))))
        wrong, null, salt = draw.uniform(0, 0.2), draw.uniform(0, 0.3), int(draw.integers(1 << 30))
        for table, side in zip(tables, rows, strict=True):
            cells: list[str | None] = []
            for _, entity in side:
                own = np.random.default_rng([salt, *entity.encode()[:40]]).integers(values)
                cell = int(own) if draw.random() >= wrong else int(draw.integers(values))
                cells.append(None if draw.random() < null else str(cell))
            table[f"value{number}"] = pd.Series(cells, dtype=object)


def _mixed(tables: list[pd.DataFrame], pairs: list[tuple[int, int]], draw: np.random.Generator) -> Tables:
    """Rows in any order, without left rows that read like a right row of another entity."""
    order = [draw.permutation(len(side)) for side in tables]
    place = [np.argsort(of) for of in order]
    truth = np.array([(place[0][a], place[1][b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    left, right = (side.iloc[of].reset_index(drop=True) for side, of in zip(tables, order, strict=True))
    same = {name.lower() for name in right["name"]}
    matched = set(truth[:, 0].tolist())
    drop = [at for at, name in enumerate(left["name"]) if at not in matched and name.lower() in same]
    kept = np.setdiff1d(np.arange(len(left)), drop)
    number = np.full(len(left), -1)
    number[kept] = np.arange(len(kept))
    truth = np.stack([number[truth[:, 0]], truth[:, 1]], axis=1)
    return left.iloc[kept].reset_index(drop=True), right, truth


@lru_cache(maxsize=512)
def _names(source: str, locale: str, kind: str) -> dict[str, str]:
    if source == "babel":
        from babel import Locale

        found = getattr(Locale.parse(locale), kind)
        return {f"{kind} {code}": str(name) for code, name in found.items() if not str(code).isdigit()}
    folder = Path(next(iter(find_spec(source).submodule_search_locations)))
    file = folder / ("locales" if source == "pycountry" else f"{kind}/locale")
    domain = kind if source == "pycountry" else "django"
    tried = [file / name / "LC_MESSAGES" / f"{domain}.mo" for name in (locale, *OTHERWISE.get(locale, ()))]
    file = next((path for path in tried if path.exists()), tried[0])
    if locale == "en":  # messages are written in English
        return {key: key for key in _names(source, "de", kind)}
    if not file.exists():
        return {}
    with file.open("rb") as stream:
        catalog = gettext.GNUTranslations(stream)._catalog
    return {
        key: text
        for key, text in catalog.items()
        if isinstance(key, str) and key and text and "\n" not in key and 2 < len(key) < 120
    }
