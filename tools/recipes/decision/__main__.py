"""`python -m tools.recipes.decision STEP ...`: train the decision that the package ships."""

from __future__ import annotations

import argparse
import importlib
import sys

STEPS = ("features", "readings", "fit", "fit_jobs", "graph")


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(prog="python -m tools.recipes.decision", description=__doc__)
    steps = parser.add_subparsers(dest="step", required=True)
    modules = {name: importlib.import_module(f"{__package__}.{name}") for name in STEPS}
    for name, module in modules.items():
        module.add_arguments(steps.add_parser(name, description=module.__doc__))
    options = parser.parse_args(sys.argv[1:])
    modules[options.step].run(options)


if __name__ == "__main__":
    main()
