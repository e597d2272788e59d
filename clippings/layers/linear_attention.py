"""Attention whose cost grows with the length of a record, not with its square: the second-order Taylor map.

With s = q.k / sqrt(f) the softmax's exp(s) becomes 1 + s + s^2 / 2, which is a product of features of q and
of k. So the keys and values of a record are added up once, in a state of (features, width), and every query
reads it. The polynomial is never below 1/2, so that no denominator is zero. (S. Arora et al., Simple linear
attention language models balance the recall-throughput tradeoff, 2024.)

A record here is read in both directions, so there is no scan: two products of matrices do it. Where no
gradients are wanted, a card with Triton does it in half precision without writing the features down; whether
that gives what is defined is tried once a card. This module needs torch; nothing imports it before a model is
built.
"""

from __future__ import annotations

import logging
import math
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

__all__ = ["feature_count", "fuses", "linear_attention", "linear_attention_plain", "taylor_features"]

logger = logging.getLogger(__name__)
FORMS = ("symmetric", "full")
AT_ONCE = {"cpu": 2**22, "cuda": 2**27}  # features held at a time: 17 MB, or some hundred
CLOSE = 0.05  # largest difference of the fused form from the definition, of values near one in half precision
CAUSAL = 128  # places within which causal products are made outright


def feature_count(size: int, form: str = "symmetric") -> int:
    """How many features the map has.

    Args:
        size: Width of a query or key.
        form: "symmetric" has each pair of numbers once, "full" twice; the products are the same.

    Returns:
        153 or 273 for a width of 16.

    Example:
        >>> feature_count(16), feature_count(16, "full")
        (153, 273)
    """
    return 1 + size + (size * size if form == "full" else size * (size + 1) // 2)


def taylor_features(x: Tensor, form: str = "symmetric") -> Tensor:
    """The features of queries or keys, whose products are 1 + s + s^2 / 2 with s = q.k / sqrt(f).

    Args:
        x: (..., f, t): a place's numbers stand in a column, so that rows are multiplied with rows.
        form: "symmetric" or "full".

    Returns:
        (..., features, t), of the same type.

    Raises:
        ValueError: No such form.

    Example:
        >>> q, k = torch.ones(2, 1), torch.full((2, 1), 2.0)
        >>> s = (q * k).sum() / 2**0.5
        >>> torch.allclose((taylor_features(q) * taylor_features(k)).sum(), 1 + s + s * s / 2)
        True
    """
    if form not in FORMS:
        raise ValueError(f"There is no such form of the features. Given: {form!r}. Give one of {FORMS}.")
    size, width = x.shape[-2], feature_count(x.shape[-2], form)
    out = x.new_empty((*x.shape[:-2], width, x.shape[-1]))
    out[..., 0, :] = 1
    torch.mul(x, size**-0.25, out=out[..., 1 : 1 + size, :])
    for start, first, rows, factor in _rows(size, form):
        left, right = out[..., start : start + rows, :], x[..., first : first + rows, :]
        which = (start - 1 - size) // size if form == "full" else first
        torch.mul(right, x[..., which : which + 1, :] * factor, out=left)
        if form == "symmetric":  # a square stands once where the other products stand for two
            left[..., 0, :] *= math.sqrt(0.5)
    return out


def _rows(size: int, form: str) -> list[tuple[int, int, int, float]]:
    """For each number: where its products begin, with which it begins, how many there are, their factor."""
    if form == "full":
        return [(1 + size + i * size, 0, size, (2 * size) ** -0.5) for i in range(size)]
    starts = [1 + size + i * size - i * (i - 1) // 2 for i in range(size)]
    return [(start, i, size - i, size**-0.5) for i, start in enumerate(starts)]


def _features_back(x: Tensor, grown: Tensor, form: str) -> Tensor:
    """The gradient of what was mapped, from that of its features."""
    size = x.shape[-2]
    back: Tensor = grown[..., 1 : 1 + size, :] * size**-0.25
    for place, (start, first, rows, factor) in enumerate(_rows(size, form)):
        own = x[..., place : place + 1, :] * factor
        part = grown[..., start : start + rows, :]
        if form == "symmetric":  # x^2 gives 2 x, halved by its factor: its row below counts it once
            square = part[..., :1, :] * math.sqrt(0.5)
            part = torch.cat([square, part[..., 1:, :]], dim=-2)
        back[..., first : first + rows, :].addcmul_(part, own)
        back[..., place, :].add_((part * x[..., first : first + rows, :]).sum(dim=-2), alpha=factor)
    return back


def linear_attention_plain(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor | None = None, *, causal: bool = False
) -> Tensor:
    """The reference: every query with every key, as it is defined.

    Args:
        q: Queries, (n, heads, t, f).
        k: Keys, (n, heads, t, f).
        v: Values, (n, heads, t, d).
        weight: How much each key counts, (n, heads or 1, t), 0 for padding; None: all the same.
        causal: Whether a place sees only itself and what stands before it.

    Returns:
        (n, heads, t, d).
    """
    s = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
    share = 1 + s + s * s / 2
    if weight is not None:
        share = share * weight[:, :, None, :]
    if causal:
        share = share.tril()
    found: Tensor = (share @ v) / _above_nothing(share.sum(dim=-1, keepdim=True))
    return found


def _above_nothing(total: Tensor) -> Tensor:
    """What is divided by: 1 where there is no key at all, so that zeros come out, with gradients of zero."""
    found: Tensor = torch.where(total > 0, total, 1)
    return found


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weight: Tensor | None = None,
    *,
    causal: bool = False,
    form: str = "symmetric",
) -> Tensor:
    """Each place's mean of the values, weighed by 1 + s + s^2 / 2, in time that grows with the length.

    Padding is left out of the values and of the column of ones that makes the denominator: a key of zeros
    would still have the feature 1. Sums, the state and the division are float32 whatever comes in.

    Args:
        q: Queries, (n, heads, t, f), any floating type.
        k: Keys, (n, heads, t, f), any floating type.
        v: Values, (n, heads, t, d), d of any size.
        weight: How much each key counts, (n, heads or 1, t), 0 for padding; None: all the same.
        causal: Whether a place sees only itself and what stands before it.
        form: Of the features, "symmetric" or "full".

    Returns:
        (n, heads, t, d), of the type of `v`. A record without any key gives zeros.

    Example:
        >>> q, k, v = torch.randn(3, 1, 2, 100, 16).unbind()
        >>> near = linear_attention(q, k, v) - linear_attention_plain(q, k, v)
        >>> bool(near.abs().max() < 1e-5)
        True
    """
    if not causal and fuses(q, k, v):
        along = None if weight is None else weight.transpose(1, 2)
        fused = import_module("clippings.layers.fused_linear_attention").fused_linear_attention
        read_at_once: Tensor = fused(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), along)
        return read_at_once.transpose(1, 2)
    kind = q.device.type
    with torch.autocast(kind, enabled=False):
        count: Any = q.shape[2]
        if weight is not None:
            count = (weight > 0).sum(dim=-1)[..., None, None].clamp_min(1)
        if q.dtype == k.dtype == v.dtype == torch.float32 and not torch.is_grad_enabled():
            # in one pass, and divided before and not after: half precision has no digits for that
            share = v.new_ones(v.shape[:-1])[..., None] / count
            if weight is not None:
                share = share * weight[..., None]
            seen, count = v.new_empty((*v.shape[:-1], v.shape[-1] + 1)), 1
            torch.mul(v, share, out=seen[..., :-1])
            seen[..., -1:] = share
        else:
            seen = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
            if weight is not None:
                seen = seen * weight[..., None].to(seen.dtype)
        if causal:
            read = _causal(q.float(), k.float(), seen.float(), form)
        else:
            # divided by their number, the sums stay of the size of one value
            read = _apply(_Read, q, k, seen, form)
            read = read if isinstance(count, int) and count == 1 else read / count
        made: Tensor = (read[..., :-1] / _above_nothing(read[..., -1:])).to(v.dtype)
    return made


def fuses(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether a card's own form may be used: no gradients are wanted, and it is known to be right there.

    Args:
        q: Queries, with f numbers in the last dimension.
        k: Keys, with f numbers in the last dimension.
        v: Values, with d numbers in the last dimension.

    Returns:
        Whether `clippings.layers.fused_linear_attention` takes them.

    Example:
        >>> fuses(*torch.randn(3, 1, 2, 100, 16))
        False
    """
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad):
        return False
    if not v.is_cuda or v.dtype not in (torch.float16, torch.bfloat16) or not q.dtype == k.dtype == v.dtype:
        return False
    return _fuses_rightly(v.device, v.dtype, q.shape[-1], v.shape[-1])


@lru_cache(maxsize=64)
def _fuses_rightly(device: torch.device, dtype: torch.dtype, size: int, width: int) -> bool:
    """Whether it gives what is defined, with padding and without keys, by strides and added to something."""
    if find_spec("triton") is None:
        return False
    try:
        module = import_module("clippings.layers.fused_linear_attention")
        if size > module.SIZE or width > module.WIDTH:
            return False
        draw = torch.Generator(device=device).manual_seed(0)
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            cut = torch.randn((3, 300, 2, 2 * size + width), generator=draw, device=device).to(dtype)
            q, k, v = cut[..., :size], cut[..., size : 2 * size], cut[..., 2 * size :]
            weight = torch.rand((3, 300, 2), generator=draw, device=device)
            weight[1, 117:], weight[2] = 0, 0
            gate = torch.tensor([0.5, -1.0], device=device)
            into = torch.ones_like(v).contiguous()
            found = module.fused_linear_attention(q, k, v, weight, gate=gate, into=into).double()
            rows = [part.double().transpose(1, 2) for part in (q, k, v, weight)]
            wanted = 1 + gate.double()[:, None] * linear_attention_plain(*rows).transpose(1, 2)
        worst = float((found - wanted).abs().max())
    except Exception as error:  # Triton's compiler has errors of many kinds
        logger.warning("fused linear attention is not used on this card: %s", str(error)[:200])
        return False
    if not worst <= CLOSE:
        logger.warning("fused linear attention is not used on this card: it differs by %.3g", worst)
        return False
    return True


class _Read(torch.autograd.Function):
    """phi(q) (phi(k)^T u): features are made piece by piece, and again for the gradients, never kept."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, u: Tensor, form: str) -> Tensor:
        state = _state(k, u, form)
        ctx.save_for_backward(q, k, u, state)
        ctx.form = form
        return _reading(q, state, form, u.dtype)

    @staticmethod
    def backward(ctx: Any, *grown: Tensor) -> tuple[Tensor | None, ...]:
        q, k, u, state = ctx.saved_tensors
        with torch.autocast(q.device.type, enabled=False):
            out = grown[0].to(u.dtype)  # (n, heads, t, e)
            to_state = _state(q, out, ctx.form)
            back_q = _mapped_back(q, out, state, ctx.form)
            back_k = _mapped_back(k, u, to_state, ctx.form)
            back_u = _reading(k, to_state, ctx.form, u.dtype)
        return back_q, back_k, back_u.to(u.dtype), None


def _apply(function: Any, *given: Any) -> Tensor:
    found: Tensor = function.apply(*given)  # torch has no types for it
    return found


def _pieces(x: Tensor, form: str) -> list[slice]:
    """Stretches of places whose features are made at a time."""
    n, heads, t, size = x.shape
    limit = AT_ONCE.get(x.device.type, AT_ONCE["cpu"])
    step = max(64, limit // (n * heads * feature_count(size, form)) // 64 * 64)
    return [slice(start, min(t, start + step)) for start in range(0, t, step)]


def _mapped(x: Tensor, some: slice, form: str) -> Tensor:
    """Features of some places, (n * heads, features, places)."""
    return taylor_features(x[:, :, some].transpose(-1, -2).contiguous(), form).flatten(0, 1)


def _state(x: Tensor, u: Tensor, form: str) -> Tensor:
    """phi(x)^T u summed over all places, (n * heads, features, e) float32."""
    n, heads, _, size = x.shape
    total = torch.zeros(
        (n * heads, feature_count(size, form), u.shape[-1]), dtype=torch.float32, device=x.device
    )
    for some in _pieces(x, form):
        total += _product(_mapped(x, some, form), u[:, :, some].flatten(0, 1))
    return total


def _reading(x: Tensor, state: Tensor, form: str, dtype: torch.dtype) -> Tensor:
    """phi(x) state, (n, heads, t, e) float32."""
    n, heads, t, _ = x.shape
    out = torch.empty((n * heads, t, state.shape[-1]), dtype=torch.float32, device=x.device)
    for some in _pieces(x, form):
        out[:, some] = _product(_mapped(x, some, form).transpose(1, 2), state)
    return out.view(n, heads, t, -1)


def _mapped_back(x: Tensor, out: Tensor, state: Tensor, form: str) -> Tensor:
    """The gradient of q (or k): what its features would have changed, brought back to it."""
    back = torch.empty_like(x)
    for some in _pieces(x, form):
        grown = _product(
            state, out[:, :, some].flatten(0, 1).transpose(1, 2)
        )  # (n * heads, features, places)
        piece = x[:, :, some].transpose(-1, -2).float()
        back[:, :, some] = _features_back(
            piece, grown.view(*piece.shape[:2], *grown.shape[1:]), form
        ).transpose(-1, -2)
    return back


def _product(left: Tensor, right: Tensor) -> Tensor:
    """A batch of products, summed in float32; one side may be a float32 state beside halved features."""
    if left.dtype == right.dtype:
        return _summed(left, right)
    if right.dtype != torch.float32:
        return _product(right.transpose(1, 2), left.transpose(1, 2)).transpose(1, 2)
    # a state in half precision would lose what one key adds among thousands: it is cut in two halves, whose
    # sum has twice the digits
    coarse = right.to(left.dtype)
    both = _summed(left, torch.cat([coarse, (right - coarse.float()).to(left.dtype)], dim=-1))
    return both[..., : right.shape[-1]] + both[..., right.shape[-1] :]


def _summed(left: Tensor, right: Tensor) -> Tensor:
    """Products of one type as float32; a card that cannot give them so rounds them once at the end."""
    if left.dtype == torch.float32:
        return torch.bmm(left, right)
    if not left.is_cuda:
        return torch.bmm(left.float(), right.float())
    if _gives_float32(left.device.index or 0, left.dtype):
        return torch.bmm(left, right, out_dtype=torch.float32)
    return torch.bmm(left, right).float()


@lru_cache(maxsize=32)
def _gives_float32(device: int, dtype: torch.dtype) -> bool:
    """Whether products of half precision can be given as the float32 that they are summed in."""
    one = torch.ones((1, 16, 16), dtype=dtype, device=f"cuda:{device}")
    try:
        return bool((torch.bmm(one, one, out_dtype=torch.float32) == 16).all())
    except (RuntimeError, TypeError):
        return False


def _causal(q: Tensor, k: Tensor, u: Tensor, form: str) -> Tensor:
    """As `_Read` where a place sees what stands before it: stretch by stretch, with a running state."""
    n, heads, t, size = q.shape
    state = u.new_zeros((n * heads, feature_count(size, form), u.shape[-1]))
    parts = []
    for start in range(0, t, CAUSAL):
        some = slice(start, min(t, start + CAUSAL))
        own_q, own_k, own_u = (part[:, :, some] for part in (q, k, u))
        s = own_q @ own_k.transpose(-1, -2) / math.sqrt(size)
        within = (1 + s + s * s / 2).tril() @ own_u
        before = _apply(_Features, own_q.transpose(-1, -2), form).flatten(0, 1).transpose(1, 2) @ state
        parts.append(within + before.view_as(within))
        keys = _apply(_Features, own_k.transpose(-1, -2), form).flatten(0, 1)
        state = state + keys @ own_u.flatten(0, 1)
    return torch.cat(parts, dim=2) if parts else torch.zeros_like(u)


class _Features(torch.autograd.Function):
    """`taylor_features` with gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, form: str) -> Tensor:
        ctx.save_for_backward(x)
        ctx.form = form
        return taylor_features(x, form)

    @staticmethod
    def backward(ctx: Any, *grown: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        return _features_back(x, grown[0].contiguous(), ctx.form), None
