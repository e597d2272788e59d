"""Layers of an encoder of long records: a window of exact attention beside linear attention over all places.

A layer is one of four kinds: "full" attention; a "window" of near places; "linear" attention over all
places; "based", window and linear in parallel. Each maps (n, t, width) to the same shape. (S. Arora et al.,
Simple linear attention language models balance the recall-throughput tradeoff, 2024, alternate the two and
read in one direction only; an encoder reads in both.)

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.layers.attention import rotate
from clippings.layers.cpu_linear import apply_linear, linear_gelu_linear, register_linear
from clippings.layers.linear_attention import linear_attention
from clippings.layers.window_attention import Places, attend

__all__ = ["KINDS", "BasedLayer", "GatedConvolution", "Mixer", "Shape", "ZeroLinear", "attention_pooling"]

KINDS = ("full", "window", "linear", "based")


@dataclass(frozen=True, slots=True)
class Shape:
    """The settings that all layers of an encoder share.

    Args:
        width: Width of the sequence.
        heads: Heads of the attention.
        inner: Width between the two maps of a feed-forward part.
        window: A place sees so many to either side.
        features: Width of the queries and keys of linear attention.
        form: Of the features, "symmetric" or "full".
        rotary: Whether queries and keys are rotated by their place; else positions are added to the tokens.
        gate: Initial weight of the linear branch beside a window, before the tanh.
        dropout: Share of numbers dropped in training.
        eps: Of the normalisations.
        centred: Whether the linear branch gives the deviation from the mean of all values, scaled to the
            size of a value.
    """

    width: int
    heads: int
    inner: int
    window: int = 64
    features: int = 16
    form: str = "symmetric"
    rotary: bool = False
    gate: float = 0.0
    dropout: float = 0.1
    eps: float = 1e-12
    centred: bool = False


@register_linear
class ZeroLinear(nn.Linear):
    """A linear map initialised to zeros, so that adding it leaves a trained model unchanged."""

    def reset_parameters(self) -> None:
        """Set all weights to zero."""
        nn.init.zeros_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)


class GatedConvolution(nn.Module):
    """Each place's neighbours, channel by channel, times a gate: shifts and comparisons before the features.

    Its last map is initialised to zeros. (D. Fu et al., Hungry hungry hippos, 2023; M. Poli et al., Hyena
    hierarchy, 2023.)
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = max(1, width // 4)  # the full width would cost a third of the layer
        self.inward = nn.Linear(width, 2 * inner)
        self.along = nn.Parameter(torch.full((3, inner), 1 / 3))
        self.outward = ZeroLinear(inner, width)

    def forward(self, x: Tensor, places: Places) -> Tensor:
        """Mix neighbours of x (n, t, width); the result is to be added to x. Padding counts as zeros."""
        left, gate = apply_linear(self.inward, x).chunk(2, dim=-1)
        if places.padded:
            left = left * places.mask[:, :, None]
        along = self.along.to(left.dtype)
        before, after = (functional.pad(left, (0, 0, *by)) for by in ((1, 0), (0, 1)))
        mixed = before[:, :-1] * along[0] + left * along[1] + after[:, 1:] * along[2]
        return apply_linear(self.outward, functional.silu(mixed) * gate)


class Mixer(nn.Module):
    """Attention among the places of a layer, of one of the `KINDS`."""

    def __init__(self, shape: Shape, kind: str) -> None:
        super().__init__()
        if kind not in KINDS:
            raise ValueError(f"There is no such kind of layer. Given: {kind!r}. Give one of {KINDS}.")
        self.shape, self.kind = shape, kind
        self.window_dropout = 0.0
        width = shape.width
        self.value = nn.Linear(width, width)
        if kind != "linear":
            self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)
        if kind in ("linear", "based"):
            self.near = GatedConvolution(width)
            self.feature_query = nn.Linear(width, shape.heads * shape.features, bias=False)
            self.feature_key = nn.Linear(width, shape.heads * shape.features, bias=False)
            self.key_gate = ZeroLinear(width, shape.heads)
        if kind == "based":
            self.gate = nn.Parameter(torch.full((shape.heads,), shape.gate))

    def forward(self, x: Tensor, places: Places, full: bool = False) -> Tensor:
        """X (n, t, width) to the same shape; `full` asks for full attention, which "linear" does not have."""
        v = self._heads(apply_linear(self.value, x))
        out: Tensor | None = None
        if self.kind != "linear":
            q, k = self._heads(apply_linear(self.query, x)), self._heads(apply_linear(self.key, x))
            if self.shape.rotary:
                q, k = rotate(q), rotate(k)
            out = attend(q, k, v, places, None if full or self.kind == "full" else self.shape.window)
        if self.kind in ("linear", "based") and not full:
            far = self.far(x, v, places)
            if out is None:
                out = far
            else:
                if self.training and self.window_dropout:
                    # without this the linear branch is never needed, and does not learn
                    keep = torch.rand(len(x), 1, 1, 1, device=x.device) >= self.window_dropout
                    out = out * keep.to(out.dtype)
                out = out + torch.tanh(self.gate).to(far.dtype)[:, None, None] * far
        return _joined(out)

    def far(self, x: Tensor, v: Tensor, places: Places) -> Tensor:
        """The linear branch over all places: x (n, t, width), values v (n, heads, t, width of a head)."""
        near = x + self.near(x, places)
        q, k = (self._heads(apply_linear(part, near)) for part in (self.feature_query, self.feature_key))
        weight = torch.sigmoid(apply_linear(self.key_gate, x).float()).transpose(1, 2)  # (n, heads, t)
        if places.padded:
            weight = weight * places.mask[:, None, :]
        out = linear_attention(q, k, v, weight, form=self.shape.form)
        return deviation(out, v, weight) if self.shape.centred else out

    def _heads(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.shape.heads, -1).transpose(1, 2)


def deviation(out: Tensor, v: Tensor, weight: Tensor) -> Tensor:
    """The output of linear attention minus the mean of all values, scaled to the size of a value.

    `out` and `v` are (n, heads, t, width of a head), `weight` is (n, heads, t). Among n places a match adds
    some n-th part of its value to the mean of all. RetNet (Y. Sun et al., 2023) normalises each head for
    the same reason.
    """
    share = weight / weight.sum(dim=-1, keepdim=True).clamp_min(1e-6)
    mean = torch.einsum("nht,nhtd->nhd", share, v.float())[:, :, None]
    spread = torch.einsum("nht,nhtd->nhd", share, (v.float() - mean).square()).mean(dim=-1)
    away = out.float() - mean
    size = away.square().mean(dim=-1, keepdim=True)
    scaled = away * torch.rsqrt(size + 1e-8) * (spread[:, :, None, None] + 1e-8).sqrt()
    return scaled.to(out.dtype)


def _joined(heads: Tensor | None) -> Tensor:
    if heads is None:
        raise ValueError("A 'linear' layer has no full attention. Give it records of any length as they are.")
    return heads.transpose(1, 2).flatten(2)


class BasedLayer(nn.Module):
    """One layer, normalised after each branch as in BERT."""

    def __init__(self, shape: Shape, kind: str) -> None:
        super().__init__()
        self.mixer = Mixer(shape, kind)
        self.outward = nn.Linear(shape.width, shape.width)
        self.mixer_norm = nn.LayerNorm(shape.width, eps=shape.eps)
        self.widen = nn.Linear(shape.width, shape.inner)
        self.narrow = nn.Linear(shape.inner, shape.width)
        self.norm = nn.LayerNorm(shape.width, eps=shape.eps)
        self.dropout = nn.Dropout(shape.dropout)

    def forward(self, x: Tensor, places: Places, full: bool = False) -> Tensor:
        """X (n, t, width) to the same shape; `full` as in `Mixer.forward`."""
        x = self.mixer_norm(x + self.dropout(apply_linear(self.outward, self.mixer(x, places, full))))
        across = linear_gelu_linear(self.widen, self.narrow, x)
        out: Tensor = self.norm(x + self.dropout(across))
        return out


def attention_pooling(x: Tensor, score: Tensor, places: Places) -> Tensor:
    """Weight each place of x (n, t, width) so that the plain mean over places is a weighted mean.

    The mean pooling of sentence-transformers then takes a place whose share is w among n as n w times as
    large. `score` is (n, t, groups); each group weights its part of the channels. Scores of zero change
    nothing.
    """
    score = score.float()
    if places.padded:
        score = score.masked_fill(~places.mask[:, :, None], torch.finfo(torch.float32).min)
    share = score.softmax(dim=1) * places.lengths[:, None, None]  # (n, t, groups)
    parts = x.view(*x.shape[:-1], score.shape[-1], -1) * share[..., None].to(x.dtype)
    return parts.flatten(2)
