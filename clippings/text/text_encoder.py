"""Any text model behind one `encode`: a sentence-transformers model, or an object of the caller's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from clippings import fingerprint
from clippings.arrays import Floats
from clippings.errors import EncoderError
from clippings.text.gpu_encoder import ManyTexts
from clippings.text.onnx_encoder import SURROGATES
from clippings.text.pair_reader import has_reader
from clippings.text.passages import Splitter
from clippings.text.truncation import LONG_CHARS, truncation_of
from model_hub import ModelFolder, ModelRef

CHUNK = 2048  # texts given to a wrapped encoder at once, so that progress is shown and kept
CHARS = 20_000  # rows are cut to so many characters unless a model asks for more
ENDLESS = 2**20  # a limit of so many tokens is none


class TextEncoder(Protocol):
    """The text model that linking needs."""

    name: str

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into float32 unit rows.

        Args:
            texts: The texts.
            batch_size: At most so many at once; None leaves it to the model.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, dim) float32, rows of length one.
        """


class WrappedEncoder:
    """A caller's object with `encode`, its vectors checked and brought to float32 unit rows.

    Attributes:
        name: The model's name, or its class.
        dim: Length of a vector; None before the first call.
        model: The object itself.
        serializer: How rows are serialised for it: its own attribute of that name where it is a mapping
            such as {"labels": True}, or None.
        decision: The file of the decision that the model was trained with, or None.
        reader: The folder of the reader of pairs that was trained with it, or None.
    """

    def __init__(
        self,
        model: Any,
        name: str | None = None,
        folder: ModelFolder | None = None,
        ref: ModelRef | None = None,
    ) -> None:
        self.model = model
        self._folder, self._ref = folder, ref
        self.name = name or _name_of(model)
        self.dim: int | None = None
        serializer = folder.manifest.serializer if folder else getattr(model, "serializer", None)
        self._truncation = truncation_of(model)
        self._splitter: Splitter | None = None
        self.serializer = serializer if isinstance(serializer, Mapping) else self._long_rows()
        self.decision: Path | None = getattr(model, "decision", None)
        reader = getattr(model, "reader", None)
        self.reader = reader if isinstance(reader, Path) else None
        if folder and has_reader(folder):
            self.reader = folder.path
        if folder and folder.manifest.decision:
            self.decision = folder.file(folder.manifest.decision)
        self._takes = _keywords(model.encode)
        self._many = ManyTexts(model)

    def _long_rows(self) -> Mapping[str, int] | None:
        """A serializer of long rows, for a model that reads more than rows are cut to."""
        limit = self._truncation.limit if self._truncation else 0
        return {"max_chars": LONG_CHARS * limit} if LONG_CHARS * limit > CHARS and limit < ENDLESS else None

    def share_lost(self, texts: Sequence[str]) -> Floats:
        """The share of each text's characters that is cut off.

        Args:
            texts: Texts.

        Returns:
            (n_texts,) float32; zeros where that is unknown.
        """
        if self._truncation is None:
            return np.zeros(len(texts), dtype=np.float32)
        return self._truncation.share_lost(texts)

    @property
    def passages(self) -> Callable[[Sequence[str]], list[list[str]]] | None:
        """Splits texts into passages that the model reads whole; None for an object without a tokenizer."""
        if self._truncation is None:
            return None
        if self._splitter is None:
            self._splitter = self._truncation.splitter()
        return self._splitter.split

    def _rows(self, texts: list[str], keywords: Mapping[str, object]) -> object:
        """The model's own vectors; an error of a library in a model that was loaded by name is ours."""
        if self._folder is None and self._ref is None:
            return self.model.encode(texts, **keywords)  # an object of the caller's: its errors are his
        try:
            return self.model.encode(texts, **keywords)
        except Exception as error:
            raise EncoderError(
                f"The model {self.name!r} failed on a text. Given: {type(error).__name__}: "
                f"{str(error)[:300]}, {len(texts)} texts of up to {max(map(len, texts))} characters. Check "
                "that the folder's tokenizer and max_seq_length belong to its weights."
            ) from error

    @property
    def note(self) -> str | None:
        """How many texts were encoded on a GPU, or why by the model's own `encode`; None before that."""
        return self._many.note

    @property
    def cache_key(self) -> str | None:
        """Equal keys mean equal vectors; None where that is unknown."""
        device = str(getattr(self.model, "device", "cpu"))
        if self._folder is not None:
            listed = {file.path.rpartition("/")[2] for file in self._folder.manifest.files}
            return None if fingerprint.ADAPTER in listed else fingerprint.of_folder(self._folder, device)
        if self._ref is not None:
            return fingerprint.of_reference(self._ref, device)
        return fingerprint.of_object(self.model)

    @property
    def texts_at_once(self) -> int:
        """Texts whose vectors may depend on one another in the last bits."""
        return CHUNK

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
    ) -> Floats:
        """Turn texts into unit vectors.

        Args:
            texts: Texts.
            batch_size: Passed on if the model's `encode` has it; many texts on a GPU ignore it.
            progress: Called with the number of texts done since its last call.

        Returns:
            Float32 (n_texts, dim); rows have length one (a row of zeros stays one).

        Raises:
            EncoderError: The model's result is not a matrix, has too many or few rows, or is not finite.
        """
        if isinstance(texts, (str, bytes)):
            raise EncoderError(
                f"encode takes a list of texts. Given: one {type(texts).__name__}. Put it in a list."
            )
        if (vectors := self._many.encode(texts, progress)) is not None:
            self.dim = vectors.shape[1]
            return vectors
        options: dict[str, object] = {
            "batch_size": batch_size,
            "show_progress_bar": False,
            "convert_to_numpy": True,
        }
        keywords = {k: v for k, v in options.items() if v is not None and self._takes(k)}
        parts = []
        for start in range(0, len(texts), CHUNK):
            part = [SURROGATES.sub("\ufffd", str(text)) for text in texts[start : start + CHUNK]]
            parts.append(as_vectors(self._rows(part, keywords), len(part), self.name))
            if progress is not None:
                progress(len(part))
        if not parts:
            return np.zeros((0, self.dim or _dimension(self.model) or 0), np.float32)
        lengths = sorted({part.shape[1] for part in parts} | ({self.dim} if self.dim else set()))
        if len(lengths) > 1:
            raise EncoderError(
                f"The encoder {self.name!r} gave vectors of different lengths. "
                f"Given: {lengths}. "
                "Its encode has to give the same number of columns every time."
            )
        self.dim = lengths[0]
        return np.concatenate(parts)


def as_vectors(rows: object, n_texts: int, name: str) -> Floats:
    """Check the result of an encoder and bring it to float32 unit rows (n_texts, dim); rows of zeros stay.

    `rows` is a matrix (NumPy, torch or lists) or a list of rows; raises `EncoderError` if its shape is
    wrong or a number is not finite.
    """
    try:
        matrix = np.asarray(_off_torch(rows), dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EncoderError(
            f"The encoder {name!r} gave something that is not a matrix of numbers. "
            f"Given: {type(rows).__name__} ({error}). "
            "Its encode has to give one row of numbers for each text."
        ) from None
    if matrix.ndim != 2 or matrix.shape[0] != n_texts or matrix.shape[1] == 0:
        raise EncoderError(
            f"The encoder {name!r} gave an array of the wrong shape. "
            f"Given: {matrix.shape} for {n_texts} texts. Its encode has to give ({n_texts}, dimension)."
        )
    if not (finite := np.isfinite(matrix).all(axis=1)).all():
        raise EncoderError(
            f"The encoder {name!r} gave numbers that are not finite (NaN or infinite). Given: "
            f"{int((~finite).sum())} of {n_texts} rows, the first is row {int(np.argmin(finite))}. "
            "Look at that text, or use float32 in place of half precision."
        )
    length = np.sqrt(np.square(matrix).sum(axis=1, keepdims=True))
    return (matrix / np.where(length > 0, length, 1)).astype(np.float32)


def _off_torch(rows: Any) -> Any:
    """Tensors, and lists of tensors, as NumPy arrays; anything else as it is."""
    if isinstance(rows, (list, tuple)):
        return [_off_torch(row) if hasattr(row, "detach") else row for row in rows]
    if hasattr(rows, "detach"):
        rows = rows.detach().cpu()
        # bfloat16 has no NumPy type
        return (rows.float() if "float16" in str(rows.dtype) else rows).numpy()
    return rows


def _keywords(function: Callable[..., object]) -> Callable[[str], bool]:
    """Which keywords a function takes; none where its signature is unknown."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return lambda name: False
    any_keyword = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    named = {n for n, p in parameters.items() if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
    # **kwargs are unknown, unless they are those of sentence-transformers
    has_their_names = any_keyword and "show_progress_bar" in named
    return lambda name: name in named or (has_their_names and name in ("batch_size", "convert_to_numpy"))


def _name_of(model: object) -> str:
    card = getattr(model, "model_card_data", None)
    for name in (getattr(model, "name", None), getattr(card, "base_model", None)):
        if isinstance(name, str) and name:
            return name
    return type(model).__name__


def _dimension(model: object) -> int | None:
    for name in ("get_embedding_dimension", "get_sentence_embedding_dimension"):
        if callable(method := getattr(model, name, None)):
            return int(method() or 0) or None
    return None
