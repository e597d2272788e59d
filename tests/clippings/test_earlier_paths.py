"""Modules that moved into rooms can still be imported from where scripts and docs had them."""

from __future__ import annotations

from importlib import import_module

import pytest

EARLIER = {
    "augment": ("record_training.strip_augment", "augment"),
    "imitation": ("training.attention_transfer", "relayered"),
    "name_variants": ("synthetic.name_variants", "english"),
    "synthesize": ("synthetic.synthesize", "synthesize"),
    "trainable": ("text.sentence_models", "package_folder"),
    "based_convert": ("long.convert", "convert"),
    "based_model": ("long.model", "register"),
    "prune": ("export.prune", "prune"),
    "text_encoder": ("text.text_encoder", "TextEncoder"),
}


@pytest.mark.parametrize("name", EARLIER)
def test_an_earlier_path_is_the_same_object(name: str) -> None:
    pytest.importorskip("transformers" if name.startswith("based") else "onnx")
    home, symbol = EARLIER[name]
    earlier = import_module(f"clippings.{name}")
    assert getattr(earlier, symbol) is getattr(import_module(f"clippings.{home}"), symbol)
