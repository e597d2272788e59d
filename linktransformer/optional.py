"""Optional packages: imported when first needed, with the pip command if they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from linktransformer.errors import MissingExtraError

__all__ = ["need"]


def need(module: str, extra: str) -> ModuleType:
    """Import a module such as "torch.nn" that the extra `extra` of this package installs.

    Raises:
        MissingExtraError: The module is missing, or its own import fails.

    Example:
        >>> need("json", extra="cpu").dumps([1])
        '[1]'
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        missing = isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] == package
        problem = f"{package} is needed and not installed" if missing else f"{module} cannot be imported"
        raise MissingExtraError(
            f'{problem} ({error}). Install it with:  pip install "linktransformer[{extra}]"'
        ) from error
