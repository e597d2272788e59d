"""`linktransformer cache info` and `clear`: inspect and empty the embedding cache."""

from __future__ import annotations

import argparse
import sys

from linktransformer.cli.arguments import Commands
from linktransformer.encoding.cache_settings import CacheSettings

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Add the command."""
    cache = commands.add_parser("cache", help="print the contents of the embedding cache, or empty it")
    actions = cache.add_subparsers(title="actions", required=True)
    for name, run, text in (
        ("info", _info, "print its models, files and bytes"),
        ("clear", _clear, "remove all vectors"),
    ):
        parser = actions.add_parser(name, help=text)
        parser.add_argument("folder", nargs="?", help="the cache's folder (the user's cache folder)")
        parser.set_defaults(run=run)


def _info(arguments: argparse.Namespace) -> int:
    from linktransformer.encoding.vector_store import segment_files

    settings = CacheSettings(arguments.folder)
    files = segment_files(settings.place())
    print(f"folder: {settings.place()}")
    print(f"models: {len({path.parent for path in files})}")
    print(f"files: {len(files)}")
    print(f"bytes: {sum(path.stat().st_size for path in files)} of at most {settings.bound()}")
    return 0


def _clear(arguments: argparse.Namespace) -> int:
    from linktransformer.encoding.vector_store import segment_files

    root = CacheSettings(arguments.folder).place()
    files = segment_files(root)
    for path in files:
        path.unlink(missing_ok=True)
    print(f"{len(files)} files removed from {root}", file=sys.stderr)
    return 0
