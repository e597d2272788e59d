"""Attention within short texts of one length, many texts a tile: a Triton kernel.

Flash attention gives every text a tile of 64 or 128 tokens, mostly empty for a name of 8 tokens. Here a
tile holds as many texts as fit, and a token attends to those of its own text.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor, nn

__all__ = ["LONGEST", "NAME", "attention"]

NAME = "linktransformer_short"  # of the attention, among those of transformers
LONGEST = 64  # tokens of a text
TILE = 64  # tokens of a program


@triton.jit
def _attention(
    query,
    key,
    value,
    out,
    n_tokens,
    row,
    length,
    per_tile,
    scaling,
    TILE: tl.constexpr,
    WIDTH: tl.constexpr,
    WIDE: tl.constexpr,
):
    """One head of the texts of one tile; the numbers of a token lie together, head after head."""
    place = tl.arange(0, TILE)
    token = tl.program_id(0) * per_tile + place
    there = (place < per_tile) & (token < n_tokens)
    wide = tl.arange(0, WIDE)
    at = token.to(tl.int64)[:, None] * row + tl.program_id(1) * WIDTH + wide[None, :]
    mask = there[:, None] & (wide < WIDTH)[None, :]
    q = tl.load(query + at, mask=mask, other=0.0)
    k = tl.load(key + at, mask=mask, other=0.0)
    v = tl.load(value + at, mask=mask, other=0.0)
    score = tl.dot(q, tl.trans(k)) * scaling
    text = place // length
    score = tl.where((text[:, None] == text[None, :]) & there[None, :], score, float("-inf"))
    best = tl.max(score, axis=1)
    weight = tl.exp(score - tl.where(there, best, 0.0)[:, None])
    weight = weight / tl.where(there, tl.sum(weight, axis=1), 1.0)[:, None]
    tl.store(out + at, tl.dot(weight.to(v.dtype), v).to(v.dtype), mask=mask)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scaling: float | None = None,
    **other: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers calls it; long, padded and other texts go to torch's own.

    query, key and value are (n_texts, heads, n_tokens, width); returns (n_texts, n_tokens, heads, width),
    and None for the weights.
    """
    n, heads, length, width = query.shape
    fits = mask is None and length <= LONGEST and query.dtype == torch.float16
    fits = fits and not other.get("dropout") and not getattr(module, "is_causal", False)
    for part in (query, key, value):
        fits = fits and part.shape == query.shape and part.transpose(1, 2).is_contiguous()
    if not fits:
        from transformers.integrations.sdpa_attention import sdpa_attention_forward

        return sdpa_attention_forward(module, query, key, value, mask, scaling=scaling, **other)
    out = torch.empty((n, length, heads, width), dtype=query.dtype, device=query.device)
    per_tile = TILE // length * length
    _attention[(triton.cdiv(n * length, per_tile), heads)](
        query, key, value, out, n * length, heads * width, length, per_tile,
        width**-0.5 if scaling is None else scaling,
        TILE=TILE, WIDTH=width, WIDE=max(16, triton.next_power_of_2(width)), num_warps=4,
    )  # fmt: skip
    return out, None
