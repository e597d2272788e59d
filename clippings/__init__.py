"""Encoders: text and pictures in, unit vectors out. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clippings.errors import EncoderError, MissingPackageError
    from clippings.loading import load_record_encoder, load_text_encoder, wrap_encoder
    from clippings.pictures.decoding import Picture
    from clippings.pictures.ocr_reading import Reading
    from clippings.pictures.read import count_problems, read_pictures
    from clippings.record_training.strip_augment import Augmentation
    from clippings.records.encoder import RecordEncoder, RecordVectors
    from clippings.records.hash_encoder import PerceptualHash
    from clippings.synthetic.captions import CaptionChanges
    from clippings.synthetic.confusions import Confusions, shipped_confusions
    from clippings.synthetic.press import Press, press
    from clippings.synthetic.printings import Printings, reprint
    from clippings.synthetic.records import SyntheticRecords
    from clippings.synthetic.render import Font
    from clippings.synthetic.scan_damage import Damage, damage
    from clippings.synthetic.tesseract import Tesseract
    from clippings.text.onnx_encoder import OnnxTextEncoder
    from clippings.text.text_encoder import TextEncoder, WrappedEncoder

_HOME = {
    "Augmentation": "record_training.strip_augment",
    "CaptionChanges": "synthetic.captions",
    "Confusions": "synthetic.confusions",
    "Damage": "synthetic.scan_damage",
    "EncoderError": "errors",
    "Font": "synthetic.render",
    "MissingPackageError": "errors",
    "OnnxTextEncoder": "text.onnx_encoder",
    "PerceptualHash": "records.hash_encoder",
    "Picture": "pictures.decoding",
    "Press": "synthetic.press",
    "Printings": "synthetic.printings",
    "Reading": "pictures.ocr_reading",
    "RecordEncoder": "records.encoder",
    "RecordVectors": "records.encoder",
    "SyntheticRecords": "synthetic.records",
    "Tesseract": "synthetic.tesseract",
    "TextEncoder": "text.text_encoder",
    "WrappedEncoder": "text.text_encoder",
    "count_problems": "pictures.read",
    "damage": "synthetic.scan_damage",
    "load_record_encoder": "loading",
    "load_text_encoder": "loading",
    "press": "synthetic.press",
    "read_pictures": "pictures.read",
    "reprint": "synthetic.printings",
    "shipped_confusions": "synthetic.confusions",
    "wrap_encoder": "loading",
}
__all__ = [
    "Augmentation",
    "CaptionChanges",
    "Confusions",
    "Damage",
    "EncoderError",
    "Font",
    "MissingPackageError",
    "OnnxTextEncoder",
    "PerceptualHash",
    "Picture",
    "Press",
    "Printings",
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
    "press",
    "read_pictures",
    "reprint",
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
