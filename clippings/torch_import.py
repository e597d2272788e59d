"""Import torch where it is first needed."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from clippings.errors import MissingPackageError


def need_torch(purpose: str) -> ModuleType:
    """torch, or the error that says how to install it and what it is needed for."""
    try:
        return import_module("torch")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "torch", purpose) from error
