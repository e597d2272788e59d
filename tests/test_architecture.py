"""The rules of the house that a program can check, and that the checks find what they look for."""

from __future__ import annotations

import ast

import pytest

from tools.imports import called, cycles, imports, modules, wrong_direction, wrong_room

DATAFRAMES = {"narwhals", "pandas", "polars", "pyarrow"}
MAY_KNOW_DATAFRAMES = {
    f"linktransformer.tables.{name}"
    for name in (
        "arrow_tables",
        "binned_storage",
        "columns",
        "frames",
        "id_columns",
        "libraries",
        "parquet_parts",
        "parquet_tables",
        "readers",
        "saved_tables",
        "stacking",
        "writers",
    )
}
# modules whose classes are torch's own cannot be read without it; no other module reads them at import time
MADE_OF_TORCH = {
    *(
        f"clippings.layers.{name}"
        for name in (
            "attention",
            "linear_attention",
            "window_attention",
            "short_attention",
            "fused_linear_attention",
            "fused_norm_conv",
            "cpu_linear",
            "efficientnet",
            "pair_layers",
        )
    ),
    *(f"clippings.long.{name}" for name in ("layers", "model", "inference")),
    "clippings.based_model",
    *(
        f"clippings.records.{name}"
        for name in ("image_tower", "character_tower", "fusion", "bi_encoder", "clip_model", "photo_model")
    ),
    *(
        f"linktransformer.search.gpu.{name}"
        for name in ("kernels", "sparse_kernels", "torch_reference", "rows", "exact_passes")
    ),
    *(f"linktransformer.search.gpu.{name}" for name in ("pairs", "search", "sparse")),
}
# nor these without transformers, whose classes theirs are
MADE_OF_TRANSFORMERS = {"clippings.long.model", "clippings.based_model"}
PICKLES = {"pickle", "cPickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
MACHINE_WORDS = ("/work/", "/tmp/w", "/home/", "/root/")
MAX_LINES = 400


def knows_dataframes(name: str, source: str) -> list[str]:
    """Dataframe libraries that a module imports without being one of those that may."""
    if name in MAY_KNOW_DATAFRAMES:
        return []
    return [found for found, _ in imports(source, name) if found.split(".")[0] in DATAFRAMES]


def heavy_at_import(name: str, source: str) -> list[str]:
    """Large packages, and modules that cannot be without them, imported before anybody needs them."""
    heavy = {"torch", "faiss", "sentence_transformers", "open_clip", "hdbscan", "pandas", "polars", "pyarrow"}
    heavy |= {"timm", "torchvision", "transformers"}
    found = [dotted for dotted, eager in imports(source, name) if eager]
    if name in MADE_OF_TORCH:
        own = {"torch", "transformers"} if name in MADE_OF_TRANSFORMERS else {"torch"}
        return [dotted for dotted in found if dotted.split(".")[0] in heavy - own]
    return [
        dotted
        for dotted in found
        if dotted.split(".")[0] in heavy or {dotted, dotted.rpartition(".")[0]} & MADE_OF_TORCH
    ]


def pickles(name: str, source: str) -> list[str]:
    """Imports that read or write pickles."""
    return [found for found, _ in imports(source, name) if found.split(".")[0] in PICKLES]


def statements(name: str, source: str) -> list[str]:
    """Asserts, and prints outside the command line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assert):
            found.append(f"assert in line {node.lineno}")
        if (
            isinstance(node, ast.Call)
            and called(node) == "print"
            and not name.startswith("linktransformer.cli.")
        ):
            found.append(f"print in line {node.lineno}")
    return found


def bad_text(name: str, source: str) -> list[str]:
    """Files that are too long, have a name that says nothing, or speak of one machine."""
    found = [word for word in MACHINE_WORDS if word in source]
    lines = source.count("\n")
    if lines > MAX_LINES:
        found.append(f"{lines} lines")
    if name.rpartition(".")[2] in ("utils", "util", "base", "helpers", "common", "misc"):
        found.append("a name that says nothing")
    return found


CHECKS = (wrong_direction, wrong_room, knows_dataframes, heavy_at_import, pickles, statements, bad_text)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_module_keeps_the_rule(check) -> None:
    found = {name: check(name, source) for name, source in modules().items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_no_import_cycles() -> None:
    assert cycles(modules()) == []


def test_no_lazy_cycles_in_clippings() -> None:
    sources = {name: source for name, source in modules().items() if name.startswith("clippings")}
    assert cycles(sources, lazy=True) == []


def test_the_modules_are_found() -> None:
    assert {"linktransformer.tables.frames", "linktransformer.errors"} <= set(modules())


@pytest.mark.parametrize(
    ("check", "name", "source"),
    [
        (wrong_direction, "model_hub.opening", "import clippings.model"),
        (wrong_direction, "model_hub.opening", "def f():\n    from linktransformer import frames"),
        (wrong_direction, "clippings.model", "import importlib\nimportlib.import_module('linktransformer')"),
        (
            wrong_room,
            "linktransformer.search.edit_similarity",
            "def f():\n    from linktransformer.linking import merge",
        ),
        (wrong_room, "linktransformer.tables.cells", "from linktransformer.search.edit_similarity import x"),
        (wrong_room, "linktransformer.cli.main", "from linktransformer.utils import x"),
        (wrong_room, "clippings.text.truncation", "def f():\n    from clippings.loading import x"),
        (wrong_room, "clippings.loading", "if TYPE_CHECKING:\n    from clippings.training import loop"),
        (wrong_room, "clippings.text.truncation", "import_module('clippings.export.prune')"),
        (knows_dataframes, "linktransformer.merge", "def f():\n    import pandas as pd"),
        (knows_dataframes, "linktransformer.cli.main", "from narwhals.stable import v2"),
        (knows_dataframes, "linktransformer.cli.main", "pd = need('pandas', extra='cli')"),
        (heavy_at_import, "clippings.model", "import torch.nn as nn"),
        (heavy_at_import, "linktransformer.tables.readers", "import pandas"),
        (heavy_at_import, "clippings.records.encoder", "from clippings.records.bi_encoder import BiEncoder"),
        (heavy_at_import, "clippings.records.encoder", "from clippings.records import fusion"),
        (heavy_at_import, "clippings.records.fusion", "import torch\nimport pandas"),
        (heavy_at_import, "clippings.long.layers", "import transformers"),
        (heavy_at_import, "clippings.loading", "from clippings.long.model import register"),
        (pickles, "model_hub.store", "from joblib import load"),
        (statements, "linktransformer.merge", "def f(x):\n    assert x"),
        (statements, "linktransformer.merge", "print('x')"),
        (bad_text, "linktransformer.merge", "x = 1\n" * 401),
        (bad_text, "linktransformer.utils", "x = 1\n"),
        (bad_text, "linktransformer.merge", "PATH = '/work/" + "data'"),
    ],
)
def test_a_planted_fault_is_found(check, name: str, source: str) -> None:
    assert len(check(name, source)) == 1


@pytest.mark.parametrize(
    ("check", "name", "source"),
    [
        (wrong_direction, "linktransformer.merge", "import clippings, model_hub"),
        (wrong_room, "linktransformer.linking.merge", "from linktransformer.search import edit"),
        (wrong_room, "linktransformer.tables.cells", "from linktransformer import progress"),
        (wrong_room, "clippings.training.trainable", "from clippings import fingerprint, loading"),
        (knows_dataframes, "linktransformer.tables.frames", "import narwhals"),
        (heavy_at_import, "clippings.model", "def f():\n    import torch"),
        (heavy_at_import, "clippings.model", "def f():\n    from clippings.records.fusion import drop"),
        (
            heavy_at_import,
            "clippings.records.fusion",
            "from clippings.layers.attention import Layer",
        ),
        (heavy_at_import, "clippings.long.model", "from transformers import AutoModel"),
        (heavy_at_import, "clippings.model", "if TYPE_CHECKING:\n    import torch"),
        (statements, "linktransformer.cli.main", "print('x')"),
        (statements, "linktransformer.merge", "doc = 'print(1)'"),
        (bad_text, "linktransformer.merge", "x = 1\n" * 400),
    ],
)
def test_what_is_allowed_is_not_found(check, name: str, source: str) -> None:
    assert check(name, source) == []


def test_a_planted_cycle_is_found() -> None:
    sources = {
        "a": "",
        "a.b": "from a import c",
        "a.c": "from .d import x",
        "a.d": "import a.b",
        "a.e": "def f():\n    import a.e2",
        "a.e2": "import a.e",
    }
    assert cycles(sources) == [["a.b", "a.c", "a.d"]]
    assert cycles(sources, lazy=True) == [["a.b", "a.c", "a.d"], ["a.e", "a.e2"]]
