"""How the cells of two columns are compared: what a user may set for a column.

    import linktransformer as lt

    lt.compare.number(within=2)
    lt.compare.date(within_days=1)

By default, `column_kind.detect` chooses by the content of the two columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Integral, Real

from linktransformer.errors import InvalidArgumentError

__all__ = [
    "KINDS",
    "Comparison",
    "date",
    "email",
    "exact",
    "geo",
    "identifier",
    "name",
    "number",
    "text",
]

KINDS = ("text", "exact", "name", "identifier", "email", "number", "date", "geo")
_TOLERANT = {"number": "within", "date": "within_days", "geo": "within_km"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two columns hold, and which differences between two cells are tolerated.

    The functions of this module make one; there is no need to call the class.

    Args:
        kind: One of `KINDS`.
        within: Largest difference of two cells that counts as nearly equal: of numbers in their own unit,
            of dates in days, of places in kilometres. None: no tolerance.
        relative: The same for numbers, as a share of the larger absolute value, above 0 and below 1.
            None: no tolerance.
        year: The numbers are years: their distance from zero has no meaning.

    Raises:
        InvalidArgumentError: An unknown kind, a tolerance that is not a finite number above zero, or one
            that the kind does not have.
    """

    kind: str
    within: float | None = None
    relative: float | None = None
    year: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidArgumentError(
                f"kind={self.kind!r} is not a way to compare columns. Use one of {', '.join(KINDS)}."
            )
        if self.within is not None:
            named = _TOLERANT.get(self.kind)
            if named is None:
                raise InvalidArgumentError(
                    f"within={self.within!r} has no meaning for kind={self.kind!r}: only numbers, dates and "
                    "places have a tolerance. Leave it out."
                )
            _check_positive(named, self.within)
        if self.kind != "number" and (self.relative is not None or self.year):
            raise InvalidArgumentError(
                f"relative={self.relative!r} and year={self.year!r} are for numbers, and kind={self.kind!r}. "
                "Leave them out."
            )
        if self.relative is not None:
            _check_positive("relative", self.relative)
            if self.relative >= 1:
                raise InvalidArgumentError(
                    f"relative={self.relative!r} would make any two numbers of one sign nearly equal. "
                    "Give a share below 1, such as 0.05 for five percent."
                )

    @property
    def parameters(self) -> dict[str, float | bool]:
        """The parameters that were set, under the names of the functions of this module.

        Example:
            >>> date(within_days=3).parameters
            {'within_days': 3}
        """
        parameters: dict[str, float | bool] = {}
        if self.within is not None:
            parameters[_TOLERANT[self.kind]] = self.within
        if self.relative is not None:
            parameters["relative"] = self.relative
        if self.year:
            parameters["year"] = True
        return parameters


def text() -> Comparison:
    """Compare as free text: words in any order, without regard to case.

    Returns:
        The comparison.

    Example:
        >>> text().kind
        'text'
    """
    return Comparison("text")


def exact() -> Comparison:
    """Compare as labels: two cells are equal, without regard to case, or they are not.

    Returns:
        The comparison.

    Example:
        >>> exact().kind
        'exact'
    """
    return Comparison("exact")


def name() -> Comparison:
    """Compare as names of persons, firms or places: spelling, order of the words, initials.

    Returns:
        The comparison.

    Example:
        >>> name().kind
        'name'
    """
    return Comparison("name")


def identifier() -> Comparison:
    """Compare as codes, such as telephone numbers and article numbers.

    Separators, case and leading zeros are ignored; each other character counts.

    Returns:
        The comparison.

    Example:
        >>> identifier().kind
        'identifier'
    """
    return Comparison("identifier")


def email() -> Comparison:
    """Compare as e-mail addresses: the part before the @ counts more than the domain.

    Returns:
        The comparison.

    Example:
        >>> email().kind
        'email'
    """
    return Comparison("email")


def number(within: float | None = None, relative: float | None = None) -> Comparison:
    """Compare as numbers, by how near they are to each other among the numbers of the two columns.

    Args:
        within: Difference up to which two numbers are nearly equal (similarity of 0.9 and more), above 0.
            Default: none.
        relative: Difference up to which they are nearly equal as a share of the larger absolute value, above
            0 and below 1. Default: none. A pair is nearly equal if it is within one of the two.

    Returns:
        The comparison.

    Raises:
        InvalidArgumentError: A tolerance that is out of range.

    Example:
        >>> number(within=2).parameters
        {'within': 2}
    """
    return Comparison("number", within=within, relative=relative)


def date(within_days: int | None = None) -> Comparison:
    """Compare as dates, by how near they are, with the usual slips of a pen taken for one slip.

    Args:
        within_days: Days up to which two dates are nearly equal (similarity of 0.9 and more), a whole
            number above 0. Default: none.

    Returns:
        The comparison.

    Raises:
        InvalidArgumentError: A tolerance that is not a whole number above 0.

    Example:
        >>> date(within_days=1).kind
        'date'
    """
    if within_days is not None and (isinstance(within_days, bool) or not isinstance(within_days, Integral)):
        raise InvalidArgumentError(
            f"within_days={within_days!r} is not a whole number. Give a number of days, such as 3."
        )
    return Comparison("date", within=within_days)


def geo(within_km: float | None = None) -> Comparison:
    """Compare as places, "latitude, longitude" in decimal degrees, by the distance over the globe.

    Args:
        within_km: Kilometres up to which two places are nearly equal (similarity of 0.9 and more), above 0.
            Default: none.

    Returns:
        The comparison.

    Raises:
        InvalidArgumentError: A tolerance that is not a finite number above 0.

    Example:
        >>> geo(within_km=0.5).parameters
        {'within_km': 0.5}
    """
    return Comparison("geo", within=within_km)


def _check_positive(named: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value) or value <= 0:
        raise InvalidArgumentError(
            f"{named}={value!r} is not a finite number above 0. Give the largest difference that is "
            "tolerated, or leave it out; compare.exact() allows none."
        )
