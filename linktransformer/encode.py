"""The dense view: which model, and its vectors of every different text."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from linktransformer import progress
from linktransformer.decision import correction
from linktransformer.decision.correction import Correction
from linktransformer.errors import InvalidArgumentError, LinkTransformerError, MissingExtraError, ModelError
from linktransformer.llm_endpoint import endpoint, is_remote
from linktransformer.remembering import CachedEncoder, Recall, cached
from linktransformer.serialize import Serializer

__all__ = ["LEXICAL", "Plan", "decision_alone", "embed", "plan", "plan_of_pictures"]

logger = logging.getLogger(__name__)
LEXICAL = "lexical"
MINILM = "all-minilm-l6-v2-int8"  # the bundled copy of a model of this name:
OF_BUNDLED = ("all-MiniLM-L6-v2", "sentence-transformers/all-MiniLM-L6-v2")

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """Which views a model stands for.

    Args:
        name: What to call it in the report.
        encoder: What makes dense vectors, None for none.
        chosen: Whether the caller named the model; then it is not left out by a trial.
        serializer: How the model wants rows to be written: as in its training, where its manifest says it.
        correction: What was learned from labels, where there is a decision with the model.
        choosy: Whether it may be tried what the model reads best of a row: it was not trained on rows that
            are written in one way, and what it is asked costs no money.
    """

    name: str
    encoder: Any | None
    chosen: bool
    serializer: Serializer = field(default_factory=Serializer)
    correction: Correction | None = None
    choosy: bool = False

    @property
    def reading(self) -> Serializer:
        """How rows are read for n-grams: as by default, but cut no earlier than the model wants them."""
        usual = Serializer()
        return replace(usual, max_chars=max(usual.max_chars, self.serializer.max_chars))


@progress.stage("model")
def plan(model: Any, device: str | None = None, cache: Any = None) -> Plan:
    """Find out what the caller means by a model.

    Args:
        model: None for the bundled hybrid; "lexical"; a folder; "org/name@revision"; "oci://host/name:tag"; a
            SentenceTransformer or any object with `encode`. For all-MiniLM-L6-v2 the bundled copy of it is
            taken where the hub cannot be reached and the model was not fetched before.
        device: Where a torch model runs; None takes a GPU when there is one.
        cache: As for `cache.check_cache`.

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
        return replace(plan(learned[1], device, cache), correction=learned[0], choosy=False)
    paid = is_remote(model)
    if paid:
        from linktransformer.remote_encoder import RemoteEncoder  # HTTP and TLS, which few need

        model = RemoteEncoder(endpoint(model))
    if model is not None and not isinstance(model, (str, os.PathLike)) and not hasattr(model, "encode"):
        raise ModelError(
            f"model={model!r} is no model. Give None, 'lexical', a folder, 'org/name@revision', a "
            "SentenceTransformer, or any object with encode(texts)."
        )
    from clippings import EncoderError, MissingPackageError, load_text_encoder, wrap_encoder
    from model_hub import ModelHubError

    try:
        if model is None:
            encoder: Any = _bundled(os.getpid())
        elif callable(getattr(model, "encode", None)) and not isinstance(model, str):
            encoder = wrap_encoder(model)
        else:
            encoder = load_text_encoder(model, device=device)
    except (MissingPackageError, EncoderError, ModelHubError, TypeError) as error:
        if not _stands_in(model):
            kind = MissingExtraError if isinstance(error, MissingPackageError) else ModelError
            said = str(error) if kind is MissingExtraError else f"model={model!r}: {error}"
            raise kind(said) from error
        encoder = _bundled(os.getpid(), MINILM)
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
    if name not in (None, LEXICAL):
        raise ModelError(
            f"model={os.fspath(model)!r}: {correction.FILE} names the model {name!r}, and stands without it. "
            "Learn it again by fit_decision."
        )
    return found, name


@lru_cache(maxsize=2)
def _bundled(process: int, name: str | None = None) -> Any:
    """A bundled model, loaded once in a process; onnxruntime does not promise that it works after a fork."""
    from clippings import load_text_encoder
    from model_hub import bundled

    return load_text_encoder(bundled(name) if name else bundled(), device=None)


def _stands_in(model: Any) -> bool:
    """Whether the bundled model is used, as the same one, because the hub that has it cannot be reached."""
    if not isinstance(model, str) or model not in OF_BUNDLED:
        return False
    from model_hub import ModelHubError, UnreachableError, open_model
    from model_hub.opening import is_offline

    if not is_offline():
        try:
            open_model(OF_BUNDLED[-1])
            return False
        except UnreachableError:
            pass
        except ModelHubError:  # the hub answers: what it says of the model is shown
            return False
    logger.warning(
        "model=%r cannot be fetched, for the hub is not to be reached: the bundled copy of it, in 8 bits, is "
        "used",
        model,
    )
    return True


def _planned(encoder: Any, model: Any, chosen: bool, cache: Any, paid: bool = False) -> Plan:
    """The plan of an encoder, with what its folder says of rows and decisions."""
    try:
        serializer = Serializer.from_dict(getattr(encoder, "serializer", None) or {})
    except InvalidArgumentError as error:
        raise ModelError(f"model={model!r}: {error}") from error
    decision = getattr(encoder, "decision", None)
    learned = None if decision is None else correction.read(decision)[0]
    name = str(getattr(encoder, "name", type(encoder).__name__))
    trained = decision is not None or getattr(encoder, "serializer", None) is not None
    return Plan(name, cached(encoder, cache, model), chosen, serializer, learned, not trained and not paid)


@progress.stage("model")
def plan_of_pictures(model: Any, device: str | None = None, cache: Any = None) -> Plan:
    """Find out what the caller means by a model of pictures and texts.

    Args:
        model: "lexical" for the texts alone; a folder; a name on a hub; "open_clip:NAME/WEIGHTS";
            "hf:org/clip"; an object with `encode_records`.
        device: As for `plan`.
        cache: Likewise.

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
        from clippings import EncoderError, MissingPackageError, load_record_encoder
        from model_hub import ModelHubError

        try:
            encoder = load_record_encoder(model, device=device)
        except MissingPackageError as error:
            raise MissingExtraError(str(error)) from error
        except (EncoderError, ModelHubError) as error:
            raise ModelError(f"model={model!r}: {error}") from error
    return _planned(encoder, model, True, cache)


def embed(encoder: Any, texts: Sequence[str], *, batch_size: int | None = None) -> Matrix:
    """Encode every text once.

    Args:
        encoder: From `plan`.
        texts: Unique texts.
        batch_size: Texts at a time; None leaves it to the encoder. It does not change the vectors.

    Returns:
        (n_texts, d) float32 unit rows.
    """
    if not len(texts):
        return np.empty((0, 1), dtype=np.float32)
    wanted = list(texts)
    recall = encoder.recall(wanted) if isinstance(encoder, CachedEncoder) else None
    with progress.stage("encode", len(wanted) if recall is None else len(recall.missing)) as tick:
        vectors: Matrix = _encode(encoder, wanted, recall, batch_size, tick)
    return vectors


def _encode(
    encoder: Any,
    texts: list[str],
    recall: Recall | None,
    batch_size: int | None,
    tick: Callable[[int], None],
) -> Matrix:
    from clippings import EncoderError

    try:
        if recall is not None:
            return recall.complete(batch_size, tick)
        return np.asarray(encoder.encode(texts, batch_size=batch_size, progress=tick), dtype=np.float32)
    except EncoderError as error:
        raise ModelError(str(error)) from error
    except LinkTransformerError:
        raise
