"""The forward of `clippings.long.layers` on a card in half precision, where no gradients are wanted.

The same layers with less traffic: numbers stay in half precision between products, whose sums are float32;
maps of the same rows are one product; a sum and its normalisation are one pass; heads are read by strides, so
that nothing is turned around. Kinds of layers that are compared all go this way. Whether it gives what the
plain layers give is tried once a card; they are the reference, and what is trained.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.layers.attention import rotate
from clippings.layers.window_attention import Places, attend
from clippings.long.layers import BasedLayer, GatedConvolution, Mixer, Shape, ZeroLinear

__all__ = ["embedded", "encoded", "precision"]

logger = logging.getLogger(__name__)
HALF = (torch.float16, torch.bfloat16)
KNOWN = {BasedLayer, Mixer, GatedConvolution, ZeroLinear, nn.Linear, nn.LayerNorm, nn.Dropout, nn.Embedding}
ALIKE = 0.999  # smallest cosine of a row with that of the plain layers, in float32
# to be set to what is quickest on a card
ROWS = 2**18  # that are widened at a time
BEND_IN_PRODUCT = True  # bend with what cuBLAS does at the end of a product: within .0005 of the exact bend
MULTIPLE = 64  # columns of a product are filled up to a multiple


def precision(layers: Sequence[nn.Module], around: Sequence[nn.Module] = ()) -> torch.dtype | None:
    """In which half precision these layers may be run here.

    Args:
        layers: Of one model.
        around: What else of it is run here.

    Returns:
        A type, or None where the plain layers have to be run: gradients are wanted, it is no card, numbers
        are not of half precision, a layer has been changed, or what is found here would not be right.

    Example:
        >>> precision([BasedLayer(Shape(16, 2, 32), "window")]) is None  # not on a card
        True
    """
    if (
        torch.is_grad_enabled()
        or not layers
        or layers[0].training
        or not hasattr(torch, "get_autocast_dtype")
    ):
        return None
    parts = [module for layer in (*layers, *around) for module in layer.modules()]
    if any(type(part) not in KNOWN or part._forward_hooks or part._forward_pre_hooks for part in parts):
        return None  # an adapter, or somebody who looks on
    weight = next(layers[0].parameters())
    card = _card(weight)
    if card is None:
        return None
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled() else weight.dtype
    if dtype not in HALF:
        return None
    mixers = [layer.mixer for layer in layers if isinstance(layer, BasedLayer)]
    if any(mixer.shape.centred and mixer.kind in ("linear", "based") for mixer in mixers):
        return None  # the fast forward does not know it
    kinds = sorted({mixer.kind for mixer in mixers})
    return dtype if all(_rightly(card, dtype, mixers[0].shape, kind) for kind in kinds) else None


def _card(x: Tensor) -> torch.device | None:
    return x.device if x.is_cuda else None


def embedded(model: Any, ids: Tensor, dtype: torch.dtype) -> Tensor:
    """What the first layer is given.

    Args:
        model: A `clippings.long.model.BasedBertModel`.
        ids: (n, t) int64.
        dtype: Of half precision.

    Returns:
        (n, t, width).
    """
    x = functional.embedding(ids.flatten(), model.tokens.weight.to(dtype))
    tiled = model.config.positions == "tiled"
    if tiled:
        at = torch.arange(ids.shape[1], device=ids.device) % model.config.position_table
        own = functional.embedding(at, model.places.weight.to(dtype))
    else:
        own = x.new_zeros((1, x.shape[-1]))
    made: Tensor = _passes().add_norm(x, own, model.norm)
    return made.view(*ids.shape, -1)


def encoded(layers: Sequence[nn.Module], x: Tensor, places: Places, full: bool = False) -> Tensor:
    """What the layers make of it.

    Args:
        layers: Of `clippings.long.layers.BasedLayer`.
        x: (n, t, width), of the type in which to go on.
        places: Which places count.
        full: Whether all have full attention, whatever their kind; not for "linear".

    Returns:
        (n, t, width): float32 under autocast, as the plain layers, else the type of `x`.
    """
    last = torch.float32 if torch.is_autocast_enabled() else x.dtype
    rows = x.flatten(0, 1)
    with torch.autocast(x.device.type, enabled=False):
        for number, layer in enumerate(layers):
            if not isinstance(layer, BasedLayer):
                raise TypeError(
                    f"This is no BasedLayer. Given: {type(layer).__name__}. Run the plain forward."
                )
            dtype = last if number == len(layers) - 1 else x.dtype
            rows = _layer(layer, rows, places, full, dtype)
    return rows.view(x.shape)


def _layer(layer: BasedLayer, x: Tensor, places: Places, full: bool, dtype: torch.dtype) -> Tensor:
    """One layer, (n * t, width) before and after."""
    passes = _passes()
    seen = _mixed(layer.mixer, x, places, full)
    x = passes.add_norm(x, _linear(seen, layer.outward), layer.mixer_norm)
    across = torch.empty_like(x)
    widen, narrow = (_Map.of([(part.weight, part.bias)], x) for part in (layer.widen, layer.narrow))
    for start in range(0, len(x), ROWS):
        some = slice(start, start + ROWS)
        torch.addmm(narrow.bias, _bent(x[some], widen), narrow.weight.t(), out=across[some])
    made: Tensor = passes.add_norm(x, across, layer.norm, dtype)
    return made


@dataclass(frozen=True, slots=True)
class _Map:
    """Weights of one product in the type of what is multiplied: they are few beside the rows.

    Nothing is kept between calls, so that no change of the weights can be missed.
    """

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, parts: Sequence[tuple[Tensor, Tensor | None]], x: Tensor) -> _Map:
        """Maps of the same rows as one.

        Args:
            parts: Weight and bias of each map; None for no bias.
            x: What is multiplied: its type is that of the map, its last dimension the width.

        Returns:
            One map with all rows, filled up to a multiple of `MULTIPLE` where there are several.
        """
        weights = [weight for weight, _ in parts]
        biases = [weight.new_zeros(len(weight)) if bias is None else bias for weight, bias in parts]
        if len(parts) > 1:
            filled = -sum(map(len, weights)) % MULTIPLE
            weights.append(x.new_zeros((filled, x.shape[-1]), dtype=weights[0].dtype))
            biases.append(x.new_zeros(filled, dtype=biases[0].dtype))
            return cls(torch.cat(weights).to(x.dtype), torch.cat(biases).to(x.dtype))
        return cls(weights[0].to(x.dtype), biases[0].to(x.dtype))


def _linear(x: Tensor, layer: nn.Linear) -> Tensor:
    found = _Map.of([(layer.weight, layer.bias)], x)
    return functional.linear(x, found.weight, found.bias)


def _bent(x: Tensor, widen: _Map) -> Tensor:
    """The widened rows after GELU; at the end of the product it is the form with tanh on a card."""
    if BEND_IN_PRODUCT:
        return torch._addmm_activation(widen.bias, x, widen.weight.t(), use_gelu=True)
    return functional.gelu(functional.linear(x, widen.weight, widen.bias))


def _mixed(mixer: Mixer, x: Tensor, places: Places, full: bool) -> Tensor:
    """How the places see each other, (n * t, width) before and after."""
    far = mixer.kind in ("linear", "based") and not full
    near = mixer.kind != "linear"
    parts: dict[str, tuple[Tensor, Tensor | None]] = {}
    if near:
        parts.update(query=(mixer.query.weight, mixer.query.bias), key=(mixer.key.weight, mixer.key.bias))
    parts["value"] = (mixer.value.weight, mixer.value.bias)
    if far:
        # the features' maps of what the neighbours add are one map of what they are, and join it below
        outward, maps = mixer.near.outward, (mixer.feature_query.weight, mixer.feature_key.weight)
        features = torch.cat(maps)
        parts["features"] = (features, features @ outward.bias)
        parts["both"] = (mixer.near.inward.weight, mixer.near.inward.bias)
        parts["gate"] = (mixer.key_gate.weight, mixer.key_gate.bias)
    found = _Map.of(list(parts.values()), x)
    made = functional.linear(x, found.weight, found.bias)
    cut, start = {}, 0
    for name, (weight, _) in parts.items():
        cut[name], start = made[:, start : start + len(weight)], start + len(weight)
    seen = _near(mixer, cut, places, full) if near else None
    if far:
        mixed = _passes().convolved(cut["both"], mixer.near.along.contiguous(), places.lengths, places.t)
        cut["features"].addmm_(mixed, (features @ outward.weight).to(x.dtype).t())
        seen = _far(mixer, cut, places, seen)
    if seen is None:
        raise ValueError("A 'linear' layer has no full attention. Give it records of any length as they are.")
    return seen.reshape(x.shape)


def _near(mixer: Mixer, cut: dict[str, Tensor], places: Places, full: bool) -> Tensor:
    """Exact attention, (n, t, heads, width of a head)."""
    q, k, v = (_heads(cut[name], places, mixer.shape.heads).transpose(1, 2) for name in _EXACT)
    if mixer.shape.rotary:
        q, k = rotate(q), rotate(k)
    reach = None if full or mixer.kind == "full" else mixer.shape.window
    return attend(q, k, v, places, reach).transpose(1, 2)


def _far(mixer: Mixer, cut: dict[str, Tensor], places: Places, seen: Tensor | None) -> Tensor:
    """The linear branch, added to the window where there is one, (n, t, heads, width of a head)."""
    heads = mixer.shape.heads
    both = _heads(cut["features"], places, 2 * heads)
    weight = torch.sigmoid(_heads(cut["gate"], places, heads)[..., 0].float())  # (n, t, heads)
    if places.padded:
        weight = weight * places.mask[:, :, None]
    found: Tensor = import_module("clippings.layers.fused_linear_attention").fused_linear_attention(
        both[:, :, :heads],
        both[:, :, heads:],
        _heads(cut["value"], places, heads),
        weight,
        gate=None if seen is None else torch.tanh(mixer.gate.float()),
        into=seen,
    )
    return found


_EXACT = ("query", "key", "value")


def _heads(x: Tensor, places: Places, heads: int) -> Tensor:
    return x.view(len(places.lengths), places.t, heads, -1)


def _passes() -> Any:
    return import_module("clippings.layers.fused_norm_conv")


@lru_cache(maxsize=64)
def _rightly(device: torch.device, dtype: torch.dtype, shape: Shape, kind: str) -> bool:
    """Whether a layer of this kind comes out as the plain one in float32, with and without padding."""
    if find_spec("triton") is None:
        return False
    try:
        limits = import_module("clippings.layers.fused_linear_attention")
        if shape.features > limits.SIZE or shape.width // shape.heads > limits.WIDTH:
            return False
        with (
            torch.random.fork_rng(range(torch.cuda.device_count())),
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            torch.manual_seed(0)
            worst = _alike(BasedLayer(shape, kind).to(device), dtype)
    except Exception as error:  # Triton's compiler has errors of many kinds
        logger.warning("layers %r are run in their plain form on this card: %s", kind, str(error)[:200])
        return False
    if not worst >= ALIKE:
        logger.warning("layers %r are run in their plain form on this card: cosine %.5f", kind, worst)
        return False
    return True


def _alike(layer: BasedLayer, dtype: torch.dtype) -> float:
    """The smallest cosine of what a random layer gives either way."""
    layer.eval()
    for name, weight in layer.named_parameters():
        if "gate" in name or "near.outward" in name:
            nn.init.normal_(weight, std=0.3)  # nothing is left out by a zero
    device, worst = layer.outward.weight.device, 1.0
    x = torch.randn(3, 300, layer.mixer.shape.width, device=device).to(dtype)
    for lengths in ([300, 117, 3], [300, 300, 300]):
        places = Places(torch.tensor(lengths, device=device), 300, min(lengths) < 300)
        for full in (False, True) if layer.mixer.kind != "linear" else (False,):
            plain = layer(x.float(), places, full)
            found = encoded([layer], x, places, full).float()
            alike = functional.cosine_similarity(plain, found, dim=-1)[places.mask]
            worst = min(worst, float(alike.min())) if bool(torch.isfinite(alike).all()) else -1.0
    return worst
