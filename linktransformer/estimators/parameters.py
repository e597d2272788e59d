"""What scikit-learn asks of an estimator's arguments, without scikit-learn."""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

from linktransformer.errors import InvalidArgumentError

__all__ = ["Parameters"]

P = TypeVar("P", bound="Parameters")


class Parameters:
    """An object whose arguments are attributes of the same names, and can be read, set and copied."""

    @classmethod
    def _names(cls) -> list[str]:
        return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the arguments by name.

        Args:
            deep: Of no effect: no argument is an estimator.

        Returns:
            The values as they were given.
        """
        return {name: getattr(self, name) for name in self._names()}

    def set_params(self: P, **values: Any) -> P:
        """Set arguments; what was fitted stays as it is until `fit`.

        Args:
            values: By name.

        Returns:
            The estimator.

        Raises:
            InvalidArgumentError: There is no such argument.
        """
        unknown = sorted(set(values) - set(self._names()))
        if unknown:
            raise InvalidArgumentError(
                f"{type(self).__name__} has no argument {unknown[0]!r}. It has {self._names()}."
            )
        for name, value in values.items():
            setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        defaults = inspect.signature(type(self).__init__).parameters
        given = [
            f"{name}={value!r}"
            for name, value in self.get_params().items()
            if value != defaults[name].default
        ]
        return f"{type(self).__name__}({', '.join(given)})"
