"""Encoders: text in, unit vectors out. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clippings.augment import Augmentation
    from clippings.confusions import Confusions, shipped_confusions
    from clippings.errors import EncoderError, MissingPackageError
    from clippings.onnx_encoder import OnnxTextEncoder
    from clippings.reading import Reading
    from clippings.record_encoder import RecordEncoder, RecordVectors, load_record_encoder
    from clippings.render import Font
    from clippings.scan_damage import Damage, damage
    from clippings.synthetic_records import SyntheticRecords
    from clippings.tesseract import Tesseract
    from clippings.text_encoder import TextEncoder, WrappedEncoder, load_text_encoder, wrap_encoder

_HOME = {
    "Augmentation": "augment",
    "Confusions": "confusions",
    "Damage": "scan_damage",
    "EncoderError": "errors",
    "Font": "render",
    "MissingPackageError": "errors",
    "OnnxTextEncoder": "onnx_encoder",
    "Reading": "reading",
    "RecordEncoder": "record_encoder",
    "RecordVectors": "record_encoder",
    "SyntheticRecords": "synthetic_records",
    "Tesseract": "tesseract",
    "TextEncoder": "text_encoder",
    "WrappedEncoder": "text_encoder",
    "damage": "scan_damage",
    "load_record_encoder": "record_encoder",
    "load_text_encoder": "text_encoder",
    "shipped_confusions": "confusions",
    "wrap_encoder": "text_encoder",
}
__all__ = [
    "Augmentation",
    "Confusions",
    "Damage",
    "EncoderError",
    "Font",
    "MissingPackageError",
    "OnnxTextEncoder",
    "Reading",
    "RecordEncoder",
    "RecordVectors",
    "SyntheticRecords",
    "Tesseract",
    "TextEncoder",
    "WrappedEncoder",
    "damage",
    "load_record_encoder",
    "load_text_encoder",
    "shipped_confusions",
    "wrap_encoder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clippings' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"clippings.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
