"""Text encoders: the earlier path of `clippings.text.text_encoder` and of the loaders."""

from clippings.loading import load_text_encoder, wrap_encoder
from clippings.text.text_encoder import TextEncoder, WrappedEncoder

__all__ = ["TextEncoder", "WrappedEncoder", "load_text_encoder", "wrap_encoder"]
