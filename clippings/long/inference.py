"""The forward of `clippings.long.layers` on a GPU in half precision, without gradients.

The same layers with less memory traffic: numbers stay in half precision between products, whose sums are
float32; maps of the same rows are one product; a sum and its normalisation are one pass; heads are read by
strides and never copied. Whether it agrees with the plain layers, which are the reference and are trained,
is checked once a GPU.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

import torch
from torch import Tensor, nn
from torch.nn import functional

from clippings.layers.attention import rotate
from clippings.layers.window_attention import Places, attend
from clippings.long.layers import BasedLayer, GatedConvolution, Mixer, Shape, ZeroLinear

__all__ = ["embedded", "encoded", "precision"]

logger = logging.getLogger(__name__)
HALF = (torch.float16, torch.bfloat16)
SUPPORTED = {
    BasedLayer,
    Mixer,
    GatedConvolution,
    ZeroLinear,
    nn.Linear,
    nn.LayerNorm,
    nn.Dropout,
    nn.Embedding,
}
CLOSE = 0.999  # smallest cosine of a row with that of the plain layers, in float32
# chosen by measured speed
ROWS = 2**18  # widened at a time
GELU_IN_PRODUCT = True  # cuBLAS's GELU at the end of a product: within .0005 of the exact one
MULTIPLE = 64  # columns of a product are padded to a multiple


def precision(layers: Sequence[nn.Module], around: Sequence[nn.Module] = ()) -> torch.dtype | None:
    """The half precision in which these layers of one model (and the modules `around` them) are run here.

    None where the plain layers are to be run: with gradients, off a GPU, in float32, with a changed layer,
    or where this forward is not accurate.

    Example:
        >>> precision([BasedLayer(Shape(16, 2, 32), "window")]) is None  # not on a GPU
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
    if any(type(part) not in SUPPORTED or part._forward_hooks or part._forward_pre_hooks for part in parts):
        return None  # an adapter or a hook
    weight = next(layers[0].parameters())
    device = _gpu(weight)
    if device is None:
        return None
    dtype = torch.get_autocast_dtype("cuda") if torch.is_autocast_enabled() else weight.dtype
    if dtype not in HALF:
        return None
    mixers = [layer.mixer for layer in layers if isinstance(layer, BasedLayer)]
    if any(mixer.shape.centred and mixer.kind in ("linear", "based") for mixer in mixers):
        return None  # not implemented here
    kinds = sorted({mixer.kind for mixer in mixers})
    return dtype if all(_rightly(device, dtype, mixers[0].shape, kind) for kind in kinds) else None


def _gpu(x: Tensor) -> torch.device | None:
    return x.device if x.is_cuda else None


def embedded(
    ids: Tensor, dtype: torch.dtype, tokens: nn.Embedding, places: nn.Embedding | None, norm: nn.LayerNorm
) -> Tensor:
    """Normalised embeddings (n, t, width) of ids (n, t); `places` are repeated after their last."""
    x = functional.embedding(ids.flatten(), tokens.weight.to(dtype))
    if places is not None:
        at = torch.arange(ids.shape[1], device=ids.device) % places.num_embeddings
        positions = functional.embedding(at, places.weight.to(dtype))
    else:
        positions = x.new_zeros((1, x.shape[-1]))
    out: Tensor = _passes().add_norm(x, positions, norm)
    return out.view(*ids.shape, -1)


def encoded(layers: Sequence[nn.Module], x: Tensor, places: Places, full: bool = False) -> Tensor:
    """Run `BasedLayer`s on x (n, t, width).

    Float32 under autocast, as the plain layers, else of the dtype of x.

    `full` asks for full attention in all layers, which "linear" ones do not have.
    """
    last = torch.float32 if torch.is_autocast_enabled() else x.dtype
    rows = x.flatten(0, 1)
    with torch.autocast(x.device.type, enabled=False):
        for number, layer in enumerate(layers):
            if not isinstance(layer, BasedLayer):
                raise TypeError(
                    f"This is not a BasedLayer. Given: {type(layer).__name__}. Run the plain forward."
                )
            dtype = last if number == len(layers) - 1 else x.dtype
            rows = _layer(layer, rows, places, full, dtype)
    return rows.view(x.shape)


def _layer(layer: BasedLayer, x: Tensor, places: Places, full: bool, dtype: torch.dtype) -> Tensor:
    """One layer, (n * t, width) before and after."""
    passes = _passes()
    mixed = _mixed(layer.mixer, x, places, full)
    x = passes.add_norm(x, _linear(mixed, layer.outward), layer.mixer_norm)
    across = torch.empty_like(x)
    widen, narrow = (_Map.of([(part.weight, part.bias)], x) for part in (layer.widen, layer.narrow))
    for start in range(0, len(x), ROWS):
        some = slice(start, start + ROWS)
        torch.addmm(narrow.bias, _bent(x[some], widen), narrow.weight.t(), out=across[some])
    out: Tensor = passes.add_norm(x, across, layer.norm, dtype)
    return out


@dataclass(frozen=True, slots=True)
class _Map:
    """Weights of one product in the dtype of its input.

    Nothing is cached between calls, so that no change of the weights is missed.
    """

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, parts: Sequence[tuple[Tensor, Tensor | None]], x: Tensor) -> _Map:
        """Maps (weight, bias or None) of the same rows as one, padded to a multiple of `MULTIPLE`."""
        weights = [weight for weight, _ in parts]
        biases = [weight.new_zeros(len(weight)) if bias is None else bias for weight, bias in parts]
        if len(parts) > 1:
            filled = -sum(map(len, weights)) % MULTIPLE
            weights.append(x.new_zeros((filled, x.shape[-1]), dtype=weights[0].dtype))
            biases.append(x.new_zeros(filled, dtype=biases[0].dtype))
            return cls(torch.cat(weights).to(x.dtype), torch.cat(biases).to(x.dtype))
        return cls(weights[0].to(x.dtype), biases[0].to(x.dtype))


def _linear(x: Tensor, layer: nn.Linear) -> Tensor:
    product = _Map.of([(layer.weight, layer.bias)], x)
    return functional.linear(x, product.weight, product.bias)


def _bent(x: Tensor, widen: _Map) -> Tensor:
    """The widened rows after GELU; at the end of the product it is the tanh form on a GPU."""
    if GELU_IN_PRODUCT:
        return torch._addmm_activation(widen.bias, x, widen.weight.t(), use_gelu=True)
    return functional.gelu(functional.linear(x, widen.weight, widen.bias))


def _mixed(mixer: Mixer, x: Tensor, places: Places, full: bool) -> Tensor:
    """Attention among the places, (n * t, width) before and after."""
    far = mixer.kind in ("linear", "based") and not full
    near = mixer.kind != "linear"
    parts: dict[str, tuple[Tensor, Tensor | None]] = {}
    if near:
        parts.update(query=(mixer.query.weight, mixer.query.bias), key=(mixer.key.weight, mixer.key.bias))
    parts["value"] = (mixer.value.weight, mixer.value.bias)
    if far:
        # the feature maps of the convolution's output are folded into its outward map, and added below
        outward, maps = mixer.near.outward, (mixer.feature_query.weight, mixer.feature_key.weight)
        features = torch.cat(maps)
        parts["features"] = (features, features @ outward.bias)
        parts["both"] = (mixer.near.inward.weight, mixer.near.inward.bias)
        parts["gate"] = (mixer.key_gate.weight, mixer.key_gate.bias)
    product = _Map.of(list(parts.values()), x)
    rows = functional.linear(x, product.weight, product.bias)
    cut, start = {}, 0
    for name, (weight, _) in parts.items():
        cut[name], start = rows[:, start : start + len(weight)], start + len(weight)
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
    out: Tensor = import_module("clippings.layers.fused_linear_attention").fused_linear_attention(
        both[:, :, :heads],
        both[:, :, heads:],
        _heads(cut["value"], places, heads),
        weight,
        gate=None if seen is None else torch.tanh(mixer.gate.float()),
        into=seen,
    )
    return out


_EXACT = ("query", "key", "value")


def _heads(x: Tensor, places: Places, heads: int) -> Tensor:
    return x.view(len(places.lengths), places.t, heads, -1)


def _passes() -> ModuleType:
    return import_module("clippings.layers.fused_norm_conv")


@lru_cache(maxsize=64)
def _rightly(device: torch.device, dtype: torch.dtype, shape: Shape, kind: str) -> bool:
    """Whether a layer of this kind agrees with the plain one in float32, with and without padding."""
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
        logger.warning("layers %r are run in their plain form on this GPU: %s", kind, str(error)[:200])
        return False
    if not worst >= CLOSE:
        logger.warning("layers %r are run in their plain form on this GPU: cosine %.5f", kind, worst)
        return False
    return True


def _alike(layer: BasedLayer, dtype: torch.dtype) -> float:
    """The smallest cosine between both forms of a random layer."""
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
            fast = encoded([layer], x, places, full).float()
            cosine = functional.cosine_similarity(plain, fast, dim=-1)[places.mask]
            worst = min(worst, float(cosine.min())) if bool(torch.isfinite(cosine).all()) else -1.0
    return worst
