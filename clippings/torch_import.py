"""torch, or the error that says how to get it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from clippings.errors import MissingPackageError


def need_torch(purpose: str) -> Any:
    """torch, or the error that says how to get it.

    Args:
        purpose: What it is needed for.

    Returns:
        The module.

    Raises:
        MissingPackageError: It is not installed.
    """
    try:
        return import_module("torch")
    except ModuleNotFoundError as error:
        raise MissingPackageError(error.name or "torch", purpose) from error
