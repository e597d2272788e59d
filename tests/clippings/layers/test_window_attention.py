"""Window attention in blocks is the whole square with far places struck out, and padding has no say."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from clippings.layers import window_attention as module  # noqa: E402
from clippings.layers.window_attention import Places, attend, attend_plain  # noqa: E402


def drawn(n: int, t: int, d: int = 8, heads: int = 2):
    draw = torch.Generator().manual_seed(t)
    return torch.randn((3, n, heads, t, d), generator=draw).unbind()


@pytest.mark.parametrize("reach", [1, 8, 64, 100, None])
@pytest.mark.parametrize("t", [1, 63, 64, 65, 200, 333])
def test_blocks_are_the_square(reach: int | None, t: int) -> None:
    lengths = torch.tensor([t, max(1, t // 2), max(1, t - 1)])
    places = Places(lengths, t, t > 1)
    found = []
    for form in (attend, attend_plain):
        q, k, v = (part.clone().requires_grad_() for part in drawn(3, t))
        made = form(q, k, v, places, reach) * places.mask[:, None, :, None]
        made.square().sum().backward()
        found.append([made.detach(), q.grad, k.grad, v.grad])
    for a, b in zip(*found, strict=True):
        assert torch.allclose(a, b, atol=1e-5)


def test_padded_is_alone() -> None:
    q, k, v = drawn(1, 300)
    alone = attend(q, k, v, Places(torch.tensor([300]), 300, False), 32)
    longer = [torch.cat([part, torch.randn(1, 2, 477, 8)], dim=2) for part in (q, k, v)]
    padded = attend(*longer, Places(torch.tensor([300]), 777, True), 32)
    assert torch.allclose(padded[:, :, :300], alone, atol=1e-6)


def test_far_places_are_not_seen() -> None:
    q, k, v = drawn(1, 400)
    places = Places(torch.tensor([400]), 400, False)
    before = attend(q, k, v, places, 16)
    v = v.clone()
    v[:, :, 200] += 5
    changed = (attend(q, k, v, places, 16) - before).abs().amax(dim=(0, 1, 3)) > 1e-6
    assert changed.nonzero().flatten().tolist() == list(range(184, 217))


def test_packed_is_given_each_padding_as_a_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The packed form, with a stand-in for the kernel that knows sequences and windows."""

    def varlen(q, k, v, ends, _, longest, __, window_size):
        out = torch.zeros_like(q)
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
            if end > start:
                rows = [part[start:end].transpose(0, 1)[None] for part in (q, k, v)]
                own = Places(torch.tensor([end - start]), end - start, False)
                reach = None if window_size == (-1, -1) else window_size[0]
                out[start:end] = attend_plain(*rows, own, reach)[0].transpose(0, 1)
        assert longest >= int((ends[1:] - ends[:-1]).max())
        return out

    monkeypatch.setattr(module, "_varlen", lambda: varlen)
    places = Places(torch.tensor([150, 71, 1]), 150, True)
    q, k, v = drawn(3, 150)
    for reach in (16, None):
        packed = module._packed(q, k, v, places, reach)
        plain = attend_plain(q, k, v, places, reach)
        keep = places.mask[:, None, :, None]
        assert torch.allclose(packed * keep, plain * keep, atol=1e-5)
