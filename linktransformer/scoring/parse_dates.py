"""Dates as people write them, read column by column.

"3/4/2001" is in March or in April; a column of such cells mostly shows which by a day above 12.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from linktransformer.arrays import Bools, Integers
from linktransformer.scoring.parse_numbers import LONGEST, plain

__all__ = ["DAY_SECONDS", "DIGITS", "Dates", "Exact", "one_slip", "read_as", "read_both"]


DAY_SECONDS = 86_400
ORDERS = ("dmy", "mdy", "ymd")
DIGITS = 8  # of yyyymmdd
FIRST_YEAR, LAST_YEAR = 1000, 2999  # what four digits may be
PIVOT = 69  # POSIX strptime: 69 to 99 are of the last century, 00 to 68 of this one


class Exact(IntEnum):
    """How exact a cell is as a date."""

    NONE, YEAR, MONTH, DAY, MOMENT = range(5)


_MONTHS = (
    "january januar janvier enero gennaio janeiro januari janner jan",
    "february februar fevrier febrero febbraio fevereiro februari feber feb",
    "march marz maerz mars marzo marco maart mrt",
    "april avril abril aprile",
    "may mai mayo maggio maio mei",
    "june juni juin junio giugno junho jun",
    "july juli juillet julio luglio julho jul",
    "august aout agosto augustus",
    "september septembre septiembre settembre setembro",
    "october oktober octobre octubre ottobre outubro",
    "november novembre noviembre novembro",
    "december dezember decembre diciembre dicembre dezembro",
)
_WEEKDAYS = (
    "monday tuesday wednesday thursday friday saturday sunday tues thur thurs montag dienstag mittwoch "
    "donnerstag freitag samstag sonnabend sonntag lundi mardi mercredi jeudi vendredi samedi dimanche "
    "lunes martes miercoles jueves viernes sabado domingo lunedi martedi mercoledi giovedi venerdi domenica "
    "segunda terca quarta quinta sexta feira maandag dinsdag woensdag donderdag vrijdag zaterdag zondag "
    "mo di mi do fr sa so ma wo vr za zo"
)
_FILLERS = "de del of the den der le el il do di d on en st nd rd th er e te ter o a"  # also of 1st, 1er, 1º
_TIME = re.compile(
    r"(?:t|,? )(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)? ?([ap]\.?m\.?)?"
    r"(?: ?(?:z|utc|gmt|[-+]\d{2}:?\d{2}))?$"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:t?(\d{2})(\d{2})(\d{2})?)?z?")
_THREE = re.compile(r"(\d{1,4}) ?([-/.]) ?(\d{1,2}) ?\2 ?(\d{1,4})\.?")
_YEAR_MONTH = re.compile(r"(\d{4})[-/](\d{1,2})|(\d{1,2})[-/](\d{4})")
_YEAR = re.compile(r"\d{4}")
_WORDY = re.compile(r"[\w ,.'/°-]+")
_TOKEN = re.compile(r"\d+|[^\W\d_]+")
_EAST_ASIAN = str.maketrans({"年": "-", "月": "-", "日": None, "년": "-", "월": "-", "일": None})


def _month_words() -> dict[str, int]:
    """Every month's names, and their beginnings of three letters and more that mean one month only."""
    words = [{name[:n] for name in names.split() for n in range(3, len(name) + 1)} for names in _MONTHS]
    n_months = Counter(chain.from_iterable(words))
    return {word: month for month, own in enumerate(words, start=1) for word in own if n_months[word] == 1}


_MONTH_OF = _month_words()
_WEEKDAY = {word[:stop] for word in _WEEKDAYS.split() for stop in {2, 3, len(word)}} - set(_MONTH_OF)
_OTHER_WORDS = _WEEKDAY | set(_FILLERS.split())


@dataclass(frozen=True, slots=True, eq=False)
class Dates:
    """A column that was read as dates.

    Args:
        seconds: (n,) int64 since the year 1: the moment, else the middle of the day, month or year.
        exact: (n,) int8 of `Exact`, `NONE` where the cell is empty or no date.
        digits: (n,) int64, the date as yyyymmdd; 0 without a day.
        order: "dmy", "mdy" or "ymd": how an ambiguous date in figures is read.
    """

    seconds: Integers
    exact: NDArray[np.int8]
    digits: Integers
    order: str

    @property
    def keys(self) -> Integers:
        """(n,) int64, equal where the dates are, in the order of time; -1 for none."""
        return np.where(self.exact > Exact.NONE, self.seconds * 8 + self.exact, -1)


_One = tuple[int, int, int]  # seconds, how exact, yyyymmdd
_NO_DATE: _One = (0, Exact.NONE, 0)


def read_both(left: Sequence[str], right: Sequence[str]) -> tuple[Dates, Dates]:
    """Read two columns of cells of any kind as dates, each in its own order of day, month and year.

    ISO 8601 with and without separators, dates in figures, dates with the month in English, German, French,
    Spanish, Italian, Portuguese or Dutch, a month or year alone, and a time of day behind are read; a time
    zone is not. Years of two digits are those of POSIX (1969 to 2068). A column's order is the one in which
    more of its cells are dates; where several are as good, the one by which more of its dates are in the
    other column; else day, month, year. Times count if both columns have some other than midnight.

    Example:
        >>> left, right = read_both(["12/31/1999", "1/2/2000"], ["1999-12-31", "2 janvier 2000"])
        >>> left.order, left.digits.tolist(), right.digits.tolist()
        ('mdy', [19991231, 20000102], [19991231, 20000102])
    """
    columns = [_in_every_order(cells) for cells in (left, right)]
    counts = [[int((dates[:, 1] > Exact.NONE).sum()) for dates in orders] for orders in columns]
    best = [[way for way, n in enumerate(count) if n == max(count)] for count in counts]
    chosen = [ways[0] for ways in best]
    for side, ways in enumerate(best):
        if len(ways) > 1:
            other = _seconds(columns[1 - side][chosen[1 - side]])
            common = [len(np.intersect1d(_seconds(columns[side][way]), other)) for way in ways]
            chosen[side] = ways[int(np.argmax(common))]
    dates = [orders[way] for orders, way in zip(columns, chosen, strict=True)]
    timed = all((side[:, 1] == Exact.MOMENT).any() for side in dates)
    first, second = (_as_dates(side, ORDERS[way], timed) for side, way in zip(dates, chosen, strict=True))
    return first, second


def read_as(cells: Sequence[str], order: str, *, timed: bool) -> Dates:
    """Read more cells of a column of a known order, one of `ORDERS`; `timed`: whether times of day count.

    Example:
        >>> read_as(["1/2/2000", "n/a"], "mdy", timed=False).digits.tolist()
        [20000102, 0]
    """
    return _as_dates(_in_every_order(cells)[ORDERS.index(order)], order, timed)


def _as_dates(dates: Integers, order: str, timed: bool) -> Dates:
    seconds, exact, digits = dates.T
    if not timed:  # the middle of the day
        midday = seconds - seconds % DAY_SECONDS + DAY_SECONDS // 2
        seconds, exact = np.where(exact == Exact.MOMENT, midday, seconds), np.minimum(exact, Exact.DAY)
    return Dates(seconds, exact.astype(np.int8), digits, order)


def one_slip(first: Integers, second: Integers) -> Bools:
    """Whether two dates, (n,) as yyyymmdd or 0 for none, differ by one slip of the pen.

    One figure of yyyymmdd is another one, two neighbouring figures are swapped, day and month are swapped,
    or the year is off by one while day and month are the same.

    Example:
        >>> one_slip(np.array([19991231, 20000102]), np.array([20001231, 20000201])).tolist()
        [True, True]
    """
    n_different = np.zeros(len(first), dtype=np.int8)
    lowest = np.zeros(len(first), dtype=np.int8)  # lowest and highest place that differ, from the right
    highest = np.zeros(len(first), dtype=np.int8)
    for place in range(DIGITS):
        differ = first // 10**place % 10 != second // 10**place % 10
        lowest[differ & (n_different == 0)] = place
        highest[differ] = place
        n_different += differ
    power = 10 ** lowest.astype(np.int64)
    crossed = (first // power % 10 == second // (power * 10) % 10) & (
        second // power % 10 == first // (power * 10) % 10
    )
    figures = (n_different == 1) | ((n_different == 2) & (highest - lowest == 1) & crossed)
    same_year = first // 10_000 == second // 10_000
    swapped = same_year & (first % 100 == second // 100 % 100) & (first // 100 % 100 == second % 100)
    next_year = np.abs(first - second) == 10_000
    return np.asarray((first > 0) & (second > 0) & (first != second) & (figures | swapped | next_year))


def _seconds(dates: Integers) -> Integers:
    return np.asarray(dates[dates[:, 1] > Exact.NONE, 0])


def _in_every_order(cells: Sequence[str]) -> Integers:
    """Seconds, how exact, yyyymmdd of each cell in each of `ORDERS`, (3, n, 3) int64."""
    dates = np.zeros((len(ORDERS), len(cells), 3), dtype=np.int64)
    for place, cell in enumerate(cells):
        if len(cell) <= LONGEST and any(map(str.isdecimal, cell)):
            dates[:, place] = _one(plain(cell))
    return dates


def _one(cell: str) -> list[_One]:
    """A cell in every order; all zero where it is not a date."""
    compact = _COMPACT.fullmatch(cell)
    if compact is not None:
        year, month, day, hour, minute, second = (int(part or 0) for part in compact.groups())
        return [_moment(_date(year, month, day), hour, minute, second)] * len(ORDERS)
    time = _TIME.search(cell)
    if time is None:
        return _dates(cell)
    hour, minute, second = (int(part or 0) for part in time.groups()[:3])
    if time[4]:
        hour = hour % 12 + 12 * (time[4][0] == "p") if hour <= 12 else 24
    return [_moment(date, hour, minute, second) for date in _dates(cell[: time.start()])]


def _dates(cell: str) -> list[_One]:
    cell = cell.translate(_EAST_ASIAN).rstrip("- ")
    three = _THREE.fullmatch(cell)
    if three is not None:
        return _in_figures(three[1], three[3], three[4])
    date = _NO_DATE
    year_month = _YEAR_MONTH.fullmatch(cell)
    if year_month is not None:
        date = _date(int(year_month[1] or year_month[4]), int(year_month[2] or year_month[3]))
    elif _YEAR.fullmatch(cell):
        date = _date(int(cell))
    elif not cell.isdecimal() and _WORDY.fullmatch(cell):
        date = _with_words(cell)
    return [date] * len(ORDERS)


def _in_figures(first: str, middle: str, last: str) -> list[_One]:
    lengths = len(first), len(last)
    year_first = _date(_year(first), int(middle), int(last))
    if lengths[0] == 4 and lengths[1] <= 2:
        return [year_first] * len(ORDERS)
    if lengths[0] <= 2 and lengths[1] == 1:  # no year is one figure long: it was the day
        return [_NO_DATE, _NO_DATE, year_first]
    if lengths[0] > 2 or lengths[1] not in (2, 4):
        return [_NO_DATE] * len(ORDERS)
    year = _year(last)
    forms = [_date(year, int(middle), int(first)), _date(year, int(first), int(middle))]
    return [*forms, year_first if lengths == (2, 2) else _NO_DATE]


def _with_words(cell: str) -> _One:
    """A date whose month is a word, with the day before or behind it or none."""
    folded = "".join(sign for sign in unicodedata.normalize("NFKD", cell) if not unicodedata.combining(sign))
    numbers, months = [], []
    for token in _TOKEN.findall(folded):
        if token.isdecimal():
            numbers.append(token)
        elif token in _MONTH_OF:
            months.append(_MONTH_OF[token])
        elif token not in _OTHER_WORDS:
            return _NO_DATE
    if len(months) == 2 and folded.startswith("mar"):
        del months[0]  # a Tuesday in French, Italian or Spanish
    if len(months) != 1 or not 1 <= len(numbers) <= 2:
        return _NO_DATE
    if len(numbers) == 1:
        return _date(int(numbers[0]), months[0]) if len(numbers[0]) == 4 else _NO_DATE
    day, year = numbers if len(numbers[0]) <= 2 else numbers[::-1]
    if len(day) > 2 or len(year) not in (2, 4):
        return _NO_DATE
    return _date(_year(year), months[0], int(day))


def _year(text: str) -> int:
    year = int(text)
    if len(text) > 2:
        return year
    return year + (1900 if year >= PIVOT else 2000)


def _date(year: int, month: int = 0, day: int = 0) -> _One:
    """The middle of a year, month or day, how exact it is, and yyyymmdd; `_NO_DATE` where there is none."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return _NO_DATE
    try:
        start = datetime.date(year, month or 1, day or 1).toordinal()
    except ValueError:
        return _NO_DATE
    if day:
        return start * DAY_SECONDS + DAY_SECONDS // 2, Exact.DAY, year * 10_000 + month * 100 + day
    if month:
        stop = datetime.date(year + month // 12, month % 12 + 1, 1).toordinal()
        return (start + stop) * DAY_SECONDS // 2, Exact.MONTH, 0
    stop = datetime.date(year + 1, 1, 1).toordinal()
    return (start + stop) * DAY_SECONDS // 2, Exact.YEAR, 0


def _moment(date: _One, hour: int, minute: int, second: int) -> _One:
    """A date with a time of day; midnight is the date alone."""
    seconds, exact, digits = date
    if not (hour or minute or second):
        return date
    if exact != Exact.DAY or hour > 23 or minute > 59 or second > 60:
        return _NO_DATE
    start = seconds - seconds % DAY_SECONDS
    return start + hour * 3600 + minute * 60 + min(second, 59), Exact.MOMENT, digits
