"""Attention whose cost is linear in the length of a record: the second-order Taylor map.

With s = q.k / sqrt(f) the softmax's exp(s) becomes 1 + s + s^2 / 2, a product of features of q and of k.
The keys and values of a record are summed once, in a state of (features, width), which every query reads.
The polynomial is at least 1/2, so no denominator is zero. (S. Arora et al., Simple linear attention
language models balance the recall-throughput tradeoff, 2024.)

A record is read in both directions, so there is no scan: two matrix products do it. Without gradients a GPU
with Triton does it in half precision and never stores the features; whether that form agrees with the
definition is checked once a GPU. This module needs torch; nothing imports it before a model is built.
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
CAUSAL = 128  # places whose causal products are computed directly


def feature_count(size: int, form: str = "symmetric") -> int:
    """How many features the map has: "full" has each pair of numbers twice, "symmetric" once.

    Example:
        >>> feature_count(16), feature_count(16, "full")
        (153, 273)
    """
    return 1 + size + (size * size if form == "full" else size * (size + 1) // 2)


def taylor_features(x: Tensor, form: str = "symmetric") -> Tensor:
    """Features whose products are 1 + s + s^2 / 2 with s = q.k / sqrt(f): (..., f, t) to (..., features, t).

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
        factor_row = (start - 1 - size) // size if form == "full" else first
        torch.mul(right, x[..., factor_row : factor_row + 1, :] * factor, out=left)
        if form == "symmetric":  # a square stands once where the other products stand for two
            left[..., 0, :] *= math.sqrt(0.5)
    return out


def _rows(size: int, form: str) -> list[tuple[int, int, int, float]]:
    """For each number of a query: start of its products, its first factor, their number, their weight."""
    if form == "full":
        return [(1 + size + i * size, 0, size, (2 * size) ** -0.5) for i in range(size)]
    starts = [1 + size + i * size - i * (i - 1) // 2 for i in range(size)]
    return [(start, i, size - i, size**-0.5) for i, start in enumerate(starts)]


def _features_back(x: Tensor, grad_out: Tensor, form: str) -> Tensor:
    """The gradient of the input, from that of its features."""
    size = x.shape[-2]
    grad: Tensor = grad_out[..., 1 : 1 + size, :] * size**-0.25
    for place, (start, first, rows, factor) in enumerate(_rows(size, form)):
        own = x[..., place : place + 1, :] * factor
        part = grad_out[..., start : start + rows, :]
        if form == "symmetric":  # x^2 gives 2 x, halved by its factor: its row below counts it once
            square = part[..., :1, :] * math.sqrt(0.5)
            part = torch.cat([square, part[..., 1:, :]], dim=-2)
        grad[..., first : first + rows, :].addcmul_(part, own)
        grad[..., place, :].add_((part * x[..., first : first + rows, :]).sum(dim=-2), alpha=factor)
    return grad


def linear_attention_plain(
    q: Tensor, k: Tensor, v: Tensor, weight: Tensor | None = None, *, causal: bool = False
) -> Tensor:
    """Reference: every query with every key. Shapes as in `linear_attention`."""
    s = (q @ k.transpose(-1, -2)) / math.sqrt(q.shape[-1])
    share = 1 + s + s * s / 2
    if weight is not None:
        share = share * weight[:, :, None, :]
    if causal:
        share = share.tril()
    out: Tensor = (share @ v) / _above_nothing(share.sum(dim=-1, keepdim=True))
    return out


def _above_nothing(total: Tensor) -> Tensor:
    """The denominator: 1 where there is no key, so that the result and its gradients are zeros."""
    denominator: Tensor = torch.where(total > 0, total, 1)
    return denominator


def linear_attention(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    weight: Tensor | None = None,
    *,
    causal: bool = False,
    form: str = "symmetric",
) -> Tensor:
    """Each place's mean of the values weighted by 1 + s + s^2 / 2, in linear time: (n, heads, t, d).

    q and k are (n, heads, t, f), v is (n, heads, t, d), of any floating dtype. `weight` (n, heads or 1, t)
    weights each key, 0 for padding; None for equal weights. With `causal` a place sees itself and the
    places before it. Padding is left out of the values and of the column of ones that makes the
    denominator, since a key of zeros still has the feature 1. Sums, state and division are float32. A
    record without any key gives zeros.

    Example:
        >>> q, k, v = torch.randn(3, 1, 2, 100, 16).unbind()
        >>> error = linear_attention(q, k, v) - linear_attention_plain(q, k, v)
        >>> bool(error.abs().max() < 1e-5)
        True
    """
    if not causal and fuses(q, k, v):
        along = None if weight is None else weight.transpose(1, 2)
        fused = import_module("clippings.layers.fused_linear_attention").fused_linear_attention
        fused_out: Tensor = fused(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2), along)
        return fused_out.transpose(1, 2)
    kind = q.device.type
    with torch.autocast(kind, enabled=False):
        count: Tensor | int = q.shape[2]
        if weight is not None:
            count = (weight > 0).sum(dim=-1)[..., None, None].clamp_min(1)
        if q.dtype == k.dtype == v.dtype == torch.float32 and not torch.is_grad_enabled():
            # one pass; divided before the sum, for which half precision has too few digits
            share = v.new_ones(v.shape[:-1])[..., None] / count
            if weight is not None:
                share = share * weight[..., None]
            values, count = v.new_empty((*v.shape[:-1], v.shape[-1] + 1)), 1
            torch.mul(v, share, out=values[..., :-1])
            values[..., -1:] = share
        else:
            values = torch.cat([v, torch.ones_like(v[..., :1])], dim=-1)
            if weight is not None:
                values = values * weight[..., None].to(values.dtype)
        if causal:
            read = _causal(q.float(), k.float(), values.float(), form)
        else:
            # divided by their number, the sums have the size of one value
            read = _apply(_Read, q, k, values, form)
            read = read if isinstance(count, int) and count == 1 else read / count
        mean: Tensor = (read[..., :-1] / _above_nothing(read[..., -1:])).to(v.dtype)
    return mean


def fuses(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether the fused form is used: on a GPU in half precision, without gradients, where it is accurate."""
    if torch.is_grad_enabled() and (q.requires_grad or k.requires_grad or v.requires_grad):
        return False
    if not v.is_cuda or v.dtype not in (torch.float16, torch.bfloat16) or not q.dtype == k.dtype == v.dtype:
        return False
    return _fuses_rightly(v.device, v.dtype, q.shape[-1], v.shape[-1])


@lru_cache(maxsize=64)
def _fuses_rightly(device: torch.device, dtype: torch.dtype, size: int, width: int) -> bool:
    """Whether it agrees with the definition: padding, no keys, strided inputs, and `into`."""
    if find_spec("triton") is None:
        return False
    try:
        module = import_module("clippings.layers.fused_linear_attention")
        if size > module.SIZE or width > module.WIDTH:
            return False
        draw = torch.Generator(device=device).manual_seed(0)
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):
            parts = torch.randn((3, 300, 2, 2 * size + width), generator=draw, device=device).to(dtype)
            q, k, v = parts[..., :size], parts[..., size : 2 * size], parts[..., 2 * size :]
            weight = torch.rand((3, 300, 2), generator=draw, device=device)
            weight[1, 117:], weight[2] = 0, 0
            gate = torch.tensor([0.5, -1.0], device=device)
            into = torch.ones_like(v).contiguous()
            out = module.fused_linear_attention(q, k, v, weight, gate=gate, into=into).double()
            rows = [part.double().transpose(1, 2) for part in (q, k, v, weight)]
            expected = 1 + gate.double()[:, None] * linear_attention_plain(*rows).transpose(1, 2)
        difference = float((out - expected).abs().max())
    except Exception as error:  # Triton's compiler has errors of many kinds
        logger.warning("fused linear attention is not used on this GPU: %s", str(error)[:200])
        return False
    if not difference <= CLOSE:
        logger.warning("fused linear attention is not used on this GPU: it differs by %.3g", difference)
        return False
    return True


class _Read(torch.autograd.Function):
    """phi(q) (phi(k)^T u): features are computed in chunks, and again for the gradients, never stored."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, u: Tensor, form: str) -> Tensor:
        state = _state(k, u, form)
        ctx.save_for_backward(q, k, u, state)
        ctx.form = form
        return _reading(q, state, form, u.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        q, k, u, state = ctx.saved_tensors
        with torch.autocast(q.device.type, enabled=False):
            out = grads[0].to(u.dtype)  # (n, heads, t, e)
            to_state = _state(q, out, ctx.form)
            back_q = _mapped_back(q, out, state, ctx.form)
            back_k = _mapped_back(k, u, to_state, ctx.form)
            back_u = _reading(k, to_state, ctx.form, u.dtype)
        return back_q, back_k, back_u.to(u.dtype), None


def _apply(function: type[torch.autograd.Function], *inputs: Tensor | str) -> Tensor:
    out: Tensor = function.apply(*inputs)  # type: ignore[no-untyped-call]  # torch has no types for it
    return out


def _pieces(x: Tensor, form: str) -> list[slice]:
    """Slices of places whose features are computed at once."""
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
    """The gradient of q (or k), from that of the output and the state."""
    back = torch.empty_like(x)
    for some in _pieces(x, form):
        # (n * heads, features, places)
        grad = _product(state, out[:, :, some].flatten(0, 1).transpose(1, 2))
        piece = x[:, :, some].transpose(-1, -2).float()
        back[:, :, some] = _features_back(
            piece, grad.view(*piece.shape[:2], *grad.shape[1:]), form
        ).transpose(-1, -2)
    return back


def _product(left: Tensor, right: Tensor) -> Tensor:
    """A batch of products, summed in float32.

    One side may be a float32 state beside half-precision features.
    """
    if left.dtype == right.dtype:
        return _summed(left, right)
    if right.dtype != torch.float32:
        return _product(right.transpose(1, 2), left.transpose(1, 2)).transpose(1, 2)
    # a state in half precision would lose what one key adds among thousands: it is split in two, whose
    # sum has twice the digits
    coarse = right.to(left.dtype)
    both = _summed(left, torch.cat([coarse, (right - coarse.float()).to(left.dtype)], dim=-1))
    return both[..., : right.shape[-1]] + both[..., right.shape[-1] :]


def _summed(left: Tensor, right: Tensor) -> Tensor:
    """Products of one dtype as float32; a GPU that cannot return them so rounds once at the end."""
    if left.dtype == torch.float32:
        return torch.bmm(left, right)
    if not left.is_cuda:
        return torch.bmm(left.float(), right.float())
    if _gives_float32(left.device.index or 0, left.dtype):
        return torch.bmm(left, right, out_dtype=torch.float32)
    return torch.bmm(left, right).float()


@lru_cache(maxsize=32)
def _gives_float32(device: int, dtype: torch.dtype) -> bool:
    """Whether products of half precision can be returned as the float32 in which they are summed."""
    one = torch.ones((1, 16, 16), dtype=dtype, device=f"cuda:{device}")
    try:
        return bool((torch.bmm(one, one, out_dtype=torch.float32) == 16).all())
    except (RuntimeError, TypeError):
        return False


def _causal(q: Tensor, k: Tensor, u: Tensor, form: str) -> Tensor:
    """As `_Read` where a place sees those before it: chunk by chunk, with a running state."""
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
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        return _features_back(x, grads[0].contiguous(), ctx.form), None
