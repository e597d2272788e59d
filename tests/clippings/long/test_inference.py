"""The forward without gradients is what the plain layers are: interpreted here, compiled with `-m gpu`."""

from __future__ import annotations

import os

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("triton")

ON_CARD = torch.cuda.is_available()
if not ON_CARD and os.environ.get("TRITON_INTERPRET") != "1":
    pytest.skip("Triton's kernels need a card, or TRITON_INTERPRET=1", allow_module_level=True)

from clippings.long import inference  # noqa: E402
from clippings.long import model as based_model  # noqa: E402
from clippings.long.model import BasedBertConfig, BasedBertModel  # noqa: E402

here = pytest.mark.skipif(ON_CARD, reason="kernels are compiled")
KINDS = ["window", "based", "linear", "full"]
SMALL = {"vocab_size": 100, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 64, "window": 8}
LARGE = {"vocab_size": 100, "hidden_size": 384, "num_attention_heads": 12, "intermediate_size": 1536}
SETTINGS = [
    {},
    {"pooling": "attention"},
    {"positions": "rotary", "feature_form": "full"},
    {"full_below": 40, "own_short": True, "features": 8},
    {"full_below": 40, "mixers": ["window", "based"]},
]


def model(device: str = "cpu", size=SMALL, **settings) -> BasedBertModel:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = BasedBertModel(BasedBertConfig(**{**size, "mixers": KINDS, "position_table": 30, **settings}))
        for name, weight in made.named_parameters():
            if "gate" in name or "near.outward" in name or name.startswith("pool"):
                torch.nn.init.normal_(weight, std=0.5)  # nothing is left out by a zero
    return made.eval().to(device)


def batch(lengths, device: str = "cpu"):
    ids = torch.randint(5, 100, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(3))
    mask = (torch.arange(max(lengths))[None] < torch.tensor(lengths)[:, None]).long()
    return ids.to(device), mask.to(device)


def pooled(x, mask):
    """Records as unit vectors."""
    return torch.nn.functional.normalize((x.float() * mask[..., None]).sum(dim=1), dim=1)


@here
@pytest.mark.parametrize("rows", [inference.ROWS, 100])
@pytest.mark.parametrize("settings", SETTINGS)
def test_it_is_the_plain_forward(settings, rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float32, which the kernels take, too."""
    monkeypatch.setattr(inference, "ROWS", rows)
    made = model(**settings)
    asked = []

    def precision(layers, around):
        asked.append(len(layers))
        return torch.float32

    with torch.no_grad():
        for lengths in ([100, 51, 12, 40, 41], [64, 64], [9, 30]):
            ids, mask = batch(lengths)
            plain = made(ids, mask)[0] * mask[..., None]
            with monkeypatch.context() as patch:
                patch.setattr(based_model, "precision", precision)
                found = made(ids, mask)[0] * mask[..., None]
            assert found.dtype == torch.float32
            assert torch.allclose(found, plain, atol=2e-5)
    assert asked


@here
def test_a_far_place_is_heard_by_the_linear_branch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(based_model, "precision", lambda layers, around: torch.float16)
    ids, _ = batch([150])
    other = ids.clone()
    other[0, 140] = 7 if int(ids[0, 140]) != 7 else 8
    for kind, hears in (("window", False), ("based", True), ("linear", True)):
        made = model(mixers=[kind, kind])
        with torch.no_grad():
            change = (made(ids)[0] - made(other)[0])[0, 0].abs().max()
        assert bool(change > 0) is hears, kind


@here
def test_the_plain_forward_is_run_where_it_has_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    made = model()
    layers = list(made.layers)
    monkeypatch.setattr(inference, "_rightly", lambda *some: True)
    with torch.no_grad():
        assert inference.precision(list(made.half().layers)) is None  # not on a card
        monkeypatch.setattr(inference, "_gpu", lambda x: x.device)
        assert inference.precision(layers, [made.tokens]) is torch.float16
        assert inference.precision(layers, [torch.nn.Identity()]) is None
        handle = layers[1].mixer.register_forward_hook(lambda *some: None)
        assert inference.precision(layers) is None
        handle.remove()
        assert inference.precision(list(made.train().layers)) is None
        assert inference.precision(list(made.eval().float().layers)) is None
        shape, asked = made.layers[0].mixer.shape, []
        monkeypatch.setattr(inference, "_rightly", lambda *some: asked.append(some) or len(asked) < 4)
        assert inference.precision(list(made.half().layers)) is None  # one of them is not right
    assert asked == [(torch.device("cpu"), torch.float16, shape, kind) for kind in sorted(KINDS)]
    monkeypatch.setattr(inference, "_rightly", lambda *some: True)
    assert inference.precision(layers) is None  # gradients may be wanted


def test_full_attention_is_refused_by_a_linear_layer() -> None:
    device, dtype = ("cuda", torch.float16) if ON_CARD else ("cpu", torch.float32)
    made = model(device, mixers=["linear"])
    places = inference.Places(torch.tensor([5], device=device), 5, False)
    x = torch.zeros(1, 5, 32, device=device, dtype=dtype)
    with torch.no_grad(), pytest.raises(ValueError, match="no full attention"):
        inference.encoded(list(made.layers), x, places, True)


@pytest.mark.gpu
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_on_a_card_vectors_are_those_of_float32(settings, size, dtype) -> None:
    made = model("cuda", size, **settings)
    lengths = [3000, 1510, 12, 40, 41, 700]
    ids, mask = batch(lengths, "cuda")
    with torch.no_grad():
        plain = pooled(made(ids, mask)[0], mask)
        with torch.autocast("cuda", dtype):
            assert inference.precision(list(made.layers)) == dtype
            whole = made(ids, mask)[0]
            assert whole.dtype == torch.float32
            found = pooled(whole, mask)
            alike = torch.nn.functional.cosine_similarity(found, plain, dim=1)
            assert float(alike.min()) > 0.999, alike.tolist()
            for row, length in enumerate(lengths):  # padded is alone
                alone = made(ids[row : row + 1, :length])[0]
                own = pooled(alone, mask[row : row + 1, :length])
                assert float((own - found[row]).abs().max()) < 1e-2
        made = made.to(dtype)  # without autocast
        assert inference.precision(list(made.layers)) == dtype
        found = pooled(made(ids, mask)[0], mask)
        assert float(torch.nn.functional.cosine_similarity(found, plain, dim=1).min()) > 0.999


@pytest.mark.gpu
def test_changed_weights_are_heard_at_once() -> None:
    made = model("cuda")
    ids, mask = batch([90, 30], "cuda")
    with torch.no_grad(), torch.autocast("cuda", torch.bfloat16):
        before = made(ids, mask)[0]
        made.layers[0].widen.weight.data.mul_(-1)
        assert float((made(ids, mask)[0] - before).abs().max()) > 0.05


@pytest.mark.parametrize("device, dtype", [
    pytest.param("cpu", torch.float32, marks=here),
    pytest.param("cuda", torch.float16, marks=pytest.mark.gpu),
    pytest.param("cuda", torch.bfloat16, marks=pytest.mark.gpu),
])  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_wrong_on_a_card_is_not_used(
    kind: str, device: str, dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape, where = model().layers[0].mixer.shape, torch.empty(0, device=device).device
    drawn = torch.random.get_rng_state()
    right = inference._rightly.__wrapped__  # what it says is kept
    with torch.inference_mode():
        assert right(where, dtype, shape, kind)
        assert torch.equal(drawn, torch.random.get_rng_state())
        linear = inference._linear
        monkeypatch.setattr(inference, "_linear", lambda x, layer: -linear(x, layer))
        assert not right(where, dtype, shape, kind)
        monkeypatch.setattr(inference, "_linear", lambda x, layer: 1 / 0)
        assert not right(where, dtype, shape, kind)
