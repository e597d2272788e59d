"""Softmax attention within a window of a long record, or over all of it; padding is ignored.

Where torch has attention over packed sequences with a window and the GPU supports it, that is used; else
the record is split into blocks, each of which attends to itself and its borders: exact, and in linear time.
Whether the packed form agrees with the blocks is checked once a GPU.

This module needs torch; nothing imports it before a model is built.
"""

from __future__ import annotations

import inspect
import logging
from functools import lru_cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["Places", "attend", "attend_plain"]

logger = logging.getLogger(__name__)
BLOCK = 16  # places of a block at least; half of what the window reaches costs least
CLOSE = 0.02  # largest difference of the packed form from the blocks, in half precision


class Places:
    """The places that count in padded records: the first `lengths[i]` of record i.

    `lengths` is (n,) int64 on the device of the records, `t` the places of a padded record, `padded`
    whether a record is shorter than that.
    """

    def __init__(self, lengths: Tensor, t: int, padded: bool) -> None:
        self.lengths, self.t, self.padded = lengths, t, padded
        self._cache: dict[str | int, Tensor] = {}

    @property
    def mask(self) -> Tensor:
        """(n, t) bool."""
        if "mask" not in self._cache:
            self._cache["mask"] = (
                torch.arange(self.t, device=self.lengths.device)[None] < self.lengths[:, None]
            )
        return self._cache["mask"]

    @property
    def ends(self) -> Tensor:
        """Ends of sequences, from 0, where a record's padding is a sequence of its own, (2 n + 1,) int32."""
        if "ends" not in self._cache:
            starts = torch.arange(len(self.lengths), device=self.lengths.device) * self.t
            pairs = torch.stack([starts + self.lengths, starts + self.t], dim=1).flatten()
            self._cache["ends"] = functional.pad(pairs, (1, 0)).to(torch.int32)
        return self._cache["ends"]

    def near(self, reach: int) -> Tensor:
        """Mask of the keys that each block of places attends to.

        Shape (n * blocks, 1, block, block + 2 reach) bool.
        """
        if reach not in self._cache:
            block, blocks = _blocks(self.t, reach)
            device = self.lengths.device
            of_query = torch.arange(block, device=device)
            of_key = torch.arange(block + 2 * reach, device=device) - reach
            band = (of_query[:, None] - of_key[None, :]).abs() <= reach
            own = of_query[:, None] == of_key[None, :]
            at = torch.arange(blocks, device=device)[:, None] * block + of_key[None, :]  # (blocks, seen)
            inside = (at >= 0)[None] & (at[None] < self.lengths[:, None, None])  # (n, blocks, seen)
            # a place of the padding attends to itself: attention over nothing is NaN
            self._cache[reach] = ((band & inside[:, :, None]) | own).flatten(0, 1)[:, None]
        return self._cache[reach]


def attend(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int | None) -> Tensor:
    """Softmax attention within `reach` places to either side, or among all (None); (n, heads, t, d).

    q, k and v are (n, heads, t, d); the results at padding are arbitrary.

    Example:
        >>> q, k, v = torch.randn(3, 1, 2, 100, 8).unbind()
        >>> places = Places(torch.tensor([90]), 100, True)
        >>> error = attend(q, k, v, places, 16) - attend_plain(q, k, v, places, 16)
        >>> bool(error[:, :, :90].abs().max() < 1e-5)
        True
    """
    if reach is not None and reach >= places.t - 1:
        reach = None
    if (reach is not None or places.padded) and _packs(q):
        return _packed(q, k, v, places, reach)
    if reach is None:
        mask = places.mask[:, None, None, :] if places.padded else None
        return functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return _in_blocks(q, k, v, places, reach)


def attend_plain(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int | None) -> Tensor:
    """Reference of `attend`: the whole square of scores, far places masked."""
    score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    at = torch.arange(places.t, device=q.device)
    far = (at[:, None] - at[None, :]).abs() > (places.t if reach is None else reach)
    hidden = (~places.mask[:, None, :] | far[None]) & (at[:, None] != at[None, :])
    out: Tensor = score.masked_fill(hidden[:, None], float("-inf")).softmax(dim=-1) @ v
    return out


def _blocks(t: int, reach: int) -> tuple[int, int]:
    block = max(BLOCK, reach // 2)
    return block, -(-t // block)


def _in_blocks(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int) -> Tensor:
    n, heads, t, d = q.shape
    block, blocks = _blocks(t, reach)
    padding = blocks * block - t
    # heads stay beside each other and records one after the other: nothing is copied, and the keys of a block
    # are read in place; `places.near` masks those of other records
    rows_q, rows_k, rows_v = (
        functional.pad(part.transpose(1, 2), (0, 0, 0, 0, 0, padding)) if padding else part.transpose(1, 2)
        for part in (q, k, v)
    )
    own = rows_q.reshape(n * blocks, block, heads, d).transpose(1, 2)
    ends = rows_k.new_zeros((reach, heads, d))
    seen_k, seen_v = (
        torch.cat([ends.to(part.dtype), part.flatten(0, 1), ends.to(part.dtype)])
        .unfold(0, block + 2 * reach, block)  # (n * blocks, heads, d, seen)
        .transpose(2, 3)
        for part in (rows_k, rows_v)
    )
    out = functional.scaled_dot_product_attention(own, seen_k, seen_v, attn_mask=places.near(reach))
    return out.transpose(1, 2).reshape(n, blocks * block, heads, d)[:, :t].transpose(1, 2)


def _packed(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int | None) -> Tensor:
    n, heads, t, d = q.shape
    # heads may be strided, as a product of several maps leaves them: only the last dimension must be dense
    rows = [part.transpose(1, 2).reshape(n * t, heads, d) for part in (q, k, v)]
    rows = [part if part.stride(-1) == 1 else part.contiguous() for part in rows]
    window = (-1, -1) if reach is None else (reach, reach)
    out: Tensor = _varlen()(*rows, places.ends, places.ends, t, t, window_size=window)
    return out.view(n, t, heads, d).transpose(1, 2)


@lru_cache(maxsize=1)
def _varlen() -> Any:
    """Torch's attention over packed sequences, where it supports windows; else None."""
    try:
        attention = import_module("torch.nn.attention.varlen").varlen_attn
    except (ImportError, AttributeError):
        return None
    return attention if "window_size" in inspect.signature(attention).parameters else None


def _packs(q: Tensor) -> bool:
    """Whether the packed form is used for such queries."""
    if not q.is_cuda or q.dtype not in (torch.float16, torch.bfloat16) or q.shape[-1] % 8:
        return False
    return _varlen() is not None and _packs_rightly(q.device.index or 0, q.dtype, q.shape[-1])


@lru_cache(maxsize=32)
def _packs_rightly(device: int, dtype: torch.dtype, width: int) -> bool:
    """Whether it agrees with the blocks, gradients included, with and without padding."""
    name = f"cuda:{device}"
    try:
        outputs = []
        # inference mode, in which the caller may be, has no gradients to compare
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cuda", enabled=False):
            draw = torch.Generator(device=name).manual_seed(0)
            q, k, v = (
                torch.randn((3, 2, 200, width), generator=draw, device=name).to(dtype).requires_grad_()
                for _ in range(3)
            )
            places = Places(torch.tensor([200, 117, 3], device=name), 200, True)
            for form in (_packed, _in_blocks):
                out = form(q, k, v, places, 64) * places.mask[:, None, :, None]
                grads = torch.autograd.grad(out.float().square().sum(), (q, k, v))
                outputs.append([out.detach(), *grads])
        difference = max(float((a.float() - b.float()).abs().max()) for a, b in zip(*outputs, strict=True))
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        logger.info("packed attention is not used on this GPU: %s", str(error)[:200])
        return False
    if not difference <= CLOSE * 4:
        logger.info("packed attention is not used on this GPU: it differs from blocks by %.3g", difference)
        return False
    return True
