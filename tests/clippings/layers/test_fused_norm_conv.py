"""Passes between products are what torch does in several: interpreted here, compiled with `-m gpu`."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

ON_CARD = torch.cuda.is_available()
if not ON_CARD and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton's kernels need a card, or TRITON_INTERPRET=1", allow_module_level=True)

from clippings.layers.fused_norm_conv import add_norm, convolved  # noqa: E402
from clippings.layers.window_attention import Places  # noqa: E402
from clippings.long.layers import GatedConvolution  # noqa: E402

ON = [
    pytest.param("cpu", torch.float32, marks=pytest.mark.skipif(ON_CARD, reason="kernels are compiled")),
    pytest.param("cpu", torch.bfloat16, marks=pytest.mark.skipif(ON_CARD, reason="kernels are compiled")),
    pytest.param("cuda", torch.float16, marks=pytest.mark.gpu),
    pytest.param("cuda", torch.bfloat16, marks=pytest.mark.gpu),
]
CLOSE = {torch.float32: 1e-5, torch.float16: 8e-3, torch.bfloat16: 6e-2}
# of a number, at most; the interpreter cuts bfloat16 off where a card rounds it
ROUNDED = {torch.float32: 1e-5, torch.float16: 2**-10, torch.bfloat16: 2**-7}


@pytest.mark.parametrize("device, dtype", ON)
@pytest.mark.parametrize("rows, width", [(1, 16), (7, 48), (130, 384), (0, 16)])
def test_sums_are_normalised(rows: int, width: int, device: str, dtype) -> None:
    draw = torch.Generator().manual_seed(rows)
    x, y = (3 * torch.randn((2, rows, width), generator=draw) + 1).to(device, dtype).unbind()
    norm = torch.nn.LayerNorm(width, eps=1e-12, device=device)
    for part in (norm.weight, norm.bias):
        part.data.copy_(torch.randn(width, generator=draw))
    with torch.no_grad():
        found, full = add_norm(x, y, norm), add_norm(x, y, norm, torch.float32)
        wanted = norm(x.float() + y.float())
        assert found.dtype == dtype and found.shape == (rows, width) and full.dtype == torch.float32
        assert torch.allclose(found.float(), wanted, atol=1e-5, rtol=ROUNDED[dtype])
        assert torch.allclose(full, wanted, atol=1e-5)
        period = 3  # places start again
        again = y[:period].repeat(rows // period + 1, 1)[:rows]
        if rows >= period:
            found = add_norm(x, y[:period].contiguous(), norm, torch.float32)
            assert torch.allclose(found, norm(x.float() + again.float()), atol=1e-5)


@pytest.mark.parametrize("device, dtype", ON)
@pytest.mark.parametrize("lengths, t, width", [([50, 33, 1, 0], 50, 48), ([17, 17], 17, 384), ([1], 1, 16)])
def test_neighbours_are_convolved(lengths, t: int, width: int, device: str, dtype) -> None:
    inner, places = width // 4, Places(torch.tensor(lengths, device=device), t, min(lengths) < t)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        near = GatedConvolution(width).to(device)
        torch.nn.init.normal_(near.along)
        wide = torch.randn(len(lengths) * t, 2 * inner + 3).to(device, dtype)  # rows lie apart
        outward = torch.randn(width, inner, device=device)
    both = wide[:, : 2 * inner]
    with torch.no_grad():
        found = convolved(both, near.along, places.lengths, t)
        assert found.dtype == dtype and found.shape == (len(lengths) * t, inner)
        near.inward = torch.nn.Identity()  # the layer itself, given what its first map would give
        near.outward.weight.copy_(outward)
        wanted = near(both.float().view(len(lengths), t, -1), places).flatten(0, 1)
        # what stands at padding says nothing
        keep = places.mask.flatten()[:, None]
        near_enough = torch.allclose(
            (found.float() @ outward.T) * keep, wanted * keep, atol=20 * CLOSE[dtype], rtol=1e-2
        )
    assert near_enough
