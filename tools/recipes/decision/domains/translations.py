"""Names of countries, languages and currencies in two languages: few letters in common, or none.

The names are those of the Unicode CLDR, as the package babel carries them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

__all__ = ["LOCALES", "translations"]

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


def translations(draw: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Two tables of names.

    Args:
        draw: The source of chance.

    Returns:
        Left and right table of one column, and the true pairs.
    """
    one, other = draw.choice(LOCALES, 2, replace=False)
    kinds = draw.choice(("territories", "languages", "currencies"), int(draw.integers(1, 4)), replace=False)
    many = draw.random() < 0.3  # names in several languages against a code list
    locales = (
        list(draw.choice([name for name in LOCALES if name != other], 6, replace=False)) if many else [one]
    )
    entities = sorted(set.union(*(set(_names(other, kind)) for kind in kinds)))
    draw.shuffle(entities)
    entities = entities[: int(np.exp(draw.uniform(np.log(60), np.log(900))))]
    overlap = 1.0 if draw.random() < 0.4 else float(draw.choice([0.0, 0.1, 0.3, 0.5, 0.8]))
    left, right, pairs = [], [], []
    of_right: dict[str, int] = {}
    for entity in entities:
        both = draw.random() < overlap
        text = next((name for kind in kinds if (name := _names(other, kind).get(entity))), "")
        if text and (both or draw.random() < 0.5) and text not in of_right:
            of_right[text] = len(right)
            right.append(text)
        else:
            both, text = False, "" if not both else text
        for locale in locales if both or text not in of_right else ():
            name = next((name for kind in kinds if (name := _names(str(locale), kind).get(entity))), None)
            if name is not None and (len(locales) == 1 or draw.random() < 0.6):
                if both and text in of_right:
                    pairs.append((len(left), of_right[text]))
                left.append(name)
    title = pd.DataFrame({"name": left}), pd.DataFrame({"name": right})
    order = [draw.permutation(len(side)) for side in title]
    place = [np.argsort(of) for of in order]
    truth = np.array([(place[0][a], place[1][b]) for a, b in pairs], dtype=np.int64).reshape(-1, 2)
    tables = [side.iloc[of].reset_index(drop=True) for side, of in zip(title, order, strict=True)]
    same = {name.lower(): at for at, name in enumerate(tables[1]["name"])}
    matched = set(truth[:, 0].tolist())
    drop = [at for at, name in enumerate(tables[0]["name"]) if at not in matched and name.lower() in same]
    kept = np.setdiff1d(np.arange(len(tables[0])), drop)
    number = np.full(len(tables[0]), -1)
    number[kept] = np.arange(len(kept))
    truth = np.stack([number[truth[:, 0]], truth[:, 1]], axis=1)
    return tables[0].iloc[kept].reset_index(drop=True), tables[1], truth


@lru_cache(maxsize=256)
def _names(locale: str, kind: str) -> dict[str, str]:
    from babel import Locale

    found = getattr(Locale.parse(locale), kind)
    return {f"{kind} {code}": str(name) for code, name in found.items() if not str(code).isdigit()}
