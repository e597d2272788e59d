"""`python -m tools.recipes.datasets`: write the tables of `linktransformer.datasets` again."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools.recipes.datasets import articles, census, contacts, firms, goods, products
from tools.recipes.datasets.table import Made
from tools.recipes.decision.domains.draw import Draw

FOLDER = Path(__file__).resolve().parents[3] / "linktransformer" / "datasets" / "files"
SEED = 1956
MAKERS: dict[str, Callable[[Draw], Made]] = {
    "articles": articles.make,
    "census": census.make,
    "contacts": contacts.make,
    "firms": firms.make,
    "goods": goods.make,
    "products": products.make,
}


def write(folder: Path = FOLDER) -> None:
    """Write every table; the same files each time."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, maker in MAKERS.items():
        seed = np.random.default_rng([SEED, zlib.crc32(name.encode())])
        maker(Draw(seed)).write(folder, name)


if __name__ == "__main__":
    write()
