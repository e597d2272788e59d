"""Frozen settings that are checked when they are made, and read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields
from difflib import get_close_matches
from typing import ClassVar, TypeVar

from clippings.errors import EncoderError

S = TypeVar("S", bound="Settings")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Base of settings; `noun` is what messages call one of them, `error` is what is raised."""

    noun: ClassVar[str] = "setting of the model"
    error: ClassVar[type[EncoderError]] = EncoderError

    def check(self, good: bool, name: str, remedy: str) -> None:
        """Raise an error for a setting unless its value is right.

        Args:
            good: Whether it is.
            name: The setting.
            remedy: What to give instead, for the message.

        Raises:
            EncoderError: It is not; the class attribute `error` says of which kind.
        """
        if not good:
            raise self.error(
                f"A {self.noun} cannot work. Given: {name}={getattr(self, name)!r}. Give {remedy}."
            )

    def check_whole(self, least: Mapping[str, int]) -> None:
        """Raise an error unless settings are whole numbers in their range.

        Args:
            least: The least allowed value of each setting, by name.

        Raises:
            EncoderError: One is below it, or not a whole number.
        """
        for name, low in least.items():
            value = getattr(self, name)
            self.check(is_whole(value) and value >= low, name, f"a whole number from {low}")

    def to_dict(self) -> dict[str, object]:
        """Convert the settings to plain values, ready for JSON.

        Returns:
            The value of each setting by its name; tuples become lists.
        """
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_dict(cls: type[S], values: Mapping[str, object]) -> S:
        """Make settings of plain values, such as those of `to_dict`.

        Args:
            values: Values by name; lists become tuples. A setting that is missing has its default.

        Returns:
            The settings.

        Raises:
            EncoderError: A name is unknown, a setting without default is missing, or a value cannot work.
        """
        items = fields(cls)
        names = [item.name for item in items]
        needed = {i.name for i in items if i.default is MISSING and i.default_factory is MISSING}
        unknown, missing = sorted(set(map(str, values)) - set(names)), sorted(needed - set(values))
        if unknown or missing:
            near = get_close_matches(unknown[0], names, n=1, cutoff=0.5) if unknown else []
            raise cls.error(
                f"{'Unknown' if unknown else 'Missing'} {cls.noun.replace('setting', 'settings', 1)}. "
                f"Given: {unknown or sorted(values)}."
                + (f" Did you mean {near[0]!r}?" if near else "")
                + (f" Missing are: {missing}." if missing else "")
                + f" Known are: {names}."
            )
        return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in values.items()})


def is_whole(value: object) -> bool:
    """Whether a value is a whole number, and no bool."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_real(value: object) -> bool:
    """Whether a value is a number, and no bool."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)
