"""`link` of paths: they are linked as files, piece by piece."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from linktransformer import check, entries
from linktransformer.errors import InvalidArgumentError
from linktransformer.results.links import Links

__all__ = ["link_paths"]

# the defaults of what `link` takes of tables in memory and not of files
OF_TABLES = {"images": None, "confidence": None, "image_root": None, "reader": "auto", "long": "auto"}


def link_paths(arguments: Mapping[str, Any]) -> Links:
    """Link files by the arguments of `link`.

    Raises:
        InvalidArgumentError: One of those is given that files do not have.
    """
    for name, default in OF_TABLES.items():
        if arguments[name] != default:
            raise InvalidArgumentError(
                f"{name}={check.shown(arguments[name])} is for tables in memory, and left and right are "
                "files. Leave it out, or read the files first."
            )
    return entries.link_files(**{name: value for name, value in arguments.items() if name not in OF_TABLES})
