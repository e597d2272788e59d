"""Small example tables with their truth: nothing is downloaded.

They are made by `python -m tools.recipes.datasets` from seeded generators and from word lists written for
them: no outside data, no real person or firm. They are under the licence of this package (MIT). They are for
trying things out, not for measuring: real tables have errors that no generator thinks of.
"""

from linktransformer.datasets.load import (
    DedupData,
    LinkData,
    load_articles,
    load_census,
    load_contacts,
    load_firms,
    load_goods,
    load_products,
)

__all__ = [
    "DedupData",
    "LinkData",
    "load_articles",
    "load_census",
    "load_contacts",
    "load_firms",
    "load_goods",
    "load_products",
]
