"""Many texts and a model of sentence-transformers on a GPU.

Texts are tokenized ahead of the GPU, in another thread; batches hold texts of one number of tokens, so
there is no padding; numbers are of half precision, and attention within short texts is computed for many
texts in a tile; vectors are copied back while the next texts are encoded. The vectors are compared with
those of the model itself before this is used.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from clippings.arrays import Floats, Integers
from clippings.text.onnx_encoder import SURROGATES
from clippings.text.word_tokens import Tokens, WordTokens

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn
    from torch.cuda import Event

    # texts, their vectors on the way to the CPU, and what tells that they are there
    _Copy = tuple[slice, Tensor, Event | None]

__all__ = ["GpuTextEncoder", "ManyTexts", "NotSupportedError", "starts_of_chunks"]

MANY = 2**14  # fewer texts do not pay for the preparation of the model
FIRST, CHUNK = 2**13, 2**17  # texts tokenized at a time: few at first, so that the GPU starts early
BATCH = 2**16  # tokens of a batch
FEW = 2**11  # tokens; lengths with fewer share a padded batch
SAMPLED = 128  # texts whose vectors are compared with the model's own
CLOSE = 1e-3  # largest difference of a number in vectors of length one


class NotSupportedError(Exception):
    """The model is not supported here; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Numbers of texts in the chunk, the most tokens of one, and whether some have fewer."""

    texts: Integers
    tokens: int
    padded: bool


class GpuTextEncoder:
    """A SentenceTransformer in half precision, with batches of one length.

    It raises `NotSupportedError` if the model has no transformer with a fast tokenizer, or if its vectors
    of `sample` differ from the model's own by more than 0.001.
    """

    def __init__(self, model: Any, sample: Sequence[str]) -> None:
        import torch

        self._torch = torch
        self._device = torch.device(model.device)
        modules = list(model)
        first = modules[0]
        body = getattr(first, "auto_model", None) or getattr(first, "model", None)
        backend = getattr(getattr(model, "tokenizer", None), "backend_tokenizer", None)
        if body is None or backend is None or not hasattr(body, "config"):
            raise NotSupportedError("its first module is not a transformer with a fast tokenizer")
        if getattr(model, "default_prompt_name", None):
            raise NotSupportedError("it puts a prompt before every text")
        self._lower = bool(getattr(first, "do_lower_case", False))
        self._rest = modules[1:]
        self._tokens = WordTokens(backend, model.max_seq_length)
        self._padding = int(getattr(model.tokenizer, "pad_token_id", 0) or 0)
        differences = []
        for dtype in (torch.float16, torch.float32) if self._device.type == "cuda" else (torch.float32,):
            self._body = _prepared(body, dtype)
            difference = self._difference(model, sample)
            if difference <= CLOSE:
                break
            differences.append(f"{difference:.1e} in {str(dtype).removeprefix('torch.')}")
        else:
            raise NotSupportedError(f"its vectors would differ by {', '.join(differences)}")
        self.precision = str(dtype).removeprefix("torch.")

    def _difference(self, model: Any, sample: Sequence[str]) -> float:
        some = list(sample[:: max(1, len(sample) // SAMPLED)][:SAMPLED])
        if not some:
            return 0.0
        own, vectors = _own_vectors(model, some), self.encode(some)
        if vectors.shape != own.shape or not np.isfinite(vectors).all():
            return float("inf")
        return float(np.abs(vectors - own).max())

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> Floats:
        """Turn texts into unit vectors, (n_texts, d) float32."""
        torch = self._torch
        starts = list(starts_of_chunks(len(texts)))
        encoded: Floats = np.empty((0, 0), dtype=np.float32)
        waiting: _Copy | None = None

        def tokenized(some: slice) -> Tokens:
            return self._tokens([self._plain(text) for text in texts[some]])

        with ThreadPoolExecutor(1) as ahead, torch.inference_mode():
            coming = [ahead.submit(tokenized, some) for some in starts[:1]]
            for number, some in enumerate(starts):
                tokens = coming.pop().result()
                coming = [ahead.submit(tokenized, following) for following in starts[number + 1 : number + 2]]
                vectors = self._chunk(tokens)
                if not encoded.size:
                    encoded = np.empty((len(texts), vectors.shape[1]), dtype=np.float32)
                back = self._sent_back(vectors)
                if waiting is not None:
                    self._keep(waiting, encoded, progress)
                waiting = (some, *back)
            if waiting is not None:
                self._keep(waiting, encoded, progress)
        return encoded

    def _plain(self, text: str) -> str:
        text = text.strip()
        return text.lower() if self._lower else text

    def _sent_back(self, vectors: Tensor) -> tuple[Tensor, Event | None]:
        if self._device.type != "cuda":
            return vectors, None
        pinned = self._torch.empty(vectors.shape, pin_memory=True)
        pinned.copy_(vectors, non_blocking=True)
        done = self._torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types for it
        done.record()
        return pinned, done

    def _keep(self, waiting: _Copy, into: Floats, progress: Callable[[int], object] | None) -> None:
        some, vectors, done = waiting
        if done is not None:
            done.synchronize()
        self._torch.from_numpy(into[some]).copy_(vectors)
        if progress is not None:
            progress(len(vectors))

    def _chunk(self, tokens: Tokens) -> Tensor:
        """The vectors of some texts, in their order, on the GPU."""
        torch = self._torch
        ids, start, length = (
            torch.from_numpy(part).to(self._device) for part in (tokens.ids, tokens.start, tokens.length)
        )
        parts, order = [], []
        for batch in _batches(tokens.length):
            some = torch.from_numpy(batch.texts).to(self._device)
            place = torch.arange(batch.tokens, device=self._device)
            at = start[some][:, None] + place
            mask = None
            if batch.padded:
                mask = place < length[some][:, None]
                at = torch.where(mask, at, 0)
            token = ids[at].long()
            if mask is not None:
                token = torch.where(mask, token, self._padding)
            parts.append(self._forward(token, mask))
            order.append(some)
        vectors = torch.cat(parts)
        ordered: Tensor = torch.empty_like(vectors)
        ordered[torch.cat(order)] = vectors
        return ordered

    def _forward(self, token: Tensor, mask: Tensor | None) -> Tensor:
        torch = self._torch
        out = self._body(input_ids=token, attention_mask=None if mask is None else mask.long())[0]
        counts = torch.ones_like(token) if mask is None else mask.long()
        features = {"input_ids": token, "token_embeddings": out.float(), "attention_mask": counts}
        for module in self._rest:
            features = module(features)
        unit: Tensor = torch.nn.functional.normalize(features["sentence_embedding"].float(), dim=1)
        return unit


def _prepared(body: nn.Module, dtype: torch.dtype) -> Any:
    """A copy of the transformer in some precision, with our attention for short texts where Triton is."""
    import torch

    copied: Any = copy.deepcopy(body).to(dtype).eval()
    if next(copied.parameters()).is_cuda and dtype == torch.float16 and importlib.util.find_spec("triton"):
        try:
            from transformers import AttentionInterface, AttentionMaskInterface
            from transformers.masking_utils import sdpa_mask

            from clippings.layers import short_attention
        except ImportError:  # before transformers 4.48
            return copied
        if getattr(copied.config, "_attn_implementation", None) == "sdpa":
            AttentionInterface.register(short_attention.NAME, short_attention.attention)
            AttentionMaskInterface.register(short_attention.NAME, sdpa_mask)
            copied.config._attn_implementation = short_attention.NAME
    return copied


def starts_of_chunks(n: int) -> Iterator[slice]:
    """Slices of the texts that are tokenized at a time, small ones first."""
    start, step = 0, FIRST
    while start < n:
        yield slice(start, min(n, start + step))
        start, step = start + step, min(CHUNK, 4 * step)


def _batches(length: Integers) -> Iterator[_Batch]:
    """Texts by their number of tokens; texts of rare numbers together, padded."""
    order = np.argsort(length, kind="stable")
    sizes, first = np.unique(length[order], return_index=True)
    rare: list[Integers] = []
    for size, start, stop in zip(sizes.tolist(), first, np.append(first[1:], len(order)), strict=True):
        texts = order[start:stop]
        if len(texts) * size < FEW:
            rare.append(texts)
            if sum(map(len, rare)) * size >= 4 * FEW:
                yield _together(rare, size)
                rare = []
            continue
        step = max(1, BATCH // size)
        for begin in range(0, len(texts), step):
            yield _Batch(texts[begin : begin + step], size, False)
    if rare:
        yield _together(rare, int(length[rare[-1][0]]))


def _together(rare: list[Integers], tokens: int) -> _Batch:
    return _Batch(np.concatenate(rare), tokens, len(rare) > 1)


def _own_vectors(model: Any, texts: list[str]) -> Floats:
    """Unit vectors by the model's own `encode`."""
    vectors = np.asarray(model.encode(texts, show_progress_bar=False), dtype=np.float32)
    unit: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return unit


class ManyTexts:
    """Encodes the texts of a caller's model on a GPU where they are many and the model is supported.

    `note` says how they were encoded, or why not here; None before.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._encoder: GpuTextEncoder | None = None
        self.note: str | None = None

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> Floats | None:
        """Unit vectors (n_texts, d) float32; None where the model's own `encode` is to be used."""
        if len(texts) < MANY or not on_gpu(self._model):
            return None
        clean = _encodable(texts)
        try:
            if self.note is None:
                self._encoder = GpuTextEncoder(self._model, clean)
                self.note = f"on the GPU in {self._encoder.precision}, batches of one length"
        except NotSupportedError as error:
            self.note = f"by its own encode: {error}"
        if self._encoder is None:
            return None
        vectors = self._encoder.encode(clean, progress)
        odd = np.flatnonzero(~np.isfinite(vectors.sum(axis=1)))  # too large for half precision
        if len(odd):
            vectors[odd] = _own_vectors(self._model, [clean[row] for row in odd.tolist()])
        return vectors


def on_gpu(model: object) -> bool:
    """Whether it is a model of sentence-transformers on a CUDA GPU."""
    package = type(model).__module__.partition(".")[0]
    return package == "sentence_transformers" and str(getattr(model, "device", "cpu")).startswith("cuda")


def _encodable(texts: Sequence[str]) -> list[str]:
    """The texts without lone surrogates, which tokenizers refuse."""
    plain = [str(text) for text in texts]
    try:
        "".join(plain).encode()
    except UnicodeEncodeError:
        return [SURROGATES.sub("\ufffd", text) for text in plain]
    return plain
