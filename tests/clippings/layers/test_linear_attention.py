"""Linear attention is what it is defined as: values, gradients, padding, direction, both forms of the map."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from clippings.layers import linear_attention as module  # noqa: E402
from clippings.layers.linear_attention import (  # noqa: E402
    feature_count,
    linear_attention,
    linear_attention_plain,
    taylor_features,
)

SIZES = [(1, 16, 32), (65, 16, 32), (777, 16, 32), (130, 5, 7), (300, 24, 64)]  # places, features, width


def drawn(t: int, f: int, d: int, n: int = 2, heads: int = 3):
    draw = torch.Generator().manual_seed(t)
    q, k = (0.5 * torch.randn((2, n, heads, t, f), generator=draw)).unbind()
    v = torch.randn((n, heads, t, d), generator=draw)
    weight = 0.5 + 0.5 * torch.rand((n, heads, t), generator=draw)
    weight[:, :, t // 2 + 1 :: 3] = 0
    return q, k, v, weight


def with_gradients(function, parts):
    parts = [part.clone().requires_grad_() for part in parts]
    made = function(*parts)
    wave = 0.3 * torch.sin(torch.arange(made.numel(), dtype=torch.float32)).view_as(made)
    (made.float() * wave).sum().backward()
    return [made.detach(), *(part.grad for part in parts)]


@pytest.mark.parametrize("form", ["symmetric", "full"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("t, f, d", SIZES)
def test_fast_is_plain(form: str, causal: bool, t: int, f: int, d: int, monkeypatch) -> None:
    monkeypatch.setitem(module.AT_ONCE, "cpu", 2**16)  # several pieces
    parts = drawn(t, f, d)
    fast = with_gradients(lambda *p: linear_attention(*p, causal=causal, form=form), parts)
    plain = with_gradients(lambda *p: linear_attention_plain(*p, causal=causal), [p.double() for p in parts])
    for a, b in zip(fast, plain, strict=True):
        assert torch.allclose(a.double(), b, rtol=1e-4, atol=1e-5), float((a - b).abs().max())


def test_half_precision_is_near() -> None:
    q, k, v, weight = drawn(777, 16, 32)
    q, k, v = (part.bfloat16() for part in (q, k, v))
    fast = with_gradients(lambda *p: linear_attention(*p, weight), (q, k, v))
    plain = with_gradients(
        lambda *p: linear_attention_plain(*p, weight.double()), [p.double() for p in (q, k, v)]
    )
    assert fast[0].dtype == torch.bfloat16
    for a, b in zip(fast, plain, strict=True):
        assert float((a.double() - b).abs().max()) < 1e-2 * max(1.0, float(b.abs().max()))


def test_a_key_among_thousands_is_not_lost_in_half_precision() -> None:
    t = 15001  # bfloat16 knows 14976 and 15040
    q, k = torch.zeros(2, 1, 1, t, 16).unbind()
    v = torch.zeros(1, 1, t, 8)
    k[..., 5, :], q[..., -1, :], v[..., 5, :] = 4.0, 4.0, 1.0
    s = 16 * 16 / 4.0
    share = (1 + s + s * s / 2) / (1 + s + s * s / 2 + t - 1)
    found = linear_attention(q.bfloat16(), k.bfloat16(), v)[0, 0, -1, 0]
    assert abs(float(found) - share) < 5e-4 * share


@pytest.mark.parametrize("form, width", [("symmetric", 153), ("full", 273)])
def test_products_of_features_are_the_polynomial(form: str, width: int) -> None:
    q, k = torch.randn(2, 16, 40, generator=torch.Generator().manual_seed(1)).double().unbind()
    s = q.T @ k / 4
    features = [taylor_features(part, form) for part in (q, k)]
    assert features[0].shape == (width, 40) == (feature_count(16, form), 40)
    assert torch.allclose(features[0].T @ features[1], 1 + s + s * s / 2, atol=1e-12)


def test_both_forms_are_one() -> None:
    parts = drawn(200, 16, 32)
    a, b = (
        with_gradients(lambda *p, form=form: linear_attention(*p, form=form), parts)
        for form in ("symmetric", "full")
    )
    for one, other in zip(a, b, strict=True):
        assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("causal", [False, True])
def test_padded_is_alone(causal: bool) -> None:
    q, k, v, weight = drawn(300, 16, 32)
    weight = weight.clamp_min(0.1)
    alone = linear_attention(q, k, v, weight, causal=causal)
    # the padding is anything but zeros: it must not count, whatever it holds
    longer = [torch.cat([part, 3 * torch.randn(2, 3, 477, part.shape[-1])], dim=2) for part in (q, k, v)]
    no_weight = torch.cat([weight, torch.zeros(2, 3, 477)], dim=2)
    padded = linear_attention(*longer, no_weight, causal=causal)
    assert torch.allclose(padded[:, :, :300], alone, atol=2e-6)


def test_padding_of_zeros_is_not_a_key() -> None:
    q, k, v, _ = drawn(300, 16, 32)
    zeros = [torch.cat([part, torch.zeros(2, 3, 477, part.shape[-1])], dim=2) for part in (q, k, v)]
    mask = (torch.arange(777) < 300).float().expand(2, 1, 777)
    assert torch.allclose(linear_attention(*zeros, mask)[:, :, :300], linear_attention(q, k, v), atol=2e-6)
    assert not torch.allclose(linear_attention(*zeros)[:, :, :300], linear_attention(q, k, v), atol=1e-2)


@pytest.mark.parametrize("t", [1, 129, 500])
def test_the_last_place_sees_all_in_either_direction(t: int) -> None:
    parts = drawn(t, 16, 32)
    weight = parts[3].clamp_min(0.1)
    both, before = (linear_attention(*parts[:3], weight, causal=causal) for causal in (False, True))
    assert torch.allclose(both[:, :, -1], before[:, :, -1], atol=2e-6)


def test_a_record_without_keys_is_zeros() -> None:
    q, k, v, weight = drawn(20, 4, 4)
    made = with_gradients(linear_attention, (q, k, v, torch.zeros_like(weight)))
    assert all(torch.isfinite(part).all() for part in made) and not made[0].any()


def test_an_unknown_form_is_refused() -> None:
    with pytest.raises(ValueError, match="half"):
        taylor_features(torch.zeros(4, 3), "half")
