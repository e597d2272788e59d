"""Maps of rows on a processor where no gradients are wanted: bias and bend in the product itself.

oneDNN, which comes with torch, adds the bias and applies GELU while the numbers of a product are at hand;
torch copies the bias into the result first, and goes over it once more. Whether it gives what torch gives is
tried once.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from importlib import import_module

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["known", "mapped", "through"]

logger = logging.getLogger(__name__)
ROWS = 1024  # widened at a time
PLAIN: set[type] = {nn.Linear}  # kinds of layers that are taken, and those that `known` adds
CLOSE = 1e-4  # largest difference, as a share of the largest number


def known(kind: type[nn.Linear]) -> type[nn.Linear]:
    """Say that a kind of linear layer does what a linear layer does, however it begins.

    Args:
        kind: The kind.

    Returns:
        The same.
    """
    PLAIN.add(kind)
    return kind


def mapped(layer: nn.Linear, x: Tensor) -> Tensor:
    """What a linear layer gives.

    Args:
        layer: The layer.
        x: (..., width).

    Returns:
        (..., width of the layer).

    Example:
        >>> layer, x = nn.Linear(8, 4), torch.randn(3, 8)
        >>> bool(torch.allclose(mapped(layer, x), layer(x), atol=1e-5))
        True
    """
    if not _takes(layer, x):
        found: Tensor = layer(x)
        return found
    return _product(x, layer.weight, layer.bias, False)


def through(widen: nn.Linear, narrow: nn.Linear, x: Tensor) -> Tensor:
    """What two linear layers give with GELU between them.

    Args:
        widen: The first.
        narrow: The second.
        x: (..., width).

    Returns:
        (..., width of the second).
    """
    if not _takes(widen, x) or not _takes(narrow, x):
        found: Tensor = narrow(functional.gelu(widen(x)))
        return found
    rows = x.reshape(-1, x.shape[-1])
    out = rows.new_empty((len(rows), narrow.out_features))
    for start in range(0, len(rows), ROWS):  # what is wide is read again while it is near
        wide = _product(rows[start : start + ROWS], widen.weight, widen.bias, True)
        out[start : start + ROWS] = _product(wide, narrow.weight, narrow.bias, False)
    return out.view(*x.shape[:-1], -1)


def _takes(layer: nn.Linear, x: Tensor) -> bool:
    if torch.is_grad_enabled() or x.device.type != "cpu" or x.dtype != torch.float32:
        return False
    if _autocasts() or import_module("torch.jit").is_tracing() or torch.compiler.is_compiling():
        return False  # a graph that is kept is to hold what every torch knows
    if type(layer) not in PLAIN or "forward" in vars(layer) or _watched(layer):
        return False  # an adapter, or somebody who looks on
    if type(layer.weight) not in (Tensor, nn.Parameter) or layer.weight.dtype != torch.float32:
        return False
    allowed = bool(import_module("torch.backends.mkldnn").enabled)
    return allowed and layer.weight.device.type == "cpu" and _rightly()


def _autocasts() -> bool:
    if hasattr(torch, "get_autocast_dtype"):  # torch 2.4 and later
        return torch.is_autocast_enabled("cpu")
    return torch.is_autocast_cpu_enabled()


def _watched(layer: nn.Module) -> bool:
    every = nn.modules.module
    hooks = (every._global_forward_hooks, every._global_forward_pre_hooks)
    return any(map(len, (layer._forward_hooks, layer._forward_pre_hooks, *hooks)))


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, bend: bool) -> Tensor:
    own = x if x.is_contiguous() else x.contiguous()
    call = torch.ops.mkldnn._linear_pointwise
    found: Tensor = (
        call(own, weight, bias, "gelu", [None], "none") if bend else call(own, weight, bias, "none", [], "")
    )
    return found


@lru_cache(maxsize=1)
def _rightly() -> bool:
    """Whether this torch has it, and it gives what torch gives."""
    try:
        draw = torch.Generator().manual_seed(0)
        with torch.no_grad():
            x, weight, bias = (
                torch.randn(shape, generator=draw, dtype=torch.float32, device="cpu")
                for shape in ((2, 33, 24), (40, 24), (40,))
            )
            for own in (bias, None):
                plain = functional.linear(x, weight, own)
                for bend, wanted in ((False, plain), (True, functional.gelu(plain))):
                    apart = (_product(x, weight, own, bend) - wanted).abs().max()
                    if not float(apart) <= CLOSE * float(wanted.abs().max()):
                        logger.info("products of oneDNN are not used: they differ by %.3g", float(apart))
                        return False
    except (RuntimeError, AttributeError, TypeError, NotImplementedError) as error:
        logger.info("products of oneDNN are not used: %s", str(error)[:200])
        return False
    return True
