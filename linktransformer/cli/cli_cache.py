"""`linktransformer cache info` and `clear`: what the embedding cache holds."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from linktransformer.encoding.cache_settings import CacheSettings

__all__ = ["add_to"]


def add_to(commands: Any) -> None:
    """Add the command.

    Args:
        commands: The subparsers.
    """
    cache = commands.add_parser("cache", help="say what the embedding cache holds, or empty it")
    actions = cache.add_subparsers(title="actions", required=True)
    for name, run, what in (
        ("info", _info, "print how many vectors it holds, and how large it is"),
        ("clear", _clear, "remove all vectors"),
    ):
        parser = actions.add_parser(name, help=what)
        parser.add_argument("folder", nargs="?", help="the cache's folder (the user's cache folder)")
        parser.set_defaults(run=run)


def _info(given: argparse.Namespace) -> int:
    from linktransformer.encoding.vector_store import segment_files

    settings = CacheSettings(given.folder)
    files = segment_files(settings.place())
    print(f"folder: {settings.place()}")
    print(f"models: {len({path.parent for path in files})}")
    print(f"files: {len(files)}")
    print(f"bytes: {sum(path.stat().st_size for path in files)} of at most {settings.bound()}")
    return 0


def _clear(given: argparse.Namespace) -> int:
    from linktransformer.encoding.vector_store import segment_files

    root = CacheSettings(given.folder).place()
    files = segment_files(root)
    for path in files:
        path.unlink(missing_ok=True)
    print(f"{len(files)} files removed from {root}", file=sys.stderr)
    return 0
