"""`python -m linktransformer`: the command linktransformer."""

import sys

from linktransformer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
