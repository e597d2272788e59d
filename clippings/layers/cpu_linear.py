"""Linear maps on the CPU without gradients: bias and GELU inside oneDNN's product.

oneDNN, which comes with torch, adds the bias and applies GELU while a product is in cache; torch copies the
bias into the result first and reads it once more. Whether both give the same is checked once.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["apply_linear", "linear_gelu_linear", "register_linear"]

logger = logging.getLogger(__name__)
ROWS = 1024  # widened at a time
PLAIN: set[type] = {nn.Linear}  # kinds of layers that are computed here; `register_linear` adds others
CLOSE = 1e-4  # largest difference, as a share of the largest number


def register_linear(kind: type[nn.Linear]) -> type[nn.Linear]:
    """Register a kind of linear layer that computes what `nn.Linear` does, however it is initialised."""
    PLAIN.add(kind)
    return kind


def apply_linear(layer: nn.Linear, x: Tensor) -> Tensor:
    """What a linear layer computes of x (..., width).

    Example:
        >>> layer, x = nn.Linear(8, 4), torch.randn(3, 8)
        >>> bool(torch.allclose(apply_linear(layer, x), layer(x), atol=1e-5))
        True
    """
    if not _takes(layer, x):
        out: Tensor = layer(x)
        return out
    return _product(x, layer.weight, layer.bias, False)


def linear_gelu_linear(widen: nn.Linear, narrow: nn.Linear, x: Tensor) -> Tensor:
    """What two linear layers with GELU between them compute of x (..., width)."""
    if not _takes(widen, x) or not _takes(narrow, x):
        plain: Tensor = narrow(functional.gelu(widen(x)))
        return plain
    rows = x.reshape(-1, x.shape[-1])
    out = rows.new_empty((len(rows), narrow.out_features))
    for start in range(0, len(rows), ROWS):  # the widened rows are read again while they are in cache
        wide = _product(rows[start : start + ROWS], widen.weight, widen.bias, True)
        out[start : start + ROWS] = _product(wide, narrow.weight, narrow.bias, False)
    return out.view(*x.shape[:-1], -1)


def _takes(layer: nn.Linear, x: Tensor) -> bool:
    if torch.is_grad_enabled() or x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    if _autocasts() or import_module("torch.jit").is_tracing() or torch.compiler.is_compiling():
        return False  # a stored graph must hold operators that every torch has
    if type(layer) not in PLAIN or "forward" in vars(layer) or _watched(layer):
        return False  # an adapter or a hook
    if type(layer.weight) not in (Tensor, nn.Parameter) or layer.weight.dtype != torch.float32:
        return False
    allowed = bool(import_module("torch.backends.mkldnn").enabled)
    return allowed and layer.weight.device.type == "cpu" and _rightly()


def _autocasts() -> bool:
    if hasattr(torch, "get_autocast_dtype"):  # torch 2.4 and later
        return torch.is_autocast_enabled("cpu")
    return torch.is_autocast_cpu_enabled()


def _watched(layer: nn.Module) -> bool:
    module = nn.modules.module
    hooks = (module._global_forward_hooks, module._global_forward_pre_hooks)
    return any(map(len, (layer._forward_hooks, layer._forward_pre_hooks, *hooks)))


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, gelu: bool) -> Tensor:
    rows = x.contiguous()
    call = torch.ops.mkldnn._linear_pointwise
    out: Tensor = (
        call(rows, weight, bias, "gelu", [None], "none") if gelu else call(rows, weight, bias, "none", [], "")
    )
    return out


@lru_cache(maxsize=1)
def _rightly() -> bool:
    """Whether this torch has the product, and it agrees with torch's own."""
    try:
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            x, weight, bias = (
                torch.randn(shape, generator=draw, dtype=torch.float32, device="cpu")
                for shape in ((2, 33, 24), (40, 24), (40,))
            )
            for own in (bias, None):
                plain = functional.linear(x, weight, own)
                for gelu, expected in ((False, plain), (True, functional.gelu(plain))):
                    error = (_product(x, weight, own, gelu) - expected).abs().max()
                    if not float(error) <= CLOSE * float(expected.abs().max()):
                        logger.info("products of oneDNN are not used: they differ by %.3g", float(error))
                        return False
    except (RuntimeError, AttributeError, TypeError, NotImplementedError) as error:
        logger.info("products of oneDNN are not used: %s", str(error)[:200])
        return False
    return True
