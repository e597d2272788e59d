"""A text model of sentence-transformers on a GPU that is not kept waiting.

Texts are tokenized ahead of the card, in another thread; batches hold texts of one number of tokens, so
that there is no padding; numbers are of half precision, and attention among a few tokens is done for many
texts in a tile; vectors go back while the next texts are encoded. Whether the vectors are those of the
model itself is tried before it is used.
"""

from __future__ import annotations

import copy
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from clippings.arrays import Floats, Integers
from clippings.text.word_tokens import Tokens, WordTokens

__all__ = ["GpuTextEncoder", "NotSupportedError", "starts_of_chunks"]

Vectors = Floats
FIRST, CHUNK = 2**13, 2**17  # texts tokenized at a time: few at first, for the card to begin
BATCH = 2**16  # tokens of a batch
FEW = 2**11  # tokens; texts of a length of which there are fewer are put with others, padded
TRIED = 128  # texts whose vectors are compared with the model's own
CLOSE = 1e-3  # largest difference of a number in vectors of length one


class NotSupportedError(Exception):
    """The model is not of a kind that is run here; the message says why."""


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Texts that are encoded together.

    Args:
        texts: Their numbers in the chunk.
        tokens: The most that one of them has.
        padded: Whether some have fewer.
    """

    texts: Integers
    tokens: int
    padded: bool


class GpuTextEncoder:
    """A SentenceTransformer in half precision, with batches of one length.

    Args:
        model: A SentenceTransformer whose first module is a transformer with a fast tokenizer.
        sample: Texts on which its vectors are compared with the model's own.

    Raises:
        NotSupportedError: It is of another kind, or its vectors differ by more than 0.001.
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
            raise NotSupportedError("its first module is no transformer with a fast tokenizer")
        if getattr(model, "default_prompt_name", None):
            raise NotSupportedError("it puts a prompt before every text")
        self._lower = bool(getattr(first, "do_lower_case", False))
        self._rest = modules[1:]
        self._tokens = WordTokens(backend, model.max_seq_length)
        self._padding = int(getattr(model.tokenizer, "pad_token_id", 0) or 0)
        said = []
        for dtype in (torch.float16, torch.float32) if self._device.type == "cuda" else (torch.float32,):
            self._body = _prepared(body, dtype)
            difference = self._difference(model, sample)
            if difference <= CLOSE:
                break
            said.append(f"{difference:.1e} in {str(dtype).removeprefix('torch.')}")
        else:
            raise NotSupportedError(f"its vectors would differ by {', '.join(said)}")
        self.precision = str(dtype).removeprefix("torch.")

    def _difference(self, model: Any, sample: Sequence[str]) -> float:
        some = list(sample[:: max(1, len(sample) // TRIED)][:TRIED])
        if not some:
            return 0.0
        own = np.asarray(model.encode(some, show_progress_bar=False), dtype=np.float32)
        own /= np.maximum(np.linalg.norm(own, axis=1, keepdims=True), 1e-12)
        found = self.encode(some)
        if found.shape != own.shape or not np.isfinite(found).all():
            return float("inf")
        return float(np.abs(found - own).max())

    def encode(self, texts: Sequence[str], progress: Callable[[int], object] | None = None) -> Vectors:
        """Turn texts into unit vectors.

        Args:
            texts: Texts.
            progress: Called with the number of texts done since its last call.

        Returns:
            (n_texts, d) float32.
        """
        torch = self._torch
        starts = list(starts_of_chunks(len(texts)))
        made: Vectors = np.empty((0, 0), dtype=np.float32)
        waiting: tuple[slice, Any, Any] | None = None

        def tokenized(some: slice) -> Tokens:
            return self._tokens([self._plain(text) for text in texts[some]])

        with ThreadPoolExecutor(1) as ahead, torch.inference_mode():
            coming = [ahead.submit(tokenized, some) for some in starts[:1]]
            for number, some in enumerate(starts):
                tokens = coming.pop().result()
                coming = [ahead.submit(tokenized, following) for following in starts[number + 1 : number + 2]]
                vectors = self._chunk(tokens)
                if not made.size:
                    made = np.empty((len(texts), vectors.shape[1]), dtype=np.float32)
                back = self._sent_back(vectors)
                if waiting is not None:
                    self._keep(waiting, made, progress)
                waiting = (some, *back)
            if waiting is not None:
                self._keep(waiting, made, progress)
        return made

    def _plain(self, text: str) -> str:
        text = text.strip()
        return text.lower() if self._lower else text

    def _sent_back(self, vectors: Any) -> tuple[Any, Any]:
        if self._device.type != "cuda":
            return vectors, None
        here = self._torch.empty(vectors.shape, pin_memory=True)
        here.copy_(vectors, non_blocking=True)
        done = self._torch.cuda.Event()  # type: ignore[no-untyped-call]  # torch has no types for it
        done.record()
        return here, done

    def _keep(
        self, waiting: tuple[slice, Any, Any], into: Vectors, progress: Callable[[int], object] | None
    ) -> None:
        some, vectors, done = waiting
        if done is not None:
            done.synchronize()
        self._torch.from_numpy(into[some]).copy_(vectors)
        if progress is not None:
            progress(len(vectors))

    def _chunk(self, tokens: Tokens) -> Any:
        """The vectors of some texts, in their order, on the card."""
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
        made = torch.empty_like(vectors)
        made[torch.cat(order)] = vectors
        return made

    def _forward(self, token: Any, mask: Any) -> Any:
        torch = self._torch
        out = self._body(input_ids=token, attention_mask=None if mask is None else mask.long())[0]
        seen = torch.ones_like(token) if mask is None else mask.long()
        features = {"input_ids": token, "token_embeddings": out.float(), "attention_mask": seen}
        for module in self._rest:
            features = module(features)
        return torch.nn.functional.normalize(features["sentence_embedding"].float(), dim=1)


def _prepared(body: Any, dtype: Any) -> Any:
    """A copy of the transformer in some precision, with our attention for short texts where Triton is."""
    import torch

    made = copy.deepcopy(body).to(dtype).eval()
    if next(made.parameters()).is_cuda and dtype == torch.float16 and importlib.util.find_spec("triton"):
        try:
            from transformers import AttentionInterface, AttentionMaskInterface
            from transformers.masking_utils import sdpa_mask

            from clippings.layers import short_attention
        except ImportError:  # before transformers 4.48
            return made
        if getattr(made.config, "_attn_implementation", None) == "sdpa":
            AttentionInterface.register(short_attention.NAME, short_attention.attention)
            AttentionMaskInterface.register(short_attention.NAME, sdpa_mask)
            made.config._attn_implementation = short_attention.NAME
    return made


def starts_of_chunks(n: int) -> Iterator[slice]:
    """The stretches of texts that are tokenized at a time, small ones first.

    Args:
        n: Texts.

    Yields:
        Slices.
    """
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
