"""Attention among the near places of a long record, and among all of them: what padding holds has no say.

Where torch has attention over packed sequences with a window, and the card takes it, that is used; else the
record is cut into blocks, each of which looks at itself and its borders: exact, and in time that grows with
the length. Whether the packed form gives what the blocks give is tried once a card before it is used.

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
    """Which places of padded records count: the first of each, as many as it is long.

    Args:
        lengths: Tokens of each record, (n,) int64, on the device of the records.
        t: Places of the padded records.
        padded: Whether a record is shorter than that.
    """

    def __init__(self, lengths: Tensor, t: int, padded: bool) -> None:
        self.lengths, self.t, self.padded = lengths, t, padded
        self._kept: dict[Any, Any] = {}

    @property
    def mask(self) -> Tensor:
        """(n, t) bool."""
        if "mask" not in self._kept:
            self._kept["mask"] = (
                torch.arange(self.t, device=self.lengths.device)[None] < self.lengths[:, None]
            )
        found: Tensor = self._kept["mask"]
        return found

    @property
    def ends(self) -> Tensor:
        """Where sequences end if a record's padding is a sequence of its own, from 0, (2 n + 1,) int32."""
        if "ends" not in self._kept:
            starts = torch.arange(len(self.lengths), device=self.lengths.device) * self.t
            pairs = torch.stack([starts + self.lengths, starts + self.t], dim=1).flatten()
            self._kept["ends"] = functional.pad(pairs, (1, 0)).to(torch.int32)
        found: Tensor = self._kept["ends"]
        return found

    def near(self, reach: int) -> Tensor:
        """What the places of each block see of it and its borders, (n * blocks, 1, block, seen) bool.

        Args:
            reach: A place sees so many to either side.

        Returns:
            The mask; True where a key is seen.
        """
        if reach not in self._kept:
            block, blocks = _blocks(self.t, reach)
            device = self.lengths.device
            of_query = torch.arange(block, device=device)
            of_key = torch.arange(block + 2 * reach, device=device) - reach
            band = (of_query[:, None] - of_key[None, :]).abs() <= reach
            own = of_query[:, None] == of_key[None, :]
            at = torch.arange(blocks, device=device)[:, None] * block + of_key[None, :]  # (blocks, seen)
            there = (at >= 0)[None] & (at[None] < self.lengths[:, None, None])  # (n, blocks, seen)
            # a place of the padding sees itself: attention over nothing is no number
            self._kept[reach] = ((band & there[:, :, None]) | own).flatten(0, 1)[:, None]
        found: Tensor = self._kept[reach]
        return found


def attend(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int | None) -> Tensor:
    """Softmax attention among near places, or all.

    Args:
        q: Queries, (n, heads, t, d).
        k: Keys, (n, heads, t, d).
        v: Values, (n, heads, t, d).
        places: Which of them count.
        reach: A place sees so many to either side, and itself; None: all.

    Returns:
        (n, heads, t, d); what stands at padding says nothing.

    Example:
        >>> q, k, v = torch.randn(3, 1, 2, 100, 8).unbind()
        >>> places = Places(torch.tensor([90]), 100, True)
        >>> near = attend(q, k, v, places, 16) - attend_plain(q, k, v, places, 16)
        >>> bool(near[:, :, :90].abs().max() < 1e-5)
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
    """The reference: the whole square of scores, far places struck out.

    Args:
        q: Queries, (n, heads, t, d).
        k: Keys, (n, heads, t, d).
        v: Values, (n, heads, t, d).
        places: Which of them count.
        reach: A place sees so many to either side, and itself; None: all.

    Returns:
        (n, heads, t, d).
    """
    score = q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5
    at = torch.arange(places.t, device=q.device)
    far = (at[:, None] - at[None, :]).abs() > (places.t if reach is None else reach)
    hidden = (~places.mask[:, None, :] | far[None]) & (at[:, None] != at[None, :])
    found: Tensor = score.masked_fill(hidden[:, None], float("-inf")).softmax(dim=-1) @ v
    return found


def _blocks(t: int, reach: int) -> tuple[int, int]:
    block = max(BLOCK, reach // 2)
    return block, -(-t // block)


def _in_blocks(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int) -> Tensor:
    n, heads, t, d = q.shape
    block, blocks = _blocks(t, reach)
    beyond = blocks * block - t
    # heads stay beside each other, as maps give them, and records lie one after the other: nothing is turned
    # around, and what a block sees is read where it stands; of other records `places.near` hides it
    rows_q, rows_k, rows_v = (
        functional.pad(part.transpose(1, 2), (0, 0, 0, 0, 0, beyond)) if beyond else part.transpose(1, 2)
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
    made = functional.scaled_dot_product_attention(own, seen_k, seen_v, attn_mask=places.near(reach))
    return made.transpose(1, 2).reshape(n, blocks * block, heads, d)[:, :t].transpose(1, 2)


def _packed(q: Tensor, k: Tensor, v: Tensor, places: Places, reach: int | None) -> Tensor:
    n, heads, t, d = q.shape
    # heads may lie apart, as a product of several maps leaves them: only the last dimension must be dense
    rows = [part.transpose(1, 2).reshape(n * t, heads, d) for part in (q, k, v)]
    rows = [part if part.stride(-1) == 1 else part.contiguous() for part in rows]
    window = (-1, -1) if reach is None else (reach, reach)
    made = _varlen()(*rows, places.ends, places.ends, t, t, window_size=window)
    found: Tensor = made.view(n, t, heads, d).transpose(1, 2)
    return found


@lru_cache(maxsize=1)
def _varlen() -> Any:
    """The attention of torch over packed sequences, where it knows windows; None elsewhere."""
    try:
        found = import_module("torch.nn.attention.varlen").varlen_attn
    except (ImportError, AttributeError):
        return None
    return found if "window_size" in inspect.signature(found).parameters else None


def _packs(q: Tensor) -> bool:
    """Whether the packed form may be used for such queries."""
    if not q.is_cuda or q.dtype not in (torch.float16, torch.bfloat16) or q.shape[-1] % 8:
        return False
    return _varlen() is not None and _packs_rightly(q.device.index or 0, q.dtype, q.shape[-1])


@lru_cache(maxsize=32)
def _packs_rightly(device: int, dtype: torch.dtype, width: int) -> bool:
    """Whether it gives what the blocks give, gradients too, with and without padding."""
    where = f"cuda:{device}"
    try:
        found = []
        # wherever it is first asked: in inference mode there would be no gradients to compare
        with torch.inference_mode(False), torch.enable_grad(), torch.autocast("cuda", enabled=False):
            draw = torch.Generator(device=where).manual_seed(0)
            q, k, v = (
                torch.randn((3, 2, 200, width), generator=draw, device=where).to(dtype).requires_grad_()
                for _ in range(3)
            )
            places = Places(torch.tensor([200, 117, 3], device=where), 200, True)
            for form in (_packed, _in_blocks):
                made = form(q, k, v, places, 64) * places.mask[:, None, :, None]
                grown = torch.autograd.grad(made.float().square().sum(), (q, k, v))
                found.append([made.detach(), *grown])
        worst = max(float((a.float() - b.float()).abs().max()) for a, b in zip(*found, strict=True))
    except (RuntimeError, TypeError, ValueError, NotImplementedError) as error:
        logger.info("packed attention is not used on this card: %s", str(error)[:200])
        return False
    if not worst <= CLOSE * 4:
        logger.info("packed attention is not used on this card: it differs from blocks by %.3g", worst)
        return False
    return True
