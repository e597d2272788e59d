"""Load the encoder of a model's name or folder, or wrap a caller's object."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from clippings import fingerprint
from clippings.errors import EncoderError
from clippings.records import photo_encoder as photos
from clippings.records.encoder import TowerEncoder
from clippings.records.photo_inputs import PhotoInputs
from clippings.text.onnx_encoder import OnnxTextEncoder
from clippings.text.sentence_models import is_based, load_converted, load_sentence_transformer
from clippings.text.text_encoder import WrappedEncoder
from model_hub import (
    AccessError,
    ModelFolder,
    ModelNotFoundError,
    ModelRef,
    UnreachableError,
    bundled,
    open_model,
    parse,
)
from model_hub.manifest import MANIFEST_NAME, RECORD_ARCHITECTURES

AnyTextEncoder = OnnxTextEncoder | WrappedEncoder | TowerEncoder
logger = logging.getLogger(__name__)
_ST_FILES = ("modules.json", "config.json", "config_sentence_transformers.json")
_ADAPTERS = ("open_clip:", "hf:")


def load_text_encoder(
    reference: str | os.PathLike[str] | ModelFolder,
    device: str | None = None,
    trust_remote_code: bool = False,
    threads: int | None = None,
) -> AnyTextEncoder:
    """Load a text model by its name or folder; of a model of pictures and texts, its text encoder.

    Args:
        reference: A bundled model's name, a folder (ours with a manifest, or one of sentence-transformers),
            "org/name@revision" on the Hugging Face Hub, or "oci://host/name:tag" in a registry. "based:"
            before a folder of a short encoder makes one for long records, which has to be trained.
        device: "cpu", "cuda" or "cuda:1"; None: for torch models a GPU when there is one.
        trust_remote_code: Whether code that comes with a model may run; off unless you say so.
        threads: Number of threads of a model that runs on onnxruntime; None for all cores.

    Returns:
        An encoder with `encode(texts, batch_size=None, progress=None)` and `name`.

    Raises:
        ModelHubError: There is no such model, or its folder is damaged or unsafe.
        EncoderError: The model cannot be loaded.
        MissingPackageError: sentence-transformers or torch is needed and not installed.

    Example:
        >>> load_text_encoder("linker-multilingual", threads=1).encode(["tea"]).shape
        (1, 384)
    """
    if isinstance(reference, ModelFolder):
        return _open_ours(reference, device, threads)
    if is_based(reference):
        return WrappedEncoder(load_converted(str(reference), device), str(reference))
    ref = parse(reference)
    if ref.kind in ("bundled", "oci"):
        return _open_ours(open_model(ref), device, threads)
    if ref.kind == "folder":
        folder = Path(ref.name)
        if (folder / MANIFEST_NAME).exists() or not any((folder / name).exists() for name in _ST_FILES):
            return _open_ours(open_model(ref), device, threads)
    published, reached = _published(ref) if ref.kind == "hub" else (None, True)
    if published is not None:
        return _open_ours(published, device, threads)
    loaded = load_sentence_transformer(ref, device, trust_remote_code, local=not reached)
    return WrappedEncoder(loaded, str(ref), ref=ref)


def wrap_encoder(model: Any) -> AnyTextEncoder:
    """Use an object of your own as a text model.

    Args:
        model: A SentenceTransformer, or anything whose `encode` takes a list of texts and gives one row of
            numbers for each, as NumPy, torch or lists.

    Returns:
        An encoder that gives float32 unit rows.

    Raises:
        EncoderError: The object has no `encode`.

    Example:
        >>> class Length:
        ...     def encode(self, texts):
        ...         return [[len(text), 1.0] for text in texts]
        >>> wrap_encoder(Length()).encode(["abc"]).round(2).tolist()
        [[0.949..., 0.319...]]
    """
    if isinstance(model, (OnnxTextEncoder, WrappedEncoder, TowerEncoder)):
        return model
    if isinstance(model, type) or not callable(getattr(model, "encode", None)):
        raise EncoderError(
            f"An encoder needs a method `encode(texts)`. "
            f"Given: {'the class ' if isinstance(model, type) else 'a '}"
            f"{getattr(model, '__name__', type(model).__name__)}. Give an object that has one."
        )
    return WrappedEncoder(model)


def load_record_encoder(
    reference: str | os.PathLike[str] | ModelFolder, device: str | None = None, threads: int | None = None
) -> TowerEncoder:
    """Load a model of pictures and texts by its name or folder.

    Args:
        reference: A folder of ours, "oci://host/name:tag", "hf://org/name@revision", or a CLIP model:
            "open_clip:NAME/WEIGHTS" (a tag of open_clip or a file of safetensors; without: random weights),
            "open_clip:local-dir:FOLDER", "open_clip:hf-hub:org/name", or "hf:org/name" (or a folder), of
            the types clip, metaclip_2, siglip and chinese_clip.
        device: "cpu", "cuda" or "cuda:1"; None: for torch models a GPU when there is one.
        threads: Number of threads of a model that runs on onnxruntime; None for all cores.

    Returns:
        An encoder with `encode_records`, `encode`, `name` and `dim`.

    Raises:
        ModelHubError: There is no such model, or its folder is damaged or unsafe.
        EncoderError: The model does not read pictures, or cannot be loaded.
        MissingPackageError: torch, onnxruntime or open_clip is needed and not installed.

    Example:
        >>> import tempfile
        >>> from clippings.records.bi_encoder import BiEncoder
        >>> from clippings.records.bi_encoder_config import BiEncoderConfig
        >>> from clippings.records.torch_encoder import save
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     manifest = save(BiEncoder(BiEncoderConfig.tiny()), folder)
        ...     encoder = load_record_encoder(folder, device="cpu")
        >>> vectors = encoder.encode_records(["Deutsche Bank", None], [None, None])
        >>> vectors.fused.shape, vectors.has_text.tolist()
        ((2, 32), [True, False])
    """
    if isinstance(reference, str) and reference.startswith(_ADAPTERS) and not reference.startswith("hf://"):
        from clippings.records.clip_encoder import load_clip

        return load_clip(reference, device)
    folder = reference if isinstance(reference, ModelFolder) else open_model(reference)
    return open_records(folder, device, threads)


def open_records(folder: ModelFolder, device: str | None, threads: int | None) -> TowerEncoder:
    """The encoder of a verified folder of pictures and texts, by the architecture in its manifest."""
    manifest = folder.manifest
    if manifest.architecture not in RECORD_ARCHITECTURES:
        raise EncoderError(
            f"This model reads texts only. Given: {manifest.name!r}, of the architecture "
            f"{manifest.architecture!r}. Open it with load_text_encoder, or give one that reads pictures."
        )
    encoder: TowerEncoder
    if manifest.architecture == "clippings-onnx":
        from clippings.records.onnx_encoder import OnnxRecordEncoder

        encoder = OnnxRecordEncoder(folder, device=device, threads=threads)
    elif manifest.architecture == "clippings":
        from clippings.records.torch_encoder import TorchRecordEncoder

        encoder = TorchRecordEncoder.from_folder(folder, device=device)
    elif manifest.architecture.startswith(photos.ARCHITECTURE):
        encoder = photos.opened(folder, device, threads)
    else:
        from clippings.records.clip_encoder import open_clip_folder

        encoder = open_clip_folder(folder, device)
    encoder.serializer = manifest.serializer
    encoder.decision = folder.file(manifest.decision) if manifest.decision else None
    encoder.cache_key = fingerprint.of_folder(folder, encoder.device)
    if isinstance(encoder.inputs, PhotoInputs):  # its vectors depend on the text model, too
        encoder.cache_key += " " + fingerprint.of_folder(bundled(encoder.inputs.config.text_model), "cpu")
    return encoder


def _open_ours(model: ModelFolder, device: str | None, threads: int | None) -> AnyTextEncoder:
    """The encoder of a verified folder, by the architecture in its manifest."""
    if model.manifest.architecture in RECORD_ARCHITECTURES:
        return open_records(model, device, threads)
    if model.manifest.architecture != "sentence-transformers":
        return OnnxTextEncoder.from_folder(model, device=device, threads=threads)
    loaded = load_sentence_transformer(ModelRef("folder", str(model.path)), device)
    return WrappedEncoder(loaded, model.manifest.name, model)


def _published(ref: ModelRef) -> tuple[ModelFolder | None, bool]:
    """A hub's model that has our manifest, None for any other; and whether the hub was reached."""
    try:
        return open_model(ref), True
    except (AccessError, ModelNotFoundError, UnreachableError) as error:
        logger.debug("%s is left to sentence-transformers: %s", ref, error)
        return None, not isinstance(error, UnreachableError)
