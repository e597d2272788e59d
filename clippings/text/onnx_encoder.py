"""Text models with onnxruntime: no torch, and vectors that do not depend on the batch."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from clippings import fingerprint
from clippings.arrays import Floats, Integers
from clippings.errors import EncoderError
from clippings.text.passages import Splitter
from clippings.text.truncation import Truncation
from model_hub import ModelFolder

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

TOKENS_PER_BATCH = 1024  # measured: larger batches exceed the CPU's cache
TEXTS_PER_TOKENIZER_CALL = 16_384  # bounds the memory of the tokenizer
CHARS_PER_TOKEN = 64  # a text is cut at max_tokens times this many characters before it is tokenized
SURROGATES = re.compile("[\ud800-\udfff]")


class OnnxTextEncoder:
    """A text model of a verified folder, run by onnxruntime.

    Texts are sorted by their number of tokens and only texts of one length share a batch. There is no
    padding, so a text's vector depends only on the text.

    Attributes:
        name: The model's name.
        dim: Length of a vector.
        max_tokens: Texts are cut after so many tokens, the special ones included.
        device: Where it runs, "cpu" or "cuda".
        serializer: How rows were serialised in the model's training, from its manifest, or None.
        decision: The file of the decision that the model was trained with, or None.

    One encoder may be used by several threads at once.

    Example:
        >>> from model_hub import bundled
        >>> encoder = OnnxTextEncoder.from_folder(bundled(), threads=1)
        >>> a, b, c = encoder.encode(["Deutsche Bank", "German bank", "green tea"])
        >>> bool(a @ b > a @ c)
        True
    """

    def __init__(self, model: ModelFolder, *, device: str | None = None, threads: int | None = None) -> None:
        manifest = model.manifest
        self.name, self.dim, self.max_tokens = manifest.name, manifest.dimension, manifest.max_tokens
        self.serializer = manifest.serializer
        self.decision = model.file(manifest.decision) if manifest.decision else None
        self._pooling, self._normalize, self._prefix = manifest.pooling, manifest.normalize, manifest.prefix
        self._tokenizer = _tokenizer(model)
        self._session, self.device = session(model, device, threads)
        self._inputs = {item.name for item in self._session.get_inputs()}
        self._model = model

    def share_lost(self, texts: Sequence[str]) -> Floats:
        """The share of each text's characters that is cut off.

        Args:
            texts: Texts.

        Returns:
            (n_texts,) float32.
        """
        lost = Truncation(self._tokenizer, self.max_tokens, self._prefix).share_lost(texts)
        length = np.fromiter(map(len, texts), np.float32, len(texts))
        return np.maximum(
            lost, 1 - self.max_tokens * CHARS_PER_TOKEN / np.maximum(length, 1), dtype=np.float32
        )

    def passages(self, texts: Sequence[str]) -> list[list[str]]:
        """Split texts into passages that the model reads whole, where sentences or words end.

        Args:
            texts: Texts.

        Returns:
            The passages of each text, one at least; a text that is read whole is one, unchanged.
        """
        return self._splitter.split(texts)

    @cached_property
    def _splitter(self) -> Splitter:
        return Splitter(self._tokenizer, self.max_tokens, self._prefix)

    @property
    def takes_means(self) -> bool:
        """Whether a vector is the mean over the tokens, and of length one."""
        return self._pooling != "cls" and self._normalize

    @property
    def vocabulary_size(self) -> int:
        """How many different tokens there are."""
        return int(self._tokenizer.get_vocab_size())

    @cached_property
    def cache_key(self) -> str:
        """Names the files, settings and runtime; equal keys mean equal vectors."""
        return fingerprint.of_folder(self._model, self.device)

    @classmethod
    def from_folder(
        cls, model: ModelFolder, *, device: str | None = None, threads: int | None = None
    ) -> OnnxTextEncoder:
        """Load a text model of a verified folder.

        Args:
            model: What `model_hub.open_model` or `model_hub.bundled` gives.
            device: None or "cpu"; "cuda" for a GPU, with the package onnxruntime-gpu.
            threads: Number of threads; None for all cores. The vectors are the same for any number.

        Returns:
            The encoder.

        Raises:
            EncoderError: The device is unknown or not there, or the graph cannot be read.
        """
        return cls(model, device=device, threads=threads)

    def encode(
        self,
        texts: Sequence[str],
        *,
        batch_size: int | None = None,
        progress: Callable[[int], object] | None = None,
        weight: Floats | None = None,
    ) -> Floats:
        """Turn texts into unit vectors.

        Args:
            texts: Any texts; an empty one has a vector too. Lone surrogates are read as U+FFFD.
            batch_size: At most so many texts at once; it changes the speed, never the vectors.
            progress: Called with the number of texts done since its last call.
            weight: How much each token of the vocabulary counts in a mean, (vocabulary_size,) float32; None
                for all alike. See `TokenWeighted`.

        Returns:
            Float32 (n_texts, dim), rows of length one, in the order of the texts.

        Raises:
            EncoderError: `texts` is one string, or an item is not a string.
        """
        if isinstance(texts, (str, bytes)):
            raise EncoderError(
                f"encode takes a list of texts. Given: one {type(texts).__name__}. Put it in a list."
            )
        if batch_size is not None and batch_size < 1:
            raise EncoderError(f"batch_size has to be 1 or more. Given: {batch_size}. None chooses it.")
        vectors = np.empty((len(texts), self.dim), np.float32)
        ids = self.tokens(texts)
        for rows in batches([len(row) for row in ids], batch_size):
            vectors[rows] = self._run(np.stack([ids[row] for row in rows]), weight)
            if progress is not None:
                progress(len(rows))
        return vectors

    def tokens(self, texts: Sequence[str]) -> list[npt.NDArray[np.int32]]:
        """Tokenize texts.

        Args:
            texts: The texts, without the model's prefix.

        Returns:
            The token numbers of each text, (n_tokens,) int32, special tokens included, truncated at the
            model's limit.

        Raises:
            EncoderError: One of them is not a string.
        """
        ids: list[npt.NDArray[np.int32]] = []
        limit = self.max_tokens * CHARS_PER_TOKEN
        for start in range(0, len(texts), TEXTS_PER_TOKENIZER_CALL):
            part = texts[start : start + TEXTS_PER_TOKENIZER_CALL]
            try:
                clean = [SURROGATES.sub("\ufffd", self._prefix + text[:limit]) for text in part]
            except TypeError:
                wrong = next(item for item in list[object](part) if not isinstance(item, str))
                raise EncoderError(
                    f"encode takes texts. Given: a {type(wrong).__name__}, {wrong!r:.60}. Convert it to str."
                ) from None
            ids += [np.array(encoding.ids, np.int32) for encoding in self._tokenizer.encode_batch(clean)]
        return ids

    def _run(self, ids: npt.NDArray[np.int32], weight: Floats | None = None) -> Floats:
        feed = {"input_ids": ids.astype(np.int64)}  # (batch, length)
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = np.ones(ids.shape, np.int64)
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros(ids.shape, np.int64)
        tokens: Floats = self._session.run(None, feed)[0]  # (batch, length, dim)
        if weight is not None:
            share = weight[ids] / weight[ids].mean(axis=1, keepdims=True)
            tokens = tokens * share[:, :, None]
        pooled = tokens[:, 0] if self._pooling == "cls" else np.add.reduce(tokens, axis=1) / ids.shape[1]
        if self._normalize:
            pooled = pooled / np.maximum(np.sqrt(np.square(pooled).sum(axis=1, keepdims=True)), 1e-12)
        return np.asarray(pooled, np.float32)


def batches(lengths: Sequence[int], batch_size: int | None) -> Iterator[Integers]:
    """Group texts of one length, the longest first; `batch_size` None bounds only the tokens.

    Example:
        >>> [group.tolist() for group in batches([3, 5, 3, 3], 2)]
        [[1], [0, 2], [3]]
    """
    sizes = np.asarray(lengths, np.int64)
    order = np.argsort(-sizes, kind="stable")
    edges = np.flatnonzero(np.diff(sizes[order])) + 1
    for group in np.split(order, edges) if len(order) else []:
        size = max(1, TOKENS_PER_BATCH // max(1, int(sizes[group[0]])))
        size = size if batch_size is None else min(size, batch_size)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _tokenizer(model: ModelFolder) -> Tokenizer:
    from tokenizers import Tokenizer

    path = model.file("tokenizer.json")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare Exception
        raise EncoderError(
            f"The model's tokenizer cannot be read. Given: {path}: {str(error)[:300]}. Update the package "
            "tokenizers, or download the model folder again."
        ) from error
    tokenizer.no_padding()
    tokenizer.enable_truncation(model.manifest.max_tokens)
    return tokenizer


def session(
    model: ModelFolder, device: str | None, threads: int | None, graph: str = "model.onnx"
) -> tuple[InferenceSession, str]:
    """A session of onnxruntime for a graph of a verified folder, and where it runs, "cpu" or "cuda".

    `device` and `threads` as in `OnnxTextEncoder.from_folder`.
    """
    import onnxruntime

    kind = (device or "cpu").split(":")[0]
    names = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
    number = (device or "cpu").partition(":")[2] or "0"
    if kind not in names or not number.isdigit():
        raise EncoderError(f"The model runs on 'cpu' or 'cuda'. Given: device={device!r}. Use one of these.")
    if names[kind] not in onnxruntime.get_available_providers():
        raise EncoderError(
            f"The installed onnxruntime cannot use a GPU. Given: device={device!r}. "
            "Install onnxruntime-gpu in its place, or leave device out."
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0: all cores
    options.log_severity_level = 3
    options.enable_cpu_mem_arena = False
    options.use_deterministic_compute = True
    for pool in ("intra_op", "inter_op"):  # a waiting thread that spins takes a core from others
        options.add_session_config_entry(f"session.{pool}.allow_spinning", "0")
    providers: list[str | tuple[str, dict[str, str]]] = ["CPUExecutionProvider"]
    if kind == "cuda":
        providers.insert(0, ("CUDAExecutionProvider", {"device_id": number}))
    try:
        return onnxruntime.InferenceSession(str(model.file(graph)), options, providers=providers), kind
    except Exception as error:  # onnxruntime's dozen error classes have no common base
        raise EncoderError(
            f"onnxruntime cannot read the model. Given: {model.path}: {error}. "
            "Update onnxruntime, or download the model folder again."
        ) from error
