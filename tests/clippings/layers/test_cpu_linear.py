"""Products with bias and bend in one give what torch gives, and stay out of the way where they must."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from clippings.layers import cpu_linear  # noqa: E402
from clippings.layers.cpu_linear import apply_linear, linear_gelu_linear  # noqa: E402
from clippings.layers.window_attention import Places  # noqa: E402
from clippings.long.layers import BasedLayer, Shape  # noqa: E402


@pytest.fixture
def layers() -> tuple:
    torch.manual_seed(0)
    return torch.nn.Linear(24, 56), torch.nn.Linear(56, 24), torch.randn(3, 700, 24)


def plain(widen, narrow, x):
    return narrow(torch.nn.functional.gelu(widen(x)))


@pytest.mark.parametrize("turned", [False, True])
def test_the_same_numbers_come_out(layers: tuple, turned: bool) -> None:
    widen, narrow, x = layers
    x = x.transpose(0, 1) if turned else x
    with torch.no_grad():
        assert torch.allclose(apply_linear(widen, x), widen(x), atol=1e-5)
        found = linear_gelu_linear(widen, narrow, x)
        assert found.shape == x.shape and torch.allclose(found, plain(widen, narrow, x), atol=1e-5)
        bare = torch.nn.Linear(24, 5, bias=False)
        assert torch.allclose(apply_linear(bare, x), bare(x), atol=1e-5)


def test_it_is_used_where_no_gradients_are_wanted_and_nowhere_else(
    layers: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    widen, narrow, x = layers
    if not cpu_linear._rightly():
        pytest.skip("this torch has no products of oneDNN")
    calls = []
    own = cpu_linear._product
    monkeypatch.setattr(cpu_linear, "_product", lambda *given: calls.append(1) or own(*given))
    with torch.no_grad():
        linear_gelu_linear(widen, narrow, x)
    assert len(calls) == 2 * 3  # 2,100 rows, 1,024 at a time
    calls.clear()
    assert linear_gelu_linear(widen, narrow, x).requires_grad and apply_linear(widen, x).requires_grad
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert apply_linear(widen, x).dtype == torch.bfloat16
    with torch.no_grad():
        assert apply_linear(widen.double(), x.double()).dtype == torch.float64
        seen = []
        narrow.register_forward_hook(lambda *given: seen.append(1))
        apply_linear(narrow, torch.randn(2, 56))
    assert not calls and seen == [1]
    own_forward = torch.nn.Linear(24, 8)
    own_forward.forward = lambda x: x + 1  # as accelerate puts one in
    with torch.no_grad():
        assert torch.equal(apply_linear(own_forward, x), x + 1)
        torch._C._set_mkldnn_enabled(False)
        try:
            apply_linear(torch.nn.Linear(24, 8), x)
        finally:
            torch._C._set_mkldnn_enabled(True)
        every = torch.nn.modules.module.register_module_forward_hook(lambda *given: seen.append(2))
        try:
            apply_linear(torch.nn.Linear(24, 8), x)
        finally:
            every.remove()
    assert not calls and seen == [1, 2]


def test_a_layer_that_is_traced_holds_what_every_torch_knows() -> None:
    layer, x = BasedLayer(Shape(48, 4, 96), "full").eval(), torch.randn(1, 20, 48)
    places = Places(torch.tensor([20]), 20, False)

    class Alone(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = layer

        def forward(self, given):
            return self.layer(given, places)

    with torch.no_grad():
        traced = torch.jit.trace(Alone(), x)
        assert torch.allclose(traced(x), layer(x, places), atol=1e-5)
    assert "mkldnn" not in str(traced.inlined_graph)


def test_the_trial_draws_from_a_generator_of_its_own() -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    cpu_linear._rightly.cache_clear()
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        known = cpu_linear._rightly()
    finally:
        torch.set_default_dtype(default)
        cpu_linear._rightly.cache_clear()
    assert known == cpu_linear._rightly() and torch.equal(before, torch.random.get_rng_state())


def test_where_torch_has_it_not_the_layer_itself_is_run(
    layers: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    widen, narrow, x = layers

    def missing(*given):
        raise AttributeError("_linear_pointwise")

    monkeypatch.setattr(cpu_linear, "_product", missing)
    cpu_linear._rightly.cache_clear()
    try:
        with torch.no_grad():
            assert torch.equal(linear_gelu_linear(widen, narrow, x), plain(widen, narrow, x))
    finally:
        cpu_linear._rightly.cache_clear()


@pytest.mark.parametrize("kind", ["full", "window", "linear", "based"])
def test_layers_give_the_same_with_and_without_gradients(kind: str) -> None:
    torch.manual_seed(0)
    layer = BasedLayer(Shape(48, 4, 96, window=8, features=8, gate=0.5), kind).eval()
    for name, weight in layer.named_parameters():
        if "near.outward" in name or "key_gate" in name:
            torch.nn.init.normal_(weight, std=0.3)
    x = torch.randn(2, 90, 48)
    for lengths in ([90, 90], [90, 17]):
        places = Places(torch.tensor(lengths), 90, min(lengths) < 90)
        wanted = layer(x, places).detach()
        with torch.no_grad():
            found = layer(x, places)
        assert torch.allclose(found[places.mask], wanted[places.mask], atol=2e-5)
