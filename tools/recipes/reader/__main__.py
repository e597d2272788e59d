"""`python -m tools.recipes.reader STEP ...`: train the reader that the package ships."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

STEPS = ("pairs", "pack", "train", "mix")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one step."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = argparse.ArgumentParser(prog="python -m tools.recipes.reader", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    wanted = [name for name in STEPS if name in given[:1]] or STEPS  # only `train` needs torch
    modules = {name: importlib.import_module(f"{__package__}.{name}") for name in wanted}
    for name, module in modules.items():
        module.add_arguments(steps.add_parser(name, description=module.__doc__))
    options = parser.parse_args(given)
    modules[options.step].run(options)


if __name__ == "__main__":
    main()
