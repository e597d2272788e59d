"""Encoders: text in, unit vectors out. Nothing heavy is imported before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clippings.errors import EncoderError, MissingPackageError
    from clippings.onnx_encoder import OnnxTextEncoder
    from clippings.record_encoder import RecordEncoder, RecordVectors, load_record_encoder
    from clippings.text_encoder import TextEncoder, WrappedEncoder, load_text_encoder, wrap_encoder

_HOME = {
    "EncoderError": "errors",
    "MissingPackageError": "errors",
    "OnnxTextEncoder": "onnx_encoder",
    "RecordEncoder": "record_encoder",
    "RecordVectors": "record_encoder",
    "TextEncoder": "text_encoder",
    "WrappedEncoder": "text_encoder",
    "load_record_encoder": "record_encoder",
    "load_text_encoder": "text_encoder",
    "wrap_encoder": "text_encoder",
}
__all__ = [
    "EncoderError",
    "MissingPackageError",
    "OnnxTextEncoder",
    "RecordEncoder",
    "RecordVectors",
    "TextEncoder",
    "WrappedEncoder",
    "load_record_encoder",
    "load_text_encoder",
    "wrap_encoder",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'clippings' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"clippings.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
