"""Encoders: text and pictures in, unit vectors out. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clippings.augment import Augmentation
    from clippings.confusions import Confusions, shipped_confusions
    from clippings.errors import EncoderError, MissingPackageError
    from clippings.onnx_encoder import OnnxTextEncoder
    from clippings.pictures import Picture, count_problems, read_pictures
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
    "Picture": "pictures",
    "Reading": "reading",
    "RecordEncoder": "record_encoder",
    "RecordVectors": "record_encoder",
    "SyntheticRecords": "synthetic_records",
    "Tesseract": "tesseract",
    "TextEncoder": "text_encoder",
    "WrappedEncoder": "text_encoder",
    "count_problems": "pictures",
    "damage": "scan_damage",
    "load_record_encoder": "record_encoder",
    "load_text_encoder": "text_encoder",
    "read_pictures": "pictures",
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
    "Picture",
    "Reading",
    "RecordEncoder",
    "RecordVectors",
    "SyntheticRecords",
    "Tesseract",
    "TextEncoder",
    "WrappedEncoder",
    "count_problems",
    "damage",
    "load_record_encoder",
    "load_text_encoder",
    "read_pictures",
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
