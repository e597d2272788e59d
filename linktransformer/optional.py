"""Optional packages: imported when first needed, with the pip line when they are missing."""

from __future__ import annotations

import importlib
from types import ModuleType

from linktransformer.errors import MissingExtraError

__all__ = ["need"]


def need(module: str, extra: str) -> ModuleType:
    """Import an optional package, or say how to install it.

    Args:
        module: The name to import, such as "faiss" or "torch.nn".
        extra: The extra of this package that brings it, such as "cpu".

    Returns:
        The imported module.

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
        what = f"{package} is needed here and is not installed" if missing else f"{module} cannot be imported"
        raise MissingExtraError(
            f'{what} ({error}). Install it with:  pip install "linktransformer[{extra}]"'
        ) from error
