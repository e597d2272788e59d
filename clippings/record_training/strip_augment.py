"""Damage batches of strips on their device, with fresh draws in every epoch.

The kinds are those of `scan_damage`, for tensors: 0 is black and 1 is paper. Nothing here needs a gradient.
Every strip has draws of its own; the same state of the generator gives the same batch.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from clippings.errors import EncoderError

if TYPE_CHECKING:
    from torch import Generator, Tensor

HALVINGS = (0.75, 0.5)  # scales that a batch is reduced to


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """The strength of each kind of damage; 0 switches a kind off.

    The defaults make a clean render look like a poor scan. Crops that were scanned already need less, for
    example `Augmentation(strength=0.4, bleed=0.0)`.

    Args:
        strength: Multiplies all that follows; 0 leaves the strips as they are.
        degrees: Of skew.
        shift: Of a move along and across, a share of the short side.
        stretch: Shorter along the print, wider or narrower across it, by this share.
        wear: How far strokes grow thin or thick, where 1 is a whole pixel.
        blotches: Ink lost in the palest places.
        bleed: Darkness of the print that shines through, on half of the strips.
        blur: Standard deviation in pixels.
        shrink: Share of the strips that are reduced to fewer pixels and enlarged again.
        tone: How grey paper and ink become: at 1, ink up to .3 and paper down to .75.
        grain: Standard deviation of the noise.
        specks: Share of the pixels that turn black, and of those that turn white.

    Raises:
        EncoderError: A value is below 0.

    Example:
        >>> Augmentation(strength=0.5).blur
        0.9
    """

    strength: float = 1.0
    degrees: float = 1.2
    shift: float = 0.06
    stretch: float = 0.06
    wear: float = 0.8
    blotches: float = 0.6
    bleed: float = 0.2
    blur: float = 0.9
    shrink: float = 0.5
    tone: float = 1.0
    grain: float = 0.05
    specks: float = 0.0025

    def __post_init__(self) -> None:
        bad = {item.name: getattr(self, item.name) for item in fields(self)}
        bad = {name: value for name, value in bad.items() if not value >= 0}
        if bad:
            raise EncoderError(f"Settings of augmentation cannot work. Given: {bad}. Give numbers from 0.")


def augment(
    strips: Tensor,
    generator: Generator,
    settings: Augmentation = Augmentation(),
    *,
    mask: Tensor | None = None,
    vertical: bool = False,
) -> Tensor:
    """Change every strip of a batch as age and a scanner would.

    Args:
        strips: (n, 1, h, w) float from 0 (black) to 1 (paper).
        generator: Where the draws come from; best on the device of the strips.
        settings: What happens, and how much of it.
        mask: Which columns of pixels (rows, if vertical) are part of the strip, (n, w) or (n, h) bool; the
            others come back as they were given. None: all are.
        vertical: Whether the print runs from top to bottom.

    Returns:
        The same shape and type, from 0 to 1.

    Raises:
        EncoderError: Strips or mask have another shape.

    Example:
        >>> import torch
        >>> strips = torch.ones(2, 1, 32, 90)
        >>> strips[:, :, 10:20, 20:60] = 0
        >>> old = augment(strips, torch.Generator().manual_seed(0))
        >>> old.shape, bool((old[0] == old[1]).all())
        (torch.Size([2, 1, 32, 90]), False)
    """
    import torch

    valid = _valid(strips, mask, vertical)
    if not settings.strength or not strips.numel():
        return strips.clone()
    draw = _Draws(generator, strips)
    s, x = settings.strength, strips.detach().float()
    with torch.no_grad():
        if valid is not None:
            x = torch.where(valid, x, paper_of(x, valid))  # so that no edge is drawn where padding begins
        paper = paper_of(x, valid)
        turned = (s * settings.degrees, s * settings.shift, s * settings.stretch)
        x = move(x, draw, turned, paper, middle_of(x, valid))
        x = wear(x, draw, s * settings.wear)
        x = blotches(x, draw, s * settings.blotches, paper)
        x = bleed(x, draw, s * settings.bleed, paper)
        x = blur(x, draw, s * settings.blur)
        x = shrink(x, draw, s * settings.shrink)
        x = tone(x, draw, s * settings.tone)
        x = x + draw.normal(tuple(x.shape)) * draw.rows(0, s * settings.grain)
        x = specks(x, draw, s * settings.specks).clamp(0, 1).to(strips.dtype)
        return x if valid is None else torch.where(valid, x, strips)


class _Draws:
    """Random numbers for a batch, on its device, for a generator on any device."""

    def __init__(self, generator: Generator, like: Tensor) -> None:
        self.generator, self.device, self.n = generator, like.device, len(like)

    def uniform(self, shape: tuple[int, ...], low: float = 0.0, high: float = 1.0) -> Tensor:
        import torch

        drawn = torch.rand(shape, generator=self.generator, device=self.generator.device)
        return (low + (high - low) * drawn).to(self.device)

    def normal(self, shape: tuple[int, ...]) -> Tensor:
        import torch

        return torch.randn(shape, generator=self.generator, device=self.generator.device).to(self.device)

    def rows(self, low: float, high: float) -> Tensor:
        """One uniform number a strip, (n, 1, 1, 1)."""
        return self.uniform((self.n, 1, 1, 1), low, high)


def _valid(strips: Tensor, mask: Tensor | None, vertical: bool) -> Tensor | None:
    """The mask, broadcast over the strips: (n, 1, 1, w) or (n, 1, h, 1)."""
    if strips.ndim != 4 or strips.shape[1] != 1 or not strips.is_floating_point():
        raise EncoderError(
            f"Strips cannot be changed. Given: {strips.dtype}, {tuple(strips.shape)}. Give a float tensor of "
            "(n, 1, height, width)."
        )
    if mask is None:
        return None
    length = strips.shape[2] if vertical else strips.shape[3]
    if tuple(mask.shape) != (len(strips), length):
        raise EncoderError(
            f"A mask does not fit its strips. Given: {tuple(mask.shape)} for {tuple(strips.shape)}, vertical="
            f"{vertical}. Give ({len(strips)}, {length})."
        )
    return mask.bool()[:, None, :, None] if vertical else mask.bool()[:, None, None, :]


def paper_of(x: Tensor, valid: Tensor | None = None) -> Tensor:
    """The grey of each strip's paper, the mean of what is lighter than the mean, (n, 1, 1, 1); 1 if empty."""
    import torch

    weight = torch.ones_like(x) if valid is None else valid.to(x.dtype).expand_as(x)
    for _ in range(2):
        mean = (x * weight).sum((1, 2, 3), keepdim=True) / weight.sum((1, 2, 3), keepdim=True).clamp(min=1)
        weight = weight * (x >= mean - 1e-6)
    total = weight.sum((1, 2, 3), keepdim=True)
    mean = (x * weight).sum((1, 2, 3), keepdim=True) / total.clamp(min=1)
    return torch.where(total > 0, mean, torch.ones_like(mean))


def middle_of(x: Tensor, valid: Tensor | None) -> Tensor:
    """The middle of the valid part of (n, 1, h, w) as (right, below) from -1 to 1, (n, 2)."""
    middle = x.new_zeros(len(x), 2)
    if valid is not None:
        share = valid.float().mean((1, 2, 3)) - 1
        middle[:, 1 if valid.shape[2] > 1 else 0] = share
    return middle


def move(x: Tensor, draw: _Draws, most: tuple[float, float, float], paper: Tensor, middle: Tensor) -> Tensor:
    """Rotate, shift and stretch by small amounts about `middle`, (n, 2); paper comes in from outside.

    `most` are degrees, shift (a share of the short side) and stretch (a share), each at most. Along its
    length a strip becomes only shorter, so that no letter is lost at its ends.
    """
    import torch
    from torch.nn import functional

    degrees, shift, stretch = most
    if not any(most):
        return x
    high, wide = x.shape[2:]
    short = min(high, wide)
    angle = torch.deg2rad(draw.rows(-degrees, degrees))[:, 0, 0, 0]
    along, across = (1 + draw.rows(low, stretch)[:, 0, 0, 0] for low in (0.0, -stretch))
    over, down = (along, across) if wide >= high else (across, along)
    right, below = (draw.rows(-shift, shift)[:, 0, 0, 0] * short * 2 for _ in range(2))
    # affine_grid speaks of halves of the width and the height: the turn is made in pixels
    top = torch.stack([over * angle.cos(), -angle.sin() * high / wide], dim=1)
    bottom = torch.stack([angle.sin() * wide / high, down * angle.cos()], dim=1)
    turn = torch.stack([top, bottom], dim=1)  # (n, 2, 2)
    still = middle - (turn @ middle[:, :, None])[:, :, 0]
    place = still + torch.stack([right / wide, below / high], dim=1)
    grid = functional.affine_grid(
        torch.cat([turn, place[:, :, None]], dim=2), list(x.shape), align_corners=False
    )
    moved = functional.grid_sample(x - paper, grid, mode="bilinear", align_corners=False)
    return moved + paper


def wear(x: Tensor, draw: _Draws, amount: float) -> Tensor:
    """Mix each strip with one whose strokes are a pixel thinner or thicker; 1 is a whole pixel."""
    import torch
    from torch.nn import functional

    if not amount:
        return x
    padded = functional.pad(x, (0, 1, 0, 1), mode="replicate")
    thin = functional.max_pool2d(padded, 2, stride=1)
    thick = -functional.max_pool2d(-padded, 2, stride=1)
    other = torch.where(draw.rows(0, 1) < 0.5, thin, thick)
    return x + draw.rows(0, min(amount, 1.0)) * (other - x)


def blotches(x: Tensor, draw: _Draws, amount: float, paper: Tensor) -> Tensor:
    """Fade the ink in places about as large as a letter; 1 removes it."""
    from torch.nn import functional

    if not amount:
        return x
    coarse = draw.uniform((draw.n, 1, max(2, x.shape[2] // 6), max(2, x.shape[3] // 6)))
    cloud = functional.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)
    lost = ((cloud - draw.rows(0.5, 0.9)) * 3).clamp(0, 1) * min(amount, 1.0)
    return x + lost * (paper - x).clamp(min=0)


def bleed(x: Tensor, draw: _Draws, amount: float, paper: Tensor) -> Tensor:
    """Let another strip of the batch shine through half of them, mirrored and blurred."""
    import torch
    from torch.nn import functional

    if not amount:
        return x
    behind = (paper - x).clamp(min=0)[torch.argsort(draw.uniform((draw.n,)))].flip(3)
    wide = x.shape[3]
    # moved by an index, not by a number: the processor need not wait for the device
    moved = (torch.arange(wide, device=x.device) + (draw.uniform((1,)) * wide).long()) % wide
    behind = functional.avg_pool2d(behind[..., moved], 3, stride=1, padding=1)
    some = (draw.rows(0, 1) < 0.5) * draw.rows(0.4, 1)
    return torch.minimum(x, paper - behind * some * min(amount, 1.0))


def blur(x: Tensor, draw: _Draws, amount: float) -> Tensor:
    """Blur every strip by its own width, up to `amount` pixels, by a grouped convolution along each side."""
    import torch
    from torch.nn import functional

    if not amount:
        return x
    reach = max(1, min(4, round(2.5 * amount)))
    sigma = draw.rows(0, amount)[:, 0, 0, 0].clamp(min=1e-3)
    place = torch.arange(-reach, reach + 1, device=x.device, dtype=x.dtype)
    kernel = torch.softmax(-(place[None, :] ** 2) / (2 * sigma[:, None] ** 2), dim=1)
    flat = functional.pad(x.transpose(0, 1), (reach, reach, reach, reach), mode="replicate")
    flat = functional.conv2d(flat, kernel[:, None, None, :], groups=draw.n)
    flat = functional.conv2d(flat, kernel[:, None, :, None], groups=draw.n)
    # a view, not a transposition: with the strides of the latter the pooling of CUDA reads outside the tensor
    return flat.contiguous().view(x.shape)


def shrink(x: Tensor, draw: _Draws, share: float) -> Tensor:
    """Scale a share of the strips down to fewer pixels and up again."""
    import torch
    from torch.nn import functional

    if not share:
        return x
    chosen = draw.rows(0, 1)
    for step, scale in enumerate(HALVINGS):
        size = [max(1, int(side * scale)) for side in x.shape[2:]]
        low = functional.interpolate(x, size=size, mode="area")
        low = functional.interpolate(low, size=x.shape[2:], mode="bilinear", align_corners=False)
        edge = min(share, 1.0) / len(HALVINGS)
        x = torch.where((chosen >= step * edge) & (chosen < (step + 1) * edge), low, x)
    return x


def tone(x: Tensor, draw: _Draws, amount: float) -> Tensor:
    """Give ink and paper greys of their own; 0 leaves black on white."""
    ink = draw.rows(0, 0.3) * min(amount, 1.0)
    paper = 1 - draw.rows(0, 0.25) * min(amount, 1.0)
    return ink + (paper - ink) * x


def specks(x: Tensor, draw: _Draws, share: float) -> Tensor:
    """Turn a few pixels black and as many white."""
    dust = draw.uniform(tuple(x.shape))
    return x.masked_fill(dust < share, 0.0).masked_fill(dust > 1 - share, 1.0)
