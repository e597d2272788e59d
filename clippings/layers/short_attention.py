"""Attention among the tokens of short texts of one length, many texts a tile: a Triton kernel.

Flash attention gives every text a tile of 64 or 128 tokens; of a name of 8 tokens the rest of it is empty.
Here a tile holds as many texts as fit, and a token attends to those of its own text.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl

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
    """One head of the texts of one tile; numbers of a token lie together, head after head."""
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
    module: Any, query: Any, key: Any, value: Any, mask: Any, scaling: float | None = None, **other: Any
) -> tuple[Any, None]:
    """Attention as transformers calls it; texts that are long, padded or of few tokens go to torch's own.

    Args:
        module: The layer.
        query: (n_texts, heads, n_tokens, width).
        key: (n_texts, heads, n_tokens, width).
        value: (n_texts, heads, n_tokens, width).
        mask: What may not be seen; None where every token sees all of its text.
        scaling: Of the products.
        other: What transformers hands to its own attention.

    Returns:
        (n_texts, n_tokens, heads, width), and None for the weights.
    """
    n, heads, length, width = query.shape
    plain = mask is None and length <= LONGEST and query.dtype == torch.float16
    plain = plain and not other.get("dropout") and not getattr(module, "is_causal", False)
    for part in (query, key, value):
        plain = plain and part.shape == query.shape and part.transpose(1, 2).is_contiguous()
    if not plain:
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
