"""Linear attention by Triton's kernels is what it is defined as: interpreted here, compiled with `-m gpu`."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("triton")

ON_CARD = torch.cuda.is_available()
if not ON_CARD and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton's kernels need a card, or TRITON_INTERPRET=1", allow_module_level=True)

from clippings.layers import fused_linear_attention as module  # noqa: E402
from clippings.layers import linear_attention as plain_module  # noqa: E402
from clippings.layers.fused_linear_attention import fused_linear_attention  # noqa: E402
from clippings.layers.linear_attention import fuses, linear_attention, linear_attention_plain  # noqa: E402

SIZES = [(1, 16, 32), (777, 16, 32), (130, 5, 7), (300, 8, 24), (200, 24, 64), (65, 32, 48)]
# the interpreter has no products of bfloat16
ON = [
    pytest.param("cpu", torch.float32, marks=pytest.mark.skipif(ON_CARD, reason="kernels are compiled")),
    pytest.param("cpu", torch.float16, marks=pytest.mark.skipif(ON_CARD, reason="kernels are compiled")),
    pytest.param("cuda", torch.float16, marks=pytest.mark.gpu),
    pytest.param("cuda", torch.bfloat16, marks=pytest.mark.gpu),
]
CLOSE = {torch.float32: 2e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}


def drawn(t: int, f: int, d: int, device: str, dtype, n: int = 2, heads: int = 3):
    """Queries, keys and values that lie in one matrix, as a product leaves them, and weights."""
    draw = torch.Generator().manual_seed(t)
    cut = torch.randn((n, t, heads * (2 * f + d) + 5), generator=draw)
    weight = 0.5 + 0.5 * torch.rand((n, t, heads), generator=draw)
    weight[:, t // 2 + 1 :: 3] = 0
    q, k, v, _ = cut.to(device, dtype).split([heads * f, heads * f, heads * d, 5], dim=-1)
    return *(part.unflatten(-1, (heads, -1)) for part in (0.5 * q, 0.5 * k, v)), weight.to(device)


def wanted(q, k, v, weight=None):
    rows = [part.double().transpose(1, 2) for part in (q, k, v)]
    along = None if weight is None else weight.double().transpose(1, 2)
    return linear_attention_plain(*rows, along).transpose(1, 2)


@pytest.fixture(autouse=True)
def several_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 256)


@pytest.mark.parametrize("device, dtype", ON)
@pytest.mark.parametrize("t, f, d", SIZES)
def test_fused_is_plain(t: int, f: int, d: int, device: str, dtype) -> None:
    q, k, v, weight = drawn(t, f, d, device, dtype)
    for given in (weight, None):
        found = fused_linear_attention(q, k, v, given)
        assert found.dtype == dtype and found.shape == v.shape
        assert float((found.double() - wanted(q, k, v, given)).abs().max()) < CLOSE[dtype]


@pytest.mark.parametrize("device, dtype", ON)
def test_read_by_strides_gated_and_added(device: str, dtype) -> None:
    q, k, v, weight = drawn(200, 16, 32, device, dtype)
    width = 2 * q.shape[-1] + v.shape[-1]
    whole = torch.zeros(2, 200, 3 * width + 5, device=device, dtype=dtype)  # all in one, heads side by side
    views = whole[..., : 3 * width].split([48, 48, 96], dim=-1)
    for view, part in zip(views, (q, k, v), strict=True):
        view.copy_(part.flatten(2))
    heads = [view.unflatten(-1, (3, -1)) for view in views]
    assert not heads[0].is_contiguous()
    gate = torch.tensor([0.5, -1.0, 0.0], device=device)
    into = torch.full((2, 200, 3, 32), 2.0, device=device, dtype=dtype)
    found = fused_linear_attention(*heads, weight[:, :, :1], gate=gate, into=into)
    assert found is into and bool((into[:, :, 2] == 2).all())
    far = wanted(q, k, v, weight[:, :, :1])
    assert float((into.double() - 2 - gate.double()[:, None] * far).abs().max()) < 2 * CLOSE[dtype]
    turned = [
        part.transpose(2, 3).contiguous().transpose(2, 3) for part in (q, k, v)
    ]  # no dense last dimension
    far = wanted(q, k, v)
    assert float((fused_linear_attention(*turned).double() - far).abs().max()) < CLOSE[dtype]


@pytest.mark.parametrize("device, dtype", ON)
def test_padded_is_alone_and_no_keys_are_zeros(device: str, dtype) -> None:
    q, k, v, weight = drawn(300, 16, 32, device, dtype)
    alone = fused_linear_attention(q, k, v, weight)
    # the padding is anything but zeros: it must not count, whatever it holds
    longer = [
        torch.cat([part, 3 * torch.randn(2, 477, 3, part.shape[-1]).to(part)], dim=1) for part in (q, k, v)
    ]
    no_weight = torch.cat([weight, torch.zeros(2, 477, 3, device=device)], dim=1)
    padded = fused_linear_attention(*longer, no_weight)[:, :300]
    assert float((padded - alone).double().abs().max()) < CLOSE[dtype] / 2
    no_weight[1] = 0
    made = fused_linear_attention(*longer, no_weight)
    assert bool(made[0].any()) and not made[1].any() and bool(torch.isfinite(made).all())
    for n, t in ((0, 10), (2, 0)):
        assert fused_linear_attention(*(part[:n, :t] for part in (q, k, v))).shape == (n, t, 3, 32)


@pytest.mark.parametrize("device, dtype", ON)
def test_a_key_among_thousands_is_not_lost(device: str, dtype) -> None:
    t = 15001  # bfloat16 knows 14976 and 15040
    q, k = torch.zeros(2, 1, t, 1, 16, device=device, dtype=dtype).unbind()
    v = torch.zeros(1, t, 1, 16, device=device, dtype=dtype)
    k[:, 5], q[:, -1], v[:, 5] = 4.0, 4.0, 1.0
    s = 16 * 16 / 4.0
    share = (1 + s + s * s / 2) / (1 + s + s * s / 2 + t - 1)
    into = torch.zeros(1, t, 1, 16, device=device)  # bfloat16 could not say it
    found = float(fused_linear_attention(q, k, v, into=into)[0, -1, 0, 0])
    assert abs(found - share) < 1e-4 * share


def test_heads_that_are_too_wide_are_refused() -> None:
    device = "cuda" if ON_CARD else "cpu"
    for f, d in ((33, 16), (16, 65)):
        with pytest.raises(ValueError, match=r"Given: (33|16) and (16|65)"):
            fused_linear_attention(*drawn(3, f, d, device, torch.float16)[:3])


@pytest.mark.parametrize("device, dtype", ON)
def test_it_is_used_where_no_gradients_are_wanted(
    device: str, dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    q, k, v, weight = (part.transpose(1, 2) for part in drawn(300, 16, 32, device, dtype))
    assert fuses(q, k, v) is (device == "cuda")
    assert not fuses(q.clone().requires_grad_(), k, v)
    if device == "cpu":
        monkeypatch.setattr(plain_module, "fuses", lambda *some: True)
    fused, asked = module.fused_linear_attention, []
    monkeypatch.setattr(
        module, "fused_linear_attention", lambda *some: asked.append(len(some)) or fused(*some)
    )
    found = linear_attention(q, k, v, weight[:, :1])
    assert asked == [4] and found.shape == v.shape
    wanted = linear_attention_plain(*(part.double() for part in (q, k, v, weight[:, :1])))
    assert float((found - wanted).abs().max()) < CLOSE[dtype]


@pytest.mark.parametrize("device, dtype", ON)
def test_what_is_wrong_on_a_card_is_not_used(device: str, dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    right = plain_module._fuses_rightly.__wrapped__  # what it says is kept
    where = torch.empty(0, device=device).device
    assert right(where, dtype, 16, 32) and not right(where, dtype, 33, 32)
    fused = module.fused_linear_attention
    for wrong in (
        lambda q, k, v, weight, gate, into: fused(q, k, v, weight, gate=-gate, into=into),
        lambda q, k, v, weight, gate, into: fused(q, k, v, None, gate=gate, into=into),
        lambda *some, **more: 1 / 0,
    ):
        monkeypatch.setattr(module, "fused_linear_attention", wrong)
        assert not right(where, dtype, 16, 32)
