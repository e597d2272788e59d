"""`python -m tools.recipes NAME [options]`: train a model that the packages ship or that docs describe."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.report import destination, publish, say

RECIPES = {
    "names": "the bundled model of pictures and texts of names, within a time budget",
    "linker": "the small multilingual model for linking, within a time budget",
    "photos": "the bundled model of photographs and captions, within a time budget",
    "long": "an encoder of long records from a short one, within a time budget",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a recipe and publish its report."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    if not arguments or arguments[0] not in RECIPES:
        asked_for_help = not arguments or arguments[0] in ("-h", "--help")
        if not asked_for_help:
            say(f"there is no recipe {arguments[0]!r}")
        say("python -m tools.recipes NAME [--help] [--out FILE] ...")
        for name, purpose in RECIPES.items():
            say(f"  {name:<7} {purpose}")
        say("The decision has an entry of its own: python -m tools.recipes.decision STEP ...")
        return 0 if asked_for_help else 2
    name = arguments[0]
    module = importlib.import_module(f"tools.recipes.{name}.train")
    parser = argparse.ArgumentParser(prog=f"python -m tools.recipes {name}", description=module.__doc__)
    parser.add_argument(
        "--out", type=Path, default=None, help="write the figures as JSON: a file, or a folder for many runs"
    )
    module.add_arguments(parser)
    options = parser.parse_args(arguments[1:])
    publish(module.run(options), destination(name, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
